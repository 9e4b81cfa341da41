//! The entries of a map that is not whole.

use super::unless_lost;
use crate::codec::ContentId;
use crate::content::{ContentError, ContentKind, ReadContent};
use crate::map::{Node, NodeEntry};

/// What comes next in a map.
pub(super) enum Leaf {
    Entry(NodeEntry),
    /// A node that is lost, and how many entries went with it.
    Lost(u64),
}

/// Entries in order, past whatever is lost.
pub(super) struct Leaves<'a> {
    contents: &'a dyn ReadContent,
    /// The level of each node on the way down, and what is left of it.
    path: Vec<(u8, std::vec::IntoIter<NodeEntry>)>,
    /// Told at once: the root itself is lost, or cannot be read.
    first: Option<Result<Leaf, ContentError>>,
}

impl<'a> Leaves<'a> {
    pub fn new(contents: &'a dyn ReadContent, root: &ContentId) -> Leaves<'a> {
        let mut leaves = Leaves { contents, path: Vec::new(), first: None };
        leaves.first = leaves.enter(root, 1).transpose();
        leaves
    }

    /// Goes on with what is in a node of `count` entries; what comes of it where it is not there.
    fn enter(&mut self, node: &ContentId, count: u64) -> Result<Option<Leaf>, ContentError> {
        let read = unless_lost(self.contents.get(ContentKind::Node, node))?;
        Ok(match read.and_then(|bytes| Node::decode(bytes).ok()) {
            Some(node) => {
                self.path.push((node.level, node.entries.into_iter()));
                None
            }
            None => Some(Leaf::Lost(count)),
        })
    }
}

impl Iterator for Leaves<'_> {
    type Item = Result<Leaf, ContentError>;

    fn next(&mut self) -> Option<Result<Leaf, ContentError>> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            let (level, entries) = self.path.last_mut()?;
            match entries.next() {
                None => drop(self.path.pop()),
                Some(entry) if *level == 0 => return Some(Ok(Leaf::Entry(entry))),
                Some(entry) => {
                    let (node, count) = entry.child();
                    if let Some(leaf) = self.enter(&node, count).transpose() {
                        return Some(leaf);
                    }
                }
            }
        }
    }
}
