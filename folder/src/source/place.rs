//! How a source finds its folders again: a chain of names up to a path that was asked for.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ignore::gitignore::Gitignore;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{self, Errno};

use crate::unix::facts::Facts;
use crate::unix::open::{folder_flags, open_beneath};
use crate::unix::pool::{FdPool, PooledFd};

/// Finds an entry of a [`FolderSource`](super::FolderSource) again.
#[derive(Clone)]
pub struct FolderHandle(pub(super) Place);

#[derive(Clone)]
pub(super) enum Place {
    /// A folder on disk.
    Folder(Arc<Folder>),
    /// A folder that only leads to the paths that were asked for.
    Synthetic(Arc<Synthetic>),
    /// Anything else on disk.
    Item { folder: Arc<Folder>, name: Box<[u8]> },
}

impl Place {
    /// The child `name` of a folder on disk.
    pub fn of(folder: &Arc<Folder>, name: &[u8], facts: &Facts) -> Place {
        match facts.is_folder() {
            true => Place::Folder(Folder::below(folder, name)),
            false => Place::Item { folder: Arc::clone(folder), name: name.into() },
        }
    }
}

/// A folder that only leads to the paths that were asked for.
#[derive(Debug, Default)]
pub(super) struct Synthetic {
    /// Where it would be on disk; empty for the root of a snapshot.
    pub path: PathBuf,
    pub children: BTreeMap<Vec<u8>, Branch>,
}

#[derive(Debug)]
pub(super) enum Branch {
    Synthetic(Arc<Synthetic>),
    /// Something on disk, by its absolute path.
    Disk(PathBuf),
}

/// A folder on disk.
pub(super) struct Folder {
    origin: Origin,
    fd: PooledFd,
    /// Patterns of the ignore files in this folder, once it was listed and if it has any.
    pub rules: OnceLock<Gitignore>,
}

enum Origin {
    /// Reached by the path that was asked for; `tree` is its path in the snapshot.
    Top {
        path: PathBuf,
        tree: Vec<u8>,
    },
    Below {
        parent: Arc<Folder>,
        name: Box<[u8]>,
    },
}

impl Folder {
    /// The folder at an absolute path, which stands at `tree` in the snapshot.
    pub fn top(path: &Path, tree: &[u8]) -> Arc<Self> {
        let (path, tree) = (path.to_owned(), tree.to_vec());
        Self::with(Origin::Top { path, tree })
    }

    pub fn below(parent: &Arc<Self>, name: &[u8]) -> Arc<Self> {
        let (parent, name) = (Arc::clone(parent), name.into());
        Self::with(Origin::Below { parent, name })
    }

    fn with(origin: Origin) -> Arc<Self> {
        Arc::new(Folder { origin, fd: PooledFd::default(), rules: OnceLock::new() })
    }

    /// Opens the folder, from its nearest ancestor that is still open.
    pub fn open(&self, pool: &FdPool) -> io::Result<Arc<OwnedFd>> {
        if let Some(fd) = self.fd.get() {
            return Ok(fd);
        }
        let mut names = Vec::new();
        let mut at = self;
        let start = loop {
            if let Some(fd) = at.fd.get() {
                break fd;
            }
            match &at.origin {
                Origin::Top { path, .. } => break pool.keep(open_top(path)?, &at.fd),
                Origin::Below { parent, name } => {
                    names.push(&name[..]);
                    at = parent;
                }
            }
        };
        if names.is_empty() {
            return Ok(start);
        }
        names.reverse();
        Ok(pool.keep(open_beneath(start.as_fd(), &names)?, &self.fd))
    }

    /// This folder and those above it, inmost first.
    pub fn chain(&self) -> impl Iterator<Item = &Folder> {
        std::iter::successors(Some(self), |folder| match &folder.origin {
            Origin::Top { .. } => None,
            Origin::Below { parent, .. } => Some(parent),
        })
    }

    /// The path on disk of the top of the chain, and its path in the snapshot.
    pub fn top_paths(&self) -> (&Path, &[u8]) {
        self.chain()
            .find_map(|folder| match &folder.origin {
                Origin::Top { path, tree } => Some((path.as_path(), tree.as_slice())),
                Origin::Below { .. } => None,
            })
            .expect("a chain ends at a top")
    }

    /// Names from below the top down to this folder.
    pub fn names(&self) -> Vec<&[u8]> {
        let mut names: Vec<_> = self.chain().filter_map(Folder::name).collect();
        names.reverse();
        names
    }

    /// The name below the parent; a top has none.
    pub fn name(&self) -> Option<&[u8]> {
        match &self.origin {
            Origin::Top { .. } => None,
            Origin::Below { name, .. } => Some(name),
        }
    }
}

/// Links on the way to the path are the caller's wish, so only its last step is guarded by whoever
/// made this a top: it was seen to be a folder, or is the folder that holds what was asked for.
fn open_top(path: &Path) -> io::Result<OwnedFd> {
    let flags = folder_flags() | OFlags::CLOEXEC;
    match openat(CWD, path, flags | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => openat(CWD, path, flags, Mode::empty()),
        other => other,
    }
}

/// A deep chain must not be dropped by recursion: the input decides how deep it is.
impl Drop for Folder {
    fn drop(&mut self) {
        let mut next = take_parent(&mut self.origin);
        while let Some(mut folder) = next.and_then(Arc::into_inner) {
            next = take_parent(&mut folder.origin);
        }
    }
}

fn take_parent(origin: &mut Origin) -> Option<Arc<Folder>> {
    let nothing = Origin::Top { path: PathBuf::new(), tree: Vec::new() };
    match std::mem::replace(origin, nothing) {
        Origin::Below { parent, .. } => Some(parent),
        Origin::Top { .. } => None,
    }
}

impl Synthetic {
    /// The root of a snapshot of a single file or link.
    pub fn holding(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().as_bytes().to_vec();
        let children = BTreeMap::from([(name, Branch::Disk(path.to_owned()))]);
        Synthetic { children, ..Default::default() }
    }

    /// Adds an absolute path below the root, one folder per component. A path within another that
    /// is there already adds nothing; one that holds others takes their place.
    pub fn insert(&mut self, path: &Path) {
        let mut names = path.components().filter_map(|part| match part {
            std::path::Component::Normal(name) => Some(name),
            _ => None,
        });
        let Some(first) = names.next() else { return };
        let rest: Vec<_> = names.collect();
        let mut at = self;
        let mut name = first;
        for next in rest {
            let path = at.path_of_child(name);
            let branch = at
                .children
                .entry(name.as_bytes().to_vec())
                .or_insert_with(|| Branch::Synthetic(Arc::new(Synthetic { path, ..Default::default() })));
            let Branch::Synthetic(inner) = branch else {
                return;
            };
            at = Arc::get_mut(inner).expect("shared only once all paths are in");
            name = next;
        }
        at.children.insert(name.as_bytes().to_vec(), Branch::Disk(path.to_owned()));
    }

    fn path_of_child(&self, name: &std::ffi::OsStr) -> PathBuf {
        if self.path.as_os_str().is_empty() { Path::new("/").join(name) } else { self.path.join(name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_within_another_adds_nothing() {
        let mut root = Synthetic::default();
        for path in ["/a/b/c", "/a/b", "/a/b/d", "/x"] {
            root.insert(Path::new(path));
        }
        assert_eq!(root.children.len(), 2);
        let Branch::Synthetic(a) = &root.children[&b"a"[..]] else { panic!("a leads on") };
        assert_eq!(a.path, Path::new("/a"));
        assert!(matches!(&a.children[&b"b"[..]], Branch::Disk(path) if path == Path::new("/a/b")));
    }

    #[test]
    fn a_very_deep_chain_is_dropped_without_recursion() {
        let mut folder = Folder::top(Path::new("/"), b"");
        for _ in 0..200_000 {
            folder = Folder::below(&folder, b"d");
        }
        assert_eq!(folder.names().len(), 200_000);
        drop(folder);
    }
}
