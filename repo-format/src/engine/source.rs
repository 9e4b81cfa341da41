//! Where entries come from: the trait that a source implements and the uploader drives.
//!
//! A source is walked folder by folder, depth first. The uploader asks for the children of a
//! folder, sorted by key, and for the bytes of those files that it cannot reuse: `list` from one thread,
//! `reuse` from another, `open` from several, all at once.

use std::fmt;

use crate::tree::{Entry, TimeNs, TreeKey};

/// Why one item could not be read. The run goes on without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemError {
    pub cause: ItemCause,
    /// For people: what the system or service said. Names no secret.
    pub message: String,
    /// How often it was tried.
    pub attempts: u32,
}

/// The cause decides between *failed* and *skipped* (DESIGN: failure policy).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ItemCause {
    /// Reading failed; trying again may help. Makes the snapshot partial.
    Io,
    /// The process may not read it. Makes the snapshot partial.
    Denied,
    /// It was there when its folder was listed and gone when it was opened. Skipped.
    Vanished,
    /// It changed while it was read, again and again; what was read last is stored. Makes the
    /// snapshot partial.
    Changing,
    /// The service refuses it for cause (malware, unsupported kind). Skipped.
    Refused,
    /// The repository could no longer provide what was relied on, nor could the source.
    Lost,
}

impl ItemCause {
    /// Whether an item with this cause counts as failed (exit 3) and not as skipped.
    pub fn is_failure(self) -> bool {
        !matches!(self, ItemCause::Vanished | ItemCause::Refused)
    }

    /// The cause's name in reports, JSON and the failure map (SNAP-7).
    pub fn name(self) -> &'static str {
        match self {
            ItemCause::Io => "io",
            ItemCause::Denied => "denied",
            ItemCause::Vanished => "vanished",
            ItemCause::Changing => "changing",
            ItemCause::Refused => "refused",
            ItemCause::Lost => "lost",
        }
    }
}

impl ItemCause {
    /// The cause of this name; none for one that a newer release may have.
    pub fn named(name: &str) -> Option<ItemCause> {
        use ItemCause::{Changing, Denied, Io, Lost, Refused, Vanished};
        [Io, Denied, Vanished, Changing, Refused, Lost].into_iter().find(|cause| cause.name() == name)
    }
}

impl fmt::Display for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.cause.name())
    }
}

/// What the source knows of one child before any of its content is read.
///
/// `entry.kind` of a file is `File(None)` and of a folder `Folder(ContentId::ZERO)`: the uploader
/// fills in what it stored.
#[derive(Debug)]
pub struct Child<H> {
    pub key: TreeKey,
    pub entry: Entry,
    /// How the source finds this child again: to open a file, to list a folder.
    pub handle: H,
}

/// One folder's listing.
pub struct Listing<H> {
    /// Strictly ascending by key bytes (`TreeKey::to_bytes`).
    pub children: Vec<Child<H>>,
    /// Children that could not even be described, and the path below the folder (empty: the folder
    /// itself could not be listed).
    pub failed: Vec<(Vec<u8>, ItemError)>,
}

/// The bytes of one file, read once from front to back.
pub trait ItemReader: Send {
    /// Appends up to `limit` further bytes to `buf` and says how many; zero is the end.
    ///
    /// # Errors
    /// An [`ItemError`] fails this item alone.
    fn read(&mut self, buf: &mut Vec<u8>, limit: usize) -> Result<usize, ItemError>;

    /// What another run needs to go on where the `unread` bytes begin, the last ones that were given;
    /// nothing if a file is read from its start each time.
    fn state_before(&self, _unread: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// Called after the end: what is known of the file now, and whether it kept still meanwhile.
    ///
    /// # Errors
    /// An [`ItemError`] fails this item alone.
    fn finish(self: Box<Self>, listed: &Entry) -> Result<Finished, ItemError> {
        Ok(Finished { entry: listed.clone(), changed: false })
    }
}

/// A file that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The file as it is now, with what a listing leaves out. Of one that changed, the facts that it was
    /// listed with, so that the next run finds others and reads it again.
    pub entry: Entry,
    /// It changed while it was read: the uploader reads it once more.
    pub changed: bool,
}

/// Where entries come from.
pub trait Source: Send + Sync {
    /// Finds a child again.
    type Handle: Clone + Send + Sync + 'static;

    /// The roots of the snapshot, as one folder: for a single folder its own children with
    /// `root_entry` describing the folder itself; for several paths one child each.
    fn root(&self) -> Result<(Entry, Self::Handle), ItemError>;

    /// The children of a folder.
    fn list(&self, folder: &Self::Handle) -> Listing<Self::Handle>;

    /// Opens a file.
    ///
    /// # Errors
    /// An [`ItemError`] fails this item alone.
    fn open(&self, file: &Self::Handle) -> Result<Box<dyn ItemReader>, ItemError>;

    /// Whether a file that was listed as `now` need not be read, since it is as `base` tells: the same key's
    /// entry in a snapshot that was begun at `base_begun_ns` and has its content. Then fills `now` in with
    /// what a listing leaves out, but for the content.
    fn reuse(&self, base: &Entry, base_begun_ns: TimeNs, now: &mut Entry) -> bool;
}
