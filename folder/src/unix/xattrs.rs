//! Extended attributes, POSIX ACLs among them, of entries that are not opened for it.
//!
//! A child is addressed as `/proc/self/fd/<folder>/<name>`: the magic link leads to the open folder
//! itself, and the last step does not follow links. So a FIFO need not be opened, a deep path need
//! not be spelled out, and nothing can be swapped in between.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd};

use rustix::buffer::spare_capacity;
use rustix::fs::{OFlags, XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr};
use rustix::fs::{lgetxattr, llistxattr, lsetxattr};
use rustix::io::{self, Errno};

use super::open::open_child_quietly;

/// The kernel's limit for a list of names and for one value.
const XATTR_BYTES_MAX: usize = 64 * 1024;
/// Tried first: most entries have few and short attributes or none.
const XATTR_BYTES_TYPICAL: usize = 512;

pub(crate) type Xattrs = BTreeMap<Vec<u8>, Vec<u8>>;

/// Reads all attributes of a child of `folder`.
///
/// An attribute that may be listed but not read is left out. Where `/proc` is not mounted, the
/// child is opened if it `may_open`, which a device should not be for this.
///
/// # Errors
/// `OPNOTSUPP` if the file system has none, else what the system says of the list.
pub(crate) fn of_child(folder: impl AsFd, name: &[u8], may_open: bool) -> io::Result<Xattrs> {
    let path = child_path(&folder, name);
    let names = match grown(|buf| llistxattr(path.as_slice(), spare_capacity(buf))) {
        Err(Errno::NOENT) if may_open => {
            let flags = OFlags::RDONLY | OFlags::NONBLOCK;
            return of_open(open_child_quietly(folder, name, flags)?);
        }
        names => names?,
    };
    Ok(values(&names, |attr, buf| lgetxattr(path.as_slice(), attr, spare_capacity(buf))))
}

/// Reads all attributes of what is open.
///
/// # Errors
/// As [`of_child`].
pub(crate) fn of_open(fd: impl AsFd) -> io::Result<Xattrs> {
    let names = grown(|buf| flistxattr(&fd, spare_capacity(buf)))?;
    Ok(values(&names, |attr, buf| fgetxattr(&fd, attr, spare_capacity(buf))))
}

/// Sets an attribute of a child that cannot be opened, such as a symbolic link.
pub(crate) fn set_on_child(folder: impl AsFd, name: &[u8], attr: &[u8], value: &[u8]) -> io::Result<()> {
    lsetxattr(child_path(folder, name), attr, value, XattrFlags::empty())
}

/// Sets an attribute of what is open.
pub(crate) fn set_on_open(fd: impl AsFd, attr: &[u8], value: &[u8]) -> io::Result<()> {
    fsetxattr(fd, attr, value, XattrFlags::empty())
}

/// Names of the attributes of what is open.
pub(crate) fn names_of_open(fd: impl AsFd) -> io::Result<Vec<Vec<u8>>> {
    let names = grown(|buf| flistxattr(&fd, spare_capacity(buf)))?;
    Ok(split(&names).map(<[u8]>::to_vec).collect())
}

/// Takes an attribute away.
pub(crate) fn remove_from_open(fd: impl AsFd, attr: &[u8]) -> io::Result<()> {
    fremovexattr(fd, attr)
}

fn child_path(folder: impl AsFd, name: &[u8]) -> Vec<u8> {
    let mut path = format!("/proc/self/fd/{}/", folder.as_fd().as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    path
}

/// Lets `call` fill a small buffer, then the largest there can be.
fn grown(mut call: impl FnMut(&mut Vec<u8>) -> io::Result<usize>) -> io::Result<Vec<u8>> {
    let mut buf = Vec::with_capacity(XATTR_BYTES_TYPICAL);
    match call(&mut buf) {
        Err(Errno::RANGE) => {
            buf.reserve_exact(XATTR_BYTES_MAX);
            call(&mut buf)?;
        }
        other => drop(other?),
    }
    Ok(buf)
}

fn values(names: &[u8], mut get: impl FnMut(&[u8], &mut Vec<u8>) -> io::Result<usize>) -> Xattrs {
    split(names)
        .filter_map(|attr| match grown(|buf| get(attr, buf)) {
            Ok(value) => Some((attr.to_vec(), value)),
            Err(error) => {
                let attr = String::from_utf8_lossy(attr);
                tracing::debug!(%attr, %error, "extended attribute left out");
                None
            }
        })
        .collect()
}

fn split(names: &[u8]) -> impl Iterator<Item = &[u8]> {
    names.split(|byte| *byte == 0).filter(|name| !name.is_empty())
}
