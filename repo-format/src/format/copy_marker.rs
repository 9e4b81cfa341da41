//! The copy marker, `corso.copy`: what keeps everybody from writing to a copy (COPY-1).

use super::{HashMismatch, check_hash, push_hash};
use crate::codec::{BlobKind, CopyId, Header, HeaderError, PLAIN_SIZE, RepoId};

/// Bytes in a copy marker.
pub const SIZE: usize = PLAIN_SIZE + CopyId::SIZE + 32;

/// What a copy marker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyMarker {
    /// The repository that is copied.
    pub repo: RepoId,
    /// Tells this copy from others at the same place.
    pub copy: CopyId,
}

/// Why a copy marker was refused. What has one is a copy all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyMarkerError {
    #[error("it has {found} bytes, not {SIZE} (COPY-1)")]
    Size { found: usize },
    #[error(transparent)]
    Damaged(#[from] HashMismatch),
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// The bytes of a copy marker.
pub fn encode(marker: &CopyMarker) -> [u8; SIZE] {
    let mut blob = Header::encode_plain(BlobKind::CopyMarker, &marker.repo).to_vec();
    blob.extend_from_slice(&marker.copy.0);
    push_hash(&mut blob);
    blob.try_into().expect("header, ID and hash have 80 bytes")
}

/// Reads a copy marker.
///
/// | offset | size | field |
/// |-------:|-----:|-------|
/// | 0 | 32 | the first bytes of the common header, kind 9 |
/// | 32 | 16 | copy ID |
/// | 48 | 32 | hash of all before |
///
/// # Errors
/// [`CopyMarkerError`]: damage before anything else, then a newer version.
pub fn decode(blob: &[u8]) -> Result<CopyMarker, CopyMarkerError> {
    let body = check_hash(blob)?;
    let repo = Header::decode_plain(body, BlobKind::CopyMarker, None)?;
    match body[PLAIN_SIZE..].try_into() {
        Ok(copy) => Ok(CopyMarker { repo, copy: CopyId(copy) }),
        Err(_) => Err(CopyMarkerError::Size { found: blob.len() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_byte_is_damage_and_another_length_is_refused() {
        let marker = CopyMarker { repo: RepoId([7; 16]), copy: CopyId([9; 16]) };
        let blob = encode(&marker);
        assert_eq!(decode(&blob), Ok(marker));
        for place in 0..SIZE {
            let mut forged = blob;
            forged[place] ^= 1;
            assert_eq!(decode(&forged), Err(CopyMarkerError::Damaged(HashMismatch)), "byte {place}");
        }
        for length in [PLAIN_SIZE, PLAIN_SIZE + 15, PLAIN_SIZE + 17] {
            let mut forged = [blob.as_slice(), &[0; 16]].concat()[..length].to_vec();
            push_hash(&mut forged);
            assert_eq!(decode(&forged), Err(CopyMarkerError::Size { found: length + 32 }));
        }
    }
}
