//! One file's bytes in order, with the next ones read ahead.

use std::io::Write;
use std::thread;

use bytes::Bytes;
use crossbeam_channel::{Sender, bounded};

use super::errors::{is_outage, lost};
use super::fetch::Fetch;
use super::plan::{Want, plan};
use super::{Limits, RestoreError, resolve, shown};
use crate::codec::ManifestId;
use crate::content::ContentError;
use crate::engine::source::{ItemCause, ItemError};
use crate::object::{ObjectReader, ObjectRef};
use crate::repository::Repository;
use crate::tree::EntryKind;

/// Bytes that are planned and fetched together. Three such windows are in memory at most.
const WINDOW_BYTES: u64 = 8 << 20;

/// Why the bytes end early.
enum Broken {
    Item(ItemError),
    Outage(ContentError),
}

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
        let reader = scope.spawn(move || read_ahead(&Fetch::new(repository), object, &sender));
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
fn read_ahead(fetch: &Fetch<'_>, object: ObjectRef, sender: &Sender<Vec<Bytes>>) -> Result<(), Broken> {
    let broken = |error: ContentError| match is_outage(&error) {
        true => Broken::Outage(error),
        false => Broken::Item(lost(&error)),
    };
    let mut rows = ObjectReader::open(fetch.reader, object).map_err(broken)?.all_rows();
    loop {
        let (mut wants, mut bytes) = (Vec::new(), 0);
        while bytes < WINDOW_BYTES {
            let Some(row) = rows.next() else { break };
            let row = row.map_err(broken)?;
            wants.push(Want { content: row.content, length: row.length });
            bytes += u64::from(row.length);
        }
        if wants.is_empty() || sender.send(window(fetch, &wants)?).is_err() {
            return Ok(());
        }
    }
}

fn window(fetch: &Fetch<'_>, wants: &[Want]) -> Result<Vec<Bytes>, Broken> {
    let mut plan = plan(fetch.reader, wants, &Limits::default()).map_err(Broken::Outage)?;
    if let Some((_, error)) = plan.lost.pop() {
        return Err(Broken::Item(error));
    }
    let mut pieces = vec![Bytes::new(); wants.len()];
    let mut failed = None;
    for read in &plan.reads {
        let read = fetch.read(read, |content, found| match found {
            Ok(bytes) => {
                content.pieces.iter().for_each(|piece| pieces[*piece as usize] = bytes.clone());
            }
            Err(error) => drop(failed.get_or_insert(error)),
        });
        read.map_err(Broken::Outage)?;
    }
    failed.map_or(Ok(pieces), |error| Err(Broken::Item(error)))
}
