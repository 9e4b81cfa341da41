//! The reserve: room that is kept on a disk, so that one which is full can still be emptied.
//!
//! A file beside the blobs that is no blob, since no blob name has capitals. Maintenance frees it when
//! it finds no room for its records, and fills it again when it is done.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::system;

/// The file's name.
const NAME: &str = "RESERVE";
/// Room for the records and segments of a maintenance run, in bytes.
const SIZE: u64 = 4 << 20;
/// Bytes written at once. Zeros might be kept as a hole, or compressed away.
const PIECE: usize = 1 << 20;

/// Fills the reserve unless it is full.
pub(super) fn fill(root: &Path) -> io::Result<()> {
    let path = root.join(NAME);
    if fs::metadata(&path).is_ok_and(|metadata| metadata.len() == SIZE) {
        return Ok(());
    }
    let filled = write(&path);
    if filled.is_err() {
        // A part of it would only be in the way.
        let _ = fs::remove_file(&path);
    }
    filled
}

fn write(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let mut piece = vec![0; PIECE];
    for _ in 0..SIZE / PIECE as u64 {
        system::fill(&mut piece).map_err(io::Error::other)?;
        file.write_all(&piece)?;
    }
    // A disk that is full may say so only now.
    file.sync_all()
}

/// Frees the reserve. Says whether there was one.
pub(super) fn free(root: &Path) -> io::Result<bool> {
    match fs::remove_file(root.join(NAME)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_filled_once_and_freed_once() {
        let root = tempfile::tempdir().unwrap();
        assert!(!free(root.path()).unwrap());
        fs::write(root.path().join(NAME), b"half").unwrap();
        fill(root.path()).unwrap();
        fill(root.path()).unwrap();
        assert_eq!(fs::metadata(root.path().join(NAME)).unwrap().len(), SIZE);
        assert!(free(root.path()).unwrap() && !free(root.path()).unwrap());
    }
}
