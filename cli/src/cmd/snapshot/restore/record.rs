//! A sink that remembers what it left as it was, so that a verification leaves it out.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use repo_format::engine::sink::{Created, Decision, MetaWarning, Sink};
use repo_format::engine::source::ItemError;
use repo_format::tree::Entry;

use super::plan::below;

/// Paths of entries that were left as they were, and of folders that were there before.
pub type Kept = HashSet<PathBuf>;

/// Passes everything on to another sink.
pub struct RecordingSink<K> {
    inner: K,
    target: PathBuf,
    kept: Mutex<Kept>,
}

impl<K: Sink> RecordingSink<K> {
    /// Watches a sink that writes to `target`.
    pub fn new(inner: K, target: &Path) -> RecordingSink<K> {
        RecordingSink { inner, target: target.to_owned(), kept: Mutex::default() }
    }

    /// What was left as it was.
    pub fn into_kept(self) -> Kept {
        self.kept.into_inner()
    }

    fn keep(&self, path: &[&[u8]]) {
        self.kept.lock().insert(below(&self.target, path));
    }
}

impl<K: Sink> Sink for RecordingSink<K> {
    type File = K::File;

    fn enter(&self, path: &[&[u8]], entry: &Entry) -> Result<Decision, ItemError> {
        // A folder that was there may keep its metadata, as the sink is told.
        if !path.is_empty() && below(&self.target, path).is_dir() {
            self.keep(path);
        }
        self.inner.enter(path, entry)
    }

    fn create(&self, path: &[&[u8]], entry: &Entry) -> Result<Created<K::File>, ItemError> {
        let created = self.inner.create(path, entry)?;
        if matches!(created, Created::Skip) {
            self.keep(path);
        }
        Ok(created)
    }

    fn write(&self, file: &K::File, offset: u64, bytes: &[u8]) -> Result<(), ItemError> {
        self.inner.write(file, offset, bytes)
    }

    fn finish(&self, file: K::File, path: &[&[u8]], entry: &Entry) -> Result<Vec<MetaWarning>, ItemError> {
        self.inner.finish(file, path, entry)
    }

    fn abandon(&self, file: K::File, path: &[&[u8]]) {
        self.inner.abandon(file, path);
    }

    fn leave(&self, path: &[&[u8]], entry: &Entry) -> Result<Vec<MetaWarning>, ItemError> {
        self.inner.leave(path, entry)
    }

    fn link(&self, first: &[&[u8]], path: &[&[u8]], entry: &Entry) -> Result<Decision, ItemError> {
        let decision = self.inner.link(first, path, entry)?;
        if decision == Decision::Skip {
            self.keep(path);
        }
        Ok(decision)
    }
}
