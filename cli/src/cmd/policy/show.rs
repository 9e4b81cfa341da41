//! `corso policy show`

use std::collections::BTreeMap;

use repo_format::policy::{Field, ScopeKind};

use super::text::{Names, kind_name};
use crate::args::PolicyShowArgs;
use crate::cmd::session::Session;
use crate::cmd::source;
use crate::exit::Code;
use crate::report::Message;
use crate::report::policy::{PolicyLine, PolicyShowSummary};
use crate::report::summary::Summary;

/// Shows what holds somewhere, and which policy says so.
pub fn run(session: &Session, args: &PolicyShowArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let scope = super::scope(&repository, args.source.as_deref(), args.service.as_deref())?;
    let mut effective = repository.effective_policy(&scope)?;
    // Patterns are for folders; what does not hold is not shown.
    if scope.service().is_some_and(|service| service != source::FOLDER) {
        effective.policy.excludes = None;
        effective.from.remove(&Field::Excludes);
    }
    let names = Names::of(&repository)?;
    let summary = PolicyShowSummary {
        line: PolicyLine { scope: names.scope(&scope), policy: (&effective.policy).into() },
        from: effective.from.iter().map(|(field, kind)| from(*field, *kind)).collect::<BTreeMap<_, _>>(),
        keeps_all: !effective.policy.has_keep_rule(),
    };
    session.output.result(&Message::Summary(Summary::PolicyShow(Box::new(summary.clone()))), summary)?;
    Ok(Code::Done)
}

fn from(field: Field, kind: ScopeKind) -> (String, String) {
    let name = match field {
        Field::KeepLast => "keep_last",
        Field::KeepHourly => "keep_hourly",
        Field::KeepDaily => "keep_daily",
        Field::KeepWeekly => "keep_weekly",
        Field::KeepMonthly => "keep_monthly",
        Field::KeepYearly => "keep_yearly",
        Field::KeepWithin => "keep_within_seconds",
        Field::KeepTags => "keep_tags",
        Field::Compression => "compression",
        Field::Excludes => "exclude",
    };
    (name.to_owned(), kind_name(kind).to_owned())
}
