//! Sets owner, attributes, mode and times, in this order; what cannot be set is a warning.
//!
//! A change of owner drops set-id bits and capabilities, so it comes first. Attributes come before
//! the mode, which may forbid to set them. Everything else changes times, so they come last.

use std::fmt::Display;
use std::os::fd::{AsFd, AsRawFd};

use repo_format::engine::sink::MetaWarning;
use repo_format::tree::{Entry, EntryKind, Meta, TimeNs};
use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid};
use rustix::fs::{chmodat, chownat, fchmod, fchown, futimens, utimensat};
use rustix::io::{self, Errno};

use super::options::OwnerPolicy;
use crate::unix::facts::Facts;
use crate::unix::open::open_child;
use crate::unix::owners::OwnerNumbers;
use crate::unix::xattrs;

const SET_ID_BITS: u32 = 0o6000;

/// Sets metadata as far as this process may.
pub(super) struct MetaWriter {
    owner: OwnerPolicy,
    is_root: bool,
    numbers: OwnerNumbers,
}

/// What could not be set so far.
#[derive(Default)]
struct Warnings(Vec<MetaWarning>);

impl Warnings {
    fn note(&mut self, what: impl Display, result: io::Result<()>) {
        if let Err(error) = result {
            let what = format!("cannot set {what}: {}", std::io::Error::from(error));
            self.0.push(MetaWarning { what });
        }
    }
}

impl MetaWriter {
    pub fn new(owner: OwnerPolicy) -> Self {
        MetaWriter { owner, is_root: rustix::process::geteuid().is_root(), numbers: OwnerNumbers::default() }
    }

    /// Sets the metadata of an open file or folder, as far as it is another one: most files are made with
    /// the owner and the mode that they are to have.
    pub fn on_open(&self, fd: impl AsFd, entry: &Entry) -> Vec<MetaWarning> {
        let mut warnings = Warnings::default();
        let meta = &entry.meta;
        let mut known = Facts::of_open(&fd).ok();
        if let Some((uid, gid)) = self.owner_to_set(meta) {
            let is_set = known.as_ref().is_some_and(|it| {
                uid.is_none_or(|uid| uid.as_raw() == it.uid) && gid.is_none_or(|gid| gid.as_raw() == it.gid)
            });
            if !is_set {
                warnings.note("the owner", fchown(&fd, uid, gid));
                known = None;
            }
        }
        if set_xattrs(&fd, meta, &mut warnings) {
            known = None;
        }
        if let Some(mode) = meta.mode {
            let mode = self.permitted_mode(&fd, entry, mode, &mut warnings);
            if known.is_none_or(|it| it.mode != mode) {
                warnings.note("the mode", fchmod(&fd, Mode::from_raw_mode(mode)));
            }
        }
        if let Some(mtime_ns) = meta.mtime_ns {
            warnings.note("the time", futimens(&fd, &times(mtime_ns)));
        }
        warnings.0
    }

    /// Sets the metadata of a link, FIFO or device, which are not opened.
    pub fn on_child(&self, folder: impl AsFd, name: &[u8], entry: &Entry) -> Vec<MetaWarning> {
        let mut warnings = Warnings::default();
        let meta = &entry.meta;
        if let Some((uid, gid)) = self.owner_to_set(meta) {
            let result = chownat(&folder, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW);
            warnings.note("the owner", result);
        }
        for (attr, value) in &meta.xattrs {
            let result = xattrs::set_on_child(&folder, name, attr, value);
            warnings.note(attr.escape_ascii(), result);
        }
        // Links have no mode of their own.
        if let Some(mode) = meta.mode
            && !matches!(entry.kind, EntryKind::Symlink(_))
        {
            warnings.note("the mode", chmod_child(&folder, name, mode));
        }
        if let Some(mtime_ns) = meta.mtime_ns {
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            warnings.note("the time", utimensat(&folder, name, &times(mtime_ns), flags));
        }
        warnings.0
    }

    /// Only root gives files away; nobody else is warned about each of them.
    fn owner_to_set(&self, meta: &Meta) -> Option<(Option<Uid>, Option<Gid>)> {
        let (uid, gid) = self.owner_of(meta);
        (self.is_root && (uid.is_some() || gid.is_some()))
            .then(|| (uid.map(Uid::from_raw), gid.map(Gid::from_raw)))
    }

    fn owner_of(&self, meta: &Meta) -> (Option<u32>, Option<u32>) {
        let by_name = self.owner == OwnerPolicy::Names;
        let user = meta.user.as_ref().filter(|_| by_name);
        let group = meta.group.as_ref().filter(|_| by_name);
        let uid = user.and_then(|name| self.numbers.user(name)).or(meta.uid);
        let gid = group.and_then(|name| self.numbers.group(name)).or(meta.gid);
        // All ones means "leave it" to the system, so no recorded owner can be that.
        (uid.filter(|id| *id != u32::MAX), gid.filter(|id| *id != u32::MAX))
    }

    /// A file that does not belong to whom it did must not run with its new owner's rights.
    fn permitted_mode(&self, fd: impl AsFd, entry: &Entry, mode: u32, warnings: &mut Warnings) -> u32 {
        if mode & SET_ID_BITS == 0 || matches!(entry.kind, EntryKind::Folder(_)) {
            return mode;
        }
        let wanted = self.owner_of(&entry.meta);
        let keeps = Facts::of_open(fd).is_ok_and(|it| wanted == (Some(it.uid), Some(it.gid)));
        if keeps {
            return mode;
        }
        warnings.note("set-id bits for another owner", Err(Errno::PERM));
        mode & !SET_ID_BITS
    }
}

/// Sets attributes, and takes away what a folder's default ACL or an older file has left. Says whether there
/// was anything to do, which may have changed the mode.
fn set_xattrs(fd: impl AsFd, meta: &Meta, warnings: &mut Warnings) -> bool {
    let mut touched = !meta.xattrs.is_empty();
    let present = xattrs::names_of_open(&fd).unwrap_or_default();
    let ours = |attr: &Vec<u8>| !attr.starts_with(b"security.") && !attr.starts_with(b"trusted.");
    for attr in present.into_iter().filter(ours) {
        if !meta.xattrs.contains_key(&attr) {
            touched = true;
            warnings.note(attr.escape_ascii(), xattrs::remove_from_open(&fd, &attr));
        }
    }
    // An ACL is also a mode, which may forbid to set the others: it comes last.
    let is_acl = |attr: &[u8]| attr.starts_with(b"system.");
    let (acls, others): (Vec<_>, Vec<_>) = meta.xattrs.iter().partition(|(attr, _)| is_acl(attr));
    for (attr, value) in others.into_iter().chain(acls) {
        warnings.note(attr.escape_ascii(), xattrs::set_on_open(&fd, attr, value));
    }
    touched
}

/// Changes the mode of a child without following a link, should it have become one.
pub(super) fn chmod_child(folder: impl AsFd, name: &[u8], mode: u32) -> io::Result<()> {
    let child = open_child(folder, name, OFlags::PATH)?;
    if Facts::of_open(&child)?.file_type == rustix::fs::FileType::Symlink {
        return Err(Errno::LOOP);
    }
    let path = format!("/proc/self/fd/{}", child.as_raw_fd());
    chmodat(CWD, path, Mode::from_raw_mode(mode), AtFlags::empty())
}

fn times(mtime_ns: TimeNs) -> Timestamps {
    let last_modification =
        Timespec { tv_sec: mtime_ns.div_euclid(1_000_000_000), tv_nsec: mtime_ns.rem_euclid(1_000_000_000) };
    let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    Timestamps { last_access, last_modification }
}
