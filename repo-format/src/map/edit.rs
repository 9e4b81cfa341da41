//! Editing: old nodes that stay as they are go in whole, the rest is built anew.
//!
//! A node's end depends on the entries since the node before it ended, and on nothing else. So
//! where the new map has no open node and the old one begins a node, both go on alike until
//! the next edit.

use bytes::Bytes;

use super::cursor::{Cursor, Item, load_root};
use super::{MapBuilder, MapError, MapStore};
use crate::codec::ContentId;
use crate::content::{ContentError, ReadContent};

/// Applies `edits`, ascending by key, to the map at `root`: a value is put, `None` removes.
///
/// Gives the root that a fresh build of the result would give. Reads and writes the paths that
/// change, and what lies between a moved boundary and the next common one.
///
/// # Errors
/// [`MapError`] if an edit breaks MAP-1 or the order, or a node cannot be read or stored.
pub fn edit(
    contents: &dyn ReadContent,
    root: &ContentId,
    edits: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>,
    store: MapStore<'_>,
) -> Result<ContentId, MapError> {
    edit_noting(contents, root, edits, store, |_, _| Ok(()))
}

/// [`edit()`] that tells, for each edit in order, the key and the value that it takes the place of.
///
/// # Errors
/// As [`edit()`], and what `note` gives.
pub fn edit_noting<E: From<MapError> + From<ContentError>>(
    contents: &dyn ReadContent,
    root: &ContentId,
    edits: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>,
    store: MapStore<'_>,
    mut note: impl FnMut(&[u8], Option<&Bytes>) -> Result<(), E>,
) -> Result<ContentId, E> {
    let mut edits = Edits { rest: edits.into_iter(), next: None };
    edits.advance()?;
    if edits.next.is_none() {
        return Ok(*root);
    }
    let mut old = Cursor::new(contents, load_root(contents, root)?);
    let mut new = MapBuilder::new(store);
    let mut kept = None;
    loop {
        let edit = edits.next.as_ref();
        match old.item() {
            // Before what the cursor stands at, or behind all of it.
            item if edit.is_some_and(|(key, _)| item.as_ref().is_none_or(|i| *key < i.entry.key)) => {
                if let Some((key, _)) = edit {
                    note(key, None)?;
                }
                edits.apply(&mut new)?;
            }
            None => break,
            Some(item) if item.level == 0 => {
                let replaced = edit.is_some_and(|(key, _)| *key == item.entry.key);
                if replaced {
                    note(&item.entry.key, Some(&item.entry.value))?;
                    edits.apply(&mut new)?;
                } else {
                    new.push(&item.entry.key, &item.entry.value)?;
                }
                old.skip();
            }
            Some(item) if is_free_of(&item, edit) && new.is_even_below(item.level) => {
                let (node, leaves) = item.entry.child();
                new.push_node(item.level, &item.entry.key, &node, leaves)?;
                kept = Some(node);
                old.skip();
            }
            Some(_) => old.enter()?,
        }
    }
    let root = new.finish()?;
    Ok(if kept == Some(root) { lowest_root(contents, root)? } else { root })
}

/// Whether no edit falls among the keys below an item. The first edit is not before it.
fn is_free_of(item: &Item<'_>, edit: Option<&Edit>) -> bool {
    match (edit, item.end) {
        (None, _) => true,
        (Some((key, _)), Some(end)) => key >= end,
        (Some(_), None) => false,
    }
}

/// The root of a map that is left with one old node: a node of one child has its own root below.
fn lowest_root(contents: &dyn ReadContent, mut root: ContentId) -> Result<ContentId, ContentError> {
    let mut cursor = Cursor::new(contents, load_root(contents, &root)?);
    while let Some(Item { level: 1.., entry, end: None }) = cursor.item() {
        root = entry.child().0;
        cursor.enter()?;
    }
    Ok(root)
}

type Edit = (Vec<u8>, Option<Vec<u8>>);

/// Edits, looked at one ahead.
struct Edits<I> {
    rest: I,
    next: Option<Edit>,
}

impl<I: Iterator<Item = Edit>> Edits<I> {
    /// Puts the next edit's value into the new map, unless it removes.
    fn apply(&mut self, new: &mut MapBuilder<'_>) -> Result<(), MapError> {
        if let Some((key, Some(value))) = &self.next {
            new.push(key, value)?;
        }
        self.advance()
    }

    fn advance(&mut self) -> Result<(), MapError> {
        let last = self.next.take();
        self.next = self.rest.next();
        match (&last, &self.next) {
            (Some((last, _)), Some((next, _))) if next <= last => {
                Err(MapError::KeyOrder { key: next.escape_ascii().to_string() })
            }
            _ => Ok(()),
        }
    }
}
