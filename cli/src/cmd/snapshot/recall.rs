//! `corso snapshot recall`

use repo_format::codec::ManifestId;

use crate::args::RecallArgs;
use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::Message;
use crate::report::policy::RecallSummary;
use crate::report::summary::Summary;

/// Brings forgotten snapshots back: all of those named, or none.
pub fn run(session: &Session, args: &RecallArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let mut ids: Vec<ManifestId> = Vec::new();
    for text in &args.ids {
        let id = repository.resolve_forgotten(text)?.id;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let done = repository.recall(&ids)?;
    session.pass_warnings(&repository);
    let recalled = ids.iter().map(ToString::to_string).collect();
    let summary = RecallSummary { recalled, walked: done.walked, revision: done.revision };
    session.output.result(&Message::Summary(Summary::Recall(summary.clone())), summary)?;
    Ok(Code::Done)
}
