//! `corso snapshot list`

use repo_format::log::{ManifestRow, SnapshotState};

use crate::args::ListArgs;
use crate::cmd::session::Session;
use crate::cmd::source::Wanted;
use crate::exit::Code;
use crate::report::Message;
use crate::report::snapshot::{SnapshotLine, table};
use crate::report::summary::{CountSummary, Summary};

/// Lists snapshots, oldest first.
pub fn run(session: &Session, args: &ListArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let rows = if args.forgotten { repository.forgotten_snapshots()? } else { repository.snapshots()? };
    let source = args.source.as_ref().map(|text| Wanted::of(&repository, text)).transpose()?;
    let wanted = rows
        .iter()
        .filter(|row| is_wanted(row, args) && source.as_ref().is_none_or(|source| source.is_of(row)));
    let lines: Vec<SnapshotLine> = wanted.map(SnapshotLine::from).collect();
    for line in &lines {
        session.output.json_only(&Message::Snapshot(line.clone()))?;
    }
    let count = lines.len() as u64;
    let text = if lines.is_empty() { "No snapshots.".to_owned() } else { table(&lines) };
    session.output.result(&Message::Summary(Summary::List(CountSummary { count })), text)?;
    Ok(Code::Done)
}

fn is_wanted(row: &ManifestRow, args: &ListArgs) -> bool {
    let tagged = |(name, value): &(String, String)| row.tags.get(name) == Some(value);
    (args.all || row.state != SnapshotState::Checkpoint) && args.tags.iter().all(tagged)
}
