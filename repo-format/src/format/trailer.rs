//! The sealed footer and the trailer that end packs and segments (PACK-2).

use crate::codec::{
    FOOTER_PART, HEADER_SIZE, Header, PartContext, SEAL_OVERHEAD, Subkeys, padme, seal, unseal,
};

const MAGIC: &[u8; 8] = b"CORSOEND";
/// Bytes in a trailer.
pub(crate) const TRAILER_SIZE: usize = 12;

/// Why the end of a pack or segment was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrailerError {
    #[error("it has no trailer (PACK-2)")]
    Missing,
    #[error("its footer does not fit into it (PACK-2)")]
    FooterSize,
    #[error("the seal of its footer does not open (SEAL-4)")]
    Seal,
}

/// Appends footer and trailer to `blob`, padding the footer so that the blob has a Padmé size
/// (CONV-6).
pub(crate) fn push_footer(keys: &Subkeys, header: &Header, mut footer: Vec<u8>, blob: &mut Vec<u8>) {
    let unpadded = blob.len() + footer.len() + SEAL_OVERHEAD + TRAILER_SIZE;
    let padding = padme(unpadded as u64) as usize - unpadded;
    footer.resize(footer.len() + padding, 0);
    let context = PartContext::plain(header, FOOTER_PART, 0, footer.len() as u64);
    let start = blob.len();
    seal(keys, &context, &footer, blob);
    let length = (blob.len() - start) as u32;
    blob.extend_from_slice(&length.to_le_bytes());
    blob.extend_from_slice(MAGIC);
}

/// Where the sealed footer begins, told by the last bytes of a blob of `blob_size` bytes.
///
/// # Errors
/// [`TrailerError`] if there is no trailer or the footer does not fit.
pub(crate) fn footer_start(tail: &[u8], blob_size: u64) -> Result<u64, TrailerError> {
    let trailer = tail.last_chunk::<TRAILER_SIZE>().ok_or(TrailerError::Missing)?;
    let [a, b, c, d, magic @ ..] = *trailer;
    if magic != *MAGIC {
        return Err(TrailerError::Missing);
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    let end = blob_size.checked_sub(TRAILER_SIZE as u64).ok_or(TrailerError::Missing)?;
    match end.checked_sub(length) {
        Some(start) if start >= HEADER_SIZE as u64 && length >= SEAL_OVERHEAD as u64 => Ok(start),
        _ => Err(TrailerError::FooterSize),
    }
}

/// The footer's plaintext, padding included, from its sealed bytes and the trailer behind them.
///
/// # Errors
/// [`TrailerError`] if it does not open.
pub(crate) fn open_footer(keys: &Subkeys, header: &Header, sealed: &[u8]) -> Result<Vec<u8>, TrailerError> {
    let raw_len = sealed.len().checked_sub(SEAL_OVERHEAD).ok_or(TrailerError::FooterSize)?;
    let context = PartContext::plain(header, FOOTER_PART, 0, raw_len as u64);
    unseal(keys, &context, sealed).map_err(|_| TrailerError::Seal)
}
