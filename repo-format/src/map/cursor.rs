//! Walking a map: down to a key, over a subtree or into it. Reading, editing and comparing
//! all go through here, and so does every check of MAP-4.

use bytes::Bytes;

use super::{Node, NodeEntry};
use crate::codec::ContentId;
use crate::content::{ContentError, ContentKind, ReadContent};

/// A place in a map: one path of nodes in memory.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    contents: &'a dyn ReadContent,
    /// From the root down; no frame is past its last entry.
    path: Vec<Frame>,
}

#[derive(Clone)]
struct Frame {
    node: Node,
    place: usize,
    /// Keys of the node are below this one.
    bound: Option<Bytes>,
}

impl Frame {
    /// The key that all keys at this place are below.
    fn end(&self) -> Option<&Bytes> {
        self.node.entries.get(self.place + 1).map(|next| &next.key).or(self.bound.as_ref())
    }
}

/// What a cursor stands at.
pub(super) struct Item<'c> {
    /// 0: an entry of the map. Above: an entry of a node of that level, with a node below.
    pub level: u8,
    pub entry: &'c NodeEntry,
    /// Keys below the entry are below this one, if there is any behind.
    pub end: Option<&'c Bytes>,
}

/// Loads and decodes a root.
pub(super) fn load_root(contents: &dyn ReadContent, root: &ContentId) -> Result<Node, ContentError> {
    let bytes = contents.get(ContentKind::Node, root)?;
    Node::decode(bytes).map_err(|clause| ContentError::Malformed { id: *root, clause })
}

impl<'a> Cursor<'a> {
    /// At the first entry of the root.
    pub fn new(contents: &'a dyn ReadContent, root: Node) -> Self {
        let path = match root.entries.is_empty() {
            true => Vec::new(),
            false => vec![Frame { node: root, place: 0, bound: None }],
        };
        Cursor { contents, path }
    }

    /// Where the cursor stands; nothing at the end.
    pub fn item(&self) -> Option<Item<'_>> {
        let frame = self.path.last()?;
        let entry = frame.node.entries.get(frame.place)?;
        Some(Item { level: frame.node.level, entry, end: frame.end() })
    }

    /// Goes over the item.
    pub fn skip(&mut self) {
        while let Some(frame) = self.path.last_mut() {
            frame.place += 1;
            if frame.place < frame.node.entries.len() {
                return;
            }
            self.path.pop();
        }
    }

    /// Goes into the item, to the first entry of its node. Stays at an entry of the map.
    pub fn enter(&mut self) -> Result<(), ContentError> {
        let Some(item) = self.item().filter(|item| item.level > 0) else {
            return Ok(());
        };
        let node = self.load(&item)?;
        let bound = item.end.cloned();
        self.path.push(Frame { node, place: 0, bound });
        Ok(())
    }

    /// Goes forward to the first entry of the map that is not below `key`. For a new cursor.
    pub fn seek(&mut self, key: &[u8]) -> Result<(), ContentError> {
        while let Some(frame) = self.path.last_mut() {
            let below = frame.node.entries.partition_point(|entry| entry.key < key);
            let exact = frame.node.entries.get(below).is_some_and(|entry| entry.key == key);
            if frame.node.level == 0 {
                if below < frame.node.entries.len() {
                    frame.place = below;
                } else {
                    frame.place = below - 1;
                    self.skip();
                    self.enter_all()?;
                }
                return Ok(());
            }
            frame.place = if exact { below } else { below.saturating_sub(1) };
            self.enter()?;
        }
        Ok(())
    }

    /// Goes down to an entry of the map.
    pub fn enter_all(&mut self) -> Result<(), ContentError> {
        while self.item().is_some_and(|item| item.level > 0) {
            self.enter()?;
        }
        Ok(())
    }

    /// The node below an item, which must be what the item says (MAP-4).
    fn load(&self, item: &Item<'_>) -> Result<Node, ContentError> {
        let (id, count) = item.entry.child();
        let refuse = |clause| ContentError::Malformed { id, clause };
        let node = Node::decode(self.contents.get(ContentKind::Node, &id)?).map_err(refuse)?;
        let (Some(first), Some(last)) = (node.entries.first(), node.entries.last()) else {
            return Err(refuse("MAP-2: only a root has no entries"));
        };
        if node.level + 1 != item.level {
            return Err(refuse("MAP-4: a node's level is its parent's less one"));
        }
        if first.key != item.entry.key {
            return Err(refuse("MAP-4: a node's first key is its parent's key for it"));
        }
        if item.end.is_some_and(|end| last.key >= *end) {
            return Err(refuse("MAP-4: keys keep in the range the parent gives"));
        }
        if node.leaf_count() != count {
            return Err(refuse("MAP-4: a node has as many entries below as its parent says"));
        }
        Ok(node)
    }
}
