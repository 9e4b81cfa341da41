//! Setting a restore up, and what its threads share.

use std::future::Future;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use repo_format::codec::{ContentId, ManifestId};
use repo_format::engine::progress::{Progress, Stop};
use repo_format::repository::Repository;
use repo_format::tree::Entry;
use tokio::runtime::Handle;

use super::error::{DriveRestoreError, Trouble};
use super::file::Job;
use super::journal::replay::Past;
use super::journal::{Journal, Record};
use super::key::Key;
use super::place::Place;
use super::report::DriveRestoreReport;
use super::select::{Candidate, Choice};
use super::tally::Tally;
use super::target::RestoreTarget;
use super::walk::Walk;
use crate::error::GraphError;
use crate::graph::Graph;

/// How long a wait for the network may keep a thread from seeing that the run is to end.
const LOOK_UP: Duration = Duration::from_millis(100);

/// What is restored.
#[derive(Clone, Copy)]
pub struct RestoreFrom<'f> {
    pub repository: &'f Repository,
    pub snapshot: &'f ManifestId,
    /// Asked once for each entry, folders before what is in them; not for what is in a pruned one.
    pub select: &'f dyn Fn(&Candidate<'_>) -> Choice,
}

/// What all of a run share.
pub(super) struct Run<'r> {
    pub graph: &'r Graph,
    pub repository: &'r Repository,
    /// Root of the snapshot's failures.
    pub failures: Option<ContentId>,
    pub target: &'r RestoreTarget,
    pub id: Key,
    pub past: &'r Past,
    /// What there is when the past does not count.
    pub nothing: &'r Past,
    /// `None` in a dry run.
    pub journal: Option<&'r Journal>,
    pub tally: Tally<'r>,
    runtime: &'r Handle,
    stop: &'r Stop,
    /// Set when nothing more can be done.
    halted: Stop,
    fatal: Mutex<Option<DriveRestoreError>>,
}

/// Restores what `from` selects into a drive.
///
/// Blocks; not to be called on a thread of the runtime. `journals` is a folder for the journals of
/// restores that have not ended well: killed, stopped, or with items that failed. The same restore,
/// run again, goes on from its journal, and then makes nothing twice and leaves nothing out. Asked to
/// `stop`, it ends where it is and tells so in the report.
///
/// # Errors
/// [`DriveRestoreError`] if nothing more can be done; run again, it goes on. Items that cannot be
/// restored are no error: they are in the report.
pub fn restore_drive(
    graph: &Graph,
    from: RestoreFrom<'_>,
    target: &RestoreTarget,
    journals: &Path,
    runtime: &Handle,
    progress: &Progress,
    stop: &Stop,
) -> Result<DriveRestoreReport, DriveRestoreError> {
    let begun = graph.clock().now();
    let manifest = from.repository.manifest(from.snapshot)?;
    progress.items_total.store(manifest.root.items, Ordering::Relaxed);
    progress.bytes_total.store(manifest.root.size, Ordering::Relaxed);
    let id = target.id(from.snapshot);
    let (journal, past) = match target.dry_run {
        true => (None, Past::default()),
        false => {
            let (journal, past) = Journal::open(journals, id, target.resume)?;
            (Some(journal), past)
        }
    };
    let nothing = Past::default();
    let report = DriveRestoreReport { dry_run: target.dry_run, ..DriveRestoreReport::default() };
    let mut run = Run {
        graph,
        repository: from.repository,
        failures: manifest.failures,
        target,
        id,
        past: &past,
        nothing: &nothing,
        journal: journal.as_ref(),
        tally: Tally::new(report, progress),
        runtime,
        stop,
        halted: Stop::default(),
        fatal: Mutex::default(),
    };
    let mut folder = String::new();
    let place = run.destination(&mut folder);
    let ended = place.and_then(|place| run.go(&manifest.root, place, from.select));
    let resumed = run.past.folder.is_some();
    let flawless = run.tally.is_flawless();
    let Run { tally, fatal, .. } = run;
    let mut report = tally.into_report();
    (report.folder, report.resumed) = (folder, resumed);
    match (fatal.into_inner(), ended) {
        (Some(error), _) | (None, Err(Trouble::Fatal(error))) => return Err(error),
        (None, Err(Trouble::Graph(error))) => return Err(error.into()),
        (None, Err(Trouble::Item(error))) => {
            return Err(DriveRestoreError::Broken { what: error.to_string() });
        }
        (None, Err(Trouble::Stopped)) => report.interrupted = true,
        (None, Ok(())) => {}
    }
    if let Some(journal) = journal
        && flawless
        && !report.interrupted
    {
        journal.finish()?;
    }
    let took = graph.clock().now().saturating_sub(begun);
    report.duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    Ok(report)
}

impl<'r> Run<'r> {
    fn go(
        &self,
        root: &Entry,
        place: Place,
        select: &dyn Fn(&Candidate<'_>) -> Choice,
    ) -> Result<(), Trouble> {
        let threads = if self.target.dry_run { 0 } else { self.target.threads.max(1) };
        let (send, jobs) = sync_channel(2 * threads + 1);
        let jobs = Mutex::new(jobs);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| self.work(&jobs));
            }
            let walked = Walk::new(self, select, &send).all(root, place);
            if walked.is_err() {
                self.halted.request();
            }
            drop(send);
            walked
        })?;
        if self.is_halted() { Err(Trouble::Stopped) } else { Ok(()) }
    }

    fn work(&self, jobs: &Mutex<Receiver<Job>>) {
        loop {
            let next = jobs.lock().recv();
            let Ok(job) = next else { return };
            // After a halt the rest is taken and dropped, so that the walk does not wait.
            if self.is_halted() {
                continue;
            }
            if let Err(error) = self.carry_out(job) {
                self.fatal.lock().get_or_insert(error);
                self.halted.request();
            }
        }
    }

    pub fn is_halted(&self) -> bool {
        self.stop.is_requested() || self.halted.is_requested()
    }

    /// Waits for a call; gives it up where it is if the run is to end.
    pub fn wait<T>(&self, call: impl Future<Output = Result<T, GraphError>>) -> Result<T, Trouble> {
        let done = self.runtime.block_on(async {
            tokio::pin!(call);
            while !self.is_halted() {
                if let Ok(done) = tokio::time::timeout(LOOK_UP, &mut call).await {
                    return Some(done);
                }
            }
            None
        });
        Ok(done.ok_or(Trouble::Stopped)??)
    }

    /// Writes down what is not about to be lost: see [`Journal::write_durably`].
    pub fn announce(&self, record: &Record) -> Result<(), Trouble> {
        self.journal.map_or(Ok(()), |journal| journal.write_durably(record)).map_err(Trouble::from)
    }

    /// Writes down what can be found out again.
    pub fn note(&self, record: &Record) -> Result<(), Trouble> {
        self.journal.map_or(Ok(()), |journal| journal.write(record)).map_err(Trouble::from)
    }
}
