//! `corso backup details`

use repo_format::engine::steps::{Step, Steps};

use super::{ONEDRIVE, choose};
use crate::args::BackupDetailsArgs;
use crate::cmd::session::Session;
use crate::exit::{CliError, Code};
use crate::report::summary::{CountSummary, Summary};
use crate::report::{Item, Message};

/// Lists what is meant of a backup, folders before what is in them.
pub fn run(session: &Session, args: &BackupDetailsArgs) -> anyhow::Result<Code> {
    let selector = args.items.selector()?;
    let repository = session.open()?;
    let row = choose::one(&repository, ONEDRIVE, &args.backup)?;
    let root = repository.manifest(&row.id)?.root;
    let id = row.id.to_string();
    let mut count = 0;
    for step in Steps::new(repository.contents(), &selector, Vec::new(), root) {
        if session.stop.is_requested() {
            return Err(CliError::Interrupted.into());
        }
        let (path, key, entry) = match step {
            Step::Enter { path, key: Some(key), entry, wanted: true }
            | Step::Item { path, key, entry }
            | Step::Absent { path, key, entry, .. } => (path, key, entry),
            Step::Failed { error, .. } => return Err(error.into()),
            Step::Enter { .. } | Step::Leave { .. } => continue,
        };
        count += 1;
        let item = Item::new(id.clone(), &path, &entry).with_id(&key.discriminator);
        let text = if args.long { item.brief().to_string() } else { item.to_string() };
        session.output.result(&Message::Entry(item), text)?;
    }
    if count == 0 && !selector.is_everything() {
        return Err(CliError::NothingMatched { what: "the selection".into() }.into());
    }
    session.output.json_only(&Message::Summary(Summary::BackupDetails(CountSummary { count })))?;
    Ok(Code::Done)
}
