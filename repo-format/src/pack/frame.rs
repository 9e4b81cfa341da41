//! Frames: what is compressed and sealed as one (PACK-3 to PACK-5).

use super::{ContentRow, FRAME_SIZE_MAX, PackError};
use crate::codec::{Codec, ContentId, Header, PartContext, Subkeys, compress, decompress, unseal};

/// Contents gathered in order while they fit.
#[derive(Default)]
pub struct RawFrame {
    bytes: Vec<u8>,
    contents: Vec<ContentRow>,
}

impl RawFrame {
    /// Whether `len` more bytes fit below `limit`; into an empty frame anything does.
    pub fn fits(&self, len: usize, limit: usize) -> bool {
        self.contents.is_empty() || self.bytes.len() + len <= limit.min(FRAME_SIZE_MAX)
    }

    /// Appends a content.
    pub fn push(&mut self, row: ContentRow, plaintext: &[u8]) {
        debug_assert_eq!(row.len as usize, plaintext.len());
        self.bytes.extend_from_slice(plaintext);
        self.contents.push(row);
    }

    /// Bytes gathered.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was gathered.
    pub fn is_empty(&self) -> bool {
        self.contents.is_empty()
    }

    /// The plaintext of the content with this ID, if it waits here.
    pub fn find(&self, id: &ContentId) -> Option<&[u8]> {
        let mut offset = 0;
        for row in &self.contents {
            let end = offset + row.len as usize;
            if row.id == *id {
                return Some(&self.bytes[offset..end]);
            }
            offset = end;
        }
        None
    }

    /// Compresses the frame; with `level` `None`, or if it does not shrink, it is stored raw.
    pub fn compress(self, level: Option<i32>) -> Frame {
        let raw_len = self.bytes.len() as u32;
        let (codec, stored) = match level.and_then(|level| compress(&self.bytes, level)) {
            Some(stored) => (Codec::Zstd, stored),
            None => (Codec::Raw, self.bytes),
        };
        let list_hash = list_hash(&self.contents);
        Frame { stored, codec, raw_len, list_hash, contents: self.contents }
    }
}

/// A frame ready to be sealed into a pack.
pub struct Frame {
    pub(super) stored: Vec<u8>,
    pub(super) codec: Codec,
    pub(super) raw_len: u32,
    pub(super) list_hash: [u8; 32],
    pub(super) contents: Vec<ContentRow>,
}

impl Frame {
    /// Bytes that it takes in a pack, the seal aside.
    pub fn stored_len(&self) -> usize {
        self.stored.len()
    }

    /// What it holds, in order.
    pub fn contents(&self) -> &[ContentRow] {
        &self.contents
    }
}

/// The hash of an ordered list of contents (PACK-5).
pub(super) fn list_hash(contents: &[ContentRow]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for row in contents {
        hasher.update(&row.id.0).update(&row.len.to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// What a frame was sealed with, beside its pack's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameSeal {
    /// Part index: the frame's place in its pack.
    pub index: u32,
    pub codec: Codec,
    pub raw_len: u32,
    pub list_hash: [u8; 32],
}

impl FrameSeal {
    pub(super) fn context<'a>(&self, header: &'a Header) -> PartContext<'a> {
        PartContext {
            list_hash: self.list_hash,
            ..PartContext::plain(header, self.index, self.codec as u8, u64::from(self.raw_len))
        }
    }
}

/// The raw bytes of a sealed frame. `header` is its pack's, made of what the index says.
///
/// # Errors
/// `FrameSeal` or `FrameCodec`; both are damage.
pub fn open_frame(
    keys: &Subkeys,
    header: &Header,
    frame: &FrameSeal,
    sealed: &[u8],
) -> Result<Vec<u8>, PackError> {
    let stored = unseal(keys, &frame.context(header), sealed)
        .map_err(|_| PackError::FrameSeal { frame: frame.index })?;
    decompress(frame.codec, stored, u64::from(frame.raw_len))
        .map_err(|_| PackError::FrameCodec { frame: frame.index })
}

/// The contents of a raw frame, each with its bytes, re-hashed (CID-1).
///
/// # Errors
/// `WrongContent` for the first whose hash is not its ID.
pub fn split_frame<'r>(
    keys: &Subkeys,
    frame: u32,
    contents: &[ContentRow],
    mut raw: &'r [u8],
) -> Result<Vec<(ContentRow, &'r [u8])>, PackError> {
    let mut pieces = Vec::with_capacity(contents.len());
    for row in contents {
        let wrong = PackError::WrongContent { frame, id: row.id };
        let (plaintext, rest) = raw.split_at_checked(row.len as usize).ok_or(wrong.clone())?;
        if keys.content_id(row.kind as u8, plaintext) != row.id {
            return Err(wrong);
        }
        pieces.push((*row, plaintext));
        raw = rest;
    }
    Ok(pieces)
}
