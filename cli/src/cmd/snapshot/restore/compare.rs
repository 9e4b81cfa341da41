//! A sink that writes nothing: it reads what is there and fails where it is not what it is given.

use std::fs::{Metadata, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use repo_format::engine::sink::{Created, Decision, MetaWarning, Sink};
use repo_format::engine::source::{ItemCause, ItemError};
use repo_format::tree::{Entry, EntryKind};

use super::plan::below;
use super::record::Kept;

/// Compares a folder with what would be restored into it.
pub struct CompareSink {
    target: PathBuf,
    kept: Kept,
}

impl CompareSink {
    /// Compares `target`, leaving out what a restore left as it was.
    pub fn new(target: &Path, kept: Kept) -> CompareSink {
        CompareSink { target: target.to_owned(), kept }
    }

    fn is_kept(&self, place: &Path) -> bool {
        self.kept.contains(place)
    }
}

impl Sink for CompareSink {
    /// Where it is. Any number of files may be under way, so none stays open.
    type File = PathBuf;

    fn enter(&self, path: &[&[u8]], _entry: &Entry) -> Result<Decision, ItemError> {
        let place = below(&self.target, path);
        // The target itself may be a link to a folder.
        let facts = if path.is_empty() { place.metadata() } else { place.symlink_metadata() };
        match facts.map_err(unreadable)?.is_dir() {
            true => Ok(Decision::Take),
            false => Err(differs("it is no folder")),
        }
    }

    fn create(&self, path: &[&[u8]], entry: &Entry) -> Result<Created<PathBuf>, ItemError> {
        let place = below(&self.target, path);
        if self.is_kept(&place) {
            return Ok(Created::Skip);
        }
        let facts = place.symlink_metadata().map_err(unreadable)?;
        match &entry.kind {
            EntryKind::File(_) => compare_file(&facts, entry)?,
            EntryKind::Symlink(target) => {
                let found = place.read_link().map_err(unreadable)?;
                if found.as_os_str().as_bytes() != target {
                    return Err(differs("it links to another place"));
                }
                return Ok(Created::Done(Vec::new()));
            }
            EntryKind::Fifo if facts.file_type().is_fifo() => return Ok(Created::Done(Vec::new())),
            EntryKind::CharDevice { .. } if facts.file_type().is_char_device() => {
                return Ok(Created::Done(Vec::new()));
            }
            EntryKind::BlockDevice { .. } if facts.file_type().is_block_device() => {
                return Ok(Created::Done(Vec::new()));
            }
            _ => return Err(differs("it is of another kind")),
        }
        Ok(Created::Take(place))
    }

    fn write(&self, place: &PathBuf, offset: u64, bytes: &[u8]) -> Result<(), ItemError> {
        let file = OpenOptions::new().read(true).custom_flags(NO_FOLLOW).open(place).map_err(unreadable)?;
        let mut found = vec![0; bytes.len()];
        file.read_exact_at(&mut found, offset).map_err(unreadable)?;
        match found.iter().zip(bytes).position(|(found, wanted)| found != wanted) {
            None => Ok(()),
            Some(place) => Err(differs(&format!("its content differs at byte {}", offset + place as u64))),
        }
    }

    fn finish(&self, _: PathBuf, _: &[&[u8]], _: &Entry) -> Result<Vec<MetaWarning>, ItemError> {
        Ok(Vec::new())
    }

    fn abandon(&self, _: PathBuf, _: &[&[u8]]) {}

    fn leave(&self, path: &[&[u8]], entry: &Entry) -> Result<Vec<MetaWarning>, ItemError> {
        let place = below(&self.target, path);
        if !path.is_empty() && !self.is_kept(&place) {
            compare_meta(&place.symlink_metadata().map_err(unreadable)?, entry)?;
        }
        Ok(Vec::new())
    }

    fn link(&self, first: &[&[u8]], path: &[&[u8]], _: &Entry) -> Result<Decision, ItemError> {
        let (first, place) = (below(&self.target, first), below(&self.target, path));
        if self.is_kept(&first) || self.is_kept(&place) {
            return Ok(Decision::Skip);
        }
        let inode = |path: &Path| path.symlink_metadata().map(|it| (it.dev(), it.ino()));
        match inode(&first).map_err(unreadable)? == inode(&place).map_err(unreadable)? {
            true => Ok(Decision::Take),
            false => Err(differs("it is not the same file as its other name")),
        }
    }
}

/// Opens no link in place of a file.
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

fn compare_file(facts: &Metadata, entry: &Entry) -> Result<(), ItemError> {
    match () {
        () if !facts.is_file() => Err(differs("it is no file")),
        () if facts.len() != entry.size => {
            Err(differs(&format!("it has {} bytes instead of {}", facts.len(), entry.size)))
        }
        () => compare_meta(facts, entry),
    }
}

fn compare_meta(facts: &Metadata, entry: &Entry) -> Result<(), ItemError> {
    let mtime_ns = facts.mtime().saturating_mul(1_000_000_000).saturating_add(facts.mtime_nsec());
    if entry.meta.mtime_ns.is_some_and(|wanted| wanted != mtime_ns) {
        return Err(differs("its time of modification differs"));
    }
    match entry.meta.mode {
        Some(mode) if mode != facts.mode() & 0o7777 => {
            Err(differs(&format!("its mode is {:04o} instead of {mode:04o}", facts.mode() & 0o7777)))
        }
        _ => Ok(()),
    }
}

fn differs(message: &str) -> ItemError {
    ItemError { cause: ItemCause::Changing, message: message.to_owned(), attempts: 1 }
}

fn unreadable(error: std::io::Error) -> ItemError {
    ItemError { cause: ItemCause::Io, message: format!("cannot be read back: {error}"), attempts: 1 }
}
