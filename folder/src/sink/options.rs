//! How a sink treats what is there, and what it sets.

/// What becomes of an entry whose place is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overwrite {
    /// What is there stays. Folders are entered, but keep their metadata.
    #[default]
    Never,
    /// What is there gives way to the same kind of thing with a later time of modification.
    IfNewer,
    /// What is there gives way, of whatever kind; but a folder with something in it never gives
    /// way to what is not a folder.
    Always,
}

/// Whom restored entries belong to, if the process may say so (root).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OwnerPolicy {
    /// The recorded numbers.
    #[default]
    Numbers,
    /// The recorded names as this machine numbers them; the recorded numbers where it knows none.
    Names,
}

/// Options of a [`FolderSink`](super::FolderSink).
#[derive(Debug, Clone, Default)]
pub struct SinkOptions {
    pub overwrite: Overwrite,
    pub owner: OwnerPolicy,
    /// Waits until each file and folder is on the disk.
    pub fsync: bool,
}
