//! The entries of a map that is not whole.

use crate::codec::ContentId;
use crate::content::{ContentKind, ReadContent};
use crate::map::{Node, NodeEntry};

/// What comes next in a map.
pub(super) enum Leaf {
    Entry(NodeEntry),
    /// A node that cannot be read, and how many entries went with it.
    Lost(u64),
}

/// Entries in order, past whatever cannot be read.
pub(super) struct Leaves<'a> {
    contents: &'a dyn ReadContent,
    /// The level of each node on the way down, and what is left of it.
    path: Vec<(u8, std::vec::IntoIter<NodeEntry>)>,
    /// Told at once: the root itself is gone.
    lost: Option<u64>,
}

impl<'a> Leaves<'a> {
    pub fn new(contents: &'a dyn ReadContent, root: &ContentId) -> Leaves<'a> {
        let mut leaves = Leaves { contents, path: Vec::new(), lost: None };
        if !leaves.enter(root) {
            leaves.lost = Some(1);
        }
        leaves
    }

    fn enter(&mut self, node: &ContentId) -> bool {
        let read = self.contents.get(ContentKind::Node, node).ok();
        let Some(node) = read.and_then(|bytes| Node::decode(bytes).ok()) else { return false };
        self.path.push((node.level, node.entries.into_iter()));
        true
    }
}

impl Iterator for Leaves<'_> {
    type Item = Leaf;

    fn next(&mut self) -> Option<Leaf> {
        if let Some(lost) = self.lost.take() {
            return Some(Leaf::Lost(lost));
        }
        loop {
            let (level, entries) = self.path.last_mut()?;
            match entries.next() {
                None => drop(self.path.pop()),
                Some(entry) if *level == 0 => return Some(Leaf::Entry(entry)),
                Some(entry) => {
                    let (node, count) = entry.child();
                    if !self.enter(&node) {
                        return Some(Leaf::Lost(count));
                    }
                }
            }
        }
    }
}
