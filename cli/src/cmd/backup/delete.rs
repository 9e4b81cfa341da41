//! `corso backup delete`

use repo_format::codec::ManifestId;

use super::{ONEDRIVE, choose};
use crate::args::BackupDeleteArgs;
use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::Message;
use crate::report::summary::{ForgetSummary, Summary};

/// Forgets backups: all of those named, or none.
pub fn run(session: &Session, args: &BackupDeleteArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let rows = choose::several(&repository, ONEDRIVE, &args.backups)?;
    let ids: Vec<ManifestId> = rows.iter().map(|row| row.id).collect();
    let revision = if args.dry_run { None } else { Some(repository.forget(&ids)?) };
    let forgotten = ids.iter().map(ToString::to_string).collect();
    let summary = ForgetSummary { forgotten, dry_run: args.dry_run, revision, kept: None };
    session.output.result(&Message::Summary(Summary::BackupDelete(summary.clone())), summary)?;
    session.note_recall(revision);
    Ok(Code::Done)
}
