//! Building: entries stream in, each node is stored when it ends (MAP-3).

use super::node::{append_entry, child_value, head};
use super::{KEY_SIZE_MAX, MapError, MapStore, VALUE_SIZE_MAX};
use crate::codec::ContentId;
use crate::content::{ContentError, ContentKind};

/// Builds a map from sorted entries. Holds one open node of each level.
///
/// A clone can be finished while the other goes on: that is how a checkpoint sees a folder whose
/// children are still coming.
#[derive(Clone)]
pub struct MapBuilder<'a> {
    store: MapStore<'a>,
    levels: Vec<OpenNode>,
    /// The last key of all.
    last_key: Vec<u8>,
}

/// A node that may get more entries.
#[derive(Clone, Default)]
struct OpenNode {
    /// Encoded entries.
    entries: Vec<u8>,
    count: usize,
    first_key: Vec<u8>,
    /// Entries of the map below.
    leaves: u64,
    /// The child that the first entry names; above leaves only.
    first_child: Option<ContentId>,
}

impl<'a> MapBuilder<'a> {
    /// Begins a map.
    pub fn new(store: MapStore<'a>) -> Self {
        MapBuilder { store, levels: Vec::new(), last_key: Vec::new() }
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// [`MapError`] if the entry breaks MAP-1, or a node cannot be stored.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), MapError> {
        if key.is_empty() || key.len() > KEY_SIZE_MAX {
            return Err(MapError::KeyLength { found: key.len() });
        }
        if value.len() > VALUE_SIZE_MAX {
            return Err(MapError::ValueLength { found: value.len() });
        }
        if key <= self.last_key.as_slice() {
            return Err(MapError::KeyOrder { key: key.escape_ascii().to_string() });
        }
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
        Ok(self.append(0, key, value, 1, None)?)
    }

    /// Stores what is open and gives the root.
    ///
    /// # Errors
    /// [`ContentError`] if a node cannot be stored.
    pub fn finish(mut self) -> Result<ContentId, ContentError> {
        if self.levels.is_empty() {
            return self.store.contents.put(ContentKind::Node, &head(0, 0));
        }
        let mut level = 0;
        loop {
            let top = level + 1 == self.levels.len();
            let open = &self.levels[level];
            match open.first_child {
                // A level of one entry: the level below it had one node, and that is the root.
                Some(only) if top && open.count == 1 => return Ok(only),
                _ if top => return self.store_node(level).map(|(_, id, _)| id),
                _ => {}
            }
            if open.count > 0 {
                self.end_node(level)?;
            }
            level += 1;
        }
    }

    /// Whether no node below `level` is open, so that a node of the level below fits in as it is.
    pub(super) fn is_even_below(&self, level: u8) -> bool {
        self.levels.iter().take(usize::from(level)).all(|open| open.count == 0)
    }

    /// Takes a whole node with `leaves` entries below, as an entry of `level`.
    ///
    /// The caller has asked [`Self::is_even_below`], and the node ends by a rule of its own or is
    /// the last of all.
    pub(super) fn push_node(
        &mut self,
        level: u8,
        first_key: &[u8],
        node: &ContentId,
        leaves: u64,
    ) -> Result<(), ContentError> {
        self.append(usize::from(level), first_key, &child_value(node, leaves), leaves, Some(*node))
    }

    fn append(
        &mut self,
        level: usize,
        key: &[u8],
        value: &[u8],
        leaves: u64,
        child: Option<ContentId>,
    ) -> Result<(), ContentError> {
        while self.levels.len() <= level {
            self.levels.push(OpenNode::default());
        }
        let open = &mut self.levels[level];
        if open.count == 0 {
            open.first_key = key.to_vec();
            open.first_child = child;
        }
        append_entry(&mut open.entries, key, value);
        open.count += 1;
        open.leaves = open.leaves.saturating_add(leaves);
        if self.store.key.ends_node(level as u8, key, open.count) {
            self.end_node(level)?;
        }
        Ok(())
    }

    /// Stores the open node of `level` and names it in the level above.
    fn end_node(&mut self, level: usize) -> Result<(), ContentError> {
        let (first_key, id, leaves) = self.store_node(level)?;
        self.append(level + 1, &first_key, &child_value(&id, leaves), leaves, Some(id))
    }

    fn store_node(&mut self, level: usize) -> Result<(Vec<u8>, ContentId, u64), ContentError> {
        let open = std::mem::take(&mut self.levels[level]);
        let mut node = head(level as u8, open.count).to_vec();
        node.extend_from_slice(&open.entries);
        let id = self.store.contents.put(ContentKind::Node, &node)?;
        Ok((open.first_key, id, open.leaves))
    }
}
