//! What of a snapshot is wanted.

use repo_format::tree::Entry;

use crate::ingest::Facts;

/// An entry of the snapshot, on which whoever restores decides.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'c> {
    /// Names from the drive's root, as the service has them; its own is the last.
    pub path: &'c [String],
    pub entry: &'c Entry,
    /// What the service said of it; `None` for entries that are not of a drive.
    pub facts: Option<&'c Facts>,
}

/// What becomes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It is restored; what is inside a folder is asked for one by one.
    Take,
    /// It is not wanted, but something inside may be; the folder is made then.
    Pass,
    /// Neither it nor anything inside is wanted.
    Prune,
}
