//! The header in front of every blob (CONV-8, CONV-9).

use super::{RepoId, Subkeys};

/// The version that this release writes, and the newest that it reads.
pub const FORMAT_VERSION: u16 = 0;
/// BLAKE3, AES-256-GCM, Argon2id.
pub const SUITE: u8 = 1;
/// There is no key rotation yet.
pub const KEY_EPOCH: u32 = 0;
/// Bytes in a header.
pub const HEADER_SIZE: usize = 96;
/// Bytes in front of salt and commitment: all that the format blob has of it.
pub const PLAIN_SIZE: usize = 32;

const MAGIC: &[u8; 8] = b"CORSOBLB";

/// What a blob is (CONV-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum BlobKind {
    Format = 1,
    Slot = 2,
    DataPack = 3,
    MetaPack = 4,
    IndexSegment = 5,
    ManifestSegment = 6,
    Record = 7,
    Catalog = 8,
    CopyMarker = 9,
}

impl BlobKind {
    /// The kind with this number, if there is one.
    pub fn from_number(number: u8) -> Option<BlobKind> {
        use BlobKind::*;
        [Format, Slot, DataPack, MetaPack, IndexSegment, ManifestSegment, Record, Catalog, CopyMarker]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }

    /// The kind's name in messages.
    pub fn name(self) -> &'static str {
        match self {
            BlobKind::Format => "format blob",
            BlobKind::Slot => "key slot",
            BlobKind::DataPack => "data pack",
            BlobKind::MetaPack => "metadata pack",
            BlobKind::IndexSegment => "index segment",
            BlobKind::ManifestSegment => "manifest segment",
            BlobKind::Record => "record",
            BlobKind::Catalog => "catalog",
            BlobKind::CopyMarker => "copy marker",
        }
    }
}

/// Why a header was refused; the order of the variants is the order of the checks (CONV-9).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("it ends inside its header (CONV-8)")]
    Truncated,
    #[error("it does not start as a Corso blob does (CONV-9)")]
    NotCorso,
    /// Written by a newer release than this one.
    #[error("it has format version {found}; this release reads up to {FORMAT_VERSION}: use a newer one")]
    UnknownVersion { found: u16 },
    #[error("it is not a {} but has kind {found} (CONV-9)", .wanted.name())]
    WrongKind { wanted: BlobKind, found: u8 },
    #[error("it is of algorithm suite {found}, which this release does not know (CONV-9)")]
    UnknownSuite { found: u8 },
    #[error("it is of key epoch {found}, which this release does not know (CONV-9)")]
    UnknownEpoch { found: u32 },
    #[error("it belongs to repository {found} (CONV-9)")]
    OtherRepository { found: RepoId },
    /// Says nothing about damage: the blob's hash did that before.
    #[error("it was sealed with another key (CONV-9)")]
    WrongKey,
}

impl HeaderError {
    /// Whether the blob is of a newer release than this one, which is no damage.
    pub fn is_newer(&self) -> bool {
        use HeaderError::*;
        matches!(self, UnknownVersion { .. } | UnknownSuite { .. } | UnknownEpoch { .. })
    }
}

/// A header: what a blob is, whose, and under which salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub kind: BlobKind,
    pub repo: RepoId,
    pub salt: [u8; 32],
}

impl Header {
    /// The first 32 bytes, which need no key.
    pub fn encode_plain(kind: BlobKind, repo: &RepoId) -> [u8; PLAIN_SIZE] {
        let mut bytes = [0; PLAIN_SIZE];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[10] = kind as u8;
        bytes[11] = SUITE;
        bytes[12..16].copy_from_slice(&KEY_EPOCH.to_le_bytes());
        bytes[16..].copy_from_slice(&repo.0);
        bytes
    }

    /// All 96 bytes, with the commitment to `keys` (SEAL-5).
    pub fn encode(&self, keys: &Subkeys) -> [u8; HEADER_SIZE] {
        let mut bytes = [0; HEADER_SIZE];
        bytes[..PLAIN_SIZE].copy_from_slice(&Self::encode_plain(self.kind, &self.repo));
        bytes[PLAIN_SIZE..64].copy_from_slice(&self.salt);
        let commitment = blake3::keyed_hash(&keys.commitment, &bytes[..64]);
        bytes[64..].copy_from_slice(commitment.as_bytes());
        bytes
    }

    /// Reads the part that needs no key from the front of `bytes`.
    ///
    /// # Errors
    /// In the order of CONV-9; `OtherRepository` only if `repo` is given.
    pub fn decode_plain(
        bytes: &[u8],
        wanted: BlobKind,
        repo: Option<&RepoId>,
    ) -> Result<RepoId, HeaderError> {
        let header = bytes.first_chunk::<PLAIN_SIZE>().ok_or(HeaderError::Truncated)?;
        let [m0, m1, m2, m3, m4, m5, m6, m7, v0, v1, kind, suite, e0, e1, e2, e3, id @ ..] = *header;
        if [m0, m1, m2, m3, m4, m5, m6, m7] != *MAGIC {
            return Err(HeaderError::NotCorso);
        }
        let version = u16::from_le_bytes([v0, v1]);
        let epoch = u32::from_le_bytes([e0, e1, e2, e3]);
        let found = RepoId(id);
        if version != FORMAT_VERSION {
            return Err(HeaderError::UnknownVersion { found: version });
        }
        if kind != wanted as u8 {
            return Err(HeaderError::WrongKind { wanted, found: kind });
        }
        if suite != SUITE {
            return Err(HeaderError::UnknownSuite { found: suite });
        }
        if epoch != KEY_EPOCH {
            return Err(HeaderError::UnknownEpoch { found: epoch });
        }
        match repo {
            Some(repo) if *repo != found => Err(HeaderError::OtherRepository { found }),
            _ => Ok(found),
        }
    }

    /// Reads a whole header and checks that `keys` sealed the blob.
    ///
    /// # Errors
    /// In the order of CONV-9.
    pub fn decode(
        bytes: &[u8],
        wanted: BlobKind,
        repo: Option<&RepoId>,
        keys: &Subkeys,
    ) -> Result<Header, HeaderError> {
        let repo = Self::decode_plain(bytes, wanted, repo)?;
        let header = bytes.first_chunk::<HEADER_SIZE>().ok_or(HeaderError::Truncated)?;
        let (identity, commitment) = header.split_at(64);
        // `blake3::Hash` compares in constant time.
        if blake3::keyed_hash(&keys.commitment, identity) != *commitment {
            return Err(HeaderError::WrongKey);
        }
        let mut salt = [0; 32];
        salt.copy_from_slice(&identity[PLAIN_SIZE..]);
        Ok(Header { kind: wanted, repo, salt })
    }
}
