//! Sealed frames of trees, read ahead.
//!
//! A tree is read node by node, and only a node says which is the next. Behind a network each would cost a
//! request for some ten KiB. The frames of one tree lie side by side in a pack, in no order that a walk
//! follows. So the first look into a pack fetches just its frame, which is all that a single path needs, and
//! each further one a larger part of the pack.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use lru::LruCache;

use crate::codec::PackId;
use crate::storage::{BlobName, Blobs, StorageError};
use crate::system::Mutex;

/// Packs of which parts are kept.
const PACKS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);
/// Parts that are kept of each.
const PARTS: usize = 2;
/// How large they become: 2 MiB behind a network, so that all together are 16 MiB at most.
const PART_REQUESTS: u64 = 2;

/// Parts of packs that were fetched lately. Shared between threads.
pub(super) struct Ahead {
    /// Bytes that a request is worth.
    request_bytes: u64,
    packs: Mutex<LruCache<PackId, Arc<Mutex<Parts>>>>,
}

/// What is at hand of one pack.
#[derive(Default)]
struct Parts {
    /// The newest last, each with its place in the pack.
    parts: Vec<(u64, Bytes)>,
    /// How often a frame was in none of them.
    misses: u32,
}

impl Ahead {
    /// Reads ahead as suits a storage where a request is worth so many bytes.
    pub fn new(request_bytes: u64) -> Ahead {
        Ahead { request_bytes, packs: Mutex::new(LruCache::new(PACKS)) }
    }

    /// The bytes `range` of the pack `id`, called `name`, and more for those who ask next. Threads that look
    /// into one pack wait for each other: what one fetches is what the next wants.
    ///
    /// # Errors
    /// As [`Blobs::get_range`] for the range itself.
    pub fn get(
        &self,
        blobs: &Blobs,
        id: &PackId,
        name: &BlobName,
        range: Range<u64>,
    ) -> Result<Bytes, StorageError> {
        let parts = self.packs.lock().get_or_insert(*id, Arc::default).clone();
        let mut parts = parts.lock();
        if let Some(bytes) = parts.find(&range) {
            return Ok(bytes);
        }
        let wanted = self.part(parts.misses, &range);
        parts.misses += 1;
        if wanted != range {
            let start = wanted.start;
            match blobs.get_within(name, wanted) {
                Ok(part) => parts.keep(start, part),
                Err(error) if error.is_transient() => return Err(error),
                Err(_) => {}
            }
            if let Some(bytes) = parts.find(&range) {
                return Ok(bytes);
            }
        }
        // By itself; and where there is something wrong with the pack, this says what.
        blobs.get_range(name, range)
    }

    /// What to fetch for `range` after so many misses.
    fn part(&self, misses: u32, range: &Range<u64>) -> Range<u64> {
        let size = match misses {
            0 => return range.clone(),
            1 => self.request_bytes / 4,
            2 => self.request_bytes,
            _ => PART_REQUESTS * self.request_bytes,
        };
        let start = range.start - range.start % size.max(1);
        start..range.end.max(start + size)
    }
}

impl Parts {
    fn find(&self, range: &Range<u64>) -> Option<Bytes> {
        let within = |(start, part): &(u64, Bytes)| {
            let from = usize::try_from(range.start.checked_sub(*start)?).ok()?;
            let to = usize::try_from(range.end.checked_sub(*start)?).ok()?;
            (from <= to && to <= part.len()).then(|| part.slice(from..to))
        };
        self.parts.iter().rev().find_map(within)
    }

    fn keep(&mut self, start: u64, part: Bytes) {
        if self.parts.len() >= PARTS {
            self.parts.remove(0);
        }
        self.parts.push((start, part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Storage;

    const FRAME: u64 = 1000;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
    }

    fn pack(runtime: &tokio::runtime::Runtime, size: usize) -> (Blobs, BlobName, Vec<u8>) {
        let blobs = Blobs::new(Storage::memory(), runtime.handle().clone());
        let mut bytes = vec![0; size];
        blake3::Hasher::new().finalize_xof().fill(&mut bytes);
        let name = BlobName::new("packs/meta/some").unwrap();
        blobs.put_new(&name, bytes.clone().into()).unwrap();
        (blobs, name, bytes)
    }

    #[test]
    fn what_is_read_ahead_is_what_the_pack_has_in_few_requests() {
        let runtime = runtime();
        let (blobs, name, bytes) = pack(&runtime, 1_000_000);
        let ahead = Ahead::new(1 << 20);
        // Forwards and backwards in turn, and over every border.
        for place in 0..1000_u64 {
            let start = FRAME * if place % 2 == 0 { place } else { 1000 - place };
            let range = start..(start + FRAME).min(1_000_000);
            let got = ahead.get(&blobs, &PackId::from([7; 32]), &name, range.clone()).unwrap();
            assert_eq!(got, bytes[range.start as usize..range.end as usize]);
        }
        assert!(blobs.storage().counters().gets <= 4, "{:?}", blobs.storage().counters());
    }

    #[test]
    fn one_frame_costs_no_more_than_itself() {
        let runtime = runtime();
        let (blobs, name, _) = pack(&runtime, 1_000_000);
        Ahead::new(1 << 20).get(&blobs, &PackId::from([7; 32]), &name, 5..105).unwrap();
        assert_eq!(blobs.storage().counters().bytes_down, 100);
    }

    #[test]
    fn a_pack_that_ends_early_is_told_as_if_nothing_were_read_ahead() {
        let runtime = runtime();
        let (blobs, name, _) = pack(&runtime, 5000);
        let ahead = Ahead::new(1 << 20);
        for start in [0, 4500, 9000, 4900] {
            let range = start..start + FRAME;
            let (got, by_itself) = (
                ahead.get(&blobs, &PackId::from([7; 32]), &name, range.clone()),
                blobs.get_range(&name, range),
            );
            assert_eq!(got.map_err(|error| error.to_string()), by_itself.map_err(|error| error.to_string()));
        }
    }
}
