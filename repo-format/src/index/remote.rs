//! A table in the storage, read page by page: one look-up on a new machine fetches no whole index.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::table::Counts;
use super::{IndexError, ReadError, SegmentFetch};
use crate::codec::{RepoId, SegmentId, Subkeys};
use crate::format::segment::{Outline, PAGE_SIZE, SegmentKind, SegmentRef};
use crate::system::Mutex;

/// Smaller segments are fetched whole: their ends and three pages would cost as much.
pub(super) const SIZE_MIN: u64 = 1 << 20;
/// After so many pages the whole segment is the cheaper way.
pub(super) const PAGES_MAX: usize = 16;
/// All tables together keep so many pages (32 MiB) and a few under way; then whole segments are
/// fetched, which the cache takes.
const PAGES_OF_ALL_MAX: usize = 512;

/// How many pages all remote tables of an index hold.
#[derive(Default)]
pub(super) struct PageBudget(AtomicUsize);

impl PageBudget {
    /// Whether no more pages should be taken.
    pub fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= PAGES_OF_ALL_MAX
    }
}

/// A segment of which header, footer and some pages were fetched.
///
/// The seals of these prove whose they are and where they belong; the rules that need the whole
/// table are not checked.
pub(super) struct RemoteTable {
    keys: Arc<Subkeys>,
    fetch: Arc<dyn SegmentFetch>,
    segment: SegmentId,
    outline: Outline,
    counts: Counts,
    pages: Mutex<HashMap<u32, Arc<Vec<u8>>>>,
    budget: Arc<PageBudget>,
}

impl RemoteTable {
    /// Fetches the ends of `segment`; `None` if ranges cannot be fetched or the ends do not tell
    /// enough: the whole segment then says what is wrong.
    pub fn open(
        keys: &Arc<Subkeys>,
        repo: &RepoId,
        fetch: &Arc<dyn SegmentFetch>,
        budget: &Arc<PageBudget>,
        segment: &SegmentRef,
    ) -> Option<RemoteTable> {
        let range = |range| fetch.fetch_range(&segment.id, range)?.ok();
        let head: Bytes = range(0..Outline::HEAD_SIZE)?;
        let tail: Bytes = range(segment.size - Outline::tail_size(segment.size)..segment.size)?;
        let outline = Outline::decode(keys, repo, SegmentKind::Index, &head, &tail, segment.size).ok()?;
        let counts = Counts::decode(outline.counts, outline.table_size).ok()?;
        (counts.contents == segment.count).then(|| RemoteTable {
            keys: Arc::clone(keys),
            fetch: Arc::clone(fetch),
            segment: segment.id,
            outline,
            counts,
            pages: Mutex::default(),
            budget: Arc::clone(budget),
        })
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether so many pages were fetched, of this table or all, that the whole segment should be.
    pub fn is_worn(&self) -> bool {
        self.budget.is_spent() || self.pages.lock().len() >= PAGES_MAX
    }

    /// `N` bytes of the table; fetches the pages that they are in.
    pub fn read<const N: usize>(&self, at: u64) -> Result<[u8; N], ReadError> {
        if at + N as u64 > self.counts.size() {
            return Err(ReadError::Clause("IDX-1"));
        }
        let mut row = [0; N];
        let mut filled = 0;
        while filled < N {
            let place = at as usize + filled;
            let page = self.page((place / PAGE_SIZE) as u32)?;
            let rest = page.get(place % PAGE_SIZE..).filter(|rest| !rest.is_empty());
            let rest = rest.ok_or(ReadError::Clause("IDX-1"))?;
            let taken = rest.len().min(N - filled);
            row[filled..filled + taken].copy_from_slice(&rest[..taken]);
            filled += taken;
        }
        Ok(row)
    }

    fn page(&self, page: u32) -> Result<Arc<Vec<u8>>, ReadError> {
        if let Some(known) = self.pages.lock().get(&page) {
            return Ok(Arc::clone(known));
        }
        let fetched = Arc::new(self.fetch_page(page).map_err(ReadError::Page)?);
        // Two threads may have fetched it at once.
        if self.pages.lock().insert(page, Arc::clone(&fetched)).is_none() {
            self.budget.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok(fetched)
    }

    fn fetch_page(&self, page: u32) -> Result<Vec<u8>, IndexError> {
        let segment = self.segment;
        let sealed = self.fetch.fetch_range(&segment, self.outline.page_range(page));
        let sealed = sealed
            .unwrap_or_else(|| Err("ranges can no longer be fetched".into()))
            .map_err(|source| IndexError::Fetch { segment, source })?;
        let plain = self.outline.open_page(&self.keys, page, &sealed);
        plain.map_err(|source| IndexError::Refused { segment, source })
    }
}

impl Drop for RemoteTable {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.pages.get_mut().len(), Ordering::Relaxed);
    }
}
