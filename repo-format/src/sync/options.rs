//! How a copy is made.

/// How a copy is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncOptions {
    /// Blobs under way at once; each thread holds one.
    pub threads: usize,
    /// Read what the copy has already, and put what is damaged right.
    pub check: bool,
    /// Say what would be copied; write nothing.
    pub dry_run: bool,
}

impl Default for SyncOptions {
    fn default() -> SyncOptions {
        SyncOptions { threads: 4, check: false, dry_run: false }
    }
}
