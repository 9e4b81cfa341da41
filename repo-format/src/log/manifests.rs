//! Manifest segments: where rows go when a catalog would grow with them (MSEG-1, CAT-2).

use super::parts::ManifestSegmentRef;
use super::row::ManifestRow;
use super::state::SegmentRows;
use crate::cbor::{self, CborError};
use crate::codec::{RepoId, SegmentId, Subkeys};
use crate::format::segment::{self, SegmentBlob, SegmentError, SegmentKind};
use crate::format::table::Fields;

/// Rows that a catalog holds itself; more go into a segment (CAT-2 key 7).
pub(super) const CATALOG_ROWS_MAX: usize = 64;

/// A merge that would make a larger blob than this is not made.
const MERGED_SIZE_MAX: u64 = 32 << 20;

/// Why the rows of a manifest segment could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowsError {
    #[error(transparent)]
    Segment(#[from] SegmentError),
    #[error("its rows break MSEG-1")]
    Table,
    #[error("a row of it breaks the format")]
    Row(#[from] CborError),
}

/// The segment that holds `rows`, sealed under a fresh `salt`.
pub(super) fn encode(
    keys: &Subkeys,
    repo: &RepoId,
    salt: [u8; 32],
    rows: &SegmentRows,
) -> (ManifestSegmentRef, SegmentBlob) {
    let mut table = Vec::new();
    for row in rows.values() {
        let row = cbor::encode(row);
        table.extend_from_slice(&(row.len() as u32).to_le_bytes());
        table.extend_from_slice(&row);
    }
    let count = rows.len() as u32;
    let blob = segment::encode(keys, repo, SegmentKind::Manifest, [count, 0, 0, 0], &table, salt);
    (ManifestSegmentRef { id: blob.id, rows: count, size: blob.bytes.len() as u64 }, blob)
}

/// Checks and opens a manifest segment.
///
/// # Errors
/// [`RowsError`] says which rule it breaks.
pub fn decode(
    keys: &Subkeys,
    repo: &RepoId,
    id: &SegmentId,
    blob: &[u8],
) -> Result<Vec<ManifestRow>, RowsError> {
    let (counts, table) = segment::decode(keys, repo, SegmentKind::Manifest, id, blob)?;
    let mut rows: Vec<ManifestRow> = Vec::new();
    let mut fields = Fields::new(&table);
    while fields.left() > 0 {
        let length = fields.u32().ok_or(RowsError::Table)?;
        let row = fields.bytes(length as usize).ok_or(RowsError::Table)?;
        let row: ManifestRow = cbor::decode(row)?;
        if rows.last().is_some_and(|last| last.id >= row.id) {
            return Err(RowsError::Table);
        }
        rows.push(row);
    }
    let [count, zeros @ ..] = counts;
    (count as usize == rows.len() && zeros == [0; 3]).then_some(rows).ok_or(RowsError::Table)
}

/// How many of the last segments are written anew together with `new_rows` further rows.
///
/// Each segment that stays has at least twice the rows of the one behind it, so their number grows
/// with the logarithm of the rows, and a row is rewritten about as often.
pub(super) fn merged(segments: &[ManifestSegmentRef], new_rows: usize) -> usize {
    let (mut rows, mut size, mut count) = (new_rows as u64, 0u64, 0);
    for segment in segments.iter().rev() {
        // What a catalog says of a size was not held against any blob.
        size = size.saturating_add(segment.size);
        if u64::from(segment.rows) >= 2 * rows || size > MERGED_SIZE_MAX {
            break;
        }
        rows += u64::from(segment.rows);
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_rows_stay_in_a_handful_of_segments() {
        let mut segments: Vec<ManifestSegmentRef> = Vec::new();
        let mut most = 0;
        for _ in 0..10_000 / CATALOG_ROWS_MAX {
            let keep = segments.len() - merged(&segments, CATALOG_ROWS_MAX);
            let rows = segments.drain(keep..).map(|segment| segment.rows).sum::<u32>();
            let (id, rows) = (SegmentId::ZERO, rows + CATALOG_ROWS_MAX as u32);
            segments.push(ManifestSegmentRef { id, rows, size: u64::from(rows) * 300 });
            most = most.max(segments.len());
        }
        assert_eq!(segments.iter().map(|segment| segment.rows).sum::<u32>(), 156 * 64);
        assert!(most <= 8, "{most} segments");
    }

    #[test]
    fn large_segments_are_left_alone() {
        let large = ManifestSegmentRef { id: SegmentId::ZERO, rows: 70, size: MERGED_SIZE_MAX + 1 };
        assert_eq!(merged(&[large], 64), 0);
        assert_eq!(merged(&[ManifestSegmentRef { size: 1, ..large }], 64), 1);
        let endless = ManifestSegmentRef { size: u64::MAX, ..large };
        assert_eq!(merged(&[endless, ManifestSegmentRef { size: 1, ..large }], 64), 1);
    }
}
