//! The format blob, `corso.format` (FMT-1).

use super::{HashMismatch, check_hash, push_hash};
use crate::codec::{BlobKind, Header, HeaderError, PLAIN_SIZE, RepoId};

/// Bytes in a format blob.
pub const SIZE: usize = PLAIN_SIZE + 32;

/// Why a format blob was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatBlobError {
    #[error("it has {found} bytes, not {SIZE} (FMT-1)")]
    Size { found: usize },
    #[error(transparent)]
    Damaged(#[from] HashMismatch),
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// The format blob of a repository.
pub fn encode(repo: &RepoId) -> [u8; SIZE] {
    let mut blob = Header::encode_plain(BlobKind::Format, repo).to_vec();
    push_hash(&mut blob);
    blob.try_into().expect("header and hash have 64 bytes")
}

/// The repository that a format blob names.
///
/// # Errors
/// [`FormatBlobError`]: damage before anything else, then a newer version.
pub fn decode(blob: &[u8]) -> Result<RepoId, FormatBlobError> {
    let body = check_hash(blob)?;
    if blob.len() != SIZE {
        return Err(FormatBlobError::Size { found: blob.len() });
    }
    Ok(Header::decode_plain(body, BlobKind::Format, None)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_byte_is_damage_and_a_higher_version_is_named() {
        let blob = encode(&RepoId([7; 16]));
        assert_eq!(decode(&blob), Ok(RepoId([7; 16])));
        for place in 0..SIZE {
            let mut forged = blob;
            forged[place] ^= 1;
            assert_eq!(decode(&forged), Err(FormatBlobError::Damaged(HashMismatch)), "byte {place}");
        }
        let mut newer = blob[..PLAIN_SIZE].to_vec();
        newer[8] = 9;
        push_hash(&mut newer);
        let error = decode(&newer).expect_err("refused");
        assert_eq!(error, FormatBlobError::Header(HeaderError::UnknownVersion { found: 9 }));
    }
}
