//! What the lines of a journal come to.

use std::collections::HashMap;

use super::{Record, VERSION};
use crate::ingest::restore::key::Key;
use crate::ingest::restore::names::fold_hash;
use crate::model::ItemId;
use crate::secret::Secret;

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

/// Reads all lines; answers how many bytes are whole lines, too. Fails with the number of a line that
/// is none.
pub(super) fn read(text: &[u8], restore: Key) -> Result<(Past, u64), u64> {
    let mut past = Past::default();
    // What follows the last line's end was cut off.
    let length = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let whole = text.get(..length).unwrap_or_default();
    for (line, number) in whole.split_inclusive(|byte| *byte == b'\n').zip(1_u64..) {
        let record: Record = serde_json::from_slice(line).map_err(|_| number)?;
        match record {
            Record::Begin { version: VERSION, restore: found, folder } if found == restore && number == 1 => {
                past.folder = Some(folder);
            }
            Record::Begin { .. } => return Err(number),
            _ if number == 1 => return Err(number),
            record => past.apply(record),
        }
    }
    Ok((past, length as u64))
}

impl Past {
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
