//! Entries of a tree, and how two trees differ.

use std::fmt;

use repo_format::tree::{Entry, EntryKind};
use serde::Serialize;

use super::{Escaped, PathText, Size, Time};

/// One entry of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Item {
    /// The snapshot it is in.
    pub snapshot_id: String,
    #[serde(flatten)]
    pub path: PathText,
    pub kind: Kind,
    pub size: u64,
    /// Permission bits in octal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtime: Option<Time>,
    /// When it was made, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub btime: Option<Time>,
    /// The service's ID of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Entries of folders below, at any depth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// Where a symbolic link points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_hex: Option<String>,
}

/// What kind of thing an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    File,
    Folder,
    Symlink,
    Fifo,
    Socket,
    CharDevice,
    BlockDevice,
}

impl Kind {
    fn of(kind: &EntryKind) -> Kind {
        match kind {
            EntryKind::File(_) => Kind::File,
            EntryKind::Folder(_) => Kind::Folder,
            EntryKind::Symlink(_) => Kind::Symlink,
            EntryKind::Fifo => Kind::Fifo,
            EntryKind::Socket => Kind::Socket,
            EntryKind::CharDevice { .. } => Kind::CharDevice,
            EntryKind::BlockDevice { .. } => Kind::BlockDevice,
        }
    }

    fn letter(self) -> char {
        match self {
            Kind::File => '-',
            Kind::Folder => 'd',
            Kind::Symlink => 'l',
            Kind::Fifo => 'p',
            Kind::Socket => 's',
            Kind::CharDevice => 'c',
            Kind::BlockDevice => 'b',
        }
    }
}

impl Item {
    /// Describes the entry at `path`, names below the root.
    pub fn new(snapshot_id: String, path: &[impl AsRef<[u8]>], entry: &Entry) -> Item {
        let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let target = match &entry.kind {
            EntryKind::Symlink(target) => Some(PathText::new(target)),
            _ => None,
        };
        let kind = Kind::of(&entry.kind);
        Item {
            snapshot_id,
            path: PathText::below(path),
            kind,
            size: entry.size,
            mode: entry.meta.mode.map(|mode| format!("{mode:04o}")),
            uid: entry.meta.uid,
            gid: entry.meta.gid,
            user: text(entry.meta.user.as_deref()),
            group: text(entry.meta.group.as_deref()),
            mtime: entry.meta.mtime_ns.map(Time),
            btime: entry.meta.btime_ns.map(Time),
            id: None,
            items: (kind == Kind::Folder).then_some(entry.items),
            target_hex: target.as_ref().and_then(|target| target.path_hex.clone()),
            target: target.map(|target| target.path),
        }
    }

    /// Adds the service's ID, if it has one.
    pub fn with_id(mut self, id: &[u8]) -> Item {
        self.id = (!id.is_empty()).then(|| String::from_utf8_lossy(id).into_owned());
        self
    }

    /// The entry with size and time, for services, which know neither mode nor owner as `ls` does.
    pub fn brief(&self) -> impl fmt::Display {
        let mtime = self.mtime.map_or_else(|| "-".to_owned(), |time| time.to_string());
        format!("{:>10} {mtime:<19} {self}", Size(self.size))
    }

    /// The entry in the manner of `ls -l`.
    pub fn long(&self) -> Long<'_> {
        Long(self)
    }
}

/// An entry in the manner of `ls -l`.
pub struct Long<'a>(&'a Item);

impl fmt::Display for Long<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Long(item) = self;
        let owner = |name: &Option<String>, id: Option<u32>| match (name, id) {
            (Some(name), _) => Escaped(name.as_bytes()).to_string(),
            (None, Some(id)) => id.to_string(),
            (None, None) => "-".to_owned(),
        };
        let mode = item.mode.as_ref().and_then(|text| u32::from_str_radix(text, 8).ok());
        let mtime = item.mtime.map_or_else(|| "-".to_owned(), |time| time.to_string());
        let (user, group) = (owner(&item.user, item.uid), owner(&item.group, item.gid));
        write!(f, "{}{} {user:<8} {group:<8} ", item.kind.letter(), bits(mode))?;
        write!(f, "{:>10} {mtime:<19} {item}", Size(item.size))
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if self.kind == Kind::Folder {
            f.write_str("/")?;
        }
        match &self.target {
            Some(target) => {
                let target = PathText { path: target.clone(), path_hex: self.target_hex.clone() };
                write!(f, " -> {target}")
            }
            None => Ok(()),
        }
    }
}

/// Permission bits as `rwxr-x---`.
fn bits(mode: Option<u32>) -> String {
    let Some(mode) = mode else { return "?????????".to_owned() };
    let special = [(0o4000, 's', 'S'), (0o2000, 's', 'S'), (0o1000, 't', 'T')];
    let mut shown = String::with_capacity(9);
    for (place, (flag, with, without)) in special.into_iter().enumerate() {
        let three = mode >> (6 - 3 * place);
        shown.push(if three & 4 != 0 { 'r' } else { '-' });
        shown.push(if three & 2 != 0 { 'w' } else { '-' });
        shown.push(match (mode & flag != 0, three & 1 != 0) {
            (true, true) => with,
            (true, false) => without,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    shown
}

/// How an entry differs between two snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Change {
    #[serde(flatten)]
    pub path: PathText,
    pub change: ChangeKind,
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_after: Option<u64>,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Added,
    Removed,
    /// Other content.
    Modified,
    /// The same content, other metadata.
    Metadata,
    /// Another kind of thing under the same name.
    Type,
}

impl Change {
    /// Tells what became of an entry, if anything did.
    pub fn between(path: &[Vec<u8>], before: Option<&Entry>, after: Option<&Entry>) -> Option<Change> {
        let (shown, change) = match (before, after) {
            (Some(before), Some(after)) => (after, compare(before, after)?),
            (Some(before), None) => (before, ChangeKind::Removed),
            (None, Some(after)) => (after, ChangeKind::Added),
            (None, None) => return None,
        };
        Some(Change {
            path: PathText::below(path),
            change,
            kind: Kind::of(&shown.kind),
            size_before: before.map(|entry| entry.size),
            size_after: after.map(|entry| entry.size),
        })
    }
}

/// A folder is what its own metadata says; its children speak for themselves. What only change
/// detection looks at is no difference.
fn compare(before: &Entry, after: &Entry) -> Option<ChangeKind> {
    let same_content = match (&before.kind, &after.kind) {
        (EntryKind::Folder(_), EntryKind::Folder(_)) => true,
        (a, b) if Kind::of(a) != Kind::of(b) => return Some(ChangeKind::Type),
        (a, b) => a == b,
    };
    if !same_content {
        return Some(ChangeKind::Modified);
    }
    let meta = |entry: &Entry| {
        let mut meta = entry.meta.clone();
        (meta.ctime_ns, meta.inode, meta.device, meta.link_group) = (None, None, None, None);
        meta
    };
    (meta(before) != meta(after)).then_some(ChangeKind::Metadata)
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.change {
            ChangeKind::Added => '+',
            ChangeKind::Removed => '-',
            ChangeKind::Modified => 'M',
            ChangeKind::Metadata => 'm',
            ChangeKind::Type => 'T',
        };
        let slash = if self.kind == Kind::Folder { "/" } else { "" };
        write!(f, "{sign} {}{slash}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_look_as_in_ls() {
        assert_eq!(bits(Some(0o755)), "rwxr-xr-x");
        assert_eq!(bits(Some(0o4711)), "rws--x--x");
        assert_eq!(bits(Some(0o1770)), "rwxrwx--T");
        assert_eq!(bits(None), "?????????");
    }
}
