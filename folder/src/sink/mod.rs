//! A local folder as a [`Sink`].
//!
//! Everything is made under a temporary name in its folder, or without any, and put in place when it is
//! whole, metadata included. No symbolic link below the target is ever followed.

mod file;
mod folders;
mod meta;
mod options;
mod place;

use std::collections::HashMap;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use repo_format::engine::sink::{Created, Decision, MetaWarning, Sink};
use repo_format::engine::source::{ItemCause, ItemError};
use repo_format::tree::{Entry, EntryKind};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::fs::{fchmod, fsync, ftruncate, linkat, mkdirat, openat, symlinkat, unlinkat};
use rustix::io::{self, Errno};

use self::file::{FilePlace, preallocate, write_at};
use self::folders::{Folders, split};
use self::meta::{MetaWriter, chmod_child};
use self::place::{
    failed, file_type, first_mode, link_open, look_at, make_nameless, make_node, put_in_place, remove,
};
use crate::error::{FolderError, caused};
use crate::unix::facts::Facts;
use crate::unix::open::open_child;
use crate::unix::pool::{FdPool, PooledFd};

pub use self::file::SinkFile;
pub use self::options::{Overwrite, OwnerPolicy, SinkOptions};

/// Files kept open at a time; others in the making are opened again when more bytes come.
const OPEN_FILES_MAX: usize = 256;
/// Files of up to so many bytes are one content each, whatever sizes a repository cuts (SPL-1): they are
/// written at once.
const NAMELESS_BYTES_MAX: u64 = 16 << 10;
/// What it takes to list a folder, to make something in it and to pass through.
const OWNER_ALL: u32 = 0o700;

/// Restores into a folder.
pub struct FolderSink {
    folders: Folders,
    files: FdPool,
    options: SinkOptions,
    meta: MetaWriter,
    /// Whether the target was empty, so that the root's metadata may become its own.
    is_new: bool,
    /// Folders that were there before and are still entered, as they were.
    found: Mutex<HashMap<Vec<u8>, Facts>>,
    /// Whether the target takes no files without a name, or cannot name them later.
    lacks_nameless: AtomicBool,
    /// Distinguishes temporary names of this sink from those of others, living and dead.
    started_ns: u128,
    temporaries: AtomicU64,
}

impl FolderSink {
    /// Opens the target, or makes it. Links on the way to the target itself are followed.
    ///
    /// # Errors
    /// [`FolderError::Target`] if it can neither be made nor opened.
    pub fn new(target: &Path, options: SinkOptions) -> Result<Self, FolderError> {
        let failed = |source| FolderError::Target { path: PathBuf::from(target), source };
        fs::create_dir_all(target).map_err(failed)?;
        let is_empty = fs::read_dir(target).map_err(failed)?.next().is_none();
        let top = fs::File::open(target).map_err(failed)?;
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let sink = FolderSink {
            folders: Folders::below(top.into()),
            files: FdPool::new(OPEN_FILES_MAX),
            meta: MetaWriter::new(options.owner),
            options,
            is_new: is_empty,
            found: Mutex::default(),
            lacks_nameless: AtomicBool::new(true),
            started_ns: since_epoch.unwrap_or_default().as_nanos(),
            temporaries: AtomicU64::new(0),
        };
        if is_empty {
            sink.try_nameless();
        }
        Ok(sink)
    }

    /// Finds out whether files can be made without a name and named when they are whole: not on every file
    /// system, and not where a container hides `/proc`. It leaves a mark on the target's time, so a target
    /// that is not new, and may have to keep its own, is not asked.
    fn try_nameless(&self) {
        let attempt = || {
            let top = self.folders.open(&[])?;
            let file = make_nameless(&top, Mode::from_raw_mode(0o600))?;
            let name = self.temporary_name();
            link_open(&file, &top, &name)?;
            unlinkat(&top, name, AtFlags::empty())
        };
        self.lacks_nameless.store(attempt().is_err(), Ordering::Relaxed);
    }

    fn open_folder(&self, names: &[&[u8]]) -> Result<Arc<OwnedFd>, ItemError> {
        self.folders.open(names).map_err(|errno| match errno {
            Errno::LOOP | Errno::NOTDIR => {
                caused(ItemCause::Io, "its folder is not a folder: a link is not followed")
            }
            errno => failed("cannot open its folder", errno),
        })
    }

    /// Whether what stands at the place gives way to `entry`.
    fn gives_way(&self, existing: &Facts, entry: &Entry) -> bool {
        match self.options.overwrite {
            Overwrite::Never => false,
            Overwrite::Always => true,
            Overwrite::IfNewer => {
                file_type(&entry.kind) == existing.file_type
                    && entry.meta.mtime_ns.is_some_and(|mtime| mtime > existing.mtime_ns)
            }
        }
    }

    /// Whether `entry` may take the place; an empty folder that must give way is gone then.
    fn claim(&self, folder: &OwnedFd, name: &[u8], entry: &Entry) -> Result<bool, ItemError> {
        let Some(existing) = look_at(folder, name)? else {
            return Ok(true);
        };
        if !self.gives_way(&existing, entry) {
            return Ok(false);
        }
        if existing.is_folder() {
            unlinkat(folder, name, AtFlags::REMOVEDIR)
                .map_err(|errno| failed("a folder stands in its place", errno))?;
        }
        Ok(true)
    }

    /// A name that nobody else uses; making it fails if something has it nevertheless.
    fn temporary_name(&self) -> Vec<u8> {
        let (process, started) = (std::process::id(), self.started_ns);
        let number = self.temporaries.fetch_add(1, Ordering::Relaxed);
        format!(".corso-{process}-{started:x}-{number}.part").into_bytes()
    }

    /// Makes what has no content under a temporary name and puts it in place.
    fn make(
        &self,
        folder: &OwnedFd,
        name: &[u8],
        entry: &Entry,
        make: impl FnOnce(BorrowedFd<'_>, &[u8]) -> io::Result<()>,
    ) -> Result<Created<SinkFile>, ItemError> {
        let temporary = self.temporary_name();
        make(folder.as_fd(), &temporary).map_err(|errno| failed("cannot make it", errno))?;
        let warnings = self.meta.on_child(folder, &temporary, entry);
        put_in_place(folder, &temporary, name)?;
        Ok(Created::Done(warnings))
    }

    fn create_file(&self, names: &[&[u8]], folder: &OwnedFd, entry: &Entry) -> Result<SinkFile, ItemError> {
        let names = names.iter().map(|name| name.to_vec()).collect();
        let mode = first_mode(entry, 0o600, 0o666);
        if entry.size <= NAMELESS_BYTES_MAX && !self.lacks_nameless.load(Ordering::Relaxed) {
            // Nobody else gets at it before it has its name, so it may have its own mode from the start.
            let mode = entry.meta.mode.map_or(mode, |mode| Mode::from_raw_mode(mode & 0o777));
            match make_nameless(folder, mode) {
                Ok(fd) => {
                    let place = FilePlace::Nameless(Arc::new(fd));
                    return Ok(SinkFile { folder: names, place, sparse: entry.meta.sparse });
                }
                // What older systems and other file systems say to it.
                Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => {
                    self.lacks_nameless.store(true, Ordering::Relaxed);
                }
                Err(errno) => return Err(failed("cannot create it", errno)),
            }
        }
        let (name, fd) = (self.temporary_name(), PooledFd::default());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = openat(folder, &name, flags, mode).map_err(|errno| failed("cannot create it", errno))?;
        if let Err(errno) = preallocate(&opened, entry.size, entry.meta.sparse) {
            remove(folder, &name);
            return Err(failed("there is no room for it", errno));
        }
        self.files.keep(opened, &fd);
        let place = FilePlace::Temporary { name, fd };
        Ok(SinkFile { folder: names, place, sparse: entry.meta.sparse })
    }

    /// The descriptor of a file in the making, opened again if need be.
    fn fd_of(&self, file: &SinkFile) -> io::Result<Arc<OwnedFd>> {
        let (name, slot) = match &file.place {
            FilePlace::Nameless(fd) => return Ok(Arc::clone(fd)),
            FilePlace::Temporary { name, fd } => (name, fd),
        };
        if let Some(fd) = slot.get() {
            return Ok(fd);
        }
        let folder = self.folders.open(&borrowed(&file.folder))?;
        let fd = open_child(&folder, name, OFlags::WRONLY)?;
        Ok(self.files.keep(fd, slot))
    }

    /// Brings a file whose bytes are written to its length, metadata and name.
    fn complete(
        &self,
        file: &SinkFile,
        folder: &OwnedFd,
        name: &[u8],
        entry: &Entry,
    ) -> Result<Vec<MetaWarning>, ItemError> {
        let fd = self.fd_of(file).map_err(|errno| failed("cannot open it again", errno))?;
        if file.sparse {
            // It may end with a hole.
            ftruncate(&fd, entry.size).map_err(|errno| failed("cannot set its length", errno))?;
        }
        let warnings = self.meta.on_open(&fd, entry);
        self.sync(&fd)?;
        match &file.place {
            FilePlace::Temporary { name: temporary, .. } => put_in_place(folder, temporary, name)?,
            FilePlace::Nameless(fd) => self.give_name(fd, folder, name)?,
        }
        Ok(warnings)
    }

    /// Gives a file without a name the one it is to have, in place of what may stand there.
    fn give_name(&self, fd: &OwnedFd, folder: &OwnedFd, name: &[u8]) -> Result<(), ItemError> {
        match link_open(fd, folder, name) {
            Err(Errno::EXIST) => {
                let temporary = self.temporary_name();
                link_open(fd, folder, &temporary).map_err(|errno| failed("cannot name it", errno))?;
                put_in_place(folder, &temporary, name)
            }
            linked => linked.map_err(|errno| failed("cannot name it", errno)),
        }
    }

    fn sync(&self, fd: &OwnedFd) -> Result<(), ItemError> {
        match self.options.fsync {
            true => fsync(fd).map_err(|errno| failed("cannot bring it to the disk", errno)),
            false => Ok(()),
        }
    }

    fn enter_target(&self) -> Result<Decision, ItemError> {
        if self.is_new {
            return Ok(Decision::Take);
        }
        let top = self.open_folder(&[])?;
        let existing = Facts::of_open(&top).map_err(|errno| failed("cannot look at it", errno))?;
        self.enter_found(&[], existing, |mode| fchmod(&top, Mode::from_raw_mode(mode)))
    }

    /// Remembers how a folder was that is there already, and makes sure of the way into it.
    fn enter_found(
        &self,
        path: &[&[u8]],
        existing: Facts,
        make_accessible: impl FnOnce(u32) -> io::Result<()>,
    ) -> Result<Decision, ItemError> {
        if existing.mode & OWNER_ALL != OWNER_ALL {
            make_accessible(existing.mode | OWNER_ALL)
                .map_err(|errno| failed("cannot enter the folder", errno))?;
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert(path.join(&b'/'), existing);
        Ok(Decision::Take)
    }
}

impl Sink for FolderSink {
    type File = SinkFile;

    fn enter(&self, path: &[&[u8]], entry: &Entry) -> Result<Decision, ItemError> {
        if path.is_empty() {
            return self.enter_target();
        }
        let (names, name) = split(path)?;
        let folder = self.open_folder(names)?;
        match look_at(&folder, name)? {
            Some(existing) if existing.is_folder() => {
                let chmod = |mode| chmod_child(&folder, name, mode);
                return self.enter_found(path, existing, chmod);
            }
            Some(existing) if !self.gives_way(&existing, entry) => return Ok(Decision::Skip),
            Some(_) => unlinkat(&folder, name, AtFlags::empty())
                .map_err(|errno| failed("cannot remove what stands in its place", errno))?,
            None => {}
        }
        let mode = first_mode(entry, OWNER_ALL, 0o777);
        mkdirat(&folder, name, mode).map_err(|errno| failed("cannot make the folder", errno))?;
        Ok(Decision::Take)
    }

    fn create(&self, path: &[&[u8]], entry: &Entry) -> Result<Created<SinkFile>, ItemError> {
        let (names, name) = split(path)?;
        match entry.kind {
            EntryKind::Folder(_) => {
                return Err(caused(ItemCause::Io, "a folder is entered, not created"));
            }
            EntryKind::File(None) => {
                return Err(caused(ItemCause::Lost, "its content was not stored"));
            }
            // It would be of no use without the process that listened at it.
            EntryKind::Socket => return Ok(Created::Skip),
            _ => {}
        }
        let folder = self.open_folder(names)?;
        if !self.claim(&folder, name, entry)? {
            return Ok(Created::Skip);
        }
        match &entry.kind {
            EntryKind::File(_) => {
                let file = self.create_file(names, &folder, entry)?;
                if entry.size > 0 {
                    return Ok(Created::Take(file));
                }
                self.finish(file, path, entry).map(Created::Done)
            }
            EntryKind::Symlink(target) => {
                self.make(&folder, name, entry, |folder, name| symlinkat(target.as_slice(), folder, name))
            }
            kind => self.make(&folder, name, entry, |folder, name| make_node(folder, name, kind)),
        }
    }

    fn write(&self, file: &SinkFile, offset: u64, bytes: &[u8]) -> Result<(), ItemError> {
        let fd = self.fd_of(file).map_err(|errno| failed("cannot open it again", errno))?;
        write_at(&fd, bytes, offset, file.sparse).map_err(|errno| failed("cannot write it", errno))
    }

    fn finish(&self, file: SinkFile, path: &[&[u8]], entry: &Entry) -> Result<Vec<MetaWarning>, ItemError> {
        let done = split(path).and_then(|(names, name)| {
            let folder = self.open_folder(names)?;
            self.complete(&file, &folder, name, entry)
        });
        if done.is_err() {
            self.abandon(file, path);
        }
        done
    }

    fn abandon(&self, file: SinkFile, _path: &[&[u8]]) {
        let FilePlace::Temporary { name, .. } = &file.place else { return };
        if let Ok(folder) = self.folders.open(&borrowed(&file.folder)) {
            remove(&folder, name);
        }
    }

    fn leave(&self, path: &[&[u8]], entry: &Entry) -> Result<Vec<MetaWarning>, ItemError> {
        if !path.is_empty() {
            split(path)?;
        }
        let folder = self.open_folder(path)?;
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let before = found.remove(&path.join(&b'/'));
        drop(found);
        let warnings = match before {
            Some(before) if !self.gives_way(&before, entry) => {
                // It stays as it was: only the way into it, if it had to be opened, is shut again.
                if before.mode & OWNER_ALL != OWNER_ALL {
                    fchmod(&folder, Mode::from_raw_mode(before.mode))
                        .map_err(|errno| failed("cannot set the mode back", errno))?;
                }
                Vec::new()
            }
            _ => self.meta.on_open(&folder, entry),
        };
        self.sync(&folder)?;
        Ok(warnings)
    }

    fn link(&self, first: &[&[u8]], path: &[&[u8]], entry: &Entry) -> Result<Decision, ItemError> {
        let (first_names, first_name) = split(first)?;
        let (names, name) = split(path)?;
        let folder = self.open_folder(names)?;
        if !self.claim(&folder, name, entry)? {
            return Ok(Decision::Skip);
        }
        let first_folder = self.open_folder(first_names)?;
        let temporary = self.temporary_name();
        linkat(&first_folder, first_name, &folder, &temporary, AtFlags::empty())
            .map_err(|errno| failed("cannot link it", errno))?;
        put_in_place(&folder, &temporary, name)?;
        // Renaming one name of an inode to another of its names does nothing at all.
        remove(&folder, &temporary);
        Ok(Decision::Take)
    }
}

fn borrowed(names: &[Vec<u8>]) -> Vec<&[u8]> {
    names.iter().map(Vec::as_slice).collect()
}
