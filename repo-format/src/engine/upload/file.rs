//! One file: read, cut, store, and look whether it changed meanwhile.

use std::sync::Arc;

use parking_lot::Mutex;

use super::Run;
use crate::codec::Cut;
use crate::content::{ContentError, ContentKind, WriteContent};
use crate::engine::source::{ItemCause, ItemError, Source};
use crate::object::{ObjectRef, ObjectWriter};
use crate::tree::{Entry, EntryKind};

/// How often a file that changes while it is read is read again.
const ATTEMPTS: u32 = 3;
/// Bytes asked of a reader at once.
const READ_SIZE: usize = 4 << 20;
/// Files below this size finish between checkpoints; their parts are not recorded.
const PART_SIZE_MIN: u64 = 64 << 20;

/// What became of a file.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// Stored; the entry says where. The error, if any, says why it may not be what is there now.
    Stored { entry: Box<Entry>, read: u64, note: Option<ItemError> },
    /// Not stored; the run goes on.
    Failed { error: ItemError, read: u64 },
    /// The run was told to stop.
    Stopped,
    /// The run cannot go on.
    Fatal(Arc<ContentError>),
}

/// A large file in the making, for checkpoints (SNAP-6).
pub(super) struct Part<'run> {
    pub path: Vec<u8>,
    pub entry: Entry,
    pub object: Mutex<ObjectWriter<'run>>,
}

enum Broken {
    Item(ItemError),
    Stopped,
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

/// Stores the file behind `handle`, which was listed as `listed`. `buffer` is the thread's own.
pub(super) fn upload<S: Source>(
    run: &Run<'_, S>,
    handle: &S::Handle,
    listed: &Entry,
    path: &[u8],
    buffer: &mut Vec<u8>,
) -> Outcome {
    let mut read = 0;
    for attempt in 1..=ATTEMPTS {
        match read_once(run, handle, listed, path, buffer, &mut read) {
            Ok((entry, None)) => return Outcome::Stored { entry: Box::new(entry), read, note: None },
            // What was read last is kept: better a file caught in motion than none.
            Ok((entry, Some(mut error))) if attempt == ATTEMPTS => {
                error.attempts = attempt;
                return Outcome::Stored { entry: Box::new(entry), read, note: Some(error) };
            }
            Ok(_) => {}
            Err(Broken::Item(error)) => return Outcome::Failed { error, read },
            Err(Broken::Stopped) => return Outcome::Stopped,
            Err(Broken::Fatal(error)) => return Outcome::Fatal(Arc::new(error)),
        }
    }
    unreachable!("the last attempt returns")
}

/// Reads once; the error beside the entry is `Changing`.
fn read_once<S: Source>(
    run: &Run<'_, S>,
    handle: &S::Handle,
    listed: &Entry,
    path: &[u8],
    buffer: &mut Vec<u8>,
    read: &mut u64,
) -> Result<(Entry, Option<ItemError>), Broken> {
    let mut reader = run.source.open(handle)?;
    let object = ObjectWriter::new(run.writer, run.splitter);
    let part = Arc::new(Part { path: path.to_vec(), entry: listed.clone(), object: Mutex::new(object) });
    let registered = (listed.size >= PART_SIZE_MIN).then(|| run.parts.register(part.clone()));

    buffer.clear();
    let (mut start, mut ended) = (0, false);
    loop {
        while !ended && buffer.len() - start < run.splitter.max() {
            buffer.drain(..start);
            start = 0;
            let count = reader.read(buffer, READ_SIZE)?;
            *read += count as u64;
            ended = count == 0;
        }
        if start == buffer.len() {
            break;
        }
        if run.stop.is_requested() || run.failed.is_requested() {
            if let Some(registered) = registered {
                registered.stay();
            }
            return Err(Broken::Stopped);
        }
        let piece = &buffer[start..];
        let piece = &piece[..run.splitter.cut(piece)];
        let id = run.writer.put(ContentKind::Data, piece)?;
        part.object.lock().push(id, piece.len() as u32)?;
        run.progress.done(0, piece.len() as u64);
        start += piece.len();
    }
    drop(registered);
    let stored = part.object.lock().so_far()?;
    let with = |mut entry: Entry, stored: ObjectRef| {
        entry.size = stored.size;
        entry.kind = EntryKind::File(Some(stored));
        entry
    };
    match reader.finish(listed) {
        Ok(entry) => Ok((with(entry, stored), None)),
        Err(error) if error.cause == ItemCause::Changing => Ok((with(listed.clone(), stored), Some(error))),
        Err(error) => Err(error.into()),
    }
}
