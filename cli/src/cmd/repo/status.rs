//! `corso repo status`

use repo_format::codec::SplitterSizes;
use repo_format::log::SnapshotState;

use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::Message;
use crate::report::repository::{SplitterText, StatusSummary};
use crate::report::summary::Summary;

/// Says what the repository is and holds.
pub fn run(session: &Session) -> anyhow::Result<Code> {
    let target = session.target()?;
    let repository = session.open()?;
    let snapshots = repository.snapshots()?;
    let checkpoints = snapshots.iter().filter(|row| row.state == SnapshotState::Checkpoint).count() as u64;
    let state = repository.state();
    let summary = StatusSummary {
        repository_id: repository.id().to_string(),
        name: target.known.map(|(name, _)| name),
        read_only_copy: repository.is_copy(),
        location: repository.blobs().storage().location().to_string(),
        format_version: repo_format::codec::FORMAT_VERSION.into(),
        revision: state.revision,
        snapshots: snapshots.len() as u64 - checkpoints,
        checkpoints,
        bytes_in_snapshots: snapshots.iter().map(|row| row.size).sum(),
        bytes_stored: snapshots.iter().map(|row| row.bytes_stored).sum(),
        key_slots: state.slots.len() as u64,
        splitter: splitter(repository.splitter().sizes()),
    };
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::RepoStatus(summary)), text)?;
    Ok(Code::Done)
}

fn splitter(sizes: SplitterSizes) -> SplitterText {
    SplitterText {
        size_min: sizes.least.into(),
        size_average: sizes.average.into(),
        size_max: sizes.greatest.into(),
    }
}
