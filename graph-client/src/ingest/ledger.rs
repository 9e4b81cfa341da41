//! A drive's ledger, typed.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use repo_format::cbor;
use repo_format::codec::ContentId;
use repo_format::content::{ContentError, ReadContent};
use repo_format::ledger::{Aside, Ledger, LedgerEntry, WorkingLedger};
use repo_format::map::{MapError, MapStore};
use repo_format::object::ObjectRef;

use super::key::{DOOMED, ITEM, ORPHAN, SHARED, WANTED, id_of, is_kept, key, seen_key, seen_prefix};
use super::{IngestError, Known};

/// What the ledger has of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub known: Known,
    /// Its stored content, if the mark says that there is one.
    pub object: Option<ObjectRef>,
}

/// The ledger of one drive while it is backed up.
pub struct DriveLedger<'a> {
    ledger: WorkingLedger<'a>,
    /// Hashes of all IDs that may be there; without it every look-up reads.
    ids: Option<Ids>,
}

struct Ids {
    hasher: RandomState,
    hashes: HashSet<u64>,
    /// There was no ledger at all: what is not among the hashes was never there.
    virgin: bool,
}

impl Ids {
    fn hash(&self, id: &str) -> u64 {
        self.hasher.hash_one(id)
    }
}

/// The item that an entry under an item's key is.
pub(super) fn item(entry: LedgerEntry) -> Result<Item, IngestError> {
    let known = cbor::decode(entry.data.as_deref().unwrap_or_default()).map_err(IngestError::Entry)?;
    Ok(Item { known, object: entry.object })
}

/// The item that a change under an item's key is of, and what it is now.
pub(super) fn item_changed(
    (found, entry): (Bytes, Option<LedgerEntry>),
) -> Result<(String, Option<Item>), IngestError> {
    Ok((id_of(&[ITEM], &found).unwrap_or_default().to_owned(), entry.map(item).transpose()?))
}

/// What a ledger has of an item.
pub(super) fn item_of(ledger: &Ledger<'_>, id: &str) -> Result<Option<Item>, IngestError> {
    ledger.get(&key(ITEM, id))?.map(item).transpose()
}

/// Whether the tree that goes with a ledger has an item below `.orphans`.
pub(super) fn is_orphan(ledger: &Ledger<'_>, id: &str) -> Result<bool, IngestError> {
    Ok(ledger.get(&key(ORPHAN, id))?.is_some())
}

fn sign() -> LedgerEntry {
    LedgerEntry { object: None, data: Some(Vec::new()) }
}

impl<'a> DriveLedger<'a> {
    /// Opens a drive's ledger; the first `floor` of its layers are what the tree says.
    ///
    /// # Errors
    /// If a root cannot be read.
    pub fn open(
        contents: &'a dyn ReadContent,
        store: MapStore<'a>,
        roots: &[ContentId],
        floor: usize,
    ) -> Result<DriveLedger<'a>, IngestError> {
        Ok(DriveLedger { ledger: WorkingLedger::open(contents, store, roots, floor)?, ids: None })
    }

    /// Remembers which IDs there are, 16 bytes or so for each, because everything is about to be
    /// listed: then what is new is known to be so without a look.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn remember_ids(&mut self) -> Result<(), IngestError> {
        let virgin = self.ledger.base().is_empty() && self.ledger.changes(&[]).next().is_none();
        let mut ids = Ids { hasher: RandomState::new(), hashes: HashSet::new(), virgin };
        self.scan(&[ITEM], |id| {
            ids.hashes.insert(ids.hasher.hash_one(id));
            true
        })?;
        self.ids = Some(ids);
        Ok(())
    }

    /// Whether anything is known of any item.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn has_items(&self) -> Result<bool, IngestError> {
        let first = self.ledger.range(&[ITEM]).next().transpose()?;
        Ok(first.is_some_and(|(key, _)| id_of(&[ITEM], &key).is_some()))
    }

    /// What is known of an item.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn item(&self, id: &str) -> Result<Option<Item>, IngestError> {
        if self.ids.as_ref().is_some_and(|ids| !ids.hashes.contains(&ids.hash(id))) {
            return Ok(None);
        }
        self.ledger.get(&key(ITEM, id))?.map(item).transpose()
    }

    /// Puts what is known of an item.
    pub fn put(&mut self, item: &Item) {
        let id = item.known.facts.id.as_str();
        let fresh = match &mut self.ids {
            Some(ids) => ids.hashes.insert(ids.hash(id)) && ids.virgin,
            None => false,
        };
        let entry = LedgerEntry { object: item.object, data: Some(cbor::encode(&item.known)) };
        self.ledger.put(key(ITEM, id), entry, fresh);
    }

    /// Forgets an item.
    pub fn remove(&mut self, id: &str) {
        self.ledger.remove(key(ITEM, id));
    }

    /// Notes that an item's content is not stored. With `fresh` it never was noted before.
    pub(super) fn want(&mut self, id: &str, fresh: bool) {
        self.ledger.put(key(WANTED, id), sign(), fresh);
    }

    /// Notes that an item's content is stored, or wanted no longer.
    pub fn satisfy(&mut self, id: &str) {
        self.ledger.remove(key(WANTED, id));
    }

    /// Notes that an item's permissions are to be read, or that they were.
    pub(super) fn note_shared(&mut self, id: &str, to_be_read: bool) {
        match to_be_read {
            true => self.ledger.put(key(SHARED, id), sign(), false),
            false => self.ledger.remove(key(SHARED, id)),
        }
    }

    /// IDs of items whose permissions are to be read.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn unread(&self) -> Result<Vec<String>, IngestError> {
        self.ids_from(&[SHARED], "", usize::MAX)
    }

    /// Whether an item was never put, so far as that is known without a look.
    pub(super) fn is_virgin(&self, id: &str) -> bool {
        self.ids.as_ref().is_some_and(|ids| ids.virgin && !ids.hashes.contains(&ids.hash(id)))
    }

    pub(super) fn doom(&mut self, id: &str) {
        self.ledger.put(key(DOOMED, id), sign(), false);
    }

    pub(super) fn spare(&mut self, id: &str) {
        self.ledger.remove(key(DOOMED, id));
    }

    pub(super) fn is_doomed(&self, id: &str) -> Result<bool, IngestError> {
        Ok(self.ledger.get(&key(DOOMED, id))?.is_some())
    }

    pub(super) fn see(&mut self, epoch: u32, id: &str) {
        self.ledger.put(seen_key(epoch, id), sign(), false);
    }

    pub(super) fn note_orphan(&mut self, id: &str, is: bool) {
        match is {
            true => self.ledger.put(key(ORPHAN, id), sign(), false),
            false => self.ledger.remove(key(ORPHAN, id)),
        }
    }

    /// IDs of items whose content is not stored, from `from` on, at most `limit`.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn wanted(&self, from: &str, limit: usize) -> Result<Vec<String>, IngestError> {
        self.ids_from(&[WANTED], from, limit)
    }

    /// IDs of folders that were deleted in this run.
    pub(super) fn doomed(&self) -> Result<Vec<String>, IngestError> {
        self.ids_from(&[DOOMED], "", usize::MAX)
    }

    /// IDs of items that the tree has below `.orphans`.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn orphans(&self) -> Result<Vec<String>, IngestError> {
        self.ids_from(&[ORPHAN], "", usize::MAX)
    }

    fn ids_from(&self, prefix: &[u8], from: &str, limit: usize) -> Result<Vec<String>, IngestError> {
        let mut ids = Vec::new();
        let start = [prefix, from.as_bytes()].concat();
        for entry in self.ledger.range(&start) {
            let (found, _) = entry?;
            match id_of(prefix, &found) {
                Some(id) if ids.len() < limit => ids.push(id.to_owned()),
                _ => break,
            }
        }
        Ok(ids)
    }

    /// Tells the IDs behind a prefix, in order, while `tell` wants more.
    fn scan(&self, prefix: &[u8], mut tell: impl FnMut(&str) -> bool) -> Result<(), ContentError> {
        for entry in self.ledger.range(prefix) {
            let (found, _) = entry?;
            match id_of(prefix, &found) {
                Some(id) if tell(id) => {}
                _ => break,
            }
        }
        Ok(())
    }

    /// IDs of items that the enumeration `epoch` did not meet.
    pub(super) fn unseen(&self, epoch: u32) -> Result<Vec<String>, IngestError> {
        let prefix = seen_prefix(epoch);
        let mut seen = self.ledger.range(&prefix);
        let mut next_seen = move || -> Result<Option<String>, ContentError> {
            let next = seen.next().transpose()?;
            Ok(next.and_then(|(key, _)| id_of(&prefix, &key).map(str::to_owned)))
        };
        let mut at = next_seen()?;
        let mut unseen = Vec::new();
        for entry in self.ledger.range(&[ITEM]) {
            let (found, _) = entry?;
            let Some(id) = id_of(&[ITEM], &found) else { break };
            while at.as_deref().is_some_and(|seen| seen < id) {
                at = next_seen()?;
            }
            if at.as_deref() != Some(id) {
                unseen.push(id.to_owned());
            }
        }
        Ok(unseen)
    }

    /// Items with a stored content.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn stored(&self) -> Result<Vec<Item>, IngestError> {
        self.items().filter(|item| item.as_ref().map_or(true, |item| item.object.is_some())).collect()
    }

    /// All items, in order of IDs.
    pub(super) fn items(&self) -> impl Iterator<Item = Result<Item, IngestError>> + '_ {
        let entries = self.ledger.range(&[ITEM]);
        let ours = entries
            .take_while(|entry| entry.as_ref().map_or(true, |(found, _)| id_of(&[ITEM], found).is_some()));
        ours.map(|entry| item(entry?.1))
    }

    /// Items that the run has changed, in order of IDs: what they are now, `None` if they are gone.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub(super) fn changed(
        &self,
        mut tell: impl FnMut(&str, Option<Item>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        for change in self.ledger.changes(&[ITEM]) {
            let (found, entry) = change?;
            let Some(id) = id_of(&[ITEM], &found) else { break };
            tell(id, entry.map(item).transpose()?)?;
        }
        Ok(())
    }

    /// Sets the items of [`Self::changed`] aside, in the same order, for the parts that `parts` has for each.
    pub(super) fn set_aside(
        &self,
        parts: impl Iterator<Item = [Option<usize>; 2]>,
        aside: &mut Aside,
    ) -> Result<(), IngestError> {
        let mut changes = self.ledger.changes(&[ITEM]);
        for [first, second] in parts {
            let Some(change) = changes.next_undecoded()? else { break };
            let second = second.filter(|second| first != Some(*second));
            first.into_iter().chain(second).for_each(|part| aside.put(part, &change));
        }
        Ok(())
    }

    /// The ledger that goes with the tree.
    pub fn base(&self) -> Ledger<'a> {
        self.ledger.base()
    }

    /// How many layers go with the tree.
    pub fn floor(&self) -> usize {
        self.ledger.floor()
    }

    /// Bytes of memory that changes take, about.
    pub fn pending_bytes(&self) -> usize {
        self.ledger.edit().bytes()
    }

    /// Whether anything changed since the last checkpoint.
    pub fn has_changes(&self) -> bool {
        !self.ledger.edit().is_empty()
    }

    /// Stores the changes as a layer; gives all layers' roots for a checkpoint.
    ///
    /// # Errors
    /// If a layer cannot be read or stored.
    pub fn save(&self) -> Result<Vec<ContentId>, MapError> {
        self.ledger.save()
    }

    /// The commit that names `roots` is done.
    ///
    /// # Errors
    /// If a root cannot be read.
    pub fn settle(&mut self, roots: &[ContentId]) -> Result<(), IngestError> {
        Ok(self.ledger.settle(roots)?)
    }

    /// The commit that names what [`Self::split`] gave is done: the first layer is what the tree says.
    ///
    /// # Errors
    /// If a root cannot be read.
    pub fn settle_split(&mut self, roots: &[ContentId]) -> Result<(), IngestError> {
        Ok(self.ledger.settle_folded(roots)?)
    }

    /// Folds all layers into one, for a snapshot whose tree says the same.
    ///
    /// # Errors
    /// If a layer cannot be read or stored.
    pub fn fold(&self) -> Result<ContentId, MapError> {
        self.ledger.fold(is_kept)
    }

    /// Folds what a finished ledger keeps into one layer, for a checkpoint whose tree says the same;
    /// what serves the run alone is in a layer above it.
    ///
    /// # Errors
    /// If a layer cannot be read or stored.
    pub fn split(&self) -> Result<Vec<ContentId>, MapError> {
        self.ledger.split(is_kept)
    }

    /// Whether the run has changed about as much as there was before it.
    pub fn has_doubled(&self) -> bool {
        let (base, above) = self.ledger.sizes();
        above > base
    }
}
