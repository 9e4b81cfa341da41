//! `corso policy remove`

use super::text::Names;
use crate::args::PolicyRemoveArgs;
use crate::cmd::session::Session;
use crate::exit::{CliError, Code};
use crate::report::Message;
use crate::report::policy::PolicySummary;
use crate::report::summary::Summary;

/// Removes a policy whole.
pub fn run(session: &Session, args: &PolicyRemoveArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let scope = super::scope(&repository, args.scope.source.as_deref(), args.scope.service.as_deref())?;
    let text = Names::of(&repository)?.scope(&scope);
    let Some(revision) = repository.remove_policy(&scope)? else {
        return Err(CliError::NothingMatched { what: format!("a policy for {text}") }.into());
    };
    let summary = PolicySummary { scope: text, policy: None, revision };
    session.output.result(&Message::Summary(Summary::PolicyRemove(summary.clone())), summary)?;
    Ok(Code::Done)
}
