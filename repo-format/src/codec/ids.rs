//! Identifiers. Each is its own type, so that one cannot be passed for another.

use std::fmt;
use std::str::FromStr;

/// Nanoseconds since 1970-01-01 UTC; negative before it.
pub type TimeNs = i64;

/// A string that is no identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no {what}: expected {digits} hexadecimal digits")]
pub struct ParseIdError {
    pub what: &'static str,
    pub digits: usize,
    pub found: String,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $size:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $size]);

        impl $name {
            /// Size in bytes.
            pub const SIZE: usize = $size;
            /// The identifier of zeros, which names nothing.
            pub const ZERO: $name = $name([0; $size]);

            /// The identifier's bytes.
            pub fn as_bytes(&self) -> &[u8; $size] {
                &self.0
            }

            /// Whether this is [`Self::ZERO`].
            pub fn is_zero(&self) -> bool {
                *self == Self::ZERO
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), hex::encode(&self.0[..6]))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let mut bytes = [0; $size];
                match hex::decode_to_slice(text, &mut bytes) {
                    Ok(()) => Ok($name(bytes)),
                    Err(_) => Err(ParseIdError {
                        what: $what,
                        digits: 2 * $size,
                        found: text.chars().take(80).collect(),
                    }),
                }
            }
        }

        impl From<[u8; $size]> for $name {
            fn from(bytes: [u8; $size]) -> Self {
                $name(bytes)
            }
        }
    };
}

id!(
    /// Names a content: keyed BLAKE3 of kind and plaintext (CID-1).
    ContentId, 32, "content ID"
);
id!(
    /// Names a snapshot: the content ID of its manifest (SNAP-1).
    ManifestId, 32, "snapshot ID"
);
id!(
    /// Names a pack: BLAKE3 of all its bytes (STO-1).
    PackId, 32, "pack ID"
);
id!(
    /// Names a segment: BLAKE3 of all its bytes (STO-1).
    SegmentId, 32, "segment ID"
);
id!(
    /// BLAKE3 of a whole record; the next record carries it (LOG-1).
    RecordHash, 32, "record hash"
);
id!(
    /// A repository, random at init (CONV-8).
    RepoId, 16, "repository ID"
);
id!(
    /// A key slot, random (SLOT-1).
    SlotId, 16, "slot ID"
);
id!(
    /// A commit, random; decides ambiguous creates (LOG-1).
    CommitId, 16, "commit ID"
);
id!(
    /// A run of a backup, random; ties its checkpoints together (SNAP-3).
    RunId, 16, "run ID"
);
id!(
    /// A copy of a repository, random when it is begun (COPY-1).
    CopyId, 16, "copy ID"
);
