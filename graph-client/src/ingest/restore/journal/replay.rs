//! What the lines of a journal come to.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use super::{Record, VERSION};
use crate::ingest::restore::key::Key;
use crate::ingest::restore::names::fold_hash;
use crate::model::ItemId;
use crate::secret::Secret;

/// No line of ours is as long: a name has some hundred bytes, an address some thousand.
const LINE_SIZE_MAX: u64 = 64 << 10;

/// What earlier runs of a restore did. Never changes during a run.
#[derive(Debug, Default)]
pub(in crate::ingest::restore) struct Past {
    /// Where they restored to; `None` if there were none.
    pub folder: Option<String>,
    /// Items that are there, and the hash of the name that they got.
    pub done: HashMap<Key, u64>,
    /// Items that were begun.
    pub open: HashMap<Key, Intent>,
    /// Items that are there and still wait for their permissions.
    pub grants: HashMap<Key, ItemId>,
}

/// An item that was begun. `Debug` does not show its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ingest::restore) struct Intent {
    pub folder: ItemId,
    /// Its final name.
    pub name: String,
    /// The item whose place it is to take.
    pub over: Option<ItemId>,
    /// All of it is there under its temporary name.
    pub stored: Option<ItemId>,
    pub session: Option<Secret>,
}

/// Why a journal cannot be read.
pub(super) enum Unreadable {
    Io(io::Error),
    /// The line of this number is none.
    Line(u64),
}

/// Reads all lines, one at a time; answers how many bytes are whole lines, too.
pub(super) fn read(from: impl BufRead, restore: Key) -> Result<(Past, u64), Unreadable> {
    let (mut past, mut length, mut line) = (Past::default(), 0, Vec::new());
    let mut lines = from;
    for number in 1_u64.. {
        line.clear();
        let read = lines.by_ref().take(LINE_SIZE_MAX).read_until(b'\n', &mut line).map_err(Unreadable::Io)?;
        if line.last() != Some(&b'\n') {
            // What follows the last line's end was cut off.
            if read as u64 == LINE_SIZE_MAX {
                return Err(Unreadable::Line(number));
            }
            break;
        }
        let record: Record = serde_json::from_slice(&line).map_err(|_| Unreadable::Line(number))?;
        match record {
            Record::Begin { version: VERSION, restore: found, folder } if found == restore && number == 1 => {
                past.folder = Some(folder);
            }
            Record::Begin { .. } => return Err(Unreadable::Line(number)),
            _ if number == 1 => return Err(Unreadable::Line(number)),
            record => past.apply(record),
        }
        length += read as u64;
    }
    Ok((past, length))
}

impl Past {
    /// Whether nothing was begun.
    pub fn is_empty(&self) -> bool {
        self.done.is_empty() && self.open.is_empty()
    }

    fn apply(&mut self, record: Record) {
        match record {
            Record::Begin { .. } => {}
            Record::Name { of, folder, name, over } => {
                let (folder, over) = (folder.into(), over.map(ItemId::from));
                self.open.insert(of, Intent { folder, name, over, stored: None, session: None });
            }
            Record::Session { of, url } => {
                if let Some(intent) = self.open.get_mut(&of) {
                    intent.session = Some(url.into());
                }
            }
            Record::Stored { of, item } => {
                if let Some(intent) = self.open.get_mut(&of) {
                    (intent.stored, intent.session) = (Some(item.into()), None);
                }
            }
            Record::Done { of, item } => {
                let intent = self.open.remove(&of);
                self.done.insert(of, intent.map_or(0, |intent| fold_hash(&intent.name)));
                if let Some(item) = item {
                    self.grants.insert(of, item.into());
                }
            }
            // Of a folder, this is all that was begun.
            Record::Granted { of } => {
                self.grants.remove(&of);
                self.open.remove(&of);
            }
        }
    }
}
