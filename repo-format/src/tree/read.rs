//! Reading a tree: by name, in order, along a path.

use std::cmp::Ordering;

use bytes::Bytes;

use super::error::shown;
use super::name::check_name;
use super::{Entry, EntryKind, TreeError, TreeKey, decode_value};
use crate::codec::ContentId;
use crate::content::{ContentError, ReadContent};
use crate::map::{Entries, Map};

/// A tree that can be read.
#[derive(Clone)]
pub struct Tree<'a> {
    contents: &'a dyn ReadContent,
    root: ContentId,
    map: Map<'a>,
}

impl<'a> Tree<'a> {
    /// Reads the root node.
    ///
    /// # Errors
    /// [`ContentError`] if it cannot be read or is no map's root.
    pub fn open(contents: &'a dyn ReadContent, root: &ContentId) -> Result<Self, ContentError> {
        Ok(Tree { contents, root: *root, map: Map::open(contents, root)? })
    }

    /// Number of children.
    pub fn len(&self) -> u64 {
        self.map.len()
    }

    /// Whether the folder is empty.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// The child with this key.
    ///
    /// # Errors
    /// [`TreeError`] if the key is none, or a node or the entry cannot be read.
    pub fn get_exact(&self, key: &TreeKey) -> Result<Option<Entry>, TreeError> {
        let name = &key.name;
        let bytes = key.to_bytes().map_err(|source| TreeError::Name { name: shown(name), source })?;
        match self.map.get(&bytes)? {
            Some(value) => decode_value(self.contents, &self.root, name, &value).map(Some),
            None => Ok(None),
        }
    }

    /// The children with this name: at most one of a local folder, any number of a service's.
    ///
    /// # Errors
    /// [`TreeError`] if the name is none, or a node or an entry cannot be read.
    pub fn get(&self, name: &[u8]) -> Result<Vec<(TreeKey, Entry)>, TreeError> {
        check_name(name).map_err(|source| TreeError::Name { name: shown(name), source })?;
        let first = [name, &[0]].concat();
        let mut found = Vec::new();
        for child in self.map.range(&first) {
            let (key, value) = child?;
            if !key.starts_with(&first) {
                break;
            }
            found.push(decode_child(self.contents, &self.root, &key, &value)?);
        }
        Ok(found)
    }

    /// The children as they are stored, in order of keys: for who needs few of them.
    pub(crate) fn stored(&self) -> StoredChildren<'a> {
        StoredChildren { contents: self.contents, root: self.root, entries: self.map.iter(), next: None }
    }

    /// All children, in order of keys.
    pub fn children(&self) -> Children<'a> {
        Children { contents: self.contents, root: self.root, entries: self.map.iter() }
    }
}

/// Children in order of keys. What cannot be decoded is an error of its own; the rest goes on.
pub struct Children<'a> {
    contents: &'a dyn ReadContent,
    root: ContentId,
    entries: Entries<'a>,
}

impl Iterator for Children<'_> {
    type Item = Result<(TreeKey, Entry), TreeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        Some(
            entry
                .map_err(TreeError::Content)
                .and_then(|(key, value)| decode_child(self.contents, &self.root, &key, &value)),
        )
    }
}

/// Children in order of keys, of which only those that are asked for are taken apart.
pub(crate) struct StoredChildren<'a> {
    contents: &'a dyn ReadContent,
    root: ContentId,
    entries: Entries<'a>,
    /// The first that was not asked for yet.
    next: Option<(Bytes, Bytes)>,
}

impl StoredChildren<'_> {
    /// The child with this key, if there is one. Keys must be asked for in order.
    ///
    /// # Errors
    /// [`TreeError`] if a node or the entry cannot be read. There is no sense in asking on.
    pub fn seek(&mut self, key: &TreeKey) -> Result<Option<Entry>, TreeError> {
        loop {
            if self.next.is_none() {
                self.next = self.entries.next().transpose()?;
            }
            let Some((stored, value)) = &self.next else { return Ok(None) };
            match key.cmp_bytes(stored) {
                Ordering::Less => return Ok(None),
                Ordering::Equal => {
                    let entry = decode_value(self.contents, &self.root, &key.name, value)?;
                    self.next = None;
                    return Ok(Some(entry));
                }
                Ordering::Greater => self.next = None,
            }
        }
    }
}

fn decode_child(
    contents: &dyn ReadContent,
    tree: &ContentId,
    key: &Bytes,
    value: &Bytes,
) -> Result<(TreeKey, Entry), TreeError> {
    let stored = |source| TreeError::StoredName { tree: *tree, source };
    let key = TreeKey::from_bytes(key).map_err(stored)?;
    let entry = decode_value(contents, tree, &key.name, value)?;
    Ok((key, entry))
}

/// The entries at a path of one name or more below the tree at `root`, each with the keys that
/// lead to it. Several where a service has several items of one name; none if there is no such
/// path.
///
/// # Errors
/// [`TreeError`] if a name is none, or a node or an entry cannot be read.
pub fn find(
    contents: &dyn ReadContent,
    root: &ContentId,
    path: &[&[u8]],
) -> Result<Vec<(Vec<TreeKey>, Entry)>, TreeError> {
    let mut found: Vec<(Vec<TreeKey>, Entry)> = Vec::new();
    let mut folders = vec![(Vec::new(), *root)];
    for name in path {
        found.clear();
        for (keys, folder) in &folders {
            for (key, entry) in Tree::open(contents, folder)?.get(name)? {
                found.push(([&keys[..], &[key]].concat(), entry));
            }
        }
        folders.clear();
        folders.extend(found.iter().filter_map(|(keys, entry)| match entry.kind {
            EntryKind::Folder(tree) => Some((keys.clone(), tree)),
            _ => None,
        }));
    }
    Ok(found)
}
