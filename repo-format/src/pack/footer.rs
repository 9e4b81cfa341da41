//! What a pack says of itself: its footer (PACK-2, PACK-3).

use std::ops::Range;

use bytes::Bytes;

use super::frame::list_hash;
use super::{ContentRow, FRAME_SIZE_MAX, FrameRow, FrameSeal, PackError, open_frame, split_frame};
use crate::codec::{
    Codec, ContentId, ContentKind, HEADER_SIZE, Header, HeaderError, PackId, RepoId, SEAL_OVERHEAD, Subkeys,
};
use crate::format::names::PackKind;
use crate::format::table::Fields;
use crate::format::trailer::{TRAILER_SIZE, footer_start, open_footer};

const FRAMES_MAX: u32 = 65_536;
const CONTENTS_MAX: u32 = 1 << 20;
const FRAME_ROW_SIZE: usize = 16;
const CONTENT_ROW_SIZE: usize = 40;

/// A pack as its header and footer describe it: all that the index needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackContents {
    pub id: PackId,
    pub kind: PackKind,
    pub salt: [u8; 32],
    pub frames: Vec<FrameRow>,
}

impl PackContents {
    /// The header that its parts were sealed under.
    pub fn header(&self, repo: &RepoId) -> Header {
        Header { kind: self.kind.blob_kind(), repo: *repo, salt: self.salt }
    }
}

impl FrameRow {
    /// What the frame at place `index` of its pack was sealed with.
    pub fn seal(&self, index: u32) -> FrameSeal {
        FrameSeal { index, codec: self.codec, raw_len: self.raw_len, list_hash: list_hash(&self.contents) }
    }

    /// The bytes of the sealed frame in its pack.
    pub fn range(&self) -> std::ops::Range<usize> {
        let start = self.offset as usize;
        start..start + self.stored_len as usize + SEAL_OVERHEAD
    }
}

/// The footer's plaintext, without padding.
pub(super) fn encode(frames: &[FrameRow]) -> Vec<u8> {
    let count: usize = frames.iter().map(|frame| frame.contents.len()).sum();
    let mut footer = Vec::with_capacity(8 + frames.len() * FRAME_ROW_SIZE + count * CONTENT_ROW_SIZE);
    footer.extend_from_slice(&(frames.len() as u32).to_le_bytes());
    footer.extend_from_slice(&(count as u32).to_le_bytes());
    for frame in frames {
        footer.extend_from_slice(&frame.stored_len.to_le_bytes());
        footer.extend_from_slice(&frame.raw_len.to_le_bytes());
        footer.extend_from_slice(&[frame.codec as u8, 0, 0, 0]);
        footer.extend_from_slice(&(frame.contents.len() as u32).to_le_bytes());
    }
    for row in frames.iter().flat_map(|frame| &frame.contents) {
        footer.extend_from_slice(&row.id.0);
        footer.extend_from_slice(&row.len.to_le_bytes());
        footer.extend_from_slice(&[row.kind as u8, 0, 0, 0]);
    }
    footer
}

/// The frames that a footer lists; `footer_at` is where the sealed footer begins in the pack.
fn decode(kind: PackKind, footer: &[u8], footer_at: u64) -> Result<Vec<FrameRow>, PackError> {
    let broken = || PackError::Footer { clause: "PACK-3" };
    let mut fields = Fields::new(footer);
    let (frames, contents) = (fields.u32().ok_or_else(broken)?, fields.u32().ok_or_else(broken)?);
    if !(1..=FRAMES_MAX).contains(&frames) || !(frames..=CONTENTS_MAX).contains(&contents) {
        return Err(broken());
    }
    let frame_table = fields.bytes(frames as usize * FRAME_ROW_SIZE).ok_or_else(broken)?;
    let content_table = fields.bytes(contents as usize * CONTENT_ROW_SIZE).ok_or_else(broken)?;
    fields.end_padded().ok_or(PackError::Footer { clause: "CONV-5" })?;

    let mut rows = Fields::new(content_table);
    let mut offset = HEADER_SIZE as u64;
    let mut list = Vec::with_capacity(frames as usize);
    for row in frame_table.chunks_exact(FRAME_ROW_SIZE) {
        let frame = decode_frame(kind, row, offset, &mut rows).ok_or_else(broken)?;
        offset += u64::from(frame.stored_len) + SEAL_OVERHEAD as u64;
        list.push(frame);
    }
    if offset != footer_at || rows.bytes(1).is_some() {
        return Err(broken());
    }
    Ok(list)
}

fn decode_frame(kind: PackKind, row: &[u8], offset: u64, contents: &mut Fields<'_>) -> Option<FrameRow> {
    let mut fields = Fields::new(row);
    let (stored_len, raw_len) = (fields.u32()?, fields.u32()?);
    let codec = Codec::from_number(fields.u8()?)?;
    fields.zeros::<3>()?;
    let count = fields.u32().filter(|count| *count > 0)?;
    let fits = raw_len as usize <= FRAME_SIZE_MAX
        && (codec != Codec::Raw || stored_len == raw_len)
        && stored_len <= raw_len;
    if !fits {
        return None;
    }
    let rows: Option<Vec<ContentRow>> = (0..count)
        .map(|_| {
            let (id, len) = (ContentId(contents.array()?), contents.u32()?);
            let row_kind = ContentKind::from_number(contents.u8()?)?;
            contents.zeros::<3>()?;
            let fits = !id.is_zero() && len > 0 && PackKind::of(row_kind) == kind;
            fits.then_some(ContentRow { id, kind: row_kind, len })
        })
        .collect();
    let rows = rows?;
    let total: u64 = rows.iter().map(|row| u64::from(row.len)).sum();
    (total == u64::from(raw_len)).then_some(FrameRow {
        offset: u32::try_from(offset).ok()?,
        stored_len,
        raw_len,
        codec,
        contents: rows,
    })
}

/// Reads header and footer of the pack in `blob`, its name checked first.
///
/// # Errors
/// [`PackError`] says which rule is broken.
pub fn read_footer(
    keys: &Subkeys,
    repo: &RepoId,
    kind: PackKind,
    id: &PackId,
    blob: &[u8],
) -> Result<PackContents, PackError> {
    if blake3::hash(blob) != id.0 {
        return Err(PackError::WrongHash);
    }
    let header = Header::decode(blob, kind.blob_kind(), Some(repo), keys)?;
    let start = footer_start(blob, blob.len() as u64)?;
    let footer = open_footer(keys, &header, &blob[start as usize..blob.len() - TRAILER_SIZE])?;
    let frames = decode(kind, &footer, start)?;
    Ok(PackContents { id: *id, kind, salt: header.salt, frames })
}

/// Reads header and footer of a pack of `size` bytes by fetching these alone. The pack's name is
/// not checked: frames may be damaged.
///
/// # Errors
/// Those of `fetch`, or within [`PackError`] which rule is broken.
pub fn read_footer_of<E>(
    keys: &Subkeys,
    repo: &RepoId,
    kind: PackKind,
    id: &PackId,
    size: u64,
    fetch: impl Fn(Range<u64>) -> Result<Bytes, E>,
) -> Result<Result<PackContents, PackError>, E> {
    let Some(trailer_at) = size.checked_sub(TRAILER_SIZE as u64).filter(|at| *at >= HEADER_SIZE as u64)
    else {
        return Ok(Err(HeaderError::Truncated.into()));
    };
    let (head, trailer) = (fetch(0..HEADER_SIZE as u64)?, fetch(trailer_at..size)?);
    let start = match footer_start(&trailer, size) {
        Ok(start) => start,
        Err(error) => return Ok(Err(error.into())),
    };
    let sealed = fetch(start..trailer_at)?;
    let read = || {
        let header = Header::decode(&head, kind.blob_kind(), Some(repo), keys)?;
        let footer = open_footer(keys, &header, &sealed)?;
        let frames = decode(kind, &footer, start)?;
        Ok(PackContents { id: *id, kind, salt: header.salt, frames })
    };
    Ok(read())
}

/// Reads a pack and decodes every content in it: the self-check of a writer, and verification.
///
/// # Errors
/// The first rule that is broken.
pub fn read_pack(
    keys: &Subkeys,
    repo: &RepoId,
    kind: PackKind,
    id: &PackId,
    blob: &[u8],
) -> Result<PackContents, PackError> {
    let pack = read_footer(keys, repo, kind, id, blob)?;
    let header = pack.header(repo);
    for (index, frame) in pack.frames.iter().enumerate() {
        let seal = frame.seal(index as u32);
        let raw = open_frame(keys, &header, &seal, &blob[frame.range()])?;
        split_frame(keys, seal.index, &frame.contents, &raw)?;
    }
    Ok(pack)
}
