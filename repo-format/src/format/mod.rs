//! The blobs' outer forms: names, the format blob, the copy marker, key slots, and the sealed table of segments.
//!
//! Knows how bytes are framed and sealed, not what packs, records and rows mean.

pub mod copy_marker;
pub mod format_blob;
pub mod names;
pub mod recovery_key;
pub mod segment;
pub mod slot;
pub(crate) mod table;
pub(crate) mod trailer;

use self::names::BlobId;
pub use trailer::TrailerError;

/// The hash that ends a blob does not fit the bytes before it (CONV-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its bytes are damaged: the hash at its end does not fit (CONV-10)")]
pub struct HashMismatch;

/// The bytes of a blob in front of the hash that ends it, checked (CONV-10).
///
/// # Errors
/// [`HashMismatch`] if the blob is too short or its bytes changed.
pub fn check_hash(blob: &[u8]) -> Result<&[u8], HashMismatch> {
    let (body, hash) = blob.split_last_chunk::<32>().ok_or(HashMismatch)?;
    (blake3::hash(body) == *hash).then_some(body).ok_or(HashMismatch)
}

/// What is said of a blob that is not [whole](is_whole).
pub(crate) const WRONG_HASH: &str = "its bytes are damaged: their hash is not the one promised (CONV-10)";

/// Whether a blob's bytes have the hash that its name or its end promises (CONV-10). Needs no key.
pub fn is_whole(blob: &BlobId, bytes: &[u8]) -> bool {
    match blob {
        BlobId::Pack(_, id) => blake3::hash(bytes) == *id.as_bytes(),
        BlobId::Segment(id) => blake3::hash(bytes) == *id.as_bytes(),
        _ => check_hash(bytes).is_ok(),
    }
}

/// Ends a blob with the hash of its bytes (CONV-10).
pub fn push_hash(blob: &mut Vec<u8>) {
    let hash = blake3::hash(blob);
    blob.extend_from_slice(hash.as_bytes());
}
