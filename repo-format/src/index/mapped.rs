//! A cached table, mapped, its pages checked at first use.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::Mmap;

use super::ReadError;
use super::table::{Counts, IndexTable};
use crate::codec::{SegmentId, Subkeys};
use crate::format::segment::PAGE_SIZE;
use crate::format::table::Fields;

const MAGIC: &[u8; 8] = b"CORSOIDX";
const VERSION: u32 = 1;
const CHECKSUM: usize = 16;
const FOOTER: usize = 8 + 4 * 4 + CHECKSUM;
/// The page number under which the footer is checked.
const FOOTER_PAGE: u32 = u32::MAX;

/// A file of the cache: `table || a checksum for each page || footer`.
///
/// The footer is magic, u32 version, u32 packs, frames and contents, and its own checksum. The
/// file is private to one machine and no part of the format.
pub(super) struct MappedTable {
    map: Mmap,
    counts: Counts,
    checksums: Checksums,
    /// One bit a page: seen to be as it was written.
    checked: Vec<AtomicU64>,
}

impl MappedTable {
    /// Maps `file`; `None` if it is not what a cache writes for `segment`.
    pub fn open(keys: &Arc<Subkeys>, segment: &SegmentId, file: &File) -> io::Result<Option<MappedTable>> {
        let length = file.metadata()?.len();
        if length < FOOTER as u64 || length > usize::MAX as u64 {
            return Ok(None);
        }
        // SAFETY: Files of the cache are complete before they get their name, are never written
        // again, and only ever unlinked, which leaves the map whole. Whoever may write to this
        // private folder otherwise could as well stop the process; what such a change can do is
        // fail a checksum or end the process, since every use reads plain bytes.
        let map = unsafe { Mmap::map(file)? };
        let checksums = Checksums::new(keys, segment);
        let Some(counts) = read_footer(&checksums, &map) else { return Ok(None) };
        let words = pages_of(counts).div_ceil(64);
        let checked = (0..words).map(|_| AtomicU64::new(0)).collect();
        Ok(Some(MappedTable { map, counts, checksums, checked }))
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// `N` bytes of the table, the pages that they are in checked.
    pub fn read<const N: usize>(&self, at: u64) -> Result<[u8; N], ReadError> {
        let start = at as usize;
        let end = start + N;
        if end as u64 > self.counts.size() {
            return Err(ReadError::Clause("IDX-1"));
        }
        for page in start / PAGE_SIZE..end.div_ceil(PAGE_SIZE) {
            self.check(page)?;
        }
        self.map.get(start..).and_then(|rest| rest.first_chunk()).copied().ok_or(ReadError::Rotten)
    }

    fn check(&self, page: usize) -> Result<(), ReadError> {
        let (word, bit) = (&self.checked[page / 64], 1 << (page % 64));
        // Relaxed: the bit publishes nothing but itself; the bytes were there before.
        if word.load(Ordering::Relaxed) & bit != 0 {
            return Ok(());
        }
        let size = self.counts.size() as usize;
        let bytes = &self.map[page * PAGE_SIZE..size.min((page + 1) * PAGE_SIZE)];
        let stored = &self.map[size + page * CHECKSUM..size + (page + 1) * CHECKSUM];
        if self.checksums.of(page as u32, bytes) != *stored {
            return Err(ReadError::Rotten);
        }
        word.fetch_or(bit, Ordering::Relaxed);
        Ok(())
    }
}

/// Writes what [`MappedTable::open`] reads.
pub(super) fn write(
    keys: &Arc<Subkeys>,
    segment: &SegmentId,
    table: &IndexTable,
    mut to: impl Write,
) -> io::Result<()> {
    let checksums = Checksums::new(keys, segment);
    to.write_all(table.bytes())?;
    for (page, bytes) in (0..).zip(table.bytes().chunks(PAGE_SIZE)) {
        to.write_all(&checksums.of(page, bytes))?;
    }
    let Counts { packs, frames, contents } = table.counts();
    let mut footer = MAGIC.to_vec();
    footer.extend([VERSION, packs, frames, contents].iter().flat_map(|number| number.to_le_bytes()));
    let checksum = checksums.of(FOOTER_PAGE, &footer);
    footer.extend_from_slice(&checksum);
    to.write_all(&footer)
}

fn pages_of(counts: Counts) -> usize {
    counts.size().div_ceil(PAGE_SIZE as u64) as usize
}

fn read_footer(checksums: &Checksums, file: &[u8]) -> Option<Counts> {
    let footer = file.last_chunk::<FOOTER>()?;
    let (body, checksum) = footer.split_last_chunk::<CHECKSUM>()?;
    if checksums.of(FOOTER_PAGE, body) != *checksum {
        return None;
    }
    let mut fields = Fields::new(body);
    if fields.array()? != *MAGIC || fields.u32()? != VERSION {
        return None;
    }
    let counts = Counts { packs: fields.u32()?, frames: fields.u32()?, contents: fields.u32()? };
    let length = counts.size() + (pages_of(counts) * CHECKSUM + FOOTER) as u64;
    (length == file.len() as u64).then_some(counts)
}

/// Keyed checksums, so that nobody without the key can make a page that passes.
struct Checksums {
    keys: Arc<Subkeys>,
    segment: SegmentId,
}

impl Checksums {
    fn new(keys: &Arc<Subkeys>, segment: &SegmentId) -> Checksums {
        Checksums { keys: Arc::clone(keys), segment: *segment }
    }

    fn of(&self, page: u32, bytes: &[u8]) -> [u8; CHECKSUM] {
        let mut hasher = blake3::Hasher::new_keyed(self.keys.cache());
        hasher.update(&self.segment.0).update(&page.to_le_bytes()).update(bytes);
        let mut checksum = [0; CHECKSUM];
        hasher.finalize_xof().fill(&mut checksum);
        checksum
    }
}
