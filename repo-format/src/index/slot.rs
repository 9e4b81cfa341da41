//! One segment of the index: opened at first use, healed when its cache turns out rotten.

use std::sync::Arc;

use super::cache::Cache;
use super::lookup::Table;
use super::remote::{self, PageBudget, RemoteTable};
use super::{IndexError, IndexTable, ReadError, SegmentFetch};
use crate::codec::{ContentId, RepoId, Subkeys};
use crate::format::segment::{self, SegmentKind, SegmentRef};
use crate::system::{Mutex, RwLock};

/// After the cache was rotten so often, a segment stays in memory: the disk cannot be trusted.
const ROTTEN_MAX: u32 = 2;

/// What opening a segment takes; shared by all of an index.
pub(super) struct Opener {
    pub keys: Arc<Subkeys>,
    pub repo: RepoId,
    pub cache: Cache,
    pub fetch: Arc<dyn SegmentFetch>,
    pub pages: Arc<PageBudget>,
}

/// How much of a segment a reader is about to need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// A few rows: single pages may do.
    Rows,
    /// Most of it.
    All,
}

/// The slots of a set of segments, found by the key range that they cover.
#[derive(Default)]
pub(super) struct SlotSet {
    /// In order of their first ID; each with the highest ID that it or any slot before it reaches.
    slots: Vec<(ContentId, Arc<Slot>)>,
}

impl SlotSet {
    pub fn new(mut slots: Vec<Arc<Slot>>) -> SlotSet {
        slots.sort_by_key(|slot| slot.segment.first);
        let mut reach = ContentId::ZERO;
        let ranked = slots.into_iter().map(|slot| {
            reach = reach.max(slot.segment.last);
            (reach, slot)
        });
        SlotSet { slots: ranked.collect() }
    }

    /// The slots whose key range covers `id`, each with its place; looks at few others where ranges
    /// hardly overlap.
    pub fn covering<'s>(&'s self, id: &'s ContentId) -> impl Iterator<Item = (usize, &'s Slot)> {
        let behind = self.slots.partition_point(|(_, slot)| slot.segment.first <= *id);
        let before = self.slots[..behind].iter().enumerate().rev();
        let reaching = before.take_while(move |(_, (reach, _))| *reach >= *id);
        reaching.map(|(place, (_, slot))| (place, &**slot)).filter(move |(_, slot)| slot.segment.last >= *id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.slots.iter().map(|(_, slot)| slot)
    }

    pub fn get(&self, place: usize) -> Option<&Arc<Slot>> {
        self.slots.get(place).map(|(_, slot)| slot)
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }
}

/// A segment, open or not yet.
pub(super) struct Slot {
    pub segment: SegmentRef,
    table: RwLock<Option<Arc<Table>>>,
    /// Held while opening, so that one thread fetches and the others wait. Counts how often the
    /// cache was rotten.
    opening: Mutex<u32>,
}

impl Slot {
    pub fn new(segment: SegmentRef) -> Slot {
        Slot { segment, table: RwLock::default(), opening: Mutex::default() }
    }

    /// Reads from the segment's table; opens it if need be, and again if its cache is rotten.
    pub fn read<R>(
        &self,
        opener: &Opener,
        need: Need,
        read: impl Fn(&Table) -> Result<R, ReadError>,
    ) -> Result<R, IndexError> {
        loop {
            let table = self.table(opener, need)?;
            match read(&table) {
                Ok(found) => return Ok(found),
                Err(ReadError::Rotten) => self.discard(opener, &table),
                Err(ReadError::Clause(clause)) => return Err(self.malformed(clause)),
                Err(ReadError::Page(error)) => return Err(error),
            }
        }
    }

    /// Makes sure that the whole table is at hand.
    pub fn load(&self, opener: &Opener) -> Result<(), IndexError> {
        self.table(opener, Need::All).map(drop)
    }

    fn table(&self, opener: &Opener, need: Need) -> Result<Arc<Table>, IndexError> {
        if let Some(table) = self.open_table(need) {
            return Ok(table);
        }
        let rotten = self.opening.lock();
        if let Some(table) = self.open_table(need) {
            return Ok(table);
        }
        let table = Arc::new(self.open(opener, need, *rotten)?);
        *self.table.write() = Some(Arc::clone(&table));
        Ok(table)
    }

    fn open_table(&self, need: Need) -> Option<Arc<Table>> {
        let table = self.table.read().clone()?;
        match &*table {
            Table::Remote(remote) if need == Need::All || remote.is_worn() => None,
            _ => Some(table),
        }
    }

    fn open(&self, opener: &Opener, need: Need, rotten: u32) -> Result<Table, IndexError> {
        if let Some(table) = opener.cache.open(&opener.keys, &self.segment.id) {
            return Ok(Table::Mapped(table));
        }
        if let Some(remote) = self.open_remote(opener, need) {
            return Ok(Table::Remote(remote));
        }
        let table = self.fetch(opener)?;
        if rotten >= ROTTEN_MAX {
            return Ok(Table::Memory(table));
        }
        let stored = opener.cache.store(&opener.keys, &self.segment.id, table);
        Ok(stored.map_or_else(Table::Memory, Table::Mapped))
    }

    /// Single pages, if they are likely to do: not for a table that is being replaced.
    fn open_remote(&self, opener: &Opener, need: Need) -> Option<RemoteTable> {
        let replaces = self.table.read().is_some();
        let small = self.segment.size < remote::SIZE_MIN;
        if need == Need::All || replaces || small || opener.pages.is_spent() {
            return None;
        }
        RemoteTable::open(&opener.keys, &opener.repo, &opener.fetch, &opener.pages, &self.segment)
    }

    fn fetch(&self, opener: &Opener) -> Result<IndexTable, IndexError> {
        let segment = self.segment.id;
        let blob = opener.fetch.fetch(&segment).map_err(|source| IndexError::Fetch { segment, source })?;
        let (counts, bytes) =
            segment::decode(&opener.keys, &opener.repo, SegmentKind::Index, &segment, &blob)
                .map_err(|source| IndexError::Refused { segment, source })?;
        let table = IndexTable::decode(counts, bytes).map_err(|error| self.malformed(error.clause))?;
        if table.reference(segment, blob.len() as u64) != self.segment {
            return Err(self.malformed("ACT-1"));
        }
        Ok(table)
    }

    /// Forgets a table whose cache is rotten, unless another thread did.
    fn discard(&self, opener: &Opener, table: &Arc<Table>) {
        let mut rotten = self.opening.lock();
        let mut current = self.table.write();
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, table)) {
            opener.cache.remove(&self.segment.id);
            *current = None;
            *rotten += 1;
        }
    }

    fn malformed(&self, clause: &'static str) -> IndexError {
        IndexError::Malformed { segment: self.segment.id, clause }
    }
}
