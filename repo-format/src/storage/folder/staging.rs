//! Staging files: where a blob's bytes lie until they have their name.
//!
//! A staging file is called like its blob, then `#` and a number, and lies beside it. No blob name
//! has a `#`. Its writer holds a lock on it, so that a sweep can tell what a crash left from what
//! is being written. Safety does not rest on the lock: a writer whose staging file vanished under
//! it fails to name it, and begins again.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::FolderError;
use crate::system;

/// Folders below the root that a sweep descends into; a repository has four.
const DEPTH_MAX: usize = 16;

/// What a sweep for stale staging files did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Staging files removed; the processes that wrote them are gone.
    pub removed: u64,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Staging files left alone, because a process is writing them or they cannot be opened.
    pub in_use: u64,
}

/// A staging file in the making; removed when dropped.
pub(super) struct Staging {
    path: PathBuf,
    file: File,
}

impl Staging {
    /// Makes an empty staging file beside `blob`, which only its owner may read, and locks it.
    pub fn create(blob: &Path) -> io::Result<Staging> {
        loop {
            let path = staging_path(blob)?;
            match private().create_new(true).open(&path) {
                Ok(file) => {
                    // A file system without locks only costs the sweep its certainty. A sweeper
                    // that was quicker shows when the file is named.
                    let _ = file.try_lock();
                    return Ok(Staging { path, file });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After a rename there is none; a file that stays is the next sweep's.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The number is random, so that no two writers on any machine meet, and no sweeper takes a new
/// file for the one it has just looked at.
fn staging_path(blob: &Path) -> io::Result<PathBuf> {
    let mut number = [0; 8];
    system::fill(&mut number).map_err(io::Error::other)?;
    let mut path = OsString::from(blob);
    path.push(format!("#{}", u64::from_le_bytes(number)));
    Ok(path.into())
}

fn is_staging(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some((blob, number)) = name.split_once('#') else {
        return false;
    };
    !blob.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Removes the staging files below `root` that nobody is writing.
pub(super) fn sweep(root: &Path) -> Result<Swept, FolderError> {
    let mut swept = Swept::default();
    sweep_folder(root, DEPTH_MAX, &mut swept)?;
    Ok(swept)
}

fn sweep_folder(folder: &Path, depth: usize, swept: &mut Swept) -> Result<(), FolderError> {
    let failed = |source| FolderError::Io { path: folder.to_path_buf(), source };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() && depth > 0 {
            sweep_folder(&entry.path(), depth - 1, swept)?;
        } else if kind.is_file() && is_staging(&entry.path()) {
            sweep_file(&entry.path(), swept);
        }
    }
    Ok(())
}

fn sweep_file(path: &Path, swept: &mut Swept) {
    match remove_unlocked(path) {
        Ok(bytes) => {
            swept.removed += 1;
            swept.removed_bytes += bytes;
        }
        // Its writer came to its end meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(_) => swept.in_use += 1,
    }
}

fn remove_unlocked(path: &Path) -> io::Result<u64> {
    let file = private().open(path)?;
    file.try_lock()?;
    let bytes = file.metadata()?.len();
    std::fs::remove_file(path)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_takes_what_a_crash_left_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("packs");
        std::fs::create_dir(&folder).unwrap();
        for name in ["blob", "blob#17", "other#file", "#1"] {
            std::fs::write(folder.join(name), b"1234").unwrap();
        }
        let live = Staging::create(&folder.join("blob")).unwrap();

        let swept = sweep(root.path()).unwrap();
        assert_eq!(swept, Swept { removed: 1, removed_bytes: 4, in_use: 1 });
        assert!(!folder.join("blob#17").exists());
        for kept in ["blob", "other#file", "#1"] {
            assert!(folder.join(kept).exists(), "{kept}");
        }
        assert!(live.path().exists());
    }
}
