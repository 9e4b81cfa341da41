//! Batches: a bounded share of the files, and what is to be done when they are.

use std::sync::Arc;

use super::errors::{is_outage, lost};
use super::file::FileJob;
use super::plan::{Plan, Want, plan};
use super::{Halt, Run};
use crate::engine::sink::Sink;
use crate::object::{ObjectReader, Row};
use crate::tree::Entry;

/// Some files, or a part of a large one, with the reads that bring their bytes.
pub(super) struct Batch<F> {
    /// Every file that a piece belongs to, in order of the walk. A file that has more pieces than
    /// the batch takes goes on in the next one; only the last can.
    pub jobs: Vec<Arc<FileJob<F>>>,
    /// Files without bytes.
    pub empty: Vec<Arc<FileJob<F>>>,
    pub pieces: Vec<Piece>,
    pub plan: Plan,
    /// In this order, when all files up to here have ended.
    pub after: Vec<After<F>>,
}

/// A piece of a file: where its bytes go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    /// Place of its file in the batch.
    pub job: u32,
    /// In the file.
    pub offset: u64,
    pub length: u32,
}

/// What has to wait for files.
pub(super) enum After<F> {
    /// Another name of `first`, if that was restored.
    Link { first: Arc<FileJob<F>>, job: Arc<FileJob<F>> },
    /// All inside the folder is done.
    Leave { path: Vec<Vec<u8>>, entry: Box<Entry> },
}

/// What an entry with its path weighs, in pieces.
const ENTRY_WEIGHT: usize = 5;

/// Where full batches go.
pub(super) type Take<'t, F> = &'t mut dyn FnMut(Batch<F>) -> Result<(), Halt>;

/// Gathers batches.
pub(super) struct Batcher<'b, 'r, K: Sink> {
    run: &'b Run<'r, K>,
    jobs: Vec<Arc<FileJob<K::File>>>,
    empty: Vec<Arc<FileJob<K::File>>>,
    pieces: Vec<Piece>,
    wants: Vec<Want>,
    after: Vec<After<K::File>>,
    weight: usize,
}

impl<'b, 'r, K: Sink> Batcher<'b, 'r, K> {
    pub fn new(run: &'b Run<'r, K>) -> Self {
        Batcher {
            run,
            jobs: Vec::new(),
            empty: Vec::new(),
            pieces: Vec::new(),
            wants: Vec::new(),
            after: Vec::new(),
            weight: 0,
        }
    }

    /// Adds all pieces of a file.
    pub fn file(&mut self, job: &Arc<FileJob<K::File>>, take: Take<'_, K::File>) -> Result<(), Halt> {
        let rows = match ObjectReader::open(self.run.fetch.reader, job.object) {
            Ok(_) if job.object.size == 0 => {
                self.make_room(take)?;
                self.weight += ENTRY_WEIGHT;
                self.empty.push(job.clone());
                return Ok(());
            }
            Ok(object) => object.all_rows(),
            Err(error) => {
                job.fail(self.run, lost(&error));
                return Ok(());
            }
        };
        for row in rows {
            match row {
                Ok(row) => {
                    self.make_room(take)?;
                    self.piece(job, &row);
                }
                Err(error) if is_outage(&error) => return Err(Halt::Outage(error)),
                Err(error) => {
                    job.fail(self.run, lost(&error));
                    break;
                }
            }
        }
        Ok(())
    }

    /// Adds what has to wait for the files so far.
    pub fn after(&mut self, after: After<K::File>, take: Take<'_, K::File>) -> Result<(), Halt> {
        self.make_room(take)?;
        self.weight += ENTRY_WEIGHT;
        self.after.push(after);
        Ok(())
    }

    /// Hands over what was gathered.
    pub fn send(&mut self, take: Take<'_, K::File>) -> Result<(), Halt> {
        if std::mem::take(&mut self.weight) == 0 {
            return Ok(());
        }
        let wants = std::mem::take(&mut self.wants);
        let plan = plan(self.run.fetch.reader, &wants, self.run.limits).map_err(Halt::Outage)?;
        take(Batch {
            jobs: std::mem::take(&mut self.jobs),
            empty: std::mem::take(&mut self.empty),
            pieces: std::mem::take(&mut self.pieces),
            plan,
            after: std::mem::take(&mut self.after),
        })
    }

    /// Sends first if one thing more does not fit. So whatever belongs to the last piece is known before
    /// its batch goes.
    fn make_room(&mut self, take: Take<'_, K::File>) -> Result<(), Halt> {
        if self.weight >= self.run.limits.batch_weight {
            self.send(take)?;
        }
        if self.run.is_halted() { Err(Halt::Stopped) } else { Ok(()) }
    }

    fn piece(&mut self, job: &Arc<FileJob<K::File>>, row: &Row) {
        if self.jobs.last().is_none_or(|last| !Arc::ptr_eq(last, job)) {
            self.jobs.push(job.clone());
            self.weight += ENTRY_WEIGHT;
        }
        self.pieces.push(Piece { job: self.jobs.len() as u32 - 1, offset: row.offset, length: row.length });
        self.wants.push(Want { content: row.content, length: row.length });
        self.weight += 1;
    }
}
