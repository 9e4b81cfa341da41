//! The folders below a target, found by their names and never through a symbolic link.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use repo_format::engine::source::{ItemCause, ItemError};
use rustix::io;

use crate::error::caused;
use crate::unix::open::open_beneath;

/// Folders kept open at a time.
const OPEN_FOLDERS_MAX: usize = 64;

/// Opens folders below the target; keeps those opened last.
pub(super) struct Folders {
    top: Arc<OwnedFd>,
    /// Joined names and descriptor. Few enough to be searched from end to end.
    recent: Mutex<VecDeque<(Vec<u8>, Arc<OwnedFd>)>>,
}

impl Folders {
    pub fn below(top: OwnedFd) -> Self {
        Folders { top: Arc::new(top), recent: Mutex::default() }
    }

    /// Opens the folder at `names`, which were [checked](split).
    pub fn open(&self, names: &[&[u8]]) -> io::Result<Arc<OwnedFd>> {
        if names.is_empty() {
            return Ok(Arc::clone(&self.top));
        }
        let path = names.join(&b'/');
        let (start, known) = self.nearest(&path);
        if known == path.len() {
            return Ok(start);
        }
        let passed = names_in(&path[..known]);
        let fd = Arc::new(open_beneath(start.as_fd(), &names[passed..])?);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= OPEN_FOLDERS_MAX {
            recent.pop_front();
        }
        recent.push_back((path, Arc::clone(&fd)));
        Ok(fd)
    }

    /// The open folder nearest to `path`, and how much of the path leads to it.
    fn nearest(&self, path: &[u8]) -> (Arc<OwnedFd>, usize) {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let leads =
            |folder: &[u8]| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest[0] == b'/');
        recent
            .iter()
            .filter(|(folder, _)| leads(folder))
            .max_by_key(|(folder, _)| folder.len())
            .map_or((Arc::clone(&self.top), 0), |(folder, fd)| (Arc::clone(fd), folder.len()))
    }
}

fn names_in(path: &[u8]) -> usize {
    if path.is_empty() { 0 } else { path.split(|byte| *byte == b'/').count() }
}

/// The folder's names and the last name of a path, if no name can lead anywhere else.
///
/// # Errors
/// Fails for an empty path, and for a name that is empty, `.` or `..`, or holds `/` or a zero byte.
pub(super) fn split<'p, 'n>(path: &'p [&'n [u8]]) -> Result<(&'p [&'n [u8]], &'n [u8]), ItemError> {
    if let Some(bad) = path.iter().find(|name| !is_sound(name)) {
        let bad = bad.escape_ascii();
        return Err(caused(ItemCause::Io, format!("`{bad}` is not a name")));
    }
    let (name, folder) =
        path.split_last().ok_or_else(|| caused(ItemCause::Io, "the target itself is a folder"))?;
    Ok((folder, name))
}

fn is_sound(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.iter().any(|byte| matches!(byte, 0 | b'/'))
}
