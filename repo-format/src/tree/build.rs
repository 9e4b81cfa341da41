//! Building a tree from a folder's children.

use super::error::shown;
use super::{Entry, EntryKind, TreeError, TreeKey, encode_value};
use crate::codec::ContentId;
use crate::content::ContentError;
use crate::map::{MapBuilder, MapError, MapStore};

/// What a folder's own entry says of all below it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TreeTotals {
    /// Bytes of content of all files below.
    pub size: u64,
    /// Entries below, at any depth.
    pub items: u64,
}

impl TreeTotals {
    /// Counts one child and what is below it.
    pub fn add(&mut self, child: &Entry) {
        self.size = self.size.saturating_add(child.size);
        self.items = self.items.saturating_add(child.items).saturating_add(1);
    }

    /// Takes one child and what is below it out of the count.
    pub fn take(&mut self, child: &Entry) {
        self.size = self.size.saturating_sub(child.size);
        self.items = self.items.saturating_sub(child.items.saturating_add(1));
    }

    /// Fills in a folder's entry: its tree, and the totals of what is below.
    pub fn folder_entry(self, root: ContentId, mut entry: Entry) -> Entry {
        entry.kind = EntryKind::Folder(root);
        entry.size = self.size;
        entry.items = self.items;
        entry
    }
}

/// Builds a tree from children that come sorted by key.
#[derive(Clone)]
pub struct TreeBuilder<'a> {
    store: MapStore<'a>,
    map: MapBuilder<'a>,
    totals: TreeTotals,
}

impl<'a> TreeBuilder<'a> {
    /// Begins a tree.
    pub fn new(store: MapStore<'a>) -> Self {
        TreeBuilder { store, map: MapBuilder::new(store), totals: TreeTotals::default() }
    }

    /// Takes the next child.
    ///
    /// # Errors
    /// [`TreeError::Name`] and [`TreeError::Put`] blame the child, which is then not in the tree;
    /// [`TreeError::Content`] means that nothing can be stored.
    pub fn push(&mut self, key: &TreeKey, entry: &Entry) -> Result<(), TreeError> {
        let name = || shown(&key.name);
        let bytes = key.to_bytes().map_err(|source| TreeError::Name { name: name(), source })?;
        let put = encode_value(self.store, entry).and_then(|value| self.map.push(&bytes, &value));
        match put {
            Ok(()) => {}
            Err(MapError::Content(error)) => return Err(TreeError::Content(error)),
            Err(source) => return Err(TreeError::Put { name: name(), source }),
        }
        self.totals.add(entry);
        Ok(())
    }

    /// Stores what is open; gives the root of the tree, and its totals.
    ///
    /// # Errors
    /// [`ContentError`] if a node cannot be stored.
    pub fn finish(self) -> Result<(ContentId, TreeTotals), ContentError> {
        Ok((self.map.finish()?, self.totals))
    }
}
