//! What the system says of one file-system entry, in one call.

use std::os::fd::AsFd;

use repo_format::tree::TimeNs;
use rustix::fs::{AtFlags, FileType, Statx, StatxFlags, StatxTimestamp, makedev, statx};
use rustix::io;

/// The metadata of one entry, never of what a symbolic link points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub file_type: FileType,
    /// Permission bits with set-id and sticky bits.
    pub mode: u32,
    pub links: u32,
    pub uid: u32,
    pub gid: u32,
    pub inode: u64,
    pub device: u64,
    /// Major and minor number of a device node.
    pub node: (u32, u32),
    pub size: u64,
    /// Bytes that the file system has set aside.
    pub allocated: u64,
    pub mtime_ns: TimeNs,
    pub ctime_ns: TimeNs,
    pub btime_ns: Option<TimeNs>,
}

impl Facts {
    /// Looks at the child `name` of `folder` without following a link.
    pub fn of_child(folder: impl AsFd, name: &[u8]) -> io::Result<Self> {
        // An automount point is not mounted for being looked at.
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        statx(folder, name, flags, wanted()).map(Self::from)
    }

    /// Looks at what is open.
    pub fn of_open(fd: impl AsFd) -> io::Result<Self> {
        statx(fd, c"", AtFlags::EMPTY_PATH, wanted()).map(Self::from)
    }

    pub fn is_folder(&self) -> bool {
        self.file_type == FileType::Directory
    }

    pub fn is_file(&self) -> bool {
        self.file_type == FileType::RegularFile
    }

    /// Whether a file has fewer bytes set aside than it is long: it has holes, or is compressed.
    pub fn is_sparse(&self) -> bool {
        self.is_file() && self.allocated < self.size
    }

    /// Whether content or metadata changed between two looks at the same file.
    pub fn same_content_as(&self, other: &Facts) -> bool {
        self.size == other.size && self.mtime_ns == other.mtime_ns && self.ctime_ns == other.ctime_ns
    }

    /// Identifies the inode on this machine until the next restart.
    pub fn id(&self) -> (u64, u64) {
        (self.device, self.inode)
    }
}

fn wanted() -> StatxFlags {
    StatxFlags::BASIC_STATS | StatxFlags::BTIME
}

impl From<Statx> for Facts {
    fn from(stat: Statx) -> Self {
        let mode = u32::from(stat.stx_mode);
        let has_btime = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME);
        Facts {
            file_type: FileType::from_raw_mode(mode),
            mode: mode & 0o7777,
            links: stat.stx_nlink,
            uid: stat.stx_uid,
            gid: stat.stx_gid,
            inode: stat.stx_ino,
            device: makedev(stat.stx_dev_major, stat.stx_dev_minor),
            node: (stat.stx_rdev_major, stat.stx_rdev_minor),
            size: stat.stx_size,
            allocated: stat.stx_blocks.saturating_mul(512),
            mtime_ns: nanoseconds(&stat.stx_mtime),
            ctime_ns: nanoseconds(&stat.stx_ctime),
            btime_ns: has_btime.then(|| nanoseconds(&stat.stx_btime)),
        }
    }
}

/// Times beyond what 64 bits of nanoseconds hold (the years 1677 to 2262) stop at the limit.
fn nanoseconds(time: &StatxTimestamp) -> TimeNs {
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(i64::from(time.tv_nsec))
}
