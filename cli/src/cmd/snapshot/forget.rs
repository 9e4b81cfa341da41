//! `corso snapshot forget`

use repo_format::codec::ManifestId;

use crate::args::ForgetArgs;
use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::Message;
use crate::report::summary::{ForgetSummary, Summary};

/// Forgets snapshots: all of those named, or none.
pub fn run(session: &Session, args: &ForgetArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let mut ids: Vec<ManifestId> = Vec::new();
    for text in &args.ids {
        let id = repository.resolve(text)?.id;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let revision = if args.dry_run { None } else { Some(repository.forget(&ids)?) };
    let forgotten = ids.iter().map(ToString::to_string).collect();
    let summary = ForgetSummary { forgotten, dry_run: args.dry_run, revision };
    session.output.result(&Message::Summary(Summary::Forget(summary.clone())), summary)?;
    Ok(Code::Done)
}
