//! What a restore came to.

use serde::Serialize;

/// What a restore came to. Its JSON is this, name for name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DriveRestoreReport {
    /// Where it went: names from the drive's root, joined by `/`; empty for the root.
    pub folder: String,
    /// Nothing was changed; the counts tell what would be.
    pub dry_run: bool,
    /// An earlier run was gone on with.
    pub resumed: bool,
    /// Told to stop before the end.
    pub interrupted: bool,
    /// Files restored by this run.
    pub files: u64,
    /// Folders made by this run; those that were there are not counted.
    pub folders: u64,
    /// Bytes of the files restored by this run.
    pub bytes: u64,
    /// Files that an earlier run restored.
    pub earlier: u64,
    /// Items left out for cause. What is inside one of them is not counted.
    pub skipped: u64,
    pub failed: u64,
    pub warned: u64,
    /// At most 10,000 of each are listed.
    pub skipped_items: Vec<RestoredItem>,
    pub failed_items: Vec<RestoredItem>,
    /// Items that were restored, with something that is not as it was.
    pub warnings: Vec<RestoredItem>,
    pub duration_ms: u64,
}

/// What is to be said of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoredItem {
    /// Names from the snapshot's root, joined by `/`.
    pub path: String,
    /// `exists`, `identical`, `refused`; `io`, `denied`, `lost`; or `warning`.
    pub cause: &'static str,
    /// For people.
    pub message: String,
    /// How often it was tried.
    pub attempts: u32,
}
