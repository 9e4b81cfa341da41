//! Changes that are not stored yet, in memory and in order.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::ops::Bound;

use super::LedgerEntry;

/// What an entry costs beside its key and data, about.
const OVERHEAD: usize = 160;

/// Changes of a ledger: the last one of each key.
#[derive(Debug, Default)]
pub struct LedgerEdit {
    held: BTreeMap<Vec<u8>, Held>,
    bytes: usize,
}

#[derive(Debug)]
struct Held {
    entry: LedgerEntry,
    /// No layer has the key: a removal leaves no trace.
    fresh: bool,
}

impl LedgerEdit {
    /// Puts an entry. With `fresh` the caller knows that no layer has the key.
    pub fn put(&mut self, key: Vec<u8>, entry: LedgerEntry, fresh: bool) {
        self.bytes += cost(&key, &entry);
        match self.held.entry(key) {
            Slot::Vacant(slot) => drop(slot.insert(Held { entry, fresh })),
            // What the layers below have does not change with what is put above them.
            Slot::Occupied(mut slot) => {
                self.bytes -= cost(slot.key(), &slot.get().entry);
                slot.get_mut().entry = entry;
            }
        }
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: Vec<u8>) {
        match self.held.entry(key) {
            Slot::Occupied(slot) if slot.get().fresh => {
                let (key, held) = slot.remove_entry();
                self.bytes -= cost(&key, &held.entry);
            }
            slot => {
                let key = slot.key().clone();
                self.put(key, LedgerEntry::default(), false);
            }
        }
    }

    /// What was changed under a key; a removal is an entry that says so.
    pub fn get(&self, key: &[u8]) -> Option<&LedgerEntry> {
        self.held.get(key).map(|held| &held.entry)
    }

    /// Number of keys that changed.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Bytes of memory that the changes take, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The changes from `from` on, in order of keys.
    pub(super) fn range<'s>(
        &'s self,
        from: &[u8],
    ) -> impl Iterator<Item = (&'s Vec<u8>, &'s LedgerEntry)> + use<'s> {
        let range = (Bound::Included(from), Bound::Unbounded);
        self.held.range::<[u8], _>(range).map(|(key, held)| (key, &held.entry))
    }

    pub(super) fn clear(&mut self) {
        self.held.clear();
        self.bytes = 0;
    }
}

fn cost(key: &[u8], entry: &LedgerEntry) -> usize {
    OVERHEAD + key.len() + entry.data.as_ref().map_or(0, Vec::len)
}
