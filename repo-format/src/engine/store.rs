//! Storing one stream: read, cut, put, name the object.

use std::sync::Arc;

use super::parts::{InTheMaking, Parts, SoFar};
use super::progress::{Progress, Stop};
use super::source::{ItemError, ItemReader};
use crate::codec::{Cut, Splitter};
use crate::content::{ContentError, ContentKind, ContentReader, ContentWriter, Usable, WriteContent};
use crate::object::{ObjectReader, ObjectRef, ObjectWriter};
use crate::repository::Repository;
use crate::snapshot::Part;
use crate::system::Mutex;
use crate::tree::Entry;

/// Bytes asked of a reader at once.
const READ_SIZE: usize = 4 << 20;
/// Files below this size finish between checkpoints; their parts are not recorded.
const PART_SIZE_MIN: u64 = 64 << 20;

/// Contents stored since the last commit that make a checkpoint due early: it bounds memory.
pub(super) const PENDING_MAX: usize = 1 << 20;

/// What all threads that store streams share.
pub(super) struct Storing<'run> {
    pub writer: &'run ContentWriter,
    pub reader: &'run ContentReader,
    pub usable: &'run Usable,
    pub splitter: &'run Splitter,
    pub progress: &'run Progress,
    pub stop: &'run Stop,
    /// Set when the run ends early for a reason of its own.
    pub failed: Stop,
    pub parts: Parts<'run>,
}

/// A stream as its part entry describes it, and what an earlier run stored of it.
#[derive(Clone, Copy)]
pub(super) struct Stream<'s> {
    pub listed: &'s Entry,
    pub path: &'s [u8],
    pub begun: Option<&'s Part>,
}

/// Why a stream was not stored.
#[derive(Debug)]
pub(super) enum Broken {
    /// The item's fault; the run goes on.
    Item(ItemError),
    /// The run was told to stop.
    Stopped,
    /// The run cannot go on.
    Fatal(ContentError),
}

impl From<ContentError> for Broken {
    fn from(error: ContentError) -> Broken {
        Broken::Fatal(error)
    }
}

impl From<ItemError> for Broken {
    fn from(error: ItemError) -> Broken {
        Broken::Item(error)
    }
}

impl<'run> Storing<'run> {
    /// What a run stores with.
    pub fn new(
        repository: &'run Repository,
        writer: &'run ContentWriter,
        progress: &'run Progress,
        stop: &'run Stop,
    ) -> Storing<'run> {
        Storing {
            writer,
            reader: repository.reader(),
            usable: repository.usable(),
            splitter: repository.splitter(),
            progress,
            stop,
            failed: Stop::default(),
            parts: Parts::default(),
        }
    }

    /// Whether somebody wants the run to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_requested() || self.failed.is_requested()
    }

    /// Stores what `reader` gives up to its end, behind what there is `begun` of the stream. `buffer` is
    /// the thread's own; `read` counts bytes also when the stream breaks.
    pub fn store(
        &self,
        reader: &mut dyn ItemReader,
        stream: Stream<'_>,
        buffer: &mut Vec<u8>,
        read: &mut u64,
    ) -> Result<ObjectRef, Broken> {
        let Stream { listed, path, begun } = stream;
        let mut so_far = SoFar { object: ObjectWriter::new(self.writer, self.splitter), state: None };
        if let Some(begun) = begun {
            for row in ObjectReader::open(self.reader, begun.object)?.all_rows() {
                let row = row?;
                so_far.object.push(row.content, row.length)?;
            }
            so_far.state = begun.state.clone();
            self.progress.done(0, begun.covered);
        }
        let (path, entry) = (path.to_vec(), listed.clone());
        let file = Arc::new(InTheMaking { path, entry, so_far: Mutex::new(so_far) });
        let registered = (listed.size >= PART_SIZE_MIN).then(|| self.parts.register(file.clone()));

        buffer.clear();
        let (mut start, mut ended) = (0, false);
        loop {
            while !ended && buffer.len() - start < self.splitter.max() {
                buffer.drain(..start);
                start = 0;
                let count = reader.read(buffer, READ_SIZE)?;
                *read += count as u64;
                ended = count == 0;
            }
            if start == buffer.len() {
                break;
            }
            if self.is_stopped() {
                if let Some(registered) = registered {
                    registered.stay();
                }
                return Err(Broken::Stopped);
            }
            let piece = &buffer[start..];
            let piece = &piece[..self.splitter.cut(piece)];
            let id = self.writer.put(ContentKind::Data, piece)?;
            start += piece.len();
            let state = registered.as_ref().and_then(|_| reader.state_before(&buffer[start..]));
            let length = piece.len() as u32;
            let mut so_far = file.so_far.lock();
            so_far.object.push(id, length)?;
            so_far.state = state;
            drop(so_far);
            if registered.is_some() {
                self.parts.grow();
            }
            self.progress.done(0, u64::from(length));
        }
        drop(registered);
        Ok(file.so_far.lock().object.so_far()?)
    }

    /// Whether all contents of an object can be relied on. With a whole repository there is nothing
    /// to ask: a live base protects what it reaches (DESIGN 3.8).
    pub fn is_alive(&self, object: ObjectRef) -> bool {
        if self.usable.is_whole() || object.size == 0 {
            return true;
        }
        // Lists of lists are rare enough to be read and stored again while something is lost.
        let contains_all = || -> Result<bool, ContentError> {
            let mut alive = object.depth <= 1 && self.writer.contains(&object.content)?;
            for row in ObjectReader::open(self.reader, object)?.all_rows() {
                alive = alive && self.writer.contains(&row?.content)?;
                if !alive {
                    break;
                }
            }
            Ok(alive)
        };
        contains_all().unwrap_or(false)
    }
}
