//! One entry of a tree: what a folder of a snapshot says of one of its children.
//!
//! Owns the in-memory shape; [`super::encode`] owns the bytes. Knows nothing of file systems or
//! services: a source fills the fields it has, a sink uses those it understands.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::codec::{ContentId, TimeNs};
use crate::object::ObjectRef;

/// What kind of thing an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A stream of bytes; `None` while its content is known to exist but could not be stored.
    File(Option<ObjectRef>),
    /// A folder; the content ID is the root node of its tree's map.
    Folder(ContentId),
    /// A symbolic link and the bytes of its target.
    Symlink(Vec<u8>),
    /// A named pipe.
    Fifo,
    /// A socket; recorded, never restored.
    Socket,
    /// A character device.
    CharDevice { major: u32, minor: u32 },
    /// A block device.
    BlockDevice { major: u32, minor: u32 },
}

/// Metadata that sources may know of an entry. Absent means "not known", never "zero".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meta {
    /// Last change of the content.
    pub mtime_ns: Option<TimeNs>,
    /// Last change of content or metadata, as the file system tells it; change detection only.
    pub ctime_ns: Option<TimeNs>,
    /// Creation, where the source knows it.
    pub btime_ns: Option<TimeNs>,
    /// Permission bits, set-id and sticky bits included (`mode & 0o7777`).
    pub mode: Option<u32>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    /// Names of owner and group, so that a restore on another machine can map them. Many entries have the same.
    pub user: Option<Arc<[u8]>>,
    pub group: Option<Arc<[u8]>>,
    /// Inode and device: change detection only.
    pub inode: Option<u64>,
    pub device: Option<u64>,
    /// Extended attributes, POSIX ACLs among them (`system.posix_acl_*`).
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Entries of one snapshot with the same number are one inode (hard links).
    pub link_group: Option<u64>,
    /// The file has holes: restore writes runs of zeros as holes.
    pub sparse: bool,
    /// What a service knows of its item; opaque to the engine.
    pub service: Option<Vec<u8>>,
}

/// One child of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub kind: EntryKind,
    /// Bytes of content of a file; of a folder, of all files below it.
    pub size: u64,
    pub meta: Meta,
    /// Folders: number of entries below, at any depth.
    pub items: u64,
}
