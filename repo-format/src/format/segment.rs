//! Segments: a table cut into sealed pages (SEG-1, SEG-2).
//!
//! Owns the blob around a table. What the rows are is the index's or the log's affair.

use std::ops::Range;

use bytes::Bytes;

use super::table::Fields;
use super::trailer::{TRAILER_SIZE, TrailerError, footer_start, open_footer, push_footer};
use crate::codec::{
    BlobKind, ContentId, HEADER_SIZE, Header, HeaderError, PartContext, RepoId, SEAL_OVERHEAD, SegmentId,
    Subkeys, padme_step, seal, unseal,
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

/// What the log says of an index segment (ACT-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRef {
    pub id: SegmentId,
    /// Content rows.
    pub count: u32,
    pub first: ContentId,
    pub last: ContentId,
    /// Bytes of the blob.
    pub size: u64,
}

impl SegmentRef {
    /// Whether the segment's key range covers `id` (IDX-3).
    pub fn covers(&self, id: &ContentId) -> bool {
        (self.first..=self.last).contains(id)
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
    let outline = Outline::decode(keys, repo, kind, blob, blob, blob.len() as u64)?;
    let mut table = Vec::with_capacity(outline.table_size as usize);
    for page in 0..outline.page_count() {
        let range = outline.page_range(page);
        let sealed = blob.get(range.start as usize..range.end as usize).ok_or(SegmentError::Footer)?;
        table.extend_from_slice(&outline.open_page(keys, page, sealed)?);
    }
    Ok((outline.counts, table))
}

/// Header and footer of a segment: what reading single pages of it needs (SEG-1).
#[derive(Debug, Clone)]
pub struct Outline {
    header: Header,
    /// Bytes of the table.
    pub table_size: u64,
    /// The counts of SEG-2.
    pub counts: [u32; 4],
}

impl Outline {
    /// Bytes at the front that [`Outline::decode`] needs.
    pub const HEAD_SIZE: u64 = HEADER_SIZE as u64;

    /// Bytes at the end of a segment of `blob_size` bytes that hold the footer if the writer padded
    /// to a Padmé size and no more (CONV-6).
    pub fn tail_size(blob_size: u64) -> u64 {
        let footer = 32 + padme_step(blob_size) + (SEAL_OVERHEAD + TRAILER_SIZE) as u64;
        footer.min(blob_size)
    }

    /// Reads what the bytes `head` at the front and `tail` at the end of a segment say.
    ///
    /// # Errors
    /// [`SegmentError`] says which rule is broken; damage to other bytes is not noticed.
    pub fn decode(
        keys: &Subkeys,
        repo: &RepoId,
        kind: SegmentKind,
        head: &[u8],
        tail: &[u8],
        blob_size: u64,
    ) -> Result<Outline, SegmentError> {
        let header = Header::decode(head, kind.blob_kind(), Some(repo), keys)?;
        let start = footer_start(tail, blob_size)?;
        let tail_at = blob_size.checked_sub(tail.len() as u64).ok_or(TrailerError::FooterSize)?;
        let skipped = start.checked_sub(tail_at).ok_or(TrailerError::FooterSize)? as usize;
        let footer = open_footer(keys, &header, &tail[skipped..tail.len() - TRAILER_SIZE])?;
        let (table_size, counts) = read_footer(&footer).ok_or(SegmentError::Footer)?;
        let outline = Outline { header, table_size, counts };
        (outline.pages_end() == start).then_some(outline).ok_or(SegmentError::Footer)
    }

    /// Number of pages.
    pub fn page_count(&self) -> u32 {
        self.table_size.div_ceil(PAGE_SIZE as u64) as u32
    }

    /// Where the sealed page is in the blob.
    pub fn page_range(&self, page: u32) -> Range<u64> {
        let start = HEADER_SIZE as u64 + u64::from(page) * SEALED_PAGE_SIZE as u64;
        start..(start + SEALED_PAGE_SIZE as u64).min(self.pages_end())
    }

    /// The plaintext of a page from its sealed bytes.
    ///
    /// # Errors
    /// `Page` if its seal does not open.
    pub fn open_page(&self, keys: &Subkeys, page: u32, sealed: &[u8]) -> Result<Vec<u8>, SegmentError> {
        let broken = SegmentError::Page { page };
        let raw_len = sealed.len().checked_sub(SEAL_OVERHEAD).ok_or(broken.clone())?;
        let context = PartContext::plain(&self.header, page, 0, raw_len as u64);
        unseal(keys, &context, sealed).map_err(|_| broken)
    }

    fn pages_end(&self) -> u64 {
        HEADER_SIZE as u64 + self.table_size + u64::from(self.page_count()) * SEAL_OVERHEAD as u64
    }
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
            assert_eq!((counts, found), ([1, 2, 3, 0], table.clone()));
            let head = &blob.bytes[..Outline::HEAD_SIZE as usize];
            let blob_size = blob.bytes.len() as u64;
            let tail = &blob.bytes[(blob_size - Outline::tail_size(blob_size)) as usize..];
            let outline =
                Outline::decode(&keys, &repo, SegmentKind::Index, head, tail, blob_size).expect("enough");
            for page in 0..outline.page_count() {
                let range = outline.page_range(page);
                let sealed = &blob.bytes[range.start as usize..range.end as usize];
                let start = page as usize * PAGE_SIZE;
                let plain = outline.open_page(&keys, page, sealed).expect("opens");
                assert_eq!(plain, table[start..(start + PAGE_SIZE).min(size)]);
            }
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
