//! Restoring: a snapshot, or a part of one, into a [`Sink`].
//!
//! The tree is walked in order. Files are gathered into batches of bounded size; each batch is
//! planned by pack, so that neighbouring frames come in one request and each is decoded once,
//! however many pieces need it. Reading, decoding and writing run in parallel; a folder is left
//! when all inside it has ended.
//!
//! Memory is bounded by the threads, one read each, and by the pieces of three batches, whatever bytes
//! they stand for; only groups of hard links add to it.

mod batch;
mod cat;
mod errors;
mod execute;
mod fetch;
mod file;
mod in_order;
mod plan;
mod report;
mod stream;
mod walk;

use std::sync::atomic::Ordering;
use std::thread;

pub use cat::cat;
pub use errors::{RestoreError, is_outage, lost, not_stored};
pub use in_order::{Broken, InOrder};
pub use report::{ItemWarning, RestoreReport};
pub use stream::{Flow, stream};

use self::execute::execute;
use self::fetch::Fetch;
use self::report::Tally;
use self::walk::Walk;
use super::progress::{Progress, Stop};
use super::select::{Everything, Selection};
use super::sink::Sink;
use crate::codec::{ContentId, ManifestId};
use crate::content::ContentError;
use crate::repository::Repository;
use crate::snapshot::Manifest;
use crate::storage::Storage;
use crate::system::{self, bounded};
use crate::tree::{Entry, EntryKind, TreeError, TreeKey, find};

/// How a restore runs.
#[derive(Debug, Clone)]
pub struct RestoreOptions {
    /// Threads that fetch, decode and write; they spend much of their time waiting for the storage.
    pub threads: usize,
    pub limits: Limits,
}

/// What bounds batches and reads.
#[derive(Debug, Clone)]
pub struct Limits {
    /// What a batch holds in memory: a piece counts one, a file, link or folder five more. A frame that
    /// two batches want is read twice.
    pub batch_weight: usize,
    /// Bytes of a pack that one request asks for; a single frame may exceed it.
    pub read_bytes: u64,
    /// Bytes between two frames that are rather read than asked around.
    pub read_gap: u64,
}

/// Reads at once behind a network, and requests that each of them is worth.
const REMOTE_READS: usize = 8;

impl Default for Limits {
    fn default() -> Limits {
        Limits { batch_weight: 98_304, read_bytes: 4 << 20, read_gap: 64 << 10 }
    }
}

impl Default for RestoreOptions {
    fn default() -> RestoreOptions {
        let processors = thread::available_parallelism().map_or(2, usize::from);
        RestoreOptions { threads: (2 * processors).clamp(4, 32), limits: Limits::default() }
    }
}

impl RestoreOptions {
    /// What suits a storage: behind a network larger reads, more of them at once, and fewer around what
    /// is not wanted.
    pub fn for_storage(storage: &Storage) -> RestoreOptions {
        let near = RestoreOptions::default();
        let request = storage.request_bytes();
        RestoreOptions {
            threads: if storage.is_near() { near.threads } else { near.threads.max(REMOTE_READS) },
            limits: Limits {
                read_bytes: near.limits.read_bytes.max(REMOTE_READS as u64 * request),
                read_gap: request,
                ..near.limits
            },
        }
    }
}

/// What all of a run share.
pub(super) struct Run<'r, K: Sink> {
    fetch: Fetch<'r>,
    sink: &'r K,
    selection: &'r dyn Selection,
    /// Root of the snapshot's failures, and the path where the walk begins in it.
    failures: Option<ContentId>,
    begin: &'r [Vec<u8>],
    threads: usize,
    limits: &'r Limits,
    progress: &'r Progress,
    tally: Tally<'r>,
    stop: &'r Stop,
    /// Set when the storage cannot be reached.
    failed: Stop,
}

impl<K: Sink> Run<'_, K> {
    fn is_halted(&self) -> bool {
        self.stop.is_requested() || self.failed.is_requested()
    }

    fn halt(&self) {
        self.failed.request();
    }
}

/// Why a run ends before its end.
enum Halt {
    /// Told to, or the other side ended.
    Stopped,
    Outage(ContentError),
}

impl Halt {
    fn unreachable(error: TreeError) -> Halt {
        match error {
            TreeError::Content(error) => Halt::Outage(error),
            other => Halt::Outage(ContentError::Storage(Box::new(other))),
        }
    }
}

/// Restores what snapshot `id` has at `path` into `sink`.
///
/// Of a folder, and of the whole snapshot with an empty path, the contents go right into the target,
/// whose metadata becomes the folder's. Anything else goes into the target under its own name.
///
/// An entry that cannot be restored is reported, and the rest goes on. A content that is damaged in
/// one pack is taken from another that has it. Told to stop, it gives up the files that are open and
/// returns the report so far as interrupted.
///
/// # Errors
/// If the manifest or the path cannot be read, or the storage cannot be reached any more.
pub fn restore<K: Sink>(
    repository: &Repository,
    id: &ManifestId,
    path: &[Vec<u8>],
    sink: &K,
    options: &RestoreOptions,
    progress: &Progress,
    stop: &Stop,
) -> Result<RestoreReport, RestoreError> {
    let (manifest, entry) = resolve(repository, id, path)?;
    let below = match (&entry.kind, path.last()) {
        (EntryKind::Folder(_), _) | (_, None) => Vec::new(),
        (_, Some(name)) => vec![name.clone()],
    };
    progress.items_total.store(entry.items + 1, Ordering::Relaxed);
    progress.bytes_total.store(entry.size, Ordering::Relaxed);
    let begin = Begin { failures: manifest.failures, from: path, below, entry };
    restore_entry(repository, begin, &Everything, sink, options, progress, stop)
}

/// Restores what `selection` wants of snapshot `id` into `sink`, as [`restore`] does.
///
/// The target is entered in any case. Totals of the progress stay as they are: only the caller can
/// know how much is wanted.
///
/// # Errors
/// As [`restore`].
pub fn restore_selected<K: Sink>(
    repository: &Repository,
    id: &ManifestId,
    selection: &dyn Selection,
    sink: &K,
    options: &RestoreOptions,
    progress: &Progress,
    stop: &Stop,
) -> Result<RestoreReport, RestoreError> {
    let manifest = repository.manifest(id)?;
    let begin = Begin { failures: manifest.failures, from: &[], below: Vec::new(), entry: manifest.root };
    restore_entry(repository, begin, selection, sink, options, progress, stop)
}

/// Where a restore begins, in the snapshot and at the target.
struct Begin<'p> {
    failures: Option<ContentId>,
    from: &'p [Vec<u8>],
    below: Vec<Vec<u8>>,
    entry: Entry,
}

fn restore_entry<K: Sink>(
    repository: &Repository,
    begin: Begin<'_>,
    selection: &dyn Selection,
    sink: &K,
    options: &RestoreOptions,
    progress: &Progress,
    stop: &Stop,
) -> Result<RestoreReport, RestoreError> {
    let begun = system::now();
    let run = Run {
        fetch: Fetch::new(repository),
        sink,
        selection,
        failures: begin.failures,
        begin: begin.from,
        threads: options.threads.max(1),
        limits: &options.limits,
        progress,
        tally: Tally::new(progress),
        stop,
        failed: Stop::default(),
    };
    let ended = drive(&run, begin.below, begin.entry);
    let mut report = run.tally.into_report();
    report.interrupted = match ended {
        Ok(()) => false,
        Err(Halt::Stopped) => true,
        Err(Halt::Outage(error)) => return Err(RestoreError::Content(error)),
    };
    report.duration = system::since(begun);
    Ok(report)
}

/// Runs the walk one batch ahead of those who carry batches out.
fn drive<K: Sink>(run: &Run<'_, K>, path: Vec<Vec<u8>>, entry: Entry) -> Result<(), Halt> {
    let (sender, batches) = bounded(1);
    system::scope(|scope| {
        let walker = scope.spawn(move || {
            let mut send = |batch| sender.send(batch).map_err(|_| Halt::Stopped);
            Walk::new(run, &mut send).all(path, entry)
        });
        // A file that goes on in the batch that comes next.
        let mut open = None;
        let mut ended = Ok(());
        for batch in &batches {
            open = batch.jobs.last().cloned().or(open);
            ended = execute(run, batch);
            if ended.is_err() {
                break;
            }
        }
        // Whoever waits to send learns that nobody listens.
        drop(batches);
        let walked = walker.join().expect("the walk does not panic");
        if let Some(file) = open {
            file.abandon(run);
        }
        // A walk that was cut off says less than what cut it off.
        match (ended, walked) {
            (Ok(()), walked) => walked,
            (Err(Halt::Stopped), Err(Halt::Outage(error))) => Err(Halt::Outage(error)),
            (ended, _) => ended,
        }
    })
}

/// A snapshot's manifest, and the entry at a path of it.
fn resolve(
    repository: &Repository,
    id: &ManifestId,
    path: &[Vec<u8>],
) -> Result<(Manifest, Entry), RestoreError> {
    let manifest = repository.manifest(id)?;
    if path.is_empty() {
        let root = manifest.root.clone();
        return Ok((manifest, root));
    }
    let mut found: Vec<(Vec<TreeKey>, Entry)> = find(repository.contents(), &manifest.tree(), &slices(path))?;
    match found.len() {
        1 => Ok((manifest, found.remove(0).1)),
        0 => Err(RestoreError::NoSuchPath { path: shown(path) }),
        count => Err(RestoreError::Ambiguous { path: shown(path), count }),
    }
}

fn slices(names: &[Vec<u8>]) -> Vec<&[u8]> {
    names.iter().map(Vec::as_slice).collect()
}

/// A path for messages.
fn shown(path: &[Vec<u8>]) -> String {
    String::from_utf8_lossy(&path.join(&b'/')).into_owned()
}
