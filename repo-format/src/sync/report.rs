//! What a run of the copying came to.

use std::time::Duration;

use crate::codec::RepoId;
use crate::format::names::BlobId;

/// A blob that the source does not have whole. It was not copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    pub blob: BlobId,
    /// It is not there at all, although what follows it is.
    pub is_missing: bool,
    /// For people.
    pub what: String,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncReport {
    pub repo: RepoId,
    pub dry_run: bool,
    /// The newest record that the copy can be read up to; 0 if it cannot be read yet.
    pub revision: u64,
    /// Blobs that were written to the copy, or in a dry run would be, and their bytes.
    pub copied: u64,
    pub copied_bytes: u64,
    /// Blobs of the source that the copy had before.
    pub there: u64,
    pub there_bytes: u64,
    /// Blobs of the copy that were read and hashed because a check was asked for.
    pub checked: u64,
    pub checked_bytes: u64,
    /// Of those copied, blobs that the copy had with other bytes than their hash says.
    pub replaced: u64,
    /// In the order of their names.
    pub damaged: Vec<Damage>,
    /// Blobs that maintenance removed from the source between the look and the fetch.
    pub vanished: u64,
    /// Looks at the source that were followed by copying.
    pub rounds: u64,
    /// Blobs of the copy that the source does not have any more, and their sizes.
    pub stale: Vec<(BlobId, u64)>,
    /// Told to stop before the end.
    pub interrupted: bool,
    pub duration: Duration,
}

impl SyncReport {
    /// Whether the source had everything whole.
    pub fn is_clean(&self) -> bool {
        self.damaged.is_empty()
    }

    /// Bytes of what the source does not have any more.
    pub fn stale_bytes(&self) -> u64 {
        self.stale.iter().map(|(_, size)| size).sum()
    }
}

/// What was removed from a copy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    pub blobs: u64,
    pub bytes: u64,
    /// Blobs that the source has lost, and that the copy's own state still needs.
    pub kept: u64,
}
