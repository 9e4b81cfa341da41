//! Why a repository could not be made, opened or changed.

use std::convert::Infallible;

use super::Unseen;
use crate::codec::{ManifestId, NoRandomness, PackId, RepoId, SlotId};
use crate::content::ContentError;
use crate::format::copy_marker::CopyMarkerError;
use crate::format::format_blob::FormatBlobError;
use crate::format::slot::SlotError;
use crate::index::IndexError;
use crate::log::{CommitError, Invalid, LogError};
use crate::map::MapError;
use crate::policy::PolicyError;
use crate::storage::StorageError;
use crate::tree::TreeError;

/// What a caller can do differs by variant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// Nothing there looks like a repository.
    #[error("there is no repository at {location}")]
    NotThere { location: String },
    /// Another tool's repository is there. Its maintenance would take our blobs for its own.
    #[error(
        "there is a repository of {tool} at {location}, which this program can neither read nor share a place with"
    )]
    Foreign { location: String, tool: &'static str },
    /// The format blob is there, but no key slot is: nothing can open the repository.
    #[error("the repository at {location} has lost its key slots: there is none below keys/")]
    SlotsLost { location: String },
    /// There are packs, but neither a record nor a catalog.
    #[error(
        "the repository at {location} has lost its log: there are packs, and nothing below log/ and catalog/"
    )]
    LogLost { location: String },
    /// Another repository, or this one, is there already.
    #[error("there is a repository at {location} already, {found}")]
    AlreadyThere { location: String, found: RepoId },
    /// A copy is there, which only whoever copies may write to until it is promoted.
    #[error("there is a copy of a repository at {location}, read-only until it is promoted")]
    Copy { location: String },
    /// The first pass of the copying has not come to its end.
    #[error("the copy at {location} is not finished: there is nothing to read yet")]
    CopyUnfinished { location: String },
    /// The marker is of a newer release.
    #[error("corso.copy cannot be used")]
    CopyMarker(#[source] CopyMarkerError),
    /// No slot opens with the secret.
    #[error("the secret opens none of the {slots} key slots of its kind")]
    WrongSecret { slots: usize },
    /// There are slots, but none of the secret's kind.
    #[error("the repository has no key slot that a {kind} opens")]
    NoSuchSlot { kind: &'static str },
    /// The format blob is damaged, or of a newer release.
    #[error("corso.format cannot be used")]
    FormatBlob(#[source] FormatBlobError),
    /// The format blob is whole, and every slot is of another repository: one of them does not belong there.
    #[error("corso.format is that of repository {found}, but every key slot is of another, {slots}")]
    FormatBlobOfOther { found: RepoId, slots: RepoId },
    /// A slot is damaged, or of a newer release, and no other opens.
    #[error("{name} cannot be used")]
    Slot { name: String, source: SlotError },
    /// A slot that was just written did not open again.
    #[error("key slot {slot} did not read back; nothing was changed")]
    SlotNotKept { slot: SlotId },
    /// Dropping it would leave nobody able to open the repository.
    #[error("key slot {slot} is the last one; add another before dropping it")]
    LastSlot { slot: SlotId },
    #[error("there is no key slot {slot}")]
    UnknownSlot { slot: SlotId },
    /// The parameters name a splitter that this release does not know.
    #[error("the repository cuts files in a way that this release does not know; use a newer one")]
    UnknownSplitter,
    /// A snapshot that this run builds on was forgotten meanwhile, or a pack was reclaimed.
    #[error("what this run relies on was removed meanwhile; run it again")]
    Invalid(#[from] Invalid),
    /// Too much happened unseen to tell whether what this run relies on is still there.
    #[error("what this run relies on may have been removed meanwhile; run it again")]
    Unseen(#[from] Unseen),
    /// A collector took a pack for nobody's before its record was there.
    #[error("pack {pack}, which this run stored, was removed meanwhile; run it again")]
    PackLost { pack: PackId },
    /// A collector without a grace period removes segments faster than they can be named.
    #[error("index segments are removed before they can be committed; give maintenance a grace period")]
    SegmentsTaken,
    /// The snapshot is not there, or was forgotten.
    #[error("there is no snapshot {id}")]
    UnknownSnapshot { id: ManifestId },
    /// Only what was forgotten can be recalled.
    #[error("snapshot {id} is not forgotten")]
    NotForgotten { id: ManifestId },
    /// Maintenance took what only this snapshot needed; `path` is the first that is without it.
    #[error("snapshot {id} cannot come back: what {path} needs was reclaimed since it was forgotten")]
    Reclaimed { id: ManifestId, path: String, source: Box<ContentError> },
    /// Other verifications were faster, again and again; what they wrote down counts.
    #[error("what was verified could not be written down: {tries} times another verification was faster")]
    CoverageOvertaken { tries: usize },
    /// The verification map could not be written, although its rows always can.
    #[error("the verification map cannot be written")]
    CoverageMap(#[source] MapError),
    /// Blobs cannot be locked where the repository is.
    #[error("blobs at {location} cannot be locked: {why}")]
    NoLocks { location: String, why: &'static str },
    /// The keys may not ask whether blobs can be locked.
    #[error("nobody says whether blobs at {location} can be locked")]
    LocksUnknown { location: String, source: StorageError },
    /// A policy breaks POL-1; it can be removed or set anew.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Content(#[from] ContentError),
    #[error(transparent)]
    Tree(Box<TreeError>),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl RepositoryError {
    /// Whether the storage had no room left.
    pub fn is_full(&self) -> bool {
        match self {
            // It passes itself off as what it holds, whose source is the next one down.
            RepositoryError::Storage(error) => StorageError::is_full_within(error),
            error => StorageError::is_full_within(error),
        }
    }

    /// Whether a run that begins anew, from what the repository holds now, may succeed.
    pub fn is_outdated(&self) -> bool {
        match self {
            RepositoryError::Invalid(_) | RepositoryError::Unseen(_) | RepositoryError::PackLost { .. } => {
                true
            }
            RepositoryError::Index(error) => error.is_gone(),
            RepositoryError::Content(error) => error.is_outdated(),
            _ => false,
        }
    }
}

impl From<Infallible> for RepositoryError {
    fn from(never: Infallible) -> RepositoryError {
        match never {}
    }
}

/// What a commit that failed means to whoever wanted it.
pub(super) fn from_commit<E>(error: CommitError<E>) -> RepositoryError
where
    E: std::error::Error + Into<RepositoryError> + 'static,
{
    match error {
        CommitError::Prepare(error) => error.into(),
        CommitError::Invalid(invalid) => RepositoryError::Invalid(invalid),
        CommitError::Log(error) => RepositoryError::Log(error),
    }
}
