//! One file's bytes in order, with the next ones read ahead: three windows in memory at most.

use std::io::Write;
use std::thread;

use bytes::Bytes;
use crossbeam_channel::{Sender, bounded};

use super::in_order::{Broken, InOrder};
use super::{RestoreError, resolve, shown};
use crate::codec::ManifestId;
use crate::engine::source::{ItemCause, ItemError};
use crate::object::ObjectRef;
use crate::repository::Repository;
use crate::tree::EntryKind;

/// Writes the file at `path` of snapshot `id` to `out`, in order.
///
/// # Errors
/// `NotAFile`; `Item` if a content is damaged everywhere: what was written before is right; `Write` if
/// `out` takes no more.
pub fn cat(
    repository: &Repository,
    id: &ManifestId,
    path: &[Vec<u8>],
    out: &mut dyn Write,
) -> Result<(), RestoreError> {
    let item = |error| RestoreError::Item { path: shown(path), error };
    let object = match resolve(repository, id, path)?.kind {
        EntryKind::File(Some(object)) => object,
        EntryKind::File(None) => {
            let message = "its content was not stored when the snapshot was made".into();
            return Err(item(ItemError { cause: ItemCause::Lost, message, attempts: 1 }));
        }
        _ => return Err(RestoreError::NotAFile { path: shown(path) }),
    };
    let (sender, windows) = bounded(1);
    thread::scope(|scope| {
        let reader = scope.spawn(move || read_ahead(repository, object, &sender));
        // Dropped if this ends early, so that the reader does too.
        for piece in windows.into_iter().flatten() {
            out.write_all(&piece).map_err(RestoreError::Write)?;
        }
        match reader.join().expect("the reader does not panic") {
            Ok(()) => out.flush().map_err(RestoreError::Write),
            Err(Broken::Item(error)) => Err(item(error)),
            Err(Broken::Outage(error)) => Err(RestoreError::Content(error)),
        }
    })
}

/// Sends the pieces of an object, window by window, until they end or nobody listens.
fn read_ahead(repository: &Repository, object: ObjectRef, sender: &Sender<Vec<Bytes>>) -> Result<(), Broken> {
    let mut bytes = InOrder::open(repository, object)?;
    loop {
        let window = bytes.next_window()?;
        if window.is_empty() || sender.send(window).is_err() {
            return Ok(());
        }
    }
}
