//! Rows of a list (OBJ-3).

use crate::codec::ContentId;
use crate::content::CONTENT_SIZE_MAX;

/// Bytes of a row.
pub(super) const ROW_SIZE: usize = 36;

/// One content of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub content: ContentId,
    /// Bytes in the content.
    pub length: u32,
    /// Where in the stream it begins.
    pub offset: u64,
}

pub(super) fn encode(content: &ContentId, length: u32) -> [u8; ROW_SIZE] {
    let mut row = [0; ROW_SIZE];
    row[..32].copy_from_slice(content.as_bytes());
    row[32..].copy_from_slice(&length.to_le_bytes());
    row
}

/// The content and length in a row, unless it names nothing that can be a content.
pub(super) fn decode(row: &[u8; ROW_SIZE]) -> Option<(ContentId, u32)> {
    let (id, length) = row.split_first_chunk::<32>()?;
    let length = u32::from_le_bytes(*length.first_chunk()?);
    let id = ContentId(*id);
    let plausible = !id.is_zero() && (1..=CONTENT_SIZE_MAX).contains(&(length as usize));
    plausible.then_some((id, length))
}
