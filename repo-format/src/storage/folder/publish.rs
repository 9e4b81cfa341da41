//! Creating one blob: a staging file is written and synced, then given its name if that is free.

use std::io;
use std::path::Path;

use super::FolderError;
use super::direct;
use super::durable::Durable;
use super::staging::Staging;

/// A staging file that a sweeper removed is written again this often.
const ATTEMPTS: u32 = 8;

/// Creates `path` with `bytes`. Success means that file and name survive a power cut.
///
/// # Errors
///
/// [`FolderError::Exists`] if the name is taken by a blob that is durable as well. After every
/// other error but `Unsynced` there is no blob of ours; after that one nothing is certain, and it
/// stays an error for as long as the process lives.
pub(super) fn create(durable: &Durable, path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    durable.check_trusted()?;
    let folder = path.parent().unwrap_or(durable.root());
    durable.ensure_folder(folder)?;
    for _ in 0..ATTEMPTS {
        if path.exists() {
            return exists(durable, path);
        }
        let staging = Staging::create(path).map_err(|source| failed(path, source))?;
        write_synced(&staging, bytes).map_err(|source| write_failure(path, source))?;
        match name(&staging, path) {
            Ok(Named::Ours) => {
                drop(staging);
                return durable.sync_folder(folder);
            }
            Ok(Named::Taken) => return exists(durable, path),
            Ok(Named::Swept) => continue,
            Ok(Named::Impossible) => {
                return Err(FolderError::NoCreateIfAbsent { path: folder.to_path_buf() });
            }
            Err(source) => return Err(failed(path, source)),
        }
    }
    Err(failed(path, io::Error::other("its staging file was removed again and again")))
}

/// Another writer may have died between naming its blob and syncing the name. Whoever is told
/// "exists" will build on that blob, so it is made durable first.
fn exists(durable: &Durable, path: &Path) -> Result<(), FolderError> {
    durable.sync_existing(path)?;
    Err(FolderError::Exists { path: path.to_path_buf() })
}

fn failed(path: &Path, source: io::Error) -> FolderError {
    FolderError::Io { path: path.to_path_buf(), source }
}

fn write_synced(staging: &Staging, bytes: &[u8]) -> Result<(), WriteError> {
    let file = staging.file();
    direct::write(file, bytes).map_err(WriteError::Write)?;
    file.sync_all().map_err(WriteError::Sync)
}

enum WriteError {
    Write(io::Error),
    Sync(io::Error),
}

/// File systems that allocate late say only at the sync that they are full. That, too, leaves no
/// blob: the staging file is gone, and another attempt is another file.
fn write_failure(path: &Path, error: WriteError) -> FolderError {
    match error {
        WriteError::Write(source) => failed(path, source),
        WriteError::Sync(source) if is_full(&source) => failed(path, source),
        WriteError::Sync(source) => FolderError::Unsynced { path: path.to_path_buf(), source },
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// What became of giving a staging file its name.
enum Named {
    Ours,
    Taken,
    Swept,
    Impossible,
}

/// Links the staging file to its name; renames it where there are no hard links.
fn name(staging: &Staging, path: &Path) -> io::Result<Named> {
    match std::fs::hard_link(staging.path(), path) {
        Err(error) if lacks_hard_links(&error) => rename(staging, path, error),
        outcome => named(outcome),
    }
}

fn named(outcome: io::Result<()>) -> io::Result<Named> {
    match outcome {
        Ok(()) => Ok(Named::Ours),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Named::Taken),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Named::Swept),
        Err(error) => Err(error),
    }
}

/// FAT says EPERM, FUSE and network file systems say that it is not supported or not implemented.
fn lacks_hard_links(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, TooManyLinks, Unsupported};
    matches!(error.kind(), PermissionDenied | Unsupported | TooManyLinks)
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn rename(staging: &Staging, path: &Path, link_error: io::Error) -> io::Result<Named> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;

    match renameat_with(CWD, staging.path(), CWD, path, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(Named::Impossible),
        // Both are forbidden: it is about rights, and the first answer says which.
        Err(Errno::PERM | Errno::ACCESS) => Err(link_error),
        outcome => named(outcome.map_err(io::Error::from)),
    }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn rename(_: &Staging, _: &Path, _: io::Error) -> io::Result<Named> {
    Ok(Named::Impossible)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn durable() -> (tempfile::TempDir, Durable) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        (folder, Durable::new(root))
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn a_created_blob_leaves_no_staging_file_and_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, durable) = durable();
        let path = durable.root().join("packs/aa/blob");
        create(&durable, &path, b"bytes").unwrap();
        assert_eq!(files(path.parent().unwrap()), std::slice::from_ref(&path));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let folder = path.parent().unwrap().metadata().unwrap();
        assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_taken_name_keeps_its_bytes() {
        let (_folder, durable) = durable();
        let path = durable.root().join("blob");
        create(&durable, &path, b"first").unwrap();
        let second = create(&durable, &path, b"second");
        assert!(matches!(second, Err(FolderError::Exists { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(files(durable.root()).len(), 1);
    }

    #[test]
    fn without_hard_links_a_rename_replaces_nothing() {
        let (_folder, durable) = durable();
        let path = durable.root().join("blob");
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        let first = Staging::create(&path).unwrap();
        assert!(matches!(rename(&first, &path, denied()), Ok(Named::Ours)));
        let second = Staging::create(&path).unwrap();
        assert!(matches!(rename(&second, &path, denied()), Ok(Named::Taken)));
    }

    #[test]
    fn a_swept_staging_file_is_noticed() {
        let (_folder, durable) = durable();
        let path = durable.root().join("blob");
        let staging = Staging::create(&path).unwrap();
        std::fs::remove_file(staging.path()).unwrap();
        assert!(matches!(name(&staging, &path), Ok(Named::Swept)));
    }

    #[test]
    fn nothing_is_created_after_a_sync_failed() {
        let (_folder, durable) = durable();
        let missing = durable.root().join("missing");
        assert!(durable.sync_folder(&missing).is_err());
        let path = durable.root().join("blob");
        let refused = create(&durable, &path, b"bytes");
        assert!(matches!(refused, Err(FolderError::Distrusted { .. })));
        assert!(!path.exists());
    }
}
