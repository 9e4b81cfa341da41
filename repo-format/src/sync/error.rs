//! Why a copy could not be made, kept up or promoted.

use crate::codec::RepoId;
use crate::format::copy_marker::CopyMarkerError;
use crate::index::IndexError;
use crate::log::LogError;
use crate::repository::RepositoryError;
use crate::storage::{BlobName, StorageError};

/// What a caller can do differs by variant. What was copied is kept, and is not copied again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// Source and copy are one storage.
    #[error("{location} is the repository itself; a copy needs a place of its own")]
    SameStorage { location: String },
    /// A repository is there that nobody made as a copy, or one that was promoted.
    #[error("there is a repository at {location} that is no copy; it may be one that was promoted")]
    NotACopy { location: String },
    /// The copy is of another repository.
    #[error("{location} holds repository {found}, not {expected}")]
    OtherRepository { location: String, found: RepoId, expected: RepoId },
    /// The marker is damaged: nobody can tell what it is a copy of.
    #[error("corso.copy at {location} cannot be used")]
    Marker { location: String, source: CopyMarkerError },
    /// The marker went while the copying was under way.
    #[error("the copy at {location} was promoted meanwhile; nothing more is written there")]
    Promoted { location: String },
    /// The copy has another blob of this name: somebody has written to it.
    #[error("{blob} is another one at {location}: the copy has a history of its own")]
    Diverged { location: String, blob: BlobName },
    /// The source ends before its copy does: it is older, or was cut off.
    #[error("the repository ends at revision {source_head}, but its copy has revision {copy_head}")]
    Behind { source_head: u64, copy_head: u64 },
    /// The copy's log goes on above its source already.
    #[error("the copy at {location} is being promoted: that was begun, and has not ended")]
    PromotionBegun { location: String },
    /// The source has neither a record nor a catalog.
    #[error("the repository at {location} has no log yet: there is nothing to copy")]
    Empty { location: String },
    /// Whenever the source was looked at, somebody committed, or removed what was being fetched.
    #[error("the repository was changed each of the {times} times that it was looked at")]
    Busy { times: u64 },
    /// What was written in place of a damaged blob reads differently again.
    #[error("{blob} at {location} is damaged, and does not take its bytes back")]
    NotReplaced { location: String, blob: BlobName },
    /// There is nothing to promote.
    #[error("the repository at {location} is no copy, or was promoted already")]
    NothingToPromote { location: String },
    /// The copy lacks what its own state needs.
    #[error("the copy is not whole: {count} blobs or parts of it are missing, the first is {first}")]
    NotWhole { count: usize, first: String },
    /// The state of the copy cannot be read to its end, so nobody can say what it needs.
    #[error(
        "nothing was removed: the copy cannot be read up to revision {revision}, so what it needs is not known"
    )]
    Unknown { revision: u64 },
    #[error("the source cannot be read")]
    Source(#[source] StorageError),
    #[error("the copy at {location} cannot be used")]
    Copy { location: String, source: StorageError },
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Index(#[from] IndexError),
}
