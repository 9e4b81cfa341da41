//! Where restored entries go: the trait that a sink implements and the restorer drives.
//!
//! The restorer calls `enter` for folders before anything inside them, `create` once per other
//! entry, `write` for each piece of a file in any order of offsets and from several threads,
//! `finish` when all of a file's bytes are there, and `leave` when all inside a folder is done.

use crate::engine::source::ItemError;
use crate::tree::Entry;

/// What a sink says of a folder or a further hard link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Entered, or linked.
    Take,
    /// Leave what is there (and all inside it); counted as skipped.
    Skip,
}

/// What became of an entry other than a folder.
#[derive(Debug)]
pub enum Created<F> {
    /// Its content is wanted: write it, then `finish` or `abandon` the file.
    Take(F),
    /// Left what is there; counted as skipped.
    Skip,
    /// All done, no content wanted (links, devices, empty files).
    Done(Vec<MetaWarning>),
}

/// Something that went wrong with metadata only: reported, not fatal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaWarning {
    pub what: String,
}

/// Where restored entries go. `path` is the list of name bytes below the target.
pub trait Sink: Send + Sync {
    /// A file being written. Shared between threads.
    type File: Send + Sync + 'static;

    /// Makes or opens a folder; an empty path is the target itself.
    fn enter(&self, path: &[&[u8]], entry: &Entry) -> Result<Decision, ItemError>;

    /// Creates a file, or makes a link, device and so on.
    fn create(&self, path: &[&[u8]], entry: &Entry) -> Result<Created<Self::File>, ItemError>;

    /// Writes `bytes` at `offset`.
    fn write(&self, file: &Self::File, offset: u64, bytes: &[u8]) -> Result<(), ItemError>;

    /// All bytes are there: sets length and metadata, puts the file in its place.
    fn finish(&self, file: Self::File, path: &[&[u8]], entry: &Entry) -> Result<Vec<MetaWarning>, ItemError>;

    /// Gives up a file that could not be completed: nothing half-written keeps its final name.
    fn abandon(&self, file: Self::File, path: &[&[u8]]);

    /// All inside a folder is done: sets its metadata (times last).
    fn leave(&self, path: &[&[u8]], entry: &Entry) -> Result<Vec<MetaWarning>, ItemError>;

    /// `path` is another name of the file restored as `first` (hard link).
    fn link(&self, first: &[&[u8]], path: &[&[u8]], entry: &Entry) -> Result<Decision, ItemError>;
}
