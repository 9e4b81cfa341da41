//! From what the system says to an entry of a tree.

use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, PoisonError};

use repo_format::codec::ContentId;
use repo_format::engine::source::{ItemCause, ItemError};
use repo_format::tree::{Entry, EntryKind, Meta};
use rustix::fs::{FileType, readlinkat};
use rustix::io::{self, Errno};

use crate::error::{caused, item_error};
use crate::unix::facts::Facts;
use crate::unix::owners::OwnerNames;
use crate::unix::xattrs::{self, Xattrs};

/// Describes entries; remembers what is worth asking once.
#[derive(Default)]
pub(super) struct Describer {
    names: OwnerNames,
    /// Devices in the order they were met: their own numbers change from start to start.
    devices: Mutex<Vec<u64>>,
    /// Devices whose file systems have no extended attributes.
    without_xattrs: Mutex<HashSet<u64>>,
    /// Whether a listing has the extended attributes of files: else they are read when a file is open,
    /// which takes a tenth of the time, and not at all if it is not opened.
    pub lists_attributes: bool,
}

impl Describer {
    /// One that looks at files' attributes when they are listed, or when they are open.
    pub fn new(lists_attributes: bool) -> Describer {
        Describer { lists_attributes, ..Describer::default() }
    }

    /// Describes a child of an open folder.
    pub fn child(&self, folder: BorrowedFd<'_>, name: &[u8], facts: &Facts) -> Result<Entry, ItemError> {
        let kind = kind(folder, name, facts)?;
        if facts.is_file() && !self.lists_attributes {
            return Ok(self.entry(kind, facts, Xattrs::new()));
        }
        let may_open = facts.is_file() || facts.is_folder();
        let xattrs = self.xattrs(facts.device, || xattrs::of_child(folder, name, may_open));
        Ok(self.entry(kind, facts, xattrs))
    }

    /// Describes an open folder.
    pub fn open_folder(&self, folder: BorrowedFd<'_>, facts: &Facts) -> Entry {
        let xattrs = self.xattrs(facts.device, || xattrs::of_open(folder));
        self.entry(EntryKind::Folder(ContentId::ZERO), facts, xattrs)
    }

    /// Describes an open file.
    pub fn open_file(&self, file: impl AsFd, facts: &Facts) -> Entry {
        let xattrs = self.xattrs(facts.device, || xattrs::of_open(&file));
        self.entry(EntryKind::File(None), facts, xattrs)
    }

    /// A folder that leads to others, without its attributes: it is not itself backed up.
    pub fn passage(&self, facts: &Facts) -> Entry {
        self.entry(EntryKind::Folder(ContentId::ZERO), facts, Xattrs::new())
    }

    fn entry(&self, kind: EntryKind, facts: &Facts, xattrs: Xattrs) -> Entry {
        let is_linked = facts.links > 1 && !facts.is_folder();
        Entry {
            kind,
            size: if facts.is_file() { facts.size } else { 0 },
            items: 0,
            meta: Meta {
                mtime_ns: Some(facts.mtime_ns),
                ctime_ns: Some(facts.ctime_ns),
                btime_ns: facts.btime_ns,
                mode: Some(facts.mode),
                uid: Some(facts.uid),
                gid: Some(facts.gid),
                user: self.names.user(facts.uid),
                group: self.names.group(facts.gid),
                inode: Some(facts.inode),
                device: Some(facts.device),
                xattrs,
                link_group: is_linked.then(|| self.link_group(facts)),
                sparse: facts.is_sparse(),
                service: None,
            },
        }
    }

    /// A number for the inode that stays the same from run to run: on the first device met the
    /// inode's own, on others a mix of it and the order in which they were met.
    fn link_group(&self, facts: &Facts) -> u64 {
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let known = devices.iter().position(|device| *device == facts.device);
        let order = known.unwrap_or_else(|| {
            devices.push(facts.device);
            devices.len() - 1
        });
        if order == 0 { facts.inode } else { mix(facts.inode ^ mix(order as u64)) }
    }

    fn xattrs(&self, device: u64, read: impl FnOnce() -> io::Result<Xattrs>) -> Xattrs {
        let known = self.without_xattrs.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&device) {
            return Xattrs::new();
        }
        drop(known);
        match read() {
            Ok(xattrs) => xattrs,
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                let known = self.without_xattrs.lock();
                known.unwrap_or_else(PoisonError::into_inner).insert(device);
                Xattrs::new()
            }
            Err(error) => {
                tracing::debug!(%error, "extended attributes left out");
                Xattrs::new()
            }
        }
    }
}

/// The finalizer of SplitMix64: a bijection whose results look random.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn kind(folder: BorrowedFd<'_>, name: &[u8], facts: &Facts) -> Result<EntryKind, ItemError> {
    let (major, minor) = facts.node;
    Ok(match facts.file_type {
        FileType::RegularFile => EntryKind::File(None),
        FileType::Directory => EntryKind::Folder(ContentId::ZERO),
        FileType::Symlink => {
            let target = readlinkat(folder, name, Vec::new());
            let target = target.map_err(|errno| item_error("cannot read the link", errno))?;
            EntryKind::Symlink(target.into_bytes())
        }
        FileType::Fifo => EntryKind::Fifo,
        FileType::Socket => EntryKind::Socket,
        FileType::CharacterDevice => EntryKind::CharDevice { major, minor },
        FileType::BlockDevice => EntryKind::BlockDevice { major, minor },
        FileType::Unknown => return Err(caused(ItemCause::Refused, "of a kind unknown here")),
    })
}
