//! Why a snapshot's records could not be written.

use crate::content::ContentError;

/// Reading gives [`ContentError`]; writing can also meet what is too large.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// A content could not be stored.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A manifest is one content (SNAP-1). Fewer tags, paths or bases help, or a smaller cursor.
    #[error("the manifest has {found} bytes; 1 MiB is possible")]
    TooLarge { found: usize },
}
