//! Reading a ledger: one key, or all in order.

use bytes::Bytes;

use super::LedgerEntry;
use super::edit::LedgerEdit;
use super::entry::decode;
use super::merge::{Changes, Merge};
use crate::codec::ContentId;
use crate::content::{ContentError, ReadContent};
use crate::map::Map;

/// One map of a ledger, open.
#[derive(Clone)]
pub(super) struct Layer<'a> {
    pub root: ContentId,
    pub map: Map<'a>,
}

/// A ledger that can be read. Keeps the root nodes of its layers.
#[derive(Clone)]
pub struct Ledger<'a> {
    pub(super) contents: &'a dyn ReadContent,
    /// The oldest first.
    pub(super) layers: Vec<Layer<'a>>,
}

impl<'a> Ledger<'a> {
    /// Opens the layers with these roots, the oldest first. Without any, nothing is known.
    ///
    /// # Errors
    /// [`ContentError`] if a root cannot be read or is no map's root.
    pub fn open(contents: &'a dyn ReadContent, roots: &[ContentId]) -> Result<Ledger<'a>, ContentError> {
        let open = |root: &ContentId| Ok(Layer { root: *root, map: Map::open(contents, root)? });
        Ok(Ledger { contents, layers: roots.iter().map(open).collect::<Result<_, ContentError>>()? })
    }

    /// The roots of the layers, the oldest first.
    pub fn roots(&self) -> Vec<ContentId> {
        self.layers.iter().map(|layer| layer.root).collect()
    }

    /// Whether no layer has an entry. One whose entries were all removed later may say `false`.
    pub fn is_empty(&self) -> bool {
        self.layers.iter().all(|layer| layer.map.is_empty())
    }

    /// What is known under a key.
    ///
    /// # Errors
    /// [`ContentError`] if a node on the way cannot be read, or a value breaks SNAP-8.
    pub fn get(&self, key: &[u8]) -> Result<Option<LedgerEntry>, ContentError> {
        for layer in self.layers.iter().rev() {
            if let Some(value) = layer.map.get(key)? {
                let entry = decode(self.contents, &layer.root, &value)?;
                return Ok((!entry.is_removal()).then_some(entry));
            }
        }
        Ok(None)
    }

    /// All that is known, in order of keys.
    pub fn iter(&self) -> Entries<'a> {
        self.range(&[])
    }

    /// What is known from `from` on, in order of keys.
    pub fn range(&self, from: &[u8]) -> Entries<'a> {
        Entries(self.changes(None, from))
    }

    pub(super) fn changes(&self, edit: Option<&'a LedgerEdit>, from: &[u8]) -> Changes<'a> {
        Changes { contents: self.contents, merge: Merge::new(&self.layers, edit, from) }
    }
}

/// Keys and entries in order of keys. Ends after the first error.
pub struct Entries<'a>(pub(super) Changes<'a>);

impl Iterator for Entries<'_> {
    type Item = Result<(Bytes, LedgerEntry), ContentError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.find_map(|change| match change {
            Ok((key, Some(entry))) => Some(Ok((key, entry))),
            Ok((_, None)) => None,
            Err(error) => Some(Err(error)),
        })
    }
}
