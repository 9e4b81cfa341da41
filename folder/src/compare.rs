//! Tells two trees on disk apart: contents, metadata, links and holes.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use repo_format::engine::source::{Child, ItemError, ItemReader, Listing, Source};
use repo_format::tree::{Entry, EntryKind};

use crate::error::FolderError;
use crate::source::{FolderHandle, FolderSource, SourceOptions};

/// How much of two files is held side by side.
const COMPARED_BYTES: usize = 256 * 1024;

/// What counts as a difference besides names, kinds, sizes, contents and targets of links.
#[derive(Debug, Clone)]
pub struct CompareOptions {
    pub mode: bool,
    pub owner: bool,
    /// Times of modification, to the nanosecond.
    pub times: bool,
    /// Extended attributes, ACLs among them.
    pub xattrs: bool,
    /// Which names are one file.
    pub hard_links: bool,
    /// Whether a file has holes, not where.
    pub allocation: bool,
}

impl Default for CompareOptions {
    fn default() -> Self {
        CompareOptions {
            mode: true,
            owner: true,
            times: true,
            xattrs: true,
            hard_links: true,
            allocation: true,
        }
    }
}

/// Something that is not alike in both trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Names below the two folders, joined by `/`; empty for the folders themselves.
    pub path: Vec<u8>,
    pub aspect: Aspect,
}

/// In what two entries of one path differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aspect {
    OnlyInFirst,
    OnlyInSecond,
    /// One is a file, the other a folder, and so on; or the device numbers differ.
    Kind,
    LinkTarget,
    Size {
        first: u64,
        second: u64,
    },
    /// The first differing byte.
    Content {
        offset: u64,
    },
    Mode {
        first: Option<u32>,
        second: Option<u32>,
    },
    Owner,
    Time {
        first: Option<i64>,
        second: Option<i64>,
    },
    Xattr {
        name: Vec<u8>,
    },
    HardLinks,
    Allocation,
    /// One of the two could not be read.
    Unreadable {
        message: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.escape_ascii())?;
        match &self.aspect {
            Aspect::OnlyInFirst => write!(f, "only in the first"),
            Aspect::OnlyInSecond => write!(f, "only in the second"),
            Aspect::Kind => write!(f, "of different kinds"),
            Aspect::LinkTarget => write!(f, "links to different places"),
            Aspect::Size { first, second } => write!(f, "{first} and {second} bytes"),
            Aspect::Content { offset } => write!(f, "contents differ at byte {offset}"),
            Aspect::Mode { first, second } => {
                let (first, second) = (first.unwrap_or_default(), second.unwrap_or_default());
                write!(f, "modes {first:04o} and {second:04o}")
            }
            Aspect::Owner => write!(f, "different owners"),
            Aspect::Time { .. } => write!(f, "different times of modification"),
            Aspect::Xattr { name } => write!(f, "attribute {} differs", name.escape_ascii()),
            Aspect::HardLinks => write!(f, "not the same names are one file"),
            Aspect::Allocation => write!(f, "holes in one only"),
            Aspect::Unreadable { message } => write!(f, "cannot be compared: {message}"),
        }
    }
}

/// Compares two folders and all below them, in the order of their names.
///
/// # Errors
/// [`FolderError`] if one of the two is not there. What cannot be read further down is a
/// difference.
pub fn compare(
    first: &Path,
    second: &Path,
    options: &CompareOptions,
) -> Result<Vec<Difference>, FolderError> {
    let everything =
        || SourceOptions { ignore_files: Vec::new(), lists_attributes: true, ..Default::default() };
    let mut comparison = Comparison {
        first: FolderSource::new(&[first.to_owned()], everything())?,
        second: FolderSource::new(&[second.to_owned()], everything())?,
        options,
        differences: Vec::new(),
        linked: Vec::new(),
        waiting: Vec::new(),
    };
    comparison.run();
    Ok(comparison.differences)
}

struct Comparison<'o> {
    first: FolderSource,
    second: FolderSource,
    options: &'o CompareOptions,
    differences: Vec<Difference>,
    /// Entries that have a link group on either side.
    linked: Vec<(Vec<u8>, [Option<u64>; 2])>,
    /// Pairs of folders still to be listed; a stack, as trees may be deep.
    waiting: Vec<(Vec<u8>, FolderHandle, FolderHandle)>,
}

impl Comparison<'_> {
    fn run(&mut self) {
        match (self.first.root(), self.second.root()) {
            (Ok((first, first_handle)), Ok((second, second_handle))) => {
                self.metadata(b"", &first, &second);
                self.waiting.push((Vec::new(), first_handle, second_handle));
            }
            (Err(error), _) | (_, Err(error)) => self.unreadable(b"", &error),
        }
        while let Some((path, first, second)) = self.waiting.pop() {
            self.folders(&path, &first, &second);
        }
        if self.options.hard_links {
            self.hard_links();
        }
    }

    fn note(&mut self, path: &[u8], aspect: Aspect) {
        self.differences.push(Difference { path: path.to_vec(), aspect });
    }

    fn note_if(&mut self, differs: bool, path: &[u8], aspect: impl FnOnce() -> Aspect) {
        if differs {
            self.note(path, aspect());
        }
    }

    fn unreadable(&mut self, path: &[u8], error: &ItemError) {
        self.note(path, Aspect::Unreadable { message: error.to_string() });
    }

    /// Walks two sorted listings side by side.
    fn folders(&mut self, path: &[u8], first: &FolderHandle, second: &FolderHandle) {
        let first = self.first.list(first);
        let second = self.second.list(second);
        for (name, error) in first.failed.iter().chain(&second.failed) {
            self.unreadable(&below(path, name), error);
        }
        let folders_from = self.waiting.len();
        let names = |listing: Listing<FolderHandle>| {
            let keyed = listing.children.into_iter().map(|child| (child.key.name.clone(), child));
            keyed.peekable()
        };
        let (mut first, mut second) = (names(first), names(second));
        loop {
            let order = match (first.peek(), second.peek()) {
                (None, None) => break,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some((a, _)), Some((b, _))) => a.cmp(b),
            };
            let a = first.next_if(|_| order.is_le());
            let b = second.next_if(|_| order.is_ge());
            match (a, b) {
                (Some((name, a)), Some((_, b))) => self.children(below(path, &name), a, b),
                (Some((name, _)), None) => self.note(&below(path, &name), Aspect::OnlyInFirst),
                (None, Some((name, _))) => self.note(&below(path, &name), Aspect::OnlyInSecond),
                (None, None) => break,
            }
        }
        // A stack gives back the last first.
        self.waiting[folders_from..].reverse();
    }

    fn children(&mut self, path: Vec<u8>, a: Child<FolderHandle>, b: Child<FolderHandle>) {
        match (&a.entry.kind, &b.entry.kind) {
            (EntryKind::Symlink(first), EntryKind::Symlink(second)) => {
                self.note_if(first != second, &path, || Aspect::LinkTarget);
            }
            (first, second) if first != second => return self.note(&path, Aspect::Kind),
            (EntryKind::File(_), _) => self.files(&path, &a, &b),
            _ => {}
        }
        self.metadata(&path, &a.entry, &b.entry);
        let groups = [a.entry.meta.link_group, b.entry.meta.link_group];
        if groups != [None, None] {
            self.linked.push((path.clone(), groups));
        }
        if let EntryKind::Folder(_) = a.entry.kind {
            self.waiting.push((path, a.handle, b.handle));
        }
    }

    fn metadata(&mut self, path: &[u8], a: &Entry, b: &Entry) {
        let options = self.options;
        let (a, b) = (&a.meta, &b.meta);
        self.note_if(options.mode && a.mode != b.mode, path, || Aspect::Mode {
            first: a.mode,
            second: b.mode,
        });
        let same_owner = (a.uid, a.gid) == (b.uid, b.gid);
        self.note_if(options.owner && !same_owner, path, || Aspect::Owner);
        self.note_if(options.times && a.mtime_ns != b.mtime_ns, path, || Aspect::Time {
            first: a.mtime_ns,
            second: b.mtime_ns,
        });
        let differing = a.xattrs.iter().filter(|(name, value)| b.xattrs.get(*name) != Some(value));
        let missing = b.xattrs.iter().filter(|(name, _)| !a.xattrs.contains_key(*name));
        for (name, _) in differing.chain(missing).filter(|_| options.xattrs) {
            self.note(path, Aspect::Xattr { name: name.clone() });
        }
    }

    fn files(&mut self, path: &[u8], a: &Child<FolderHandle>, b: &Child<FolderHandle>) {
        let (first, second) = (a.entry.size, b.entry.size);
        if first != second {
            return self.note(path, Aspect::Size { first, second });
        }
        let holes = a.entry.meta.sparse != b.entry.meta.sparse;
        self.note_if(self.options.allocation && holes, path, || Aspect::Allocation);
        match self.first_difference(&a.handle, &b.handle) {
            Ok(None) => {}
            Ok(Some(offset)) => self.note(path, Aspect::Content { offset }),
            Err(error) => self.unreadable(path, &error),
        }
    }

    fn first_difference(
        &self,
        first: &FolderHandle,
        second: &FolderHandle,
    ) -> Result<Option<u64>, ItemError> {
        let mut first = self.first.open(first)?;
        let mut second = self.second.open(second)?;
        let (mut a, mut b, mut offset) = (Vec::new(), Vec::new(), 0);
        loop {
            fill(&mut *first, &mut a)?;
            fill(&mut *second, &mut b)?;
            if a != b {
                let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
                return Ok(Some(offset + same as u64));
            }
            if a.is_empty() {
                return Ok(None);
            }
            offset += a.len() as u64;
        }
    }

    /// The same entries must belong together on both sides. A group of one is no group: its other
    /// names lie outside the tree.
    fn hard_links(&mut self) {
        let linked = std::mem::take(&mut self.linked);
        let [firsts, seconds] = [0, 1].map(|side| leaders(&linked, side));
        for (index, (path, _)) in linked.iter().enumerate() {
            self.note_if(firsts[index] != seconds[index], path, || Aspect::HardLinks);
        }
    }
}

/// For each entry the first entry of its group, itself if it is alone.
fn leaders(linked: &[(Vec<u8>, [Option<u64>; 2])], side: usize) -> Vec<usize> {
    let mut first_of = HashMap::new();
    let leader = |(index, (_, groups)): (usize, &(Vec<u8>, [Option<u64>; 2]))| {
        groups[side].map_or(index, |group| *first_of.entry(group).or_insert(index))
    };
    linked.iter().enumerate().map(leader).collect()
}

/// Replaces `buf` by the next bytes; shorter than usual only at the end.
fn fill(reader: &mut dyn ItemReader, buf: &mut Vec<u8>) -> Result<(), ItemError> {
    buf.clear();
    while buf.len() < COMPARED_BYTES && reader.read(buf, COMPARED_BYTES - buf.len())? > 0 {}
    Ok(())
}

fn below(path: &[u8], name: &[u8]) -> Vec<u8> {
    [path, name].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(&b'/')
}
