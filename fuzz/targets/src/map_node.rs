//! Nodes of maps (MAP-2).

use bytes::Bytes;
use repo_format::map::{Node, NodeEntry};

pub fn run(data: &[u8]) -> bool {
    let Ok(node) = Node::decode(Bytes::copy_from_slice(data)) else { return false };
    assert_eq!(node.encode(), data, "a node has one encoding");
    true
}

pub fn seeds() -> Vec<Vec<u8>> {
    let entry = |key: &'static [u8], value| NodeEntry { key: Bytes::from_static(key), value };
    let leaf = vec![entry(b"a", Bytes::new()), entry(b"b", Bytes::from_static(b"value"))];
    let child = [&[7; 32][..], &1u64.to_le_bytes()].concat();
    let inner = vec![entry(b"a", child.into())];
    [(0, leaf), (1, inner)].map(|(level, entries)| Node { level, entries }.encode()).into()
}
