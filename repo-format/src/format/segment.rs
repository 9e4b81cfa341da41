//! Segments: a table cut into sealed pages (SEG-1, SEG-2).
//!
//! Owns the blob around a table. What the rows are is the index's or the log's affair.

use bytes::Bytes;

use super::table::Fields;
use super::trailer::{TRAILER_SIZE, TrailerError, footer_start, open_footer, push_footer};
use crate::codec::{
    BlobKind, HEADER_SIZE, Header, HeaderError, PartContext, RepoId, SEAL_OVERHEAD, SegmentId, Subkeys, seal,
    unseal,
};

/// Bytes of table in a page; the last may have fewer.
pub const PAGE_SIZE: usize = 65_536;
const SEALED_PAGE_SIZE: usize = PAGE_SIZE + SEAL_OVERHEAD;

/// Which table a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentKind {
    /// Content ID to place in a pack (IDX-1).
    Index,
    /// Manifest rows (MSEG-1).
    Manifest,
}

impl SegmentKind {
    fn blob_kind(self) -> BlobKind {
        match self {
            SegmentKind::Index => BlobKind::IndexSegment,
            SegmentKind::Manifest => BlobKind::ManifestSegment,
        }
    }
}

/// A segment ready to be put.
#[derive(Debug, Clone)]
pub struct SegmentBlob {
    pub id: SegmentId,
    pub bytes: Bytes,
}

/// Why a segment was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// Damage: the bytes are not those that the name promises.
    #[error("its bytes are damaged: their hash is not its name (CONV-10)")]
    WrongHash,
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error(transparent)]
    Trailer(#[from] TrailerError),
    #[error("its footer breaks SEG-2")]
    Footer,
    #[error("the seal of page {page} does not open (SEAL-4)")]
    Page { page: u32 },
}

/// Seals `table` under a fresh `salt`.
pub fn encode(
    keys: &Subkeys,
    repo: &RepoId,
    kind: SegmentKind,
    counts: [u32; 4],
    table: &[u8],
    salt: [u8; 32],
) -> SegmentBlob {
    let header = Header { kind: kind.blob_kind(), repo: *repo, salt };
    let pages = table.chunks(PAGE_SIZE);
    let mut footer = Vec::with_capacity(32);
    footer.extend_from_slice(&(table.len() as u64).to_le_bytes());
    footer.extend_from_slice(&(pages.len() as u32).to_le_bytes());
    footer.extend_from_slice(&[0; 4]);
    footer.extend(counts.iter().flat_map(|count| count.to_le_bytes()));

    let mut blob = Vec::with_capacity(HEADER_SIZE + pages.len() * SEALED_PAGE_SIZE + 128);
    blob.extend_from_slice(&header.encode(keys));
    for (index, page) in pages.enumerate() {
        seal(keys, &PartContext::plain(&header, index as u32, 0, page.len() as u64), page, &mut blob);
    }
    push_footer(keys, &header, footer, &mut blob);
    SegmentBlob { id: SegmentId(*blake3::hash(&blob).as_bytes()), bytes: blob.into() }
}

/// The counts and the table of a segment, its name checked first.
///
/// # Errors
/// [`SegmentError`] says which rule is broken.
pub fn decode(
    keys: &Subkeys,
    repo: &RepoId,
    kind: SegmentKind,
    id: &SegmentId,
    blob: &[u8],
) -> Result<([u32; 4], Vec<u8>), SegmentError> {
    if blake3::hash(blob) != id.0 {
        return Err(SegmentError::WrongHash);
    }
    let header = Header::decode(blob, kind.blob_kind(), Some(repo), keys)?;
    let start = footer_start(blob, blob.len() as u64)? as usize;
    let footer = open_footer(keys, &header, &blob[start..blob.len() - TRAILER_SIZE])?;
    let (table_size, counts) = read_footer(&footer).ok_or(SegmentError::Footer)?;

    let pages = &blob[HEADER_SIZE..start];
    let page_count = (table_size as usize).div_ceil(PAGE_SIZE);
    if pages.len() as u64 != table_size + (page_count * SEAL_OVERHEAD) as u64 {
        return Err(SegmentError::Footer);
    }
    let mut table = Vec::with_capacity(table_size as usize);
    for (index, page) in pages.chunks(SEALED_PAGE_SIZE).enumerate() {
        let context = PartContext::plain(&header, index as u32, 0, (page.len() - SEAL_OVERHEAD) as u64);
        let plain = unseal(keys, &context, page).map_err(|_| SegmentError::Page { page: index as u32 })?;
        table.extend_from_slice(&plain);
    }
    Ok((counts, table))
}

fn read_footer(footer: &[u8]) -> Option<(u64, [u32; 4])> {
    let mut fields = Fields::new(footer);
    let table_size = fields.u64().filter(|size| *size <= crate::storage::BLOB_SIZE_BYTES_MAX)?;
    let pages = fields.u32()?;
    fields.zeros::<4>()?;
    let counts = [fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?];
    fields.end_padded()?;
    (u64::from(pages) == table_size.div_ceil(PAGE_SIZE as u64)).then_some((table_size, counts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{MasterKey, padme};

    #[test]
    fn a_table_comes_back_and_damage_does_not() {
        let keys = MasterKey::from_bytes([1; 32]).subkeys();
        let repo = RepoId([2; 16]);
        for size in [0, 1, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE] {
            let table: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            let blob = encode(&keys, &repo, SegmentKind::Index, [1, 2, 3, 0], &table, [4; 32]);
            assert_eq!(padme(blob.bytes.len() as u64), blob.bytes.len() as u64);
            let (counts, found) =
                decode(&keys, &repo, SegmentKind::Index, &blob.id, &blob.bytes).expect("decodes");
            assert_eq!((counts, found), ([1, 2, 3, 0], table));
            let other = decode(&keys, &repo, SegmentKind::Manifest, &blob.id, &blob.bytes);
            assert!(matches!(other, Err(SegmentError::Header(HeaderError::WrongKind { .. }))));
        }
    }

    #[test]
    fn every_flipped_byte_of_a_segment_is_found_even_under_its_new_name() {
        let keys = MasterKey::from_bytes([1; 32]).subkeys();
        let repo = RepoId([2; 16]);
        let blob = encode(&keys, &repo, SegmentKind::Index, [0; 4], b"a short table", [4; 32]);
        for place in 0..blob.bytes.len() {
            let mut forged = blob.bytes.to_vec();
            forged[place] ^= 0x10;
            assert_eq!(
                decode(&keys, &repo, SegmentKind::Index, &blob.id, &forged),
                Err(SegmentError::WrongHash)
            );
            let name = SegmentId(*blake3::hash(&forged).as_bytes());
            assert!(decode(&keys, &repo, SegmentKind::Index, &name, &forged).is_err(), "byte {place}");
        }
    }
}
