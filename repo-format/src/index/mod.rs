//! The index: where each content is.
//!
//! Owns the tables of index segments, their local cache, and the search in them. Knows nothing of
//! what contents mean, of the log that says which segments count, or of how blobs are fetched:
//! that is a [`SegmentFetch`]. All calls block; all of [`Index`] may be used from many threads.
//!
//! # Memory
//!
//! Memory does not grow with the number of contents. Tables are files of the cache, mapped: the
//! system keeps of them what it has room for. On the heap are some hundred bytes a segment,
//! and a bit for each 64 KiB of table. Only where there is no cache that can be written, whole tables
//! are held in memory, and [`Index::take_warning`] says so.
//!
//! # Trust
//!
//! A table is checked row by row when its segment is fetched. What the cache kept of it is
//! believed page by page, against keyed checksums at first use, so a rotten cache cannot claim that a content
//! exists; it is deleted, and its segment fetched again.
//!
//! ```
//! use std::sync::Arc;
//! use repo_format::codec::{ContentId, MasterKey, RepoId, SegmentId};
//! use repo_format::index::{FetchError, Index, SegmentFetch};
//!
//! struct Nothing;
//! impl SegmentFetch for Nothing {
//!     fn fetch(&self, _: &SegmentId) -> Result<bytes::Bytes, FetchError> {
//!         Err("there are no segments".into())
//!     }
//! }
//! let keys = Arc::new(MasterKey::from_bytes([1; 32]).subkeys());
//! let index = Index::new(keys, RepoId([2; 16]), None, Arc::new(Nothing));
//! index.set_segments(&[]);
//! assert_eq!(index.locate(&ContentId([3; 32]))?, []);
//! # Ok::<(), repo_format::index::IndexError>(())
//! ```

mod build;
mod cache;
mod check;
mod error;
mod lookup;
mod mapped;
mod merge;
mod remote;
mod slot;
mod table;
#[cfg(test)]
mod tests;
mod view;

pub use build::{Contradiction, TABLE_SIZE, build};
pub use check::check;
pub use error::{CacheWarning, FetchError, IndexError};
pub use lookup::{Location, Row};
pub use merge::merge;
pub use table::{Counts, IndexTable, TableError};
pub use view::View;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use crate::codec::{ContentId, PackId, RepoId, SegmentId, Subkeys};
use crate::format::names::PackKind;
use crate::format::segment::SegmentRef;
use crate::system::{self, RwLock};
use cache::Cache;
use error::ReadError;
use slot::{Need, Opener, Slot, SlotSet};

/// Segments fetched at a time by [`Index::load_all`].
const LOADERS: usize = 8;

/// Fetches segments from wherever blobs live. Blocks.
pub trait SegmentFetch: Send + Sync {
    /// All bytes of a segment.
    ///
    /// # Errors
    /// Whatever the storage says.
    fn fetch(&self, id: &SegmentId) -> Result<Bytes, FetchError>;

    /// Some bytes of a segment; `None` if only whole segments can be fetched, which is the default.
    fn fetch_range(&self, id: &SegmentId, range: Range<u64>) -> Option<Result<Bytes, FetchError>> {
        let _ = (id, range);
        None
    }
}

/// The index of one repository, as of the segments it was told last.
pub struct Index {
    opener: Opener,
    slots: RwLock<Arc<SlotSet>>,
}

impl Index {
    /// An index without segments. `cache` is a folder of this repository's own; it is made when it
    /// is needed. Without one, tables are held in memory.
    pub fn new(
        keys: Arc<Subkeys>,
        repo: RepoId,
        cache: Option<PathBuf>,
        fetch: Arc<dyn SegmentFetch>,
    ) -> Index {
        let opener = Opener { keys, repo, cache: Cache::new(cache), fetch, pages: Arc::default() };
        Index { opener, slots: RwLock::default() }
    }

    /// Replaces the set of segments. Those that stay remain open; look-ups under way end with the
    /// set they began with.
    pub fn set_segments(&self, segments: &[SegmentRef]) {
        let mut current = self.slots.write();
        let known: HashMap<SegmentId, &Arc<Slot>> =
            current.iter().map(|slot| (slot.segment.id, slot)).collect();
        let slots = segments
            .iter()
            .map(|segment| match known.get(&segment.id) {
                Some(slot) if slot.segment == *segment => Arc::clone(slot),
                _ => Arc::new(Slot::new(*segment)),
            })
            .collect();
        *current = Arc::new(SlotSet::new(slots));
    }

    /// The segments that the index consults, in order of their first content ID.
    pub fn segments(&self) -> Vec<SegmentRef> {
        self.slots().iter().map(|slot| slot.segment).collect()
    }

    /// All places of a content; none if it is in no segment.
    ///
    /// Opens the segments whose key range covers `id`, and of a large one that is not in the cache
    /// fetches a few pages only, if pages can be fetched.
    ///
    /// # Errors
    /// [`IndexError`] if a segment that covers `id` cannot be read: the content may be in it.
    pub fn locate(&self, id: &ContentId) -> Result<Vec<Location>, IndexError> {
        let mut found = Vec::new();
        self.each_row_at(id, |at| {
            if !found.contains(&at) {
                found.push(at);
            }
        })?;
        Ok(found)
    }

    /// The same, each place as often as segments name it: those that overlap for a while do.
    ///
    /// # Errors
    /// As [`Index::locate`].
    pub fn rows_at(&self, id: &ContentId) -> Result<Vec<Location>, IndexError> {
        let mut found = Vec::new();
        self.each_row_at(id, |at| found.push(at))?;
        Ok(found)
    }

    fn each_row_at(&self, id: &ContentId, mut take: impl FnMut(Location)) -> Result<(), IndexError> {
        for (_, slot) in self.slots().covering(id) {
            for (_, at) in self.locate_in(slot, id)? {
                take(at);
            }
        }
        Ok(())
    }

    /// The first place of a content in a pack that is `usable`: the question of a writer, who does
    /// not rely on packs that are lost, condemned or doomed.
    ///
    /// # Errors
    /// As [`Index::locate`].
    pub fn find(
        &self,
        id: &ContentId,
        usable: impl Fn(&PackId) -> bool,
    ) -> Result<Option<Location>, IndexError> {
        for (_, slot) in self.slots().covering(id) {
            let mut found = self.locate_in(slot, id)?.into_iter().map(|(_, at)| at);
            if let Some(at) = found.find(|at| usable(&at.pack)) {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// Brings every segment into the cache, for who is about to ask for contents all over.
    ///
    /// # Errors
    /// The first segment that could not be had; the others were tried.
    pub fn load_all(&self) -> Result<(), IndexError> {
        let slots = self.slots();
        let next = AtomicUsize::new(0);
        let load = || {
            let take = || slots.get(next.fetch_add(1, Ordering::Relaxed));
            std::iter::from_fn(take).map(|slot| slot.load(&self.opener)).fold(Ok(()), Result::and)
        };
        system::scope(|scope| {
            let loaders: Vec<_> = (0..LOADERS.min(slots.len())).map(|_| scope.spawn(load)).collect();
            let results = loaders.into_iter().map(|loader| loader.join().expect("a loader does not panic"));
            results.fold(Ok(()), Result::and)
        })
    }

    /// All rows of all segments, one segment after the other. Streams: nothing is gathered.
    pub fn rows(&self) -> impl Iterator<Item = Result<Row, IndexError>> + '_ {
        let slots = self.slots();
        (0..).map_while(move |place| slots.get(place).cloned()).flat_map(|slot| self.rows_in(slot))
    }

    /// Every pack that a content is in, each once.
    ///
    /// # Errors
    /// The first segment that cannot be read.
    pub fn packs(&self) -> Result<BTreeMap<PackId, PackKind>, IndexError> {
        let mut packs = BTreeMap::new();
        for slot in self.slots().iter() {
            let rows = slot.read(&self.opener, Need::All, |table| table.packs())?;
            packs.extend(rows.into_iter().map(|pack| (pack.id, pack.kind)));
        }
        Ok(packs)
    }

    /// Every pack that a content of one segment is in, whether or not it is in the set.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn packs_of(&self, segment: &SegmentRef) -> Result<Vec<PackId>, IndexError> {
        let packs = self.slot_of(segment).read(&self.opener, Need::All, |table| table.packs())?;
        Ok(packs.into_iter().map(|pack| pack.id).collect())
    }

    /// The rows of one segment in order, whether or not it is in the set: what [`merge()`] takes.
    pub fn rows_of(&self, segment: &SegmentRef) -> impl Iterator<Item = Result<Row, IndexError>> + '_ {
        self.rows_in(self.slot_of(segment))
    }

    fn slot_of(&self, segment: &SegmentRef) -> Arc<Slot> {
        let known = self.slots().iter().find(|slot| slot.segment == *segment).cloned();
        known.unwrap_or_else(|| Arc::new(Slot::new(*segment)))
    }

    /// Puts the table of a segment that this process made into the cache, so that nobody fetches
    /// it. Without a cache this does nothing.
    pub fn precache(&self, segment: &SegmentRef, table: IndexTable) {
        // A table that could not be stored is fetched when it is needed.
        let _ = self.opener.cache.store(&self.opener.keys, &segment.id, table);
    }

    /// Removes from the cache what is not in the set of segments. Other processes may be using it.
    pub fn prune_cache(&self) {
        let needed = self.slots().iter().map(|slot| slot.segment.id).collect();
        self.opener.cache.retain(&needed);
    }

    /// What went wrong with the cache first, if something did since the last call.
    pub fn take_warning(&self) -> Option<CacheWarning> {
        self.opener.cache.take_warning()
    }

    fn slots(&self) -> Arc<SlotSet> {
        Arc::clone(&self.slots.read())
    }

    /// The index as it is now, its rows numbered.
    pub fn view(&self) -> View<'_> {
        View::new(&self.opener, self.slots())
    }

    fn locate_in(&self, slot: &Slot, id: &ContentId) -> Result<Vec<(u32, Location)>, IndexError> {
        let range = (slot.segment.first, slot.segment.last);
        slot.read(&self.opener, Need::Rows, |table| table.locate(id, range))
    }

    fn rows_in(&self, slot: Arc<Slot>) -> impl Iterator<Item = Result<Row, IndexError>> + '_ {
        let mut ended = false;
        (0..slot.segment.count).map_while(move |row| {
            if ended {
                return None;
            }
            let found = slot.read(&self.opener, Need::All, |table| table.row(row));
            // One error says it all: the rows behind it would say the same.
            ended = found.is_err();
            Some(found)
        })
    }
}
