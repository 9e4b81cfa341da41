//! The uploader: a source becomes a snapshot.
//!
//! One thread lists folders; one walks through the listings and sends *steps* in order; several read, cut
//! and store files; the caller's thread takes the steps in order, waits for the files among them, and
//! builds the trees. Everything in between is bounded: listings, steps, jobs, frames and packs under way.
//! Checkpoints happen on the caller's thread, between two steps.

mod assemble;
mod bases;
mod file;
mod listing;
mod promise;
mod unchanged;
mod walk;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use self::assemble::{Assembly, Waited};
use self::bases::{BaseFolders, BaseRoot};
use self::file::{Outcome, upload};
use self::listing::{PIECES_AHEAD, list_all};
use self::walk::{Job, Step, walk};
use super::again::again_if_outdated;
use super::parts::Parts;
use super::progress::{ItemEvent, Progress, Stop};
use super::publish::{Publisher, Taken};
use super::source::{ItemError, Source};
use super::store::{PENDING_MAX, Storing};
use crate::codec::ManifestId;
use crate::content::{ContentError, WriterOptions};
use crate::log::{SnapshotState, SourceInfo};
use crate::map::MapError;
use crate::repository::{Repository, RepositoryError};
use crate::snapshot::{Manifest, SnapshotError, Statistics};
use crate::system::{self, Receiver, bounded};
use crate::tree::TreeError;

/// Steps that the walk may be ahead of the assembly.
const STEPS_AHEAD: usize = 4096;
/// Files that wait for a thread.
const JOBS_AHEAD: usize = 64;

/// How a backup runs.
#[derive(Debug, Clone)]
pub struct BackupOptions {
    /// What the snapshot is of; earlier snapshots of an equal source are its bases.
    pub source: SourceInfo,
    /// Names and values.
    pub tags: BTreeMap<String, String>,
    /// Time between checkpoints.
    pub checkpoint_interval: Duration,
    /// Threads that read and store files.
    pub threads: usize,
    /// Stop at the first item that fails, keeping a checkpoint.
    pub fail_fast: bool,
    /// Read everything, whatever earlier snapshots say.
    pub ignore_bases: bool,
    /// How contents are stored. With `dry_run` nothing is written.
    pub writer: WriterOptions,
}

/// What a backup came to.
#[derive(Debug, Clone)]
pub struct BackupReport {
    /// The snapshot; `None` after a dry run.
    pub id: Option<ManifestId>,
    pub state: SnapshotState,
    pub statistics: Statistics,
    /// Items that failed or were skipped, by path; at most 10,000.
    pub failures: Vec<ItemEvent>,
    /// The snapshots it was based on, the best first.
    pub bases: Vec<ManifestId>,
    /// Told to stop before the end: the snapshot is a checkpoint.
    pub interrupted: bool,
    pub checkpoints: u64,
    pub duration: Duration,
}

/// Why a backup did not end with a snapshot. What was stored before is not lost: checkpoints stay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The source's root could not be read at all.
    #[error("cannot read the source: {0}")]
    Source(ItemError),
    #[error(transparent)]
    Content(Arc<ContentError>),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Map(#[from] MapError),
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

/// What all threads of a run share.
pub(super) struct Run<'run, S: Source> {
    source: &'run S,
    storing: Storing<'run>,
}

type Failure = ItemError;

/// Why the assembly ended early.
enum Fatal {
    Stopped,
    Error(BackupError),
}

impl<E: Into<BackupError>> From<E> for Fatal {
    fn from(error: E) -> Fatal {
        Fatal::Error(error.into())
    }
}

impl From<ContentError> for BackupError {
    fn from(error: ContentError) -> BackupError {
        BackupError::Content(Arc::new(error))
    }
}

impl BackupError {
    /// Whether a run that begins anew, from what the repository holds now, may succeed.
    pub fn is_outdated(&self) -> bool {
        match self {
            BackupError::Repository(error) => error.is_outdated(),
            BackupError::Content(error) => error.is_outdated(),
            BackupError::Tree(TreeError::Content(error))
            | BackupError::Map(MapError::Content(error))
            | BackupError::Snapshot(SnapshotError::Content(error)) => error.is_outdated(),
            _ => false,
        }
    }
}

/// Backs `source` up into `repository` and commits the snapshot.
///
/// Where maintenance reclaimed what the run relied on, it reads the source again. Asked to `stop`,
/// it commits a checkpoint and returns it as interrupted.
///
/// # Errors
/// [`BackupError`]. Items that cannot be read are no error: they are in the report and make the
/// snapshot partial.
pub fn backup<S: Source>(
    repository: &Repository,
    source: &S,
    options: &BackupOptions,
    progress: &Progress,
    stop: &Stop,
) -> Result<BackupReport, BackupError> {
    again_if_outdated(progress, stop, BackupError::is_outdated, || {
        attempt(repository, source, options, progress, stop)
    })
}

fn attempt<S: Source>(
    repository: &Repository,
    source: &S,
    options: &BackupOptions,
    progress: &Progress,
    stop: &Stop,
) -> Result<BackupReport, BackupError> {
    let begun = system::now();
    let (root_entry, root) = source.root().map_err(BackupError::Source)?;
    let writer = repository.writer(options.writer.clone())?;
    let mut publisher = Publisher::begin(repository, &writer, options)?;
    let roots = base_roots(&publisher);
    let run = Run { source, storing: Storing::new(repository, &writer, progress, stop) };
    let mut assembly = Assembly::new(repository.map_store(&writer), progress, root_entry);
    let ended = drive(&run, root, &roots, options, &mut assembly, &mut publisher);
    let interrupted = match ended {
        Ok(()) => false,
        Err(Fatal::Stopped) => true,
        Err(Fatal::Error(error)) => return Err(error),
    };
    let state = match (interrupted, assembly.statistics.failed) {
        (true, _) => SnapshotState::Checkpoint,
        (false, 0) => SnapshotState::Complete,
        (false, _) => SnapshotState::Partial,
    };
    let id = publish(&mut publisher, &assembly, &run.storing.parts, state)?;
    let failures = std::mem::take(&mut assembly.failures).into_iter().take(10_000);
    Ok(BackupReport {
        id,
        state,
        statistics: publisher.statistics(assembly.statistics),
        failures: failures.map(|(path, error)| ItemEvent { path, error }).collect(),
        bases: publisher.base_ids(),
        interrupted,
        checkpoints: publisher.checkpoints,
        duration: system::since(begun),
    })
}

/// Runs walk and workers beside the assembly until all is taken, or something ends it early.
fn drive<'run, S: Source>(
    run: &Run<'run, S>,
    root: S::Handle,
    roots: &[BaseRoot],
    options: &BackupOptions,
    assembly: &mut Assembly<'run>,
    publisher: &mut Publisher<'run>,
) -> Result<(), Fatal> {
    let (step_sender, steps) = bounded(STEPS_AHEAD);
    let (job_sender, jobs) = bounded::<Job<S::Handle>>(JOBS_AHEAD);
    let (piece_sender, pieces) = bounded(PIECES_AHEAD);
    let bases = BaseFolders::open(run.storing.reader, roots.iter().copied());
    system::scope(|scope| {
        for _ in 0..options.threads.max(1) {
            let jobs = jobs.clone();
            scope.spawn(move || work(run, &jobs));
        }
        drop(jobs);
        // One that ends early lets the walk end early, which is asked below.
        scope.spawn(move || list_all(run, root, &piece_sender).ok());
        let walker = scope.spawn(move || walk(run, bases, &pieces, &step_sender, &job_sender).is_ok());
        let taken = take_steps(run, &steps, options, assembly, publisher);
        if taken.is_err() {
            run.storing.failed.request();
        }
        // Whoever waits to send now learns that nobody listens.
        drop(steps);
        let walked = walker.join().expect("the walk does not panic");
        match taken {
            Ok(()) if !walked => Err(Fatal::Stopped),
            other => other,
        }
    })
}

fn work<S: Source>(run: &Run<'_, S>, jobs: &Receiver<Job<S::Handle>>) {
    let mut buffer = Vec::new();
    for Job { handle, entry, path, outcome } in jobs {
        if run.storing.is_stopped() {
            outcome.set(Outcome::Stopped);
            continue;
        }
        outcome.set(upload(run, &handle, &entry, &path, &mut buffer));
    }
}

fn take_steps<'run, S: Source>(
    run: &Run<'run, S>,
    steps: &Receiver<Step>,
    options: &BackupOptions,
    assembly: &mut Assembly<'run>,
    publisher: &mut Publisher<'run>,
) -> Result<(), Fatal> {
    let mut due = system::now() + options.checkpoint_interval;
    let mut waiting: Option<Step> = None;
    let storing = &run.storing;
    let mut checkpointed = storing.writer.written();
    loop {
        if storing.stop.is_requested() {
            return Err(Fatal::Stopped);
        }
        let written = storing.writer.written();
        storing.progress.bytes_stored.store(written.stored_bytes, Ordering::Relaxed);
        if system::now() >= due || storing.writer.pending_count() >= PENDING_MAX {
            // A source that says nothing for long leaves nothing to commit.
            if written.new_contents > checkpointed.new_contents {
                publish(publisher, assembly, &storing.parts, SnapshotState::Checkpoint)?;
                storing.progress.checkpoints.fetch_add(1, Ordering::Relaxed);
            }
            checkpointed = storing.writer.written();
            due = system::now() + options.checkpoint_interval;
        }
        // Wakes up now and then to look at the clock and at the wish to stop.
        let deadline = due.min(system::now() + Duration::from_millis(200));
        let step = match waiting.take() {
            Some(step) => step,
            None => match steps.recv_deadline(deadline) {
                Ok(step) => step,
                Err(error) if error.is_timeout() => continue,
                Err(_) => return Ok(()),
            },
        };
        if let Waited::Late(step) = assembly.take(step, deadline)? {
            waiting = Some(*step);
        }
        if options.fail_fast && assembly.statistics.failed > 0 {
            return Err(Fatal::Stopped);
        }
    }
}

/// The bases' root folders.
fn base_roots(publisher: &Publisher<'_>) -> Vec<BaseRoot> {
    let root = |(base, manifest): (usize, &Manifest)| BaseRoot {
        base,
        tree: manifest.tree(),
        begun_ns: manifest.start_ns,
    };
    publisher.bases().iter().map(|(_, manifest)| manifest).enumerate().map(root).collect()
}

/// Commits the assembly as it stands.
fn publish(
    publisher: &mut Publisher<'_>,
    assembly: &Assembly<'_>,
    parts: &Parts<'_>,
    state: SnapshotState,
) -> Result<Option<ManifestId>, BackupError> {
    let taken = Taken {
        root: assembly.root_so_far()?,
        failures: &assembly.failures,
        statistics: assembly.statistics,
        ledger: Vec::new(),
        cursor: None,
    };
    publisher.publish(taken, parts, state)
}

/// Appends a name to a path.
fn join(path: &mut Vec<u8>, name: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
}
