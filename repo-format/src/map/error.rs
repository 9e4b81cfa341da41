//! Why a map could not be written.

use crate::content::ContentError;

/// All but the first are the caller's to avoid: the map's contents are not to blame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// A content could not be read or stored.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// MAP-1 allows 1 to 1,100 bytes.
    #[error("a map key of {found} bytes; 1 to 1100 are possible")]
    KeyLength { found: usize },
    /// MAP-1 allows 1,024 bytes; larger values are boxed (MAP-5).
    #[error("a map value of {found} bytes; up to 1024 are possible")]
    ValueLength { found: usize },
    /// Each key must be greater than the one before it.
    #[error("map key {key:?} does not come after the one before it")]
    KeyOrder { key: String },
    /// MAP-5 allows 16 MiB.
    #[error("a boxed value of {found} bytes; up to 16 MiB are possible")]
    BoxedLength { found: usize },
}
