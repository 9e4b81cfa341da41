//! The table of an index segment: pack rows, frame rows, content rows (IDX-1).
//!
//! Pure: bytes in, rows out. [`IndexTable::decode`] checks every rule once; the row types check
//! again what they read, because single pages may come from a table that nobody saw whole.

use super::{Location, ReadError};
use crate::codec::{
    Codec, ContentId, ContentKind, HEADER_SIZE, PackId, RepoId, SEAL_OVERHEAD, SegmentId, Subkeys,
};
use crate::format::names::PackKind;
use crate::format::segment::{self, SegmentBlob, SegmentKind, SegmentRef};
use crate::format::table::Fields;
use crate::pack::{FRAME_SIZE_MAX, FrameSeal};
use crate::storage::BLOB_SIZE_BYTES_MAX;

pub(super) const PACK_ROW: usize = 72;
pub(super) const FRAME_ROW: usize = 56;
pub(super) const CONTENT_ROW: usize = 48;

/// Most rows of one sort in a table (IDX-1).
pub(super) const ROWS_MAX: u32 = 4_194_304;

/// The rule that a table breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it breaks {clause}")]
pub struct TableError {
    pub clause: &'static str,
}

/// How many rows of each sort a table has, and so where each row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub packs: u32,
    pub frames: u32,
    pub contents: u32,
}

impl Counts {
    /// The counts of a segment's footer (SEG-2), for a table of `size` bytes.
    ///
    /// # Errors
    /// `SEG-2` or `IDX-1` if they are too many or do not fit the size; `IDX-3` if there is no content.
    pub fn decode(footer: [u32; 4], size: u64) -> Result<Counts, TableError> {
        let [packs, frames, contents, zero] = footer;
        let counts = Counts { packs, frames, contents };
        if zero != 0 {
            return Err(TableError { clause: "SEG-2" });
        }
        if contents == 0 {
            return Err(TableError { clause: "IDX-3" });
        }
        let fits = [packs, frames, contents].iter().all(|count| *count <= ROWS_MAX);
        if !fits || counts.size() != size {
            return Err(TableError { clause: "IDX-1" });
        }
        Ok(counts)
    }

    pub(super) fn encode(self) -> [u32; 4] {
        [self.packs, self.frames, self.contents, 0]
    }

    /// Bytes in a table of so many rows.
    pub fn size(self) -> u64 {
        self.content_at(self.contents)
    }

    pub(super) fn pack_at(self, row: u32) -> u64 {
        u64::from(row) * PACK_ROW as u64
    }

    pub(super) fn frame_at(self, row: u32) -> u64 {
        self.pack_at(self.packs) + u64::from(row) * FRAME_ROW as u64
    }

    pub(super) fn content_at(self, row: u32) -> u64 {
        self.frame_at(self.frames) + u64::from(row) * CONTENT_ROW as u64
    }
}

/// A pack row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PackRow {
    pub id: PackId,
    pub salt: [u8; 32],
    pub kind: PackKind,
}

impl PackRow {
    pub fn decode(bytes: &[u8; PACK_ROW]) -> Option<PackRow> {
        let mut fields = Fields::new(bytes);
        let (id, salt) = (PackId(fields.array()?), fields.array()?);
        let number = fields.u8()?;
        let kind =
            [PackKind::Data, PackKind::Meta].into_iter().find(|kind| kind.blob_kind() as u8 == number)?;
        fields.zeros::<7>()?;
        Some(PackRow { id, salt, kind })
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.0);
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&[self.kind.blob_kind() as u8, 0, 0, 0, 0, 0, 0, 0]);
    }
}

/// A frame row: where a frame is, and what it was sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameEntry {
    pub pack: u32,
    pub seal: FrameSeal,
    pub offset: u32,
    pub stored_len: u32,
}

impl FrameEntry {
    pub fn decode(bytes: &[u8; FRAME_ROW]) -> Option<FrameEntry> {
        let mut fields = Fields::new(bytes);
        let list_hash = fields.array()?;
        let (pack, index) = (fields.u32()?, fields.u32()?);
        let (offset, stored_len, raw_len) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let codec = Codec::from_number(fields.u8()?)?;
        fields.zeros::<3>()?;
        let seal = FrameSeal { index, codec, raw_len, list_hash };
        Some(FrameEntry { pack, seal, offset, stored_len }).filter(FrameEntry::fits_a_pack)
    }

    fn fits_a_pack(&self) -> bool {
        let end = u64::from(self.offset) + u64::from(self.stored_len) + SEAL_OVERHEAD as u64;
        self.offset as usize >= HEADER_SIZE
            && end <= BLOB_SIZE_BYTES_MAX
            && self.seal.raw_len as usize <= FRAME_SIZE_MAX
            && self.stored_len <= self.seal.raw_len
            && (self.seal.codec != Codec::Raw || self.stored_len == self.seal.raw_len)
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.seal.list_hash);
        for number in [self.pack, self.seal.index, self.offset, self.stored_len, self.seal.raw_len] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&[self.seal.codec as u8, 0, 0, 0]);
    }
}

/// A content row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentEntry {
    pub id: ContentId,
    pub frame: u32,
    pub offset: u32,
    pub len: u32,
    pub kind: ContentKind,
}

impl ContentEntry {
    pub fn decode(bytes: &[u8; CONTENT_ROW]) -> Option<ContentEntry> {
        let mut fields = Fields::new(bytes);
        let id = ContentId(fields.array()?);
        let (frame, offset, len) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let kind = ContentKind::from_number(fields.u8()?)?;
        fields.zeros::<3>()?;
        Some(ContentEntry { id, frame, offset, len, kind })
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.0);
        for number in [self.frame, self.offset, self.len] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&[self.kind as u8, 0, 0, 0]);
    }
}

/// A place made of three rows that belong together; `None` if they cannot.
pub(super) fn location(pack: &PackRow, frame: &FrameEntry, content: &ContentEntry) -> Option<Location> {
    let end = content.offset.checked_add(content.len)?;
    let fits = content.len > 0 && end <= frame.seal.raw_len && PackKind::of(content.kind) == pack.kind;
    fits.then_some(Location {
        pack: pack.id,
        pack_kind: pack.kind,
        salt: pack.salt,
        frame: frame.seal,
        offset: frame.offset,
        stored_len: frame.stored_len,
        content_offset: content.offset,
        content_len: content.len,
        kind: content.kind,
    })
}

/// A whole table that keeps every rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexTable {
    counts: Counts,
    bytes: Vec<u8>,
}

impl IndexTable {
    /// Takes the counts and the table of a segment, and checks all of IDX-1 and IDX-2.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn decode(counts: [u32; 4], bytes: Vec<u8>) -> Result<IndexTable, TableError> {
        let counts = Counts::decode(counts, bytes.len() as u64)?;
        super::check::check(counts, &bytes)?;
        Ok(IndexTable { counts, bytes })
    }

    /// Rows that the builder put in order.
    pub(super) fn built(counts: Counts, bytes: Vec<u8>) -> IndexTable {
        debug_assert_eq!(super::check::check(counts, &bytes), Ok(()));
        IndexTable { counts, bytes }
    }

    /// How many rows it has.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The rows, as IDX-1 lays them out.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Lowest and highest content ID (IDX-3).
    pub fn key_range(&self) -> (ContentId, ContentId) {
        let id = |row| {
            let start = self.counts.content_at(row) as usize;
            let bytes = self.bytes[start..].first_chunk().expect("a table has a content, and whole rows");
            ContentId(*bytes)
        };
        (id(0), id(self.counts.contents - 1))
    }

    /// Seals the table into a segment under a fresh `salt`.
    pub fn seal(&self, keys: &Subkeys, repo: &RepoId, salt: [u8; 32]) -> (SegmentBlob, SegmentRef) {
        let counts = self.counts.encode();
        let blob = segment::encode(keys, repo, SegmentKind::Index, counts, &self.bytes, salt);
        let reference = self.reference(blob.id, blob.bytes.len() as u64);
        (blob, reference)
    }

    /// What the log says of the segment `id` of `size` bytes with this table (ACT-1).
    pub fn reference(&self, id: SegmentId, size: u64) -> SegmentRef {
        let (first, last) = self.key_range();
        SegmentRef { id, count: self.counts.contents, first, last, size }
    }

    pub(super) fn read<const N: usize>(&self, at: u64) -> Result<[u8; N], ReadError> {
        let row = self.bytes.get(at as usize..).and_then(|rest| rest.first_chunk::<N>());
        row.copied().ok_or(ReadError::Clause("IDX-1"))
    }
}
