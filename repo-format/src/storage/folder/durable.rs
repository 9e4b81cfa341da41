//! Folders whose own names are on disk, and the memory of a sync that failed.

use std::collections::HashSet;
use std::fs::{DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::FolderError;
use crate::system::Mutex;

/// The folders below a root of which this process knows that a power cut leaves them there.
#[derive(Debug)]
pub(super) struct Durable {
    root: PathBuf,
    known: Mutex<HashSet<PathBuf>>,
    distrusted: AtomicBool,
}

impl Durable {
    /// `root` is there and canonical.
    pub fn new(root: PathBuf) -> Durable {
        let known = Mutex::new(HashSet::from([root.clone()]));
        Durable { root, known, distrusted: AtomicBool::new(false) }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Fails once a sync has failed: the kernel reports a lost write a single time, so later
    /// syncs that succeed, and files that seem to be there, prove nothing.
    pub fn check_trusted(&self) -> Result<(), FolderError> {
        match self.distrusted.load(Ordering::Acquire) {
            true => Err(FolderError::Distrusted { path: self.root.clone() }),
            false => Ok(()),
        }
    }

    /// Makes `folder` and what it lies in below the root, and syncs each name.
    ///
    /// A folder that is there already is synced too when this process meets it for the first
    /// time: whoever made it may have died before its name was on disk. Holding the lock
    /// meanwhile keeps a second thread from trusting a name that is not synced yet.
    pub fn ensure_folder(&self, folder: &Path) -> Result<(), FolderError> {
        let mut known = self.known.lock();
        let mut missing: Vec<&Path> = Vec::new();
        let mut next = Some(folder);
        while let Some(folder) = next.filter(|folder| !known.contains(*folder)) {
            missing.push(folder);
            next = folder.parent();
        }
        for folder in missing.into_iter().rev() {
            make_folder(folder).map_err(|source| FolderError::Io { path: folder.to_path_buf(), source })?;
            if let Some(parent) = folder.parent() {
                self.sync_folder(parent)?;
            }
            known.insert(folder.to_path_buf());
        }
        Ok(())
    }

    /// Syncs a folder's entries. A failure makes everything here distrusted from then on.
    pub fn sync_folder(&self, folder: &Path) -> Result<(), FolderError> {
        self.settle_sync(folder, sync_entries(folder))
    }

    /// Syncs a blob that is there, whoever wrote it, and the folder that names it.
    pub fn sync_existing(&self, path: &Path) -> Result<(), FolderError> {
        let file = File::open(path).map_err(|source| FolderError::Io { path: path.to_path_buf(), source })?;
        self.settle_sync(path, file.sync_all())?;
        path.parent().map_or(Ok(()), |folder| self.sync_folder(folder))
    }

    /// Deletes a blob for good; one that is not there is deleted already.
    pub fn delete(&self, path: &Path) -> Result<(), FolderError> {
        match std::fs::remove_file(path) {
            Ok(()) => path.parent().map_or(Ok(()), |folder| self.sync_folder(folder)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(FolderError::Io { path: path.to_path_buf(), source }),
        }
    }

    fn settle_sync(&self, path: &Path, outcome: io::Result<()>) -> Result<(), FolderError> {
        outcome.map_err(|source| {
            self.distrusted.store(true, Ordering::Release);
            FolderError::Unsynced { path: path.to_path_buf(), source }
        })
    }
}

/// Makes the root of a storage and every folder above it that is missing.
pub(super) fn create_root(root: &Path) -> io::Result<()> {
    let root = std::path::absolute(root)?;
    let missing: Vec<&Path> = root.ancestors().take_while(|folder| !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        make_folder(folder)?;
        folder.parent().map_or(Ok(()), sync_entries)?;
    }
    Ok(())
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        outcome => outcome,
    }
}

/// Syncs the entries of a folder, on file systems that have such a thing.
///
/// Some network file systems answer that a folder cannot be synced at all (EINVAL, ENOTSUP): their
/// server makes entries durable by itself, and there is nothing left to ask for.
#[cfg(unix)]
fn sync_entries(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        outcome => outcome,
    }
}

/// Elsewhere a folder cannot be opened to be synced.
#[cfg(not(unix))]
fn sync_entries(_: &Path) -> io::Result<()> {
    Ok(())
}
