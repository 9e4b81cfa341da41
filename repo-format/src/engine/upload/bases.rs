//! What earlier snapshots of the source say of the folder that is being walked.

use crate::codec::ContentId;
use crate::content::ReadContent;
use crate::tree::{Entry, EntryKind, StoredChildren, TimeNs, Tree, TreeKey};

/// A folder of a base snapshot, and when reading of that snapshot began.
#[derive(Debug, Clone, Copy)]
pub(super) struct BaseRoot {
    /// Which base it is: the best is 0.
    pub base: usize,
    pub tree: ContentId,
    pub begun_ns: TimeNs,
}

/// What a base has under a key.
pub(super) struct BaseEntry {
    /// Which base it is: the best is 0.
    pub base: usize,
    pub entry: Entry,
    pub begun_ns: TimeNs,
}

/// The same folder in each base, walked beside the source's listing.
pub(super) struct BaseFolders<'r> {
    contents: &'r dyn ReadContent,
    folders: Vec<BaseFolder<'r>>,
}

struct BaseFolder<'r> {
    root: BaseRoot,
    /// How many children it has.
    len: u64,
    children: StoredChildren<'r>,
}

impl<'r> BaseFolders<'r> {
    /// The folders with these roots. A base that cannot be read is no base: the run then reads
    /// what it would have reused.
    pub fn open(contents: &'r dyn ReadContent, roots: impl IntoIterator<Item = BaseRoot>) -> BaseFolders<'r> {
        let open = |root: BaseRoot| match Tree::open(contents, &root.tree) {
            Ok(tree) => Some(BaseFolder { root, len: tree.len(), children: tree.stored() }),
            Err(error) => {
                tracing::warn!(%error, "a folder of the base snapshot cannot be read; its files are read again");
                None
            }
        };
        BaseFolders { contents, folders: roots.into_iter().filter_map(open).collect() }
    }

    /// The best base that has the folder, and how many children it has there.
    pub fn best(&self) -> Option<(BaseRoot, u64)> {
        self.folders.first().map(|folder| (folder.root, folder.len))
    }

    /// Puts into `found` what the bases have under `key`, the best first. Keys must be asked for in order.
    pub fn take(&mut self, key: &TreeKey, found: &mut Vec<BaseEntry>) {
        found.clear();
        self.folders.retain_mut(|BaseFolder { root, children, .. }| match children.seek(key) {
            Ok(entry) => {
                found.extend(entry.map(|entry| BaseEntry {
                    base: root.base,
                    entry,
                    begun_ns: root.begun_ns,
                }));
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the base snapshot cannot be read further; files are read again");
                false
            }
        });
    }

    /// The bases of a folder among `entries`.
    pub fn below(&self, entries: &[BaseEntry]) -> BaseFolders<'r> {
        let root = |found: &BaseEntry| match found.entry.kind {
            EntryKind::Folder(tree) => Some(BaseRoot { base: found.base, tree, begun_ns: found.begun_ns }),
            _ => None,
        };
        BaseFolders::open(self.contents, entries.iter().filter_map(root))
    }
}
