//! Opening below a folder, never through a symbolic link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::{self, Errno};

/// Longest path handed to the system in one piece; the system takes 4,095 bytes.
const PIECE_BYTES_MAX: usize = 4_000;

/// Flags to open a folder for listing and as a starting point.
pub(crate) fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY
}

/// Opens one child of `folder`. A symbolic link fails as `LOOP` (or `NOTDIR`).
pub(crate) fn open_child(folder: impl AsFd, name: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
    openat(folder, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

/// Like [`open_child`] for reading, without leaving a trace in the access time where that is
/// permitted (to the owner and to root).
pub(crate) fn open_child_quietly(folder: impl AsFd, name: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
    match open_child(&folder, name, flags | OFlags::NOATIME) {
        Err(Errno::PERM) => open_child(&folder, name, flags),
        other => other,
    }
}

/// Opens the folder at `names` below `folder`, in as few calls as their length allows.
pub(crate) fn open_beneath(folder: BorrowedFd<'_>, names: &[&[u8]]) -> io::Result<OwnedFd> {
    let Some((last, above)) = names.split_last() else {
        return open_child(folder, b".", folder_flags());
    };
    let mut at: Option<OwnedFd> = None;
    for piece in pieces(above) {
        let from = at.as_ref().map_or(folder, AsFd::as_fd);
        at = Some(open_piece(from, piece)?);
    }
    let from = at.as_ref().map_or(folder, AsFd::as_fd);
    open_child_quietly(from, last, folder_flags())
}

/// Cuts `names` into runs whose joined length the system takes.
fn pieces<'n, 'b>(names: &'n [&'b [u8]]) -> impl Iterator<Item = &'n [&'b [u8]]> {
    let mut rest = names;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|name| {
            bytes += name.len() + 1;
            bytes <= PIECE_BYTES_MAX
        });
        let count = fits.count().max(1).min(rest.len());
        let (piece, later) = rest.split_at(count);
        rest = later;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Opens a run of folders as a starting point only, which asks for no right to list them.
fn open_piece(folder: BorrowedFd<'_>, names: &[&[u8]]) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(folder, names.join(&b'/'), flags, Mode::empty(), resolve) {
        // Unknown to the kernel, forbidden by a container's filter, or disturbed by a rename.
        Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => open_one_by_one(folder, names, flags),
        other => other,
    }
}

fn open_one_by_one(folder: BorrowedFd<'_>, names: &[&[u8]], flags: OFlags) -> io::Result<OwnedFd> {
    let mut at = open_child(folder, b".", flags)?;
    for name in names {
        at = open_child(&at, name, flags)?;
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder(path: &std::path::Path) -> OwnedFd {
        fs::File::open(path).unwrap().into()
    }

    #[test]
    fn pieces_stay_under_the_limit_and_lose_nothing() {
        let name = [b'n'; 250];
        let names = vec![&name[..]; 100];
        let cut: Vec<_> = pieces(&names).collect();
        assert_eq!(cut.iter().map(|piece| piece.len()).sum::<usize>(), 100);
        assert!(cut.iter().all(|piece| piece.join(&b'/').len() <= PIECE_BYTES_MAX));
        assert_eq!(pieces(&[]).count(), 0);
    }

    #[test]
    fn links_on_the_way_are_refused_by_both_walks() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir_all(place.path().join("a/b/c")).unwrap();
        std::os::unix::fs::symlink("a", place.path().join("link")).unwrap();
        let top = folder(place.path());
        assert!(open_beneath(top.as_fd(), &[b"a", b"b", b"c"]).is_ok());
        assert!(open_beneath(top.as_fd(), &[b"link", b"b", b"c"]).is_err());
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        assert!(open_one_by_one(top.as_fd(), &[b"a", b"b"], flags).is_ok());
        assert!(open_one_by_one(top.as_fd(), &[b"link", b"b"], flags).is_err());
    }
}
