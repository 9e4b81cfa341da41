//! Storing one stream: read, cut, put, name the object.

use std::sync::Arc;

use super::parts::{Part, Parts};
use super::progress::{Progress, Stop};
use super::source::{ItemError, ItemReader};
use crate::codec::{Cut, Splitter};
use crate::content::{ContentError, ContentKind, ContentReader, ContentWriter, Usable, WriteContent};
use crate::object::{ObjectReader, ObjectRef, ObjectWriter};
use crate::repository::Repository;
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

    /// Stores what `reader` gives up to its end. `listed` and `path` describe the part entry of a
    /// large file; `buffer` is the thread's own; `read` counts bytes also when the stream breaks.
    pub fn store(
        &self,
        reader: &mut dyn ItemReader,
        listed: &Entry,
        path: &[u8],
        buffer: &mut Vec<u8>,
        read: &mut u64,
    ) -> Result<ObjectRef, Broken> {
        let object = ObjectWriter::new(self.writer, self.splitter);
        let part = Arc::new(Part { path: path.to_vec(), entry: listed.clone(), object: Mutex::new(object) });
        let registered = (listed.size >= PART_SIZE_MIN).then(|| self.parts.register(part.clone()));

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
            part.object.lock().push(id, piece.len() as u32)?;
            self.progress.done(0, piece.len() as u64);
            start += piece.len();
        }
        drop(registered);
        Ok(part.object.lock().so_far()?)
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
