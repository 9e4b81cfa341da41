//! `corso backup list`

use repo_format::log::{ManifestRow, SnapshotState};

use super::items::Items;
use super::{ONEDRIVE, choose};
use crate::args::BackupListArgs;
use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::Message;
use crate::report::backup::{BackupLine, table};
use crate::report::summary::{CountSummary, Summary};

/// Lists backups, oldest first, and of each the items that are asked for.
pub fn run(session: &Session, args: &BackupListArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let mut rows = choose::all(&repository, ONEDRIVE)?;
    rows.retain(|row| choose::is_of(row, &args.users));
    rows.retain(|row| args.all || row.state != SnapshotState::Checkpoint);
    let lines: Vec<BackupLine> = rows.iter().map(line).collect();
    let text = if lines.is_empty() { "No backups.".to_owned() } else { table(&lines) };
    session.output.text_only(text)?;
    for (row, line) in rows.iter().zip(lines) {
        session.output.json_only(&Message::Backup(line))?;
        Items { session, repository: &repository, id: row.id }.show(args)?;
    }
    let count = rows.len() as u64;
    session.output.json_only(&Message::Summary(Summary::BackupList(CountSummary { count })))?;
    Ok(Code::Done)
}

fn line(row: &ManifestRow) -> BackupLine {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let resource = row.source.resource.as_deref();
    BackupLine {
        line: row.into(),
        user: owned(choose::user_name(row)),
        user_id: owned(choose::user_id(row)),
        resource: resource.map(|id| String::from_utf8_lossy(id).into_owned()),
    }
}
