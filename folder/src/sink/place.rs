//! The place of an entry in its folder: what stands there, making something, renaming it there.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use repo_format::engine::source::{ItemCause, ItemError};
use repo_format::tree::{Entry, EntryKind};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::fs::{linkat, makedev, mknodat, openat, renameat, unlinkat};
use rustix::io::{self, Errno};

use crate::error::item_error;
use crate::unix::facts::Facts;

/// The mode of something new: closed to others while its own mode is still to come, else what the
/// process makes of `usual` (its umask).
pub(super) fn first_mode(entry: &Entry, closed: u32, usual: u32) -> Mode {
    Mode::from_raw_mode(if entry.meta.mode.is_some() { closed } else { usual })
}

pub(super) fn make_node(folder: BorrowedFd<'_>, name: &[u8], kind: &EntryKind) -> io::Result<()> {
    let device = match kind {
        EntryKind::CharDevice { major, minor } | EntryKind::BlockDevice { major, minor } => {
            makedev(*major, *minor)
        }
        _ => 0,
    };
    mknodat(folder, name, file_type(kind), Mode::from_raw_mode(0o600), device)
}

pub(super) fn file_type(kind: &EntryKind) -> FileType {
    match kind {
        EntryKind::File(_) => FileType::RegularFile,
        EntryKind::Folder(_) => FileType::Directory,
        EntryKind::Symlink(_) => FileType::Symlink,
        EntryKind::Fifo => FileType::Fifo,
        EntryKind::Socket => FileType::Socket,
        EntryKind::CharDevice { .. } => FileType::CharacterDevice,
        EntryKind::BlockDevice { .. } => FileType::BlockDevice,
    }
}

pub(super) fn look_at(folder: &OwnedFd, name: &[u8]) -> Result<Option<Facts>, ItemError> {
    match Facts::of_child(folder, name) {
        Ok(facts) => Ok(Some(facts)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(failed("cannot look at its place", errno)),
    }
}

/// Renames over what is there. What cannot be put in place is removed.
pub(super) fn put_in_place(folder: &OwnedFd, temporary: &[u8], name: &[u8]) -> Result<(), ItemError> {
    renameat(folder, temporary, folder, name).map_err(|errno| {
        remove(folder, temporary);
        failed("cannot put it in its place", errno)
    })
}

/// Makes a file without a name in the folder: gone once it is closed, unless [it got one](link_open).
pub(super) fn make_nameless(folder: &OwnedFd, mode: Mode) -> io::Result<OwnedFd> {
    openat(folder, c".", OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC, mode)
}

/// Gives an open file without a name one that is free.
pub(super) fn link_open(file: &OwnedFd, folder: &OwnedFd, name: &[u8]) -> io::Result<()> {
    match linkat(file, c"", folder, name, AtFlags::EMPTY_PATH) {
        // Before Linux 6.10 that takes a capability; the way through `/proc` does not.
        Err(Errno::NOENT | Errno::PERM) => {
            let open = format!("/proc/self/fd/{}", file.as_raw_fd());
            linkat(CWD, open, folder, name, AtFlags::SYMLINK_FOLLOW)
        }
        linked => linked,
    }
}

/// Removes a temporary name. That it may be gone already, or stay behind, fails nothing.
pub(super) fn remove(folder: &OwnedFd, temporary: &[u8]) {
    match unlinkat(folder, temporary, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => {
            let name = String::from_utf8_lossy(temporary);
            tracing::warn!(%name, %error, "temporary file left behind");
        }
    }
}

/// Nothing vanishes from a restore: what is not there is a failure like any other.
pub(super) fn failed(what: &str, errno: Errno) -> ItemError {
    let error = item_error(what, errno);
    match error.cause {
        ItemCause::Vanished => ItemError { cause: ItemCause::Io, ..error },
        _ => error,
    }
}
