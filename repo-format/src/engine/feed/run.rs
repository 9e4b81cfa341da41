//! One run of a feed.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::codec::{ContentId, ManifestId};
use crate::content::{ContentError, ContentWriter, ReadContent};
use crate::engine::progress::{ItemEvent, Progress, Stop};
use crate::engine::publish::{Publisher, Taken};
use crate::engine::source::{ItemError, ItemReader};
use crate::engine::store::{Broken, PENDING_MAX, Storing, Stream};
use crate::engine::upload::{BackupError, BackupOptions, BackupReport};
use crate::log::SnapshotState;
use crate::map::MapStore;
use crate::object::ObjectRef;
use crate::repository::Repository;
use crate::snapshot::{Manifest, Part, Statistics, read_by_path};
use crate::system::{self, Mutex};
use crate::tree::Entry;

/// Failures that a report keeps.
const REPORTED_MAX: usize = 10_000;

/// A run: what it is based on, and where what it stores goes.
pub struct FeedRun<'r> {
    repository: &'r Repository,
    storing: Storing<'r>,
    options: &'r BackupOptions,
    publisher: Mutex<Publisher<'r>>,
    base: Option<(ManifestId, Manifest)>,
    begun: Instant,
    due: Mutex<Instant>,
}

/// What a run has come to; all of it is committed at once.
#[derive(Debug, Clone)]
pub struct FeedState {
    /// The root folder with its tree.
    pub root: Entry,
    /// Roots of the ledger's layers.
    pub ledger: Vec<ContentId>,
    /// Where the feed goes on.
    pub cursor: Vec<u8>,
    /// Items that failed or were skipped, by path.
    pub failures: BTreeMap<Vec<u8>, ItemError>,
    /// What the run counted; new contents and stored bytes are filled in.
    pub statistics: Statistics,
}

/// A stream that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    pub object: ObjectRef,
    /// Bytes that were read.
    pub read: u64,
}

/// Why a stream was not stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The item's fault; the run goes on without it.
    #[error("{0}")]
    Item(ItemError),
    /// The run was told to stop.
    #[error("the run was told to stop")]
    Stopped,
    /// Nothing more can be stored.
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl From<Broken> for StoreError {
    fn from(broken: Broken) -> StoreError {
        match broken {
            Broken::Item(error) => StoreError::Item(error),
            Broken::Stopped => StoreError::Stopped,
            Broken::Fatal(error) => StoreError::Content(error),
        }
    }
}

impl<'r> FeedRun<'r> {
    /// Looks for what to go on from: the newest checkpoint of the source, if it is newer than the
    /// newest finished snapshot, else that (SNAP-3).
    ///
    /// # Errors
    /// [`BackupError`] if the snapshots cannot be listed. A base that cannot be read is none.
    pub fn begin(
        repository: &'r Repository,
        writer: &'r ContentWriter,
        options: &'r BackupOptions,
        progress: &'r Progress,
        stop: &'r Stop,
    ) -> Result<FeedRun<'r>, BackupError> {
        let publisher = Publisher::begin(repository, writer, options)?;
        let base = publisher.bases().first().cloned();
        let begun = system::now();
        let storing = Storing::new(repository, writer, progress, stop);
        if let Some(parts) = base.as_ref().and_then(|(_, manifest)| manifest.parts) {
            // Who cannot read what was begun begins anew.
            let begun = read_by_path::<Part>(repository.contents(), &parts);
            match begun.and_then(|parts| parts.collect::<Result<Vec<_>, _>>()) {
                Ok(parts) => {
                    storing.parts.inherit(parts.into_iter().map(|(path, part)| (path.to_vec(), part)))
                }
                Err(error) => tracing::warn!(%error, "what is stored of large files cannot be read"),
            }
        }
        Ok(FeedRun {
            repository,
            storing,
            options,
            publisher: Mutex::new(publisher),
            base,
            begun,
            due: Mutex::new(begun + options.checkpoint_interval),
        })
    }

    /// The snapshot that the run goes on from: its tree, ledger and cursor.
    pub fn base(&self) -> Option<&Manifest> {
        self.base.as_ref().map(|(_, manifest)| manifest)
    }

    /// Reads contents that were committed.
    pub fn contents(&self) -> &'r dyn ReadContent {
        self.repository.contents()
    }

    /// Where maps are stored.
    pub fn map_store(&self) -> MapStore<'r> {
        self.repository.map_store(self.storing.writer)
    }

    /// What an earlier run stored of the file at `path`, until this run stores it: to go on behind it.
    pub fn part(&self, path: &[u8]) -> Option<Part> {
        self.storing.parts.inherited(path).filter(|part| self.is_alive(part.object))
    }

    /// Stores what `reader` gives, behind what `begun` has of it; call its `finish` afterwards. From any
    /// thread; blocks.
    ///
    /// `listed` and `path` describe a large file that a checkpoint meets in the making. `buffer` is
    /// for the thread to keep.
    ///
    /// # Errors
    /// [`StoreError`] tells the item's fault from the run's.
    pub fn store(
        &self,
        reader: &mut dyn ItemReader,
        listed: &Entry,
        path: &[u8],
        begun: Option<&Part>,
        buffer: &mut Vec<u8>,
    ) -> Result<Stored, StoreError> {
        let mut read = 0;
        let object = self.storing.store(reader, Stream { listed, path, begun }, buffer, &mut read)?;
        Ok(Stored { object, read })
    }

    /// Whether a stored object can be relied on; if not, its item is to be stored again.
    pub fn is_alive(&self, object: ObjectRef) -> bool {
        self.storing.is_alive(object)
    }

    /// Whether nothing of the repository is known to be lost: then every object can be relied on.
    pub fn is_whole(&self) -> bool {
        self.storing.usable.is_whole()
    }

    /// Whether somebody wants the run to end.
    pub fn is_stopped(&self) -> bool {
        self.storing.is_stopped()
    }

    /// Makes all threads of the run end, for a reason that the caller has.
    pub fn give_up(&self) {
        self.storing.failed.request();
    }

    /// Tells of an item that failed or was skipped, at once; [`FeedState::failures`] has it later.
    pub fn report(&self, path: &[u8], error: &ItemError) {
        self.storing.progress.report(ItemEvent { path: path.to_vec(), error: error.clone() });
    }

    /// Counts items that are dealt with, and bytes of theirs that need not be stored.
    pub fn count(&self, items: u64, reused_bytes: u64) {
        self.storing.progress.done(items, reused_bytes);
    }

    /// Whether nothing of the run is ever committed.
    pub fn is_dry(&self) -> bool {
        self.options.writer.dry_run
    }

    /// Whether to stop at the first item that fails.
    pub fn is_fail_fast(&self) -> bool {
        self.options.fail_fast
    }

    /// Whether a checkpoint is due: by the clock, or because too much waits for a commit.
    pub fn is_due(&self) -> bool {
        let written = self.storing.writer.written();
        self.storing.progress.bytes_stored.store(written.stored_bytes, Ordering::Relaxed);
        system::now() >= *self.due.lock() || self.storing.writer.pending_count() >= PENDING_MAX
    }

    /// Whether large files in the making have more than the last checkpoint says.
    pub fn has_grown(&self) -> bool {
        self.storing.parts.have_grown()
    }

    /// Commits the state as a checkpoint. What it names can be read from then on, save in a dry run,
    /// which commits nothing and gives `None`.
    ///
    /// # Errors
    /// [`BackupError`] if something cannot be stored or the commit is refused.
    pub fn checkpoint(&self, state: &FeedState) -> Result<Option<ManifestId>, BackupError> {
        let id = self.publish(state, SnapshotState::Checkpoint)?;
        if id.is_some() {
            self.storing.progress.checkpoints.fetch_add(1, Ordering::Relaxed);
        }
        *self.due.lock() = system::now() + self.options.checkpoint_interval;
        Ok(id)
    }

    /// Commits the snapshot, or one more checkpoint if the run was interrupted.
    ///
    /// # Errors
    /// [`BackupError`] if something cannot be stored or the commit is refused.
    pub fn finish(&self, state: &FeedState, interrupted: bool) -> Result<BackupReport, BackupError> {
        let kind = match (interrupted, state.statistics.failed) {
            (true, _) => SnapshotState::Checkpoint,
            (false, 0) => SnapshotState::Complete,
            (false, _) => SnapshotState::Partial,
        };
        let id = self.publish(state, kind)?;
        let publisher = self.publisher.lock();
        let failures = state.failures.iter().take(REPORTED_MAX);
        Ok(BackupReport {
            id,
            state: kind,
            statistics: publisher.statistics(state.statistics),
            failures: failures
                .map(|(path, error)| ItemEvent { path: path.clone(), error: error.clone() })
                .collect(),
            bases: publisher.base_ids(),
            interrupted,
            checkpoints: publisher.checkpoints,
            duration: system::since(self.begun),
        })
    }

    fn publish(&self, state: &FeedState, kind: SnapshotState) -> Result<Option<ManifestId>, BackupError> {
        let taken = Taken {
            root: state.root.clone(),
            failures: &state.failures,
            statistics: state.statistics,
            ledger: state.ledger.clone(),
            cursor: Some(state.cursor.clone()),
        };
        self.publisher.lock().publish(taken, &self.storing.parts, kind)
    }
}
