//! Local folders as a [`Source`].

mod describe;
mod exclude;
mod options;
mod place;
mod reader;

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use repo_format::codec::ContentId;
use repo_format::engine::source::{Child, ItemCause, ItemError, ItemReader, Listing, Source};
use repo_format::tree::{Entry, EntryKind, Meta, TimeNs, TreeKey};
use rustix::fs::{CWD, RawDir, SeekFrom, seek};
use rustix::io::{self, Errno};

use self::describe::Describer;
use self::exclude::Excludes;
use self::place::{Branch, Folder, Place, Synthetic};
use self::reader::FileReader;
use crate::error::{FolderError, caused, item_error};
use crate::unix::facts::Facts;
use crate::unix::pool::FdPool;

pub use self::exclude::check_patterns;
pub use self::options::SourceOptions;
pub use self::place::FolderHandle;

/// Folders kept open at a time, so that their children are found in one step.
const OPEN_FOLDERS_MAX: usize = 64;
/// Room for the names that the system gives in one call; no name is near as long.
const LISTING_BYTES: usize = 32 << 10;
/// File systems that count time coarsely may give a file changed twice the same time twice.
const TIME_GRAIN_NS: TimeNs = 2_000_000_000;

/// One or several paths as the source of a snapshot.
///
/// A single folder is the snapshot's root itself. A single file or link stands in a root made for
/// it; several paths stand in such a root under their full paths, so that no two collide.
pub struct FolderSource {
    root: Root,
    options: SourceOptions,
    excludes: Excludes,
    describer: Arc<Describer>,
    pool: FdPool,
}

enum Root {
    Folder(Arc<Folder>),
    Synthetic(Arc<Synthetic>),
}

type ChildResult = Result<Child<FolderHandle>, ItemError>;

impl FolderSource {
    /// Makes a source of absolute paths without `..`.
    ///
    /// # Errors
    /// [`FolderError`] if a path or pattern is malformed, or a single path is not there. Of several
    /// paths those that are not there fail as items.
    pub fn new(paths: &[PathBuf], options: SourceOptions) -> Result<Self, FolderError> {
        // Without the time of change nothing else tells whether they are as a base has them.
        let lists_attributes = options.lists_attributes || options.ignore_ctime;
        Ok(FolderSource {
            root: root_of(paths)?,
            excludes: Excludes::new(&options)?,
            options,
            describer: Arc::new(Describer::new(lists_attributes)),
            pool: FdPool::new(OPEN_FOLDERS_MAX),
        })
    }

    fn list_folder(&self, folder: &Arc<Folder>) -> io::Result<Listing<FolderHandle>> {
        let fd = folder.open(&self.pool)?;
        let mut names = names_in(fd.as_fd())?;
        self.excludes.read_rules(folder, fd.as_fd(), &names);
        if self.excludes.is_cache(fd.as_fd(), &names) {
            names.retain(|name| name == exclude::CACHE_TAG);
        }
        let device = match self.options.one_file_system {
            true => Some(Facts::of_open(&fd)?.device),
            false => None,
        };
        Ok(self.describe_children(folder, fd.as_fd(), names, device))
    }

    /// Describes children, leaving out what the rules say and what is on another file system than
    /// `device`.
    fn describe_children(
        &self,
        folder: &Arc<Folder>,
        fd: BorrowedFd<'_>,
        names: Vec<Vec<u8>>,
        device: Option<u64>,
    ) -> Listing<FolderHandle> {
        let rules = self.excludes.within(folder);
        let mut listing = Listing { children: Vec::with_capacity(names.len()), failed: Vec::new() };
        for name in names {
            let facts = Facts::of_child(fd, &name);
            let elsewhere = facts.as_ref().is_ok_and(|it| device.is_some_and(|own| own != it.device));
            let described = match facts {
                Ok(facts) if rules.leave_out(&name, &facts) => continue,
                Ok(facts) if elsewhere && !facts.is_folder() => continue,
                Ok(facts) => self.describer.child(fd, &name, &facts).map(|entry| (entry, facts)),
                Err(errno) => Err(item_error("cannot look at it", errno)),
            };
            match described {
                // A mount point alone: nothing is in it.
                Ok((entry, _)) if elsewhere => {
                    listing.children.push(child_of(name, entry, Place::Synthetic(Arc::default())));
                }
                Ok((entry, facts)) => {
                    let place = Place::of(folder, &name, &facts);
                    listing.children.push(child_of(name, entry, place));
                }
                Err(error) => listing.failed.push((name, error)),
            }
        }
        // Without discriminators the order of keys is that of names. A rename during the listing
        // can show a name twice.
        listing.children.sort_unstable_by(|a, b| a.key.name.cmp(&b.key.name));
        listing.children.dedup_by(|a, b| a.key.name == b.key.name);
        listing
    }

    fn list_synthetic(&self, folder: &Synthetic) -> Listing<FolderHandle> {
        let mut listing = Listing { children: Vec::new(), failed: Vec::new() };
        for (name, branch) in &folder.children {
            let child = match branch {
                Branch::Synthetic(inner) => Ok(self.passage(name, inner)),
                Branch::Disk(path) => self.asked_for(name, path, folder),
            };
            match child {
                Ok(child) => listing.children.push(child),
                Err(error) => listing.failed.push((name.clone(), error)),
            }
        }
        listing
    }

    fn passage(&self, name: &[u8], inner: &Arc<Synthetic>) -> Child<FolderHandle> {
        let entry = match facts_of(&inner.path) {
            Ok(facts) if facts.is_folder() => self.describer.passage(&facts),
            _ => made_up_folder(),
        };
        child_of(name.to_vec(), entry, Place::Synthetic(Arc::clone(inner)))
    }

    /// Describes a path that was asked for. No pattern leaves it out.
    fn asked_for(&self, name: &[u8], path: &Path, within: &Synthetic) -> ChildResult {
        let missing = |errno| match errno {
            // Never there, as far as this run knows: a failure, not a file that vanished.
            Errno::NOENT => caused(ItemCause::Io, "there is no such file or folder"),
            errno => item_error("cannot look at it", errno),
        };
        let tree = within.path.as_os_str().as_bytes();
        let tree = tree.strip_prefix(b"/").unwrap_or(tree);
        let folder = Folder::top(path.parent().unwrap_or(path), tree);
        let fd = folder.open(&self.pool).map_err(missing)?;
        let facts = Facts::of_child(&fd, name).map_err(missing)?;
        let entry = self.describer.child(fd.as_fd(), name, &facts)?;
        Ok(child_of(name.to_vec(), entry, Place::of(&folder, name, &facts)))
    }
}

impl Source for FolderSource {
    type Handle = FolderHandle;

    fn root(&self) -> Result<(Entry, FolderHandle), ItemError> {
        let folder = match &self.root {
            Root::Synthetic(root) => {
                return Ok((made_up_folder(), FolderHandle(Place::Synthetic(Arc::clone(root)))));
            }
            Root::Folder(folder) => folder,
        };
        let failed = |errno| item_error("cannot open the folder", errno);
        let fd = folder.open(&self.pool).map_err(failed)?;
        let facts = Facts::of_open(&fd).map_err(failed)?;
        let entry = self.describer.open_folder(fd.as_fd(), &facts);
        Ok((entry, FolderHandle(Place::Folder(Arc::clone(folder)))))
    }

    fn list(&self, folder: &FolderHandle) -> Listing<FolderHandle> {
        let failed = |error| Listing { children: Vec::new(), failed: vec![(Vec::new(), error)] };
        match &folder.0 {
            Place::Synthetic(folder) => self.list_synthetic(folder),
            Place::Folder(folder) => self
                .list_folder(folder)
                .unwrap_or_else(|errno| failed(item_error("cannot list the folder", errno))),
            Place::Item { .. } => failed(caused(ItemCause::Io, "it is not a folder")),
        }
    }

    fn open(&self, file: &FolderHandle) -> Result<Box<dyn ItemReader>, ItemError> {
        let Place::Item { folder, name } = &file.0 else {
            return Err(caused(ItemCause::Io, "it is not a file"));
        };
        let fd = folder.open(&self.pool).map_err(|errno| item_error("cannot open its folder", errno))?;
        Ok(Box::new(FileReader::open(fd.as_fd(), name, &self.describer)?))
    }

    fn reuse(&self, base: &Entry, base_begun_ns: TimeNs, now: &mut Entry) -> bool {
        let same = |field: fn(&Meta) -> Option<u64>| {
            field(&base.meta).is_some() && field(&base.meta) == field(&now.meta)
        };
        let settled_ns = base_begun_ns.saturating_sub(TIME_GRAIN_NS);
        // As old as to have been still when the base was read, and the same since.
        let still = |field: fn(&Meta) -> Option<TimeNs>| {
            field(&base.meta).is_some_and(|time| time < settled_ns && field(&now.meta) == Some(time))
        };
        let unchanged = base.size == now.size
            && still(|meta| meta.mtime_ns)
            && (self.options.ignore_ctime || still(|meta| meta.ctime_ns))
            && (self.options.ignore_inode || same(|meta| meta.inode));
        if unchanged && !self.describer.lists_attributes {
            // They cannot change without a new time of change.
            now.meta.xattrs.clone_from(&base.meta.xattrs);
        }
        unchanged
    }
}

fn root_of(paths: &[PathBuf]) -> Result<Root, FolderError> {
    let clean = |path: &PathBuf| {
        let is_sound = path.is_absolute() && !path.components().any(|part| part == Component::ParentDir);
        // Collecting the components drops doubled and trailing slashes.
        is_sound
            .then(|| path.components().collect::<PathBuf>())
            .ok_or_else(|| FolderError::NotAbsolute { path: path.clone() })
    };
    let paths = paths.iter().map(clean).collect::<Result<Vec<_>, _>>()?;
    if let Some(top) = paths.iter().find(|path| path.parent().is_none()) {
        // The file system's root holds all the others.
        return Ok(Root::Folder(Folder::top(top, b"")));
    }
    match paths.as_slice() {
        [] => Err(FolderError::NoPath),
        [path] => root_of_one(path),
        paths => {
            let mut root = Synthetic::default();
            paths.iter().for_each(|path| root.insert(path));
            Ok(Root::Synthetic(Arc::new(root)))
        }
    }
}

fn root_of_one(path: &Path) -> Result<Root, FolderError> {
    let unreachable = |errno: Errno| FolderError::Unreachable { path: path.to_owned(), source: errno.into() };
    if facts_of(path).map_err(unreachable)?.is_folder() {
        return Ok(Root::Folder(Folder::top(path, b"")));
    }
    Ok(Root::Synthetic(Arc::new(Synthetic::holding(path))))
}

fn facts_of(path: &Path) -> io::Result<Facts> {
    Facts::of_child(CWD, path.as_os_str().as_bytes())
}

fn child_of(name: Vec<u8>, entry: Entry, place: Place) -> Child<FolderHandle> {
    let key = TreeKey { name, discriminator: Vec::new() };
    Child { key, entry, handle: FolderHandle(place) }
}

fn made_up_folder() -> Entry {
    Entry { kind: EntryKind::Folder(ContentId::ZERO), size: 0, meta: Meta::default(), items: 0 }
}

/// The names in a folder, in the order of their inodes: so a disk is looked over in one sweep.
fn names_in(fd: BorrowedFd<'_>) -> io::Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let mut buffer = Vec::with_capacity(LISTING_BYTES);
    // It may have been listed before.
    seek(fd, SeekFrom::Start(0))?;
    let mut entries = RawDir::new(fd, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            found.push((entry.ino(), name.to_vec()));
        }
    }
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, name)| name).collect())
}
