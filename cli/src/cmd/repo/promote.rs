//! `corso repo promote`

use repo_format::sync::{self, Gap};

use crate::args::PromoteArgs;
use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::Message;
use crate::report::repository::Finding;
use crate::report::summary::Summary;
use crate::report::sync::PromoteSummary;

/// Makes a copy a repository of its own.
///
/// The code is 30 if something is missing and it was promoted all the same.
pub fn run(session: &Session, args: PromoteArgs) -> anyhow::Result<Code> {
    session.refuse_at("a copy is promoted as it is")?;
    let location = session.target()?.location;
    let repository = session.open()?;
    let target = session.storage(&location, false)?;
    let gaps = sync::promote(&repository, &target, args.force)?;
    if let Err(error) = target.fill_reserve() {
        session.output.warn(format!("no room is kept for maintenance on a full disk: {error}"));
    }
    for gap in &gaps {
        let finding = described(gap);
        let text = finding.to_string();
        session.output.result(&Message::Finding(finding), text)?;
    }
    let summary = PromoteSummary {
        repository_id: repository.id().to_string(),
        location: location.to_string(),
        revision: repository.state().revision,
        missing: gaps.len() as u64,
    };
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::RepoPromote(summary)), text)?;
    Ok(if gaps.is_empty() { Code::Done } else { Code::Damage })
}

fn described(gap: &Gap) -> Finding {
    let kind = if gap.blob.is_some() { "missing" } else { "structure" };
    Finding::damage(gap.blob.as_ref().map(ToString::to_string), kind, &gap.what)
}
