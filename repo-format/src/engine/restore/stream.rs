//! The bytes of many files, one file after another, with the next ones read ahead.
//!
//! What a restore does in any order, a sequential target such as an archive or a pipe needs in one.
//! Wants are gathered across files into windows, so that small files share the frames that hold them.

use bytes::Bytes;

use super::errors::{is_outage, lost};
use super::fetch::Fetch;
use super::plan::{Want, plan};
use super::{Limits, RestoreError};
use crate::content::ContentError;
use crate::engine::source::ItemError;
use crate::object::{ObjectReader, ObjectRef};
use crate::repository::Repository;
use crate::system::{self, Sender, bounded};

/// Bytes that are planned and fetched together. Three such windows are in memory at most.
pub(super) const WINDOW_BYTES: u64 = 8 << 20;
/// Things in a window, however small.
const WINDOW_ITEMS: usize = 4096;

/// One thing of a stream, in order.
#[derive(Debug)]
pub enum Flow<T> {
    /// An item begins. If it has content, `Bytes` follow, and then `End` or `Broken`; else nothing.
    Begin(T),
    /// The next bytes of the item's content.
    Bytes(Bytes),
    /// The content was whole.
    End,
    /// The rest of the content cannot be had; nothing more of the item follows.
    Broken(ItemError),
}

/// A part of the stream, before its bytes are there.
enum Slot<T> {
    Begin(T),
    /// Place of the piece in the window's wants.
    Piece(usize),
    End,
    Broken(ItemError),
}

/// Why the stream ends early.
enum Cut {
    Outage(ContentError),
    /// Nobody listens any more.
    Deaf,
}

/// Hands `each` the items in order, and after each that has an object the object's bytes.
///
/// # Errors
/// `Content` if the storage cannot be reached any more; what `each` answers, with which it ends the stream.
pub fn stream<T: Send>(
    repository: &Repository,
    items: impl Iterator<Item = (T, Option<ObjectRef>)> + Send,
    each: &mut dyn FnMut(Flow<T>) -> Result<(), RestoreError>,
) -> Result<(), RestoreError> {
    let (sender, windows) = bounded(1);
    system::scope(|scope| {
        let reader = scope.spawn(move || {
            let fetch = Fetch::new(repository);
            Reader { fetch: &fetch, slots: Vec::new(), wants: Vec::new(), bytes: 0, sender: &sender }
                .all(items)
        });
        let mut is_broken = false;
        // Dropped if this ends early, so that the reader does too.
        for flow in windows.into_iter().flatten() {
            match flow {
                Flow::Begin(_) => is_broken = false,
                _ if is_broken => continue,
                Flow::Broken(_) => is_broken = true,
                Flow::Bytes(_) | Flow::End => {}
            }
            each(flow)?;
        }
        match reader.join().expect("the reader does not panic") {
            Ok(()) | Err(Cut::Deaf) => Ok(()),
            Err(Cut::Outage(error)) => Err(RestoreError::Content(error)),
        }
    })
}

/// Fills windows and sends them.
struct Reader<'a, 'r, T> {
    fetch: &'a Fetch<'r>,
    slots: Vec<Slot<T>>,
    wants: Vec<Want>,
    bytes: u64,
    sender: &'a Sender<Vec<Flow<T>>>,
}

impl<T> Reader<'_, '_, T> {
    fn all(mut self, items: impl Iterator<Item = (T, Option<ObjectRef>)>) -> Result<(), Cut> {
        for (item, object) in items {
            self.put(Slot::Begin(item))?;
            if let Some(object) = object {
                self.object(object)?;
            }
        }
        self.send()
    }

    fn object(&mut self, object: ObjectRef) -> Result<(), Cut> {
        let rows = match ObjectReader::open(self.fetch.reader, object) {
            Ok(_) if object.size == 0 => return self.put(Slot::End),
            Ok(reader) => reader.all_rows(),
            Err(error) => return self.broken(error),
        };
        for row in rows {
            match row {
                Ok(row) => {
                    self.wants.push(Want { content: row.content, length: row.length });
                    self.bytes += u64::from(row.length);
                    self.put(Slot::Piece(self.wants.len() - 1))?;
                }
                Err(error) => return self.broken(error),
            }
        }
        self.put(Slot::End)
    }

    fn broken(&mut self, error: ContentError) -> Result<(), Cut> {
        match is_outage(&error) {
            true => Err(Cut::Outage(error)),
            false => self.put(Slot::Broken(lost(&error))),
        }
    }

    fn put(&mut self, slot: Slot<T>) -> Result<(), Cut> {
        self.slots.push(slot);
        let is_full = self.bytes >= WINDOW_BYTES || self.slots.len() >= WINDOW_ITEMS;
        if is_full { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<(), Cut> {
        let mut pieces = fetch_wants(self.fetch, &self.wants).map_err(Cut::Outage)?;
        (self.bytes, self.wants) = (0, Vec::new());
        let flows = std::mem::take(&mut self.slots).into_iter().map(|slot| match slot {
            Slot::Begin(item) => Flow::Begin(item),
            Slot::End => Flow::End,
            Slot::Broken(error) => Flow::Broken(error),
            Slot::Piece(place) => match std::mem::replace(&mut pieces[place], Ok(Bytes::new())) {
                Ok(bytes) => Flow::Bytes(bytes),
                Err(error) => Flow::Broken(error),
            },
        });
        self.sender.send(flows.collect()).map_err(|_| Cut::Deaf)
    }
}

/// The bytes of each want, or why they cannot be had.
pub(super) fn fetch_wants(
    fetch: &Fetch<'_>,
    wants: &[Want],
) -> Result<Vec<Result<Bytes, ItemError>>, ContentError> {
    let plan = plan(fetch.reader, wants, &Limits::default())?;
    let mut pieces = vec![Ok(Bytes::new()); wants.len()];
    for (lost, error) in &plan.lost {
        lost.iter().for_each(|piece| pieces[*piece as usize] = Err(error.clone()));
    }
    for read in &plan.reads {
        fetch.read(read, |content, found| {
            content.pieces.iter().for_each(|piece| pieces[*piece as usize] = found.clone());
        })?;
    }
    Ok(pieces)
}
