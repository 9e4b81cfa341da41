//! One file: store it, and look whether it changed meanwhile.

use std::sync::Arc;

use super::Run;
use crate::content::ContentError;
use crate::engine::source::{Finished, ItemCause, ItemError, Source};
use crate::engine::store::{Broken, Stream};
use crate::object::ObjectRef;
use crate::tree::{Entry, EntryKind};

/// How often a file that changes while it is read is read again.
const ATTEMPTS: u32 = 3;
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
    let stored = run.storing.store(reader.as_mut(), Stream { listed, path, begun: None }, buffer, read)?;
    let with = |mut entry: Entry, stored: ObjectRef| {
        entry.size = stored.size;
        entry.kind = EntryKind::File(Some(stored));
        entry
    };
    let Finished { entry, changed } = reader.finish(listed)?;
    let note = changed.then(|| ItemError {
        cause: ItemCause::Changing,
        message: "it changed while it was read".to_owned(),
        attempts: 1,
    });
    Ok((with(entry, stored), note))
}
