//! The bytes of a node (MAP-2).

use bytes::{Buf, Bytes};

use crate::codec::ContentId;

/// Most bytes in a key (MAP-1).
pub const KEY_SIZE_MAX: usize = 1100;
/// Most bytes in a value (MAP-1).
pub const VALUE_SIZE_MAX: usize = 1024;
/// Most entries in a node (MAP-3).
pub const NODE_ENTRIES_MAX: usize = 128;
/// Most levels of a map (MAP-4).
pub const HEIGHT_MAX: u8 = 12;

const HEAD_SIZE: usize = 4;
const CHILD_SIZE: usize = 40;

/// One entry of a node: of the map itself in a leaf, else a child.
///
/// Both have the same layout, so that all levels can be built and compared by the same code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeEntry {
    /// The key, or the first key below the child.
    pub key: Bytes,
    /// The value, or content ID and count of leaf entries of the child.
    pub value: Bytes,
}

impl NodeEntry {
    /// The child's node and how many leaf entries it has below. Zero for what is no child.
    pub(crate) fn child(&self) -> (ContentId, u64) {
        match self.value.split_first_chunk::<32>() {
            Some((id, count)) => {
                let count = count.first_chunk().map_or(0, |count| u64::from_le_bytes(*count));
                (ContentId(*id), count)
            }
            None => (ContentId::ZERO, 0),
        }
    }
}

/// The value of an inner entry.
pub(super) fn child_value(id: &ContentId, count: u64) -> [u8; CHILD_SIZE] {
    let mut value = [0; CHILD_SIZE];
    value[..32].copy_from_slice(id.as_bytes());
    value[32..].copy_from_slice(&count.to_le_bytes());
    value
}

/// The first bytes of a node with `count` entries, at most [`NODE_ENTRIES_MAX`].
pub(super) fn head(level: u8, count: usize) -> [u8; HEAD_SIZE] {
    let [low, high] = (count as u16).to_le_bytes();
    [level, 0, low, high]
}

/// Appends an entry; the caller has checked the lengths.
pub(super) fn append_entry(node: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    node.extend_from_slice(&(key.len() as u16).to_le_bytes());
    node.extend_from_slice(&(value.len() as u16).to_le_bytes());
    node.extend_from_slice(key);
    node.extend_from_slice(value);
}

/// A decoded node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// 0 is a leaf.
    pub level: u8,
    pub entries: Vec<NodeEntry>,
}

impl Node {
    /// Decodes a content of kind 3; keys and values share its bytes.
    ///
    /// | offset | size | field |
    /// |-------:|-----:|-------|
    /// | 0 | 1 | level |
    /// | 1 | 1 | zero |
    /// | 2 | 2 | u16 entry count |
    /// | 4 | … | entries: u16 key length, u16 value length, key, value |
    ///
    /// # Errors
    /// The clause that is broken: MAP-1 to MAP-4.
    pub fn decode(mut bytes: Bytes) -> Result<Node, &'static str> {
        if bytes.len() < HEAD_SIZE {
            return Err("MAP-2: a node ends early");
        }
        let (level, zero, count) = (bytes.get_u8(), bytes.get_u8(), usize::from(bytes.get_u16_le()));
        if zero != 0 {
            return Err("MAP-2: the second byte is zero");
        }
        if level >= HEIGHT_MAX {
            return Err("MAP-4: a map has at most 12 levels");
        }
        if count > NODE_ENTRIES_MAX || (count == 0 && level > 0) {
            return Err("MAP-2: a node has 1 to 128 entries");
        }
        let mut node = Node { level, entries: Vec::with_capacity(count) };
        for _ in 0..count {
            let entry = take_entry(&mut bytes).ok_or("MAP-2: a node ends early")?;
            node.check(&entry)?;
            node.entries.push(entry);
        }
        if !bytes.is_empty() {
            return Err("MAP-2: nothing follows the entries");
        }
        Ok(node)
    }

    /// The node's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = head(self.level, self.entries.len()).to_vec();
        for entry in &self.entries {
            append_entry(&mut bytes, &entry.key, &entry.value);
        }
        bytes
    }

    /// Entries of the map that are below this node, or in it.
    pub fn leaf_count(&self) -> u64 {
        match self.level {
            0 => self.entries.len() as u64,
            _ => self.entries.iter().fold(0, |sum, entry| entry.child().1.saturating_add(sum)),
        }
    }

    /// Checks the entry that follows those the node has.
    fn check(&self, entry: &NodeEntry) -> Result<(), &'static str> {
        if entry.key.is_empty() || entry.key.len() > KEY_SIZE_MAX {
            return Err("MAP-1: a key has 1 to 1100 bytes");
        }
        if self.entries.last().is_some_and(|last| last.key >= entry.key) {
            return Err("MAP-2: keys ascend");
        }
        if self.level == 0 {
            let fits = entry.value.len() <= VALUE_SIZE_MAX;
            return if fits { Ok(()) } else { Err("MAP-1: a value has at most 1024 bytes") };
        }
        let (id, count) = entry.child();
        if entry.value.len() != CHILD_SIZE || id.is_zero() || count == 0 {
            return Err("MAP-2: an inner entry names a child with entries");
        }
        Ok(())
    }
}

/// Cuts an entry off the front, if there is a whole one.
fn take_entry(bytes: &mut Bytes) -> Option<NodeEntry> {
    if bytes.len() < 4 {
        return None;
    }
    let (key, value) = (usize::from(bytes.get_u16_le()), usize::from(bytes.get_u16_le()));
    if bytes.len() < key + value {
        return None;
    }
    Some(NodeEntry { key: bytes.split_to(key), value: bytes.split_to(value) })
}
