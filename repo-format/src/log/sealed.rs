//! The blob around a record or a catalog: one sealed CBOR body (LOG-1, LOG-2, CAT-1).

use bytes::Bytes;

use crate::cbor::CborError;
use crate::codec::{
    BlobKind, Codec, CodecError, HEADER_SIZE, Header, HeaderError, PartContext, RepoId, SEAL_OVERHEAD,
    SealBroken, Subkeys, compress, decompress_padded, padme, seal, unseal,
};
use crate::format::table::Fields;
use crate::format::{HashMismatch, check_hash, push_hash};
use crate::storage::BLOB_SIZE_BYTES_MAX;

const PART_START: usize = HEADER_SIZE + 16;
const HASH_SIZE: usize = 32;
const LEVEL: i32 = 3;

/// Why a record or catalog was refused, in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// Damage, whatever the key.
    #[error(transparent)]
    Hash(#[from] HashMismatch),
    /// Another kind, release, repository or key.
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error("its fields break {clause}")]
    Fields { clause: &'static str },
    #[error(transparent)]
    Seal(#[from] SealBroken),
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("its body breaks the format")]
    Body(#[from] CborError),
    #[error("it says that it is of revision {found}")]
    Revision { found: u64 },
}

/// A body does not fit into a blob (CONV-7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Compresses, pads and seals `body`.
pub(super) fn encode(
    keys: &Subkeys,
    header: &Header,
    revision: u64,
    body: Vec<u8>,
) -> Result<Bytes, TooLarge> {
    let body_len = body.len() as u64;
    let (codec, mut stored) = match compress(&body, LEVEL) {
        Some(stored) => (Codec::Zstd, stored),
        None => (Codec::Raw, body),
    };
    let unpadded = PART_START + stored.len() + SEAL_OVERHEAD + HASH_SIZE;
    let size = padme(unpadded as u64);
    if size > BLOB_SIZE_BYTES_MAX || body_len > BLOB_SIZE_BYTES_MAX {
        return Err(TooLarge);
    }
    stored.resize(stored.len() + size as usize - unpadded, 0);
    // Raw padding is part of the body; behind a zstd frame it is none of it.
    let raw_len = if codec == Codec::Raw { stored.len() as u64 } else { body_len };

    let mut blob = Vec::with_capacity(size as usize);
    blob.extend_from_slice(&header.encode(keys));
    blob.extend_from_slice(&[codec as u8, 0, 0, 0]);
    blob.extend_from_slice(&((stored.len() + SEAL_OVERHEAD) as u32).to_le_bytes());
    blob.extend_from_slice(&raw_len.to_le_bytes());
    let context = PartContext { revision, ..PartContext::plain(header, 0, codec as u8, raw_len) };
    seal(keys, &context, &stored, &mut blob);
    push_hash(&mut blob);
    Ok(blob.into())
}

/// Checks and opens a blob; the body may have zeros behind it.
pub(super) fn decode(
    keys: &Subkeys,
    repo: &RepoId,
    kind: BlobKind,
    revision: u64,
    blob: &[u8],
) -> Result<Vec<u8>, BlobError> {
    let bytes = check_hash(blob)?;
    let header = Header::decode(bytes, kind, Some(repo), keys)?;
    let refused = BlobError::Fields { clause: "LOG-1" };
    let (codec, raw_len, part) = fields(&bytes[HEADER_SIZE..]).ok_or(refused)?;
    let context = PartContext { revision, ..PartContext::plain(&header, 0, codec as u8, raw_len) };
    let stored = unseal(keys, &context, part)?;
    match codec {
        Codec::Zstd => Ok(decompress_padded(&stored, raw_len)?),
        Codec::Raw if stored.len() as u64 == raw_len => Ok(stored),
        Codec::Raw => Err(CodecError { raw_len }.into()),
    }
}

fn fields(bytes: &[u8]) -> Option<(Codec, u64, &[u8])> {
    let mut fields = Fields::new(bytes);
    let codec = Codec::from_number(fields.u8()?)?;
    fields.zeros::<3>()?;
    let part_len = fields.u32()? as usize;
    let raw_len = fields.u64().filter(|length| *length <= BLOB_SIZE_BYTES_MAX)?;
    let part = fields.bytes(part_len)?;
    (fields.left() == 0).then_some((codec, raw_len, part))
}
