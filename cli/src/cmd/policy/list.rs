//! `corso policy list`

use repo_format::policy::Policies;

use super::text::Names;
use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::Message;
use crate::report::policy::PolicyLine;
use crate::report::summary::{CountSummary, Summary};

/// Lists the policies that are set, the widest scopes first.
pub fn run(session: &Session) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let policies: Policies = repository.policies()?;
    for name in policies.unknown() {
        session.output.warn(format!("the policy {name:?} holds for nothing that this release knows"));
    }
    let names = Names::of(&repository)?;
    let mut count = 0;
    for (scope, policy) in policies.iter() {
        let line = PolicyLine { scope: names.scope(scope), policy: policy.into() };
        session.output.result(&Message::Policy(line.clone()), line)?;
        count += 1;
    }
    if count == 0 {
        session.output.text_only("No policies.")?;
    }
    session.output.json_only(&Message::Summary(Summary::PolicyList(CountSummary { count })))?;
    Ok(Code::Done)
}
