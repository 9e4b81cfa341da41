//! Carrying out batches: reads in parallel, then links and folders in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::batch::{After, Batch, Batcher};
use super::file::{FileJob, Outcome};
use super::report::Restored;
use super::{Halt, Run, slices};
use crate::content::ContentError;
use crate::engine::sink::{Decision, Sink};
use crate::system;
use crate::tree::Entry;

/// Carries out one batch. The last file may go on in the next one.
pub(super) fn execute<K: Sink>(run: &Run<'_, K>, batch: Batch<K::File>) -> Result<(), Halt> {
    for (pieces, error) in &batch.plan.lost {
        for piece in pieces {
            let piece = batch.pieces[*piece as usize];
            batch.jobs[piece.job as usize].take_piece(
                run,
                piece.offset,
                u64::from(piece.length),
                Err(error.clone()),
            );
        }
    }
    if let Err(halt) = read_all(run, &batch) {
        batch.jobs.iter().for_each(|job| job.abandon(run));
        return Err(halt);
    }
    for after in batch.after {
        if run.is_halted() {
            return Err(Halt::Stopped);
        }
        match after {
            After::Link { first, job } => link(run, &first, &job)?,
            After::Leave { path, entry } => leave(run, &path, &entry),
        }
    }
    Ok(())
}

/// Reads and writes until all is done, or the run is halted.
fn read_all<K: Sink>(run: &Run<'_, K>, batch: &Batch<K::File>) -> Result<(), Halt> {
    let tasks = batch.empty.len() + batch.plan.reads.len();
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), ContentError> {
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks || run.is_halted() {
                return Ok(());
            }
            match task.checked_sub(batch.empty.len()) {
                None => batch.empty[task].make_empty(run),
                Some(read) => read_one(run, batch, read).inspect_err(|_| run.halt())?,
            }
        }
    };
    let ended = system::scope(|scope| {
        let threads = run.threads.min(tasks);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ends = workers.into_iter().map(|worker| worker.join().expect("a worker does not panic"));
        ends.fold(Ok(()), Result::and)
    });
    ended.map_err(Halt::Outage)?;
    if run.is_halted() { Err(Halt::Stopped) } else { Ok(()) }
}

fn read_one<K: Sink>(run: &Run<'_, K>, batch: &Batch<K::File>, read: usize) -> Result<(), ContentError> {
    run.fetch.read(&batch.plan.reads[read], |content, found| {
        for piece in &content.pieces {
            let piece = batch.pieces[*piece as usize];
            let bytes = found.as_deref().map_err(Clone::clone);
            let job = &batch.jobs[piece.job as usize];
            job.take_piece(run, piece.offset, u64::from(piece.length), bytes);
        }
    })
}

fn leave<K: Sink>(run: &Run<'_, K>, path: &[Vec<u8>], entry: &Entry) {
    match run.sink.leave(&slices(path), entry) {
        Ok(warnings) => run.tally.restored(Restored::Folder, path, warnings),
        Err(error) => run.tally.failed(path, error, 1),
    }
}

/// Makes a further name of a file that was restored; else the file is restored by itself.
fn link<K: Sink>(
    run: &Run<'_, K>,
    first: &FileJob<K::File>,
    job: &Arc<FileJob<K::File>>,
) -> Result<(), Halt> {
    if first.outcome() == Some(Outcome::Restored) {
        match run.sink.link(&slices(&first.path), &slices(&job.path), &job.entry) {
            Ok(Decision::Take) => {
                job.set_linked(Outcome::Restored);
                run.tally.restored(Restored::File { bytes: 0 }, &job.path, Vec::new());
                return Ok(());
            }
            Ok(Decision::Skip) => {
                job.set_linked(Outcome::Skipped);
                run.tally.skipped(1, 0);
                return Ok(());
            }
            Err(error) => {
                let what = format!("restored as a file of its own, not as a hard link: {error}");
                run.tally.warn(&job.path, what);
            }
        }
    }
    let mut batcher = Batcher::new(run);
    let mut take = |batch| execute(run, batch);
    let ended = batcher.file(job, &mut take).and_then(|()| batcher.send(&mut take));
    ended.inspect_err(|_| job.abandon(run))
}
