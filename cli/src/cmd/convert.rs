//! From the libraries' types to those of the reports.

use std::sync::atomic::Ordering;

use folder::Overwrite;
use repo_format::engine::progress::{ItemEvent, Progress};
use repo_format::log::{ManifestRow, SnapshotState, SourceInfo};
use repo_format::snapshot::{Manifest, Statistics};

use crate::args::OverwriteArg;
use crate::progress::Watched;
use crate::report::message::{ItemFailure, Status};
use crate::report::snapshot::{self, ShowSummary, SnapshotLine, SourceText, State, Tag};
use crate::report::{PathText, Time};

impl From<&ManifestRow> for SnapshotLine {
    fn from(row: &ManifestRow) -> SnapshotLine {
        let tags = row.tags.iter();
        SnapshotLine {
            id: row.id.to_string(),
            state: row.state.into(),
            source: (&row.source).into(),
            start: Time(row.start_ns),
            end: Time(row.end_ns),
            tags: tags.map(|(name, value)| Tag { name: name.clone(), value: value.clone() }).collect(),
            items: row.items,
            size: row.size,
            failed: row.failed,
            skipped: row.skipped,
            bytes_stored: row.bytes_stored,
            revision: row.revision,
            forgotten_in: row.forgotten,
        }
    }
}

impl From<OverwriteArg> for Overwrite {
    fn from(chosen: OverwriteArg) -> Overwrite {
        match chosen {
            OverwriteArg::Never => Overwrite::Never,
            OverwriteArg::IfNewer => Overwrite::IfNewer,
            OverwriteArg::Always => Overwrite::Always,
        }
    }
}

impl From<SnapshotState> for State {
    fn from(state: SnapshotState) -> State {
        match state {
            SnapshotState::Complete => State::Complete,
            SnapshotState::Partial => State::Partial,
            SnapshotState::Checkpoint => State::Checkpoint,
        }
    }
}

impl From<&SourceInfo> for SourceText {
    fn from(source: &SourceInfo) -> SourceText {
        SourceText {
            service: source.service.clone(),
            host: source.host.clone(),
            user: source.user.clone(),
            paths: source.paths.iter().map(|path| PathText::new(path)).collect(),
        }
    }
}

impl From<Statistics> for snapshot::Statistics {
    fn from(counted: Statistics) -> snapshot::Statistics {
        snapshot::Statistics {
            files: counted.files,
            folders: counted.folders,
            others: counted.others,
            bytes: counted.bytes,
            files_new: counted.new_files,
            files_changed: counted.changed_files,
            files_unchanged: counted.unchanged_files,
            failed: counted.failed,
            skipped: counted.skipped,
            bytes_read: counted.bytes_read,
            bytes_added: counted.new_content_bytes,
            bytes_stored: counted.bytes_stored,
            contents_added: counted.new_contents,
        }
    }
}

/// All that is known of a snapshot.
pub fn show(row: &ManifestRow, manifest: &Manifest) -> ShowSummary {
    ShowSummary {
        line: row.into(),
        run_id: manifest.run.to_string(),
        based_on: manifest.based_on.iter().map(ToString::to_string).collect(),
        statistics: manifest.statistics.into(),
    }
}

impl From<ItemEvent> for ItemFailure {
    fn from(event: ItemEvent) -> ItemFailure {
        ItemFailure {
            snapshot_id: None,
            user: None,
            path: PathText::new(&event.path),
            cause: event.error.cause.name().to_owned(),
            is_failure: event.error.cause.is_failure(),
            message: event.error.message,
            attempts: event.error.attempts,
        }
    }
}

impl Watched for Progress {
    fn status(&self) -> Status {
        let known = |number: u64| (number > 0).then_some(number);
        Status {
            items_done: self.items_done.load(Ordering::Relaxed),
            items_total: known(self.items_total.load(Ordering::Relaxed)),
            bytes_done: self.bytes_done.load(Ordering::Relaxed),
            bytes_total: known(self.bytes_total.load(Ordering::Relaxed)),
            bytes_stored: self.bytes_stored.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
            checkpoints: self.checkpoints.load(Ordering::Relaxed),
            current: self.current().map(|path| PathText::new(&path)),
            ..Status::default()
        }
    }

    fn take_failures(&self) -> Vec<ItemFailure> {
        self.take_events().into_iter().map(ItemFailure::from).collect()
    }
}
