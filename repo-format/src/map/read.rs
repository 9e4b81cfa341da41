//! Reading: one key, or entries in order.

use bytes::Bytes;

use super::Node;
use super::cursor::{Cursor, load_root};
use crate::codec::ContentId;
use crate::content::{ContentError, ReadContent};

/// A map that can be read. Keeps its root node.
#[derive(Clone)]
pub struct Map<'a> {
    contents: &'a dyn ReadContent,
    root: Node,
}

impl<'a> Map<'a> {
    /// Reads the root.
    ///
    /// # Errors
    /// [`ContentError`] if it cannot be read or is no map's root.
    pub fn open(contents: &'a dyn ReadContent, root: &ContentId) -> Result<Self, ContentError> {
        Ok(Map { contents, root: load_root(contents, root)? })
    }

    /// Number of entries.
    pub fn len(&self) -> u64 {
        self.root.leaf_count()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.root.entries.is_empty()
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// [`ContentError`] if a node on the way cannot be read or breaks a rule.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ContentError> {
        let mut cursor = self.cursor();
        cursor.seek(key)?;
        let found = cursor.item().filter(|item| item.entry.key == key);
        Ok(found.map(|item| item.entry.value.clone()))
    }

    /// All entries in order of keys.
    pub fn iter(&self) -> Entries<'a> {
        Entries { cursor: self.cursor(), from: None, done: false }
    }

    /// The entries from `key` on, in order. Holds one path of nodes.
    pub fn range(&self, from: &[u8]) -> Entries<'a> {
        Entries { cursor: self.cursor(), from: Some(from.to_vec()), done: false }
    }

    pub(super) fn cursor(&self) -> Cursor<'a> {
        Cursor::new(self.contents, self.root.clone())
    }
}

/// Entries in order of keys. Ends after the first error.
pub struct Entries<'a> {
    cursor: Cursor<'a>,
    /// Where to begin, until that was done.
    from: Option<Vec<u8>>,
    done: bool,
}

impl Entries<'_> {
    fn advance(&mut self) -> Result<Option<(Bytes, Bytes)>, ContentError> {
        match self.from.take() {
            Some(key) => self.cursor.seek(&key)?,
            None => self.cursor.enter_all()?,
        }
        let next = self.cursor.item().map(|item| (item.entry.key.clone(), item.entry.value.clone()));
        self.cursor.skip();
        Ok(next)
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<(Bytes, Bytes), ContentError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.advance().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
}
