//! Finding rows: places, and the search for them in one table.

use super::mapped::MappedTable;
use super::remote::RemoteTable;
use super::table::{ContentEntry, Counts, FrameEntry, PackRow, location};
use super::{IndexTable, ReadError};
use crate::codec::{ContentId, ContentKind, PackId};
use crate::format::names::PackKind;
use crate::pack::FrameSeal;

/// Where a content is: all that reading it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    pub pack: PackId,
    pub pack_kind: PackKind,
    /// Of the pack's header, so that a frame opens without reading it.
    pub salt: [u8; 32],
    pub frame: FrameSeal,
    /// Byte offset of the sealed frame in the pack.
    pub offset: u32,
    /// Bytes of the frame stored, without what sealing adds.
    pub stored_len: u32,
    /// Byte offset of the content in the raw frame.
    pub content_offset: u32,
    /// Plaintext bytes.
    pub content_len: u32,
    pub kind: ContentKind,
}

/// One content in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub id: ContentId,
    pub at: Location,
}

impl Row {
    /// What rows are sorted by (IDX-2); the offset decides between equal contents of one frame.
    pub(super) fn order(&self) -> (ContentId, PackId, u32, u32) {
        (self.id, self.at.pack, self.at.frame.index, self.at.content_offset)
    }
}

/// An open table, wherever its bytes are.
pub(super) enum Table {
    /// In the local cache, checked page by page.
    Mapped(MappedTable),
    /// In memory, because there is no cache that takes it.
    Memory(IndexTable),
    /// In the storage, read page by page.
    Remote(RemoteTable),
}

impl Table {
    pub fn counts(&self) -> Counts {
        match self {
            Table::Mapped(table) => table.counts(),
            Table::Memory(table) => table.counts(),
            Table::Remote(table) => table.counts(),
        }
    }

    fn read<const N: usize>(&self, at: u64) -> Result<[u8; N], ReadError> {
        match self {
            Table::Mapped(table) => table.read(at),
            Table::Memory(table) => table.read(at),
            Table::Remote(table) => table.read(at),
        }
    }

    /// The rows of packs.
    pub fn packs(&self) -> Result<Vec<PackRow>, ReadError> {
        let row =
            |row| PackRow::decode(&self.read(self.counts().pack_at(row))?).ok_or(ReadError::Clause("IDX-1"));
        (0..self.counts().packs).map(row).collect()
    }

    fn id(&self, row: u32) -> Result<ContentId, ReadError> {
        self.read(self.counts().content_at(row)).map(ContentId)
    }

    fn content(&self, row: u32) -> Result<ContentEntry, ReadError> {
        let bytes = self.read(self.counts().content_at(row))?;
        ContentEntry::decode(&bytes).ok_or(ReadError::Clause("IDX-1"))
    }

    fn location(&self, content: &ContentEntry) -> Result<Location, ReadError> {
        let broken = || ReadError::Clause("IDX-1");
        let counts = self.counts();
        // A row behind the last would be read from the rows that follow.
        if content.frame >= counts.frames {
            return Err(broken());
        }
        let bytes = self.read(counts.frame_at(content.frame))?;
        let frame =
            FrameEntry::decode(&bytes).filter(|frame| frame.pack < counts.packs).ok_or_else(broken)?;
        let pack = PackRow::decode(&self.read(counts.pack_at(frame.pack))?).ok_or_else(broken)?;
        location(&pack, &frame, content).ok_or_else(broken)
    }

    /// The content row with this number, which must be below the count.
    pub fn row(&self, row: u32) -> Result<Row, ReadError> {
        let content = self.content(row)?;
        Ok(Row { id: content.id, at: self.location(&content)? })
    }

    /// All places of `id`, each with the number of its row. A miss allocates nothing.
    ///
    /// `range` is the key range that the log promises; a wrong one costs time, not the answer.
    pub fn locate(
        &self,
        id: &ContentId,
        range: (ContentId, ContentId),
    ) -> Result<Vec<(u32, Location)>, ReadError> {
        let count = self.counts().contents;
        let mut row = lower_bound(count, range, id, |row| self.id(row))?;
        let mut found = Vec::new();
        while row < count {
            let content = self.content(row)?;
            if content.id != *id {
                break;
            }
            found.push((row, self.location(&content)?));
            row += 1;
        }
        Ok(found)
    }
}

/// After so many guesses, every other step halves what is left: IDs that are not uniform then cost
/// a logarithm, not a walk.
const GUESSES: u32 = 8;

/// The first of `count` sorted rows whose ID is not below `id`, by interpolation.
///
/// IDs are keyed hashes and so uniform: a guess is about √count rows off, and a few more settle it.
fn lower_bound<E>(
    count: u32,
    range: (ContentId, ContentId),
    id: &ContentId,
    mut read: impl FnMut(u32) -> Result<ContentId, E>,
) -> Result<u32, E> {
    let wanted = leading(id);
    let (mut low, mut high) = (0, count);
    let (mut low_key, mut high_key) = (leading(&range.0), leading(&range.1));
    let mut steps = 0;
    while low < high {
        let middle = match steps {
            n if n >= GUESSES && n % 2 == 0 => low + (high - low) / 2,
            _ => guess(low, high, low_key, high_key, wanted),
        };
        steps += 1;
        let found = read(middle)?;
        if found < *id {
            (low, low_key) = (middle + 1, leading(&found));
        } else {
            (high, high_key) = (middle, leading(&found));
        }
    }
    Ok(low)
}

/// A row from `low` up to, not including, `high`, about where `wanted` is.
fn guess(low: u32, high: u32, low_key: u64, high_key: u64, wanted: u64) -> u32 {
    let span = high_key.saturating_sub(low_key);
    let above = wanted.saturating_sub(low_key);
    let rows = u64::from(high - low);
    let offset = u128::from(above) * u128::from(rows) / u128::from(span.max(1));
    low + offset.min(u128::from(rows - 1)) as u32
}

fn leading(id: &ContentId) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = id.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(ids: &[ContentId], id: &ContentId) -> (u32, u32) {
        let mut steps = 0;
        let range = (ids[0], ids[ids.len() - 1]);
        let found = lower_bound(ids.len() as u32, range, id, |row| {
            steps += 1;
            Ok::<_, ()>(ids[row as usize])
        });
        (found.expect("reads"), steps)
    }

    #[test]
    fn a_miss_costs_about_as_much_as_a_hit() {
        let id = |n: u32| ContentId(*blake3::hash(&n.to_le_bytes()).as_bytes());
        let mut ids: Vec<ContentId> = (0..100_000).map(id).collect();
        ids.sort_unstable();
        let mut total = [0, 0];
        for n in 99_000..101_000 {
            let (found, steps) = steps(&ids, &id(n));
            assert_eq!(found as usize, ids.partition_point(|other| *other < id(n)));
            total[usize::from(n >= 100_000)] += steps;
        }
        assert!(total.iter().all(|steps| *steps < 1000 * 9), "{total:?}");
    }

    #[test]
    fn skewed_ids_still_cost_a_logarithm() {
        let ids: Vec<ContentId> = (1..50_000u32)
            .map(|n| {
                let mut id = [0; 32];
                id[if n % 2 == 0 { 28..32 } else { 4..8 }].copy_from_slice(&n.to_be_bytes());
                ContentId(id)
            })
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        for (place, id) in ids.iter().enumerate().step_by(97) {
            let (found, steps) = steps(&ids, id);
            assert_eq!(found as usize, place);
            assert!(steps < 50, "{steps}");
        }
    }
}
