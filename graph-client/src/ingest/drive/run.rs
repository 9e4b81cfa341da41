//! Setting a drive's backup up, and taking it down.

use std::sync::mpsc;
use std::thread;

use repo_format::engine::again_if_outdated;
use repo_format::engine::feed::FeedRun;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::repository::Repository;
use tokio::runtime::Handle;

use super::course::{Course, Ended, Tally};
use super::fetch::Fetcher;
use super::pager::page;
use super::work::Jobs;
use super::{DriveError, DriveOptions, DriveReport};
use crate::graph::Graph;
use crate::ingest::{Cursor, DriveLedger, Past, Phase};
use crate::model::DriveId;

/// Backs a drive up: from where the last run of the same source left off, whether it ended or not.
///
/// Where maintenance reclaimed what the run relied on, it begins anew. Blocks; not to be called on a thread of the runtime. Asked to `stop`, or with `fail_fast` at the
/// first item that fails, it commits a checkpoint and tells so in the report.
///
/// # Errors
/// [`DriveError`]; what was stored before is in a checkpoint. Items that cannot be had are no error:
/// they are in the report, and on the list of those that the next run tries again.
pub fn backup_drive(
    graph: &Graph,
    drive: &DriveId,
    repository: &Repository,
    options: &DriveOptions,
    runtime: &Handle,
    progress: &Progress,
    stop: &Stop,
) -> Result<DriveReport, DriveError> {
    again_if_outdated(progress, stop, DriveError::is_outdated, || {
        attempt(graph, drive, repository, options, runtime, progress, stop)
    })
}

fn attempt(
    graph: &Graph,
    drive: &DriveId,
    repository: &Repository,
    options: &DriveOptions,
    runtime: &Handle,
    progress: &Progress,
    stop: &Stop,
) -> Result<DriveReport, DriveError> {
    let writer = repository.writer(options.backup.writer.clone())?;
    let run = FeedRun::begin(repository, &writer, &options.backup, progress, stop)?;
    let (cursor, roots, base) = match run.base() {
        Some(manifest) => {
            let cursor = Cursor::decode(manifest.cursor.as_deref().unwrap_or_default())?;
            (cursor, manifest.ledger.clone(), Some(manifest.root.clone()))
        }
        None => (Cursor::default(), Vec::new(), None),
    };
    // Who is inside a part is told from the whole ledger, each time.
    let floor = if options.scope.is_all() { usize::try_from(cursor.floor).unwrap_or(usize::MAX) } else { 0 };
    let mut ledger = DriveLedger::open(run.contents(), run.map_store(), &roots, floor)?;
    if cursor.phase != Phase::Following {
        ledger.remember_ids()?;
    }
    // A tree that says what no layer says: of an enumeration that began, or of a part of the drive.
    let past_root = base.clone().filter(|_| floor > 0).map(|root| (cursor.root.clone(), root));
    let past = Past::new(run.contents(), ledger.base(), past_root);

    let (jobs, fetcher) =
        (Jobs::default(), Fetcher { graph, drive, runtime, run: &run, age_max: options.address_age_max });
    let (order, orders) = mpsc::channel();
    let (tell, events) = mpsc::channel();
    let mut course = Course {
        fetcher: &fetcher,
        options,
        ledger,
        cursor,
        past,
        base,
        jobs: &jobs,
        order,
        events,
        page_is_due: false,
        under_way: Default::default(),
        asking: 0,
        renewal: Default::default(),
        failed: Default::default(),
        tally: Tally::default(),
    };
    let ended = thread::scope(|scope| {
        let (fetcher, jobs) = (&fetcher, &jobs);
        let tell_pages = tell.clone();
        scope.spawn(move || page(fetcher, &orders, &tell_pages));
        for _ in 0..options.backup.threads.max(1) {
            let tell = tell.clone();
            scope.spawn(move || fetcher.work(jobs, &tell));
        }
        drop(tell);
        let ended = course.go();
        if !matches!(ended, Ok(Ended::Rest)) {
            run.give_up();
        }
        jobs.close();
        course.take_leave();
        ended
    });
    match ended {
        Ok(Ended::Rest) => course.finish(),
        Ok(Ended::Interrupted) => course.interrupt(),
        Err(error) => {
            // What is stored so far must not be lost with the run; its failure is the one to tell.
            if let Err(second) = course.interrupt() {
                tracing::warn!(error = %second, "the checkpoint of a run that failed cannot be committed");
            }
            Err(error)
        }
    }
}
