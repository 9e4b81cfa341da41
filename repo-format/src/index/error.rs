//! Why the index could not answer.

use std::path::PathBuf;

use super::Contradiction;
use crate::codec::SegmentId;
use crate::format::segment::SegmentError;
use crate::storage::StorageError;

/// An error of whoever fetches segments.
pub type FetchError = Box<dyn std::error::Error + Send + Sync>;

/// Why the index could not answer. What the local cache does wrong is never among it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The storage refused; trying again may help.
    #[error("cannot fetch index segment {segment}")]
    Fetch { segment: SegmentId, source: FetchError },
    /// Damage, or another key: the blob is not the segment that its name promises.
    #[error("index segment {segment} was refused")]
    Refused { segment: SegmentId, source: SegmentError },
    /// Authentic, but its table breaks the spec: a broken writer made it. Packs' footers can
    /// rebuild it.
    #[error("index segment {segment} breaks {clause}")]
    Malformed { segment: SegmentId, clause: &'static str },
    /// Only merging notices this.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
}

impl IndexError {
    /// Whether a segment is lost or damaged; if not, asking again may help.
    pub fn is_lost(&self) -> bool {
        match self {
            IndexError::Fetch { source, .. } => {
                source.downcast_ref::<StorageError>().is_some_and(StorageError::is_lost)
            }
            _ => true,
        }
    }

    /// Whether a segment is not there any more: it was replaced, or is lost. A state as old as that must be
    /// read anew.
    pub fn is_gone(&self) -> bool {
        match self {
            IndexError::Fetch { source, .. } => {
                source.downcast_ref::<StorageError>().is_some_and(StorageError::is_not_found)
            }
            _ => false,
        }
    }
}

/// The local cache cannot take a segment. Its table is held in memory instead, so the run goes
/// on and takes more memory.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to the index cache {}: tables are held in memory instead", .folder.display())]
pub struct CacheWarning {
    pub folder: PathBuf,
    pub source: std::io::Error,
}

/// Why one read of a table failed; [`super::Index`] says of which segment.
#[derive(Debug)]
pub(super) enum ReadError {
    /// A page of the cache is not what was written. The segment itself may be well.
    Rotten,
    /// A rule that the bytes break.
    Clause(&'static str),
    /// A page did not come from the storage.
    Page(IndexError),
}
