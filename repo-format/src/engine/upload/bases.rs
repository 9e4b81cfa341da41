//! What earlier snapshots of the source say of the folder that is being walked.

use std::iter::Peekable;

use crate::codec::ContentId;
use crate::content::ReadContent;
use crate::tree::{Children, Entry, EntryKind, Tree, TreeKey};

/// The same folder in each base, walked beside the source's listing.
pub(super) struct BaseFolders<'r> {
    contents: &'r dyn ReadContent,
    folders: Vec<Peekable<Children<'r>>>,
}

impl<'r> BaseFolders<'r> {
    /// The folders with these roots. A base that cannot be read is no base: the run then reads
    /// what it would have reused.
    pub fn open(contents: &'r dyn ReadContent, roots: &[ContentId]) -> BaseFolders<'r> {
        let open = |root| match Tree::open(contents, root) {
            Ok(tree) => Some(tree.children().peekable()),
            Err(error) => {
                tracing::warn!(%error, "a folder of the base snapshot cannot be read; its files are read again");
                None
            }
        };
        BaseFolders { contents, folders: roots.iter().filter_map(open).collect() }
    }

    /// What the bases have under `key`, the best first. Keys must be asked for in order.
    pub fn take(&mut self, key: &TreeKey) -> Vec<Entry> {
        let mut found = Vec::new();
        self.folders.retain_mut(|folder| {
            loop {
                match folder.peek() {
                    Some(Ok((base, _))) if base > key => return true,
                    None => return false,
                    _ => {}
                }
                match folder.next() {
                    Some(Ok((base, entry))) if base == *key => {
                        found.push(entry);
                        return true;
                    }
                    Some(Err(error)) => {
                        tracing::warn!(%error, "the base snapshot cannot be read further; files are read again");
                        return false;
                    }
                    _ => {}
                }
            }
        });
        found
    }

    /// The bases of a folder among `entries`.
    pub fn below(&self, entries: &[Entry]) -> BaseFolders<'r> {
        let root = |entry: &Entry| match entry.kind {
            EntryKind::Folder(root) => Some(root),
            _ => None,
        };
        let roots: Vec<ContentId> = entries.iter().filter_map(root).collect();
        BaseFolders::open(self.contents, &roots)
    }
}
