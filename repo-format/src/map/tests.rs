use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;

use super::node::child_value;
use super::*;
use crate::codec::{ContentId, Cut};
use crate::content::memory::MemoryContents;
use crate::content::{ContentError, ContentKind, ReadContent, WriteContent};

/// Cuts nothing: what these tests store fits a content.
struct Whole;

impl Cut for Whole {
    fn cut(&self, bytes: &[u8]) -> usize {
        bytes.len()
    }

    fn max(&self) -> usize {
        1 << 20
    }
}

type Table = BTreeMap<Vec<u8>, Vec<u8>>;

fn key() -> MapKey {
    MapKey::new([3; 32])
}

fn store<'a>(contents: &'a MemoryContents, key: &'a MapKey) -> MapStore<'a> {
    MapStore { contents, splitter: &Whole, key }
}

fn build(contents: &MemoryContents, table: &Table) -> ContentId {
    let key = key();
    let mut map = MapBuilder::new(store(contents, &key));
    for (key, value) in table {
        map.push(key, value).unwrap();
    }
    map.finish().unwrap()
}

fn edited(
    contents: &MemoryContents,
    root: &ContentId,
    edits: &BTreeMap<Vec<u8>, Option<Vec<u8>>>,
) -> ContentId {
    let edits = edits.iter().map(|(key, value)| (key.clone(), value.clone()));
    edit(contents, root, edits, store(contents, &key())).unwrap()
}

fn name(number: u32) -> Vec<u8> {
    format!("entry {number:06}").into_bytes()
}

fn numbered(numbers: impl Iterator<Item = u32>) -> Table {
    numbers.map(|n| (name(n), n.to_le_bytes().to_vec())).collect()
}

fn all(contents: &dyn ReadContent, root: &ContentId) -> Table {
    let map = Map::open(contents, root).unwrap();
    map.iter().map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap()).collect()
}

fn naive_diff(old: &Table, new: &Table) -> Vec<Change> {
    let keys: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let bytes = |value: &Vec<u8>| Bytes::from(value.clone());
    let change = |key: &Vec<u8>| match (old.get(key), new.get(key)) {
        (None, Some(value)) => Some(Change::Added { key: bytes(key), value: bytes(value) }),
        (Some(value), None) => Some(Change::Removed { key: bytes(key), value: bytes(value) }),
        (Some(old), Some(new)) if old != new => {
            Some(Change::Changed { key: bytes(key), old: bytes(old), new: bytes(new) })
        }
        _ => None,
    };
    keys.into_iter().filter_map(change).collect()
}

#[test]
fn an_empty_map_is_an_empty_leaf() {
    let contents = MemoryContents::new();
    let root = build(&contents, &Table::new());
    assert_eq!(contents.get(ContentKind::Node, &root).unwrap(), [0; 4].as_slice());
    let map = Map::open(&contents, &root).unwrap();
    assert!(map.is_empty() && map.get(b"a").unwrap().is_none() && map.iter().next().is_none());
    let full = numbered(0..500);
    let removals = full.keys().map(|key| (key.clone(), None)).collect();
    assert_eq!(edited(&contents, &build(&contents, &full), &removals), root);
}

#[test]
fn nodes_of_a_level_keep_the_rules_of_size() {
    let contents = MemoryContents::new();
    let root = build(&contents, &numbered(0..20_000));
    let mut level = vec![root];
    let mut sizes = Vec::new();
    while let Some(first) = level.first() {
        let nodes: Vec<Node> = level
            .iter()
            .map(|id| Node::decode(contents.get(ContentKind::Node, id).unwrap()).unwrap())
            .collect();
        assert!(nodes[..nodes.len() - 1].iter().all(|node| (8..=128).contains(&node.entries.len())));
        sizes.push(nodes.len());
        let inner = nodes[0].level > 0 && !first.is_zero();
        let below = nodes.iter().flat_map(|node| node.entries.iter().map(|entry| entry.child().0));
        level = if inner { below.collect() } else { Vec::new() };
    }
    let leaves = *sizes.last().unwrap();
    assert!((500..800).contains(&leaves), "about 32 entries in a leaf: {sizes:?}");
}

#[test]
fn what_is_left_of_a_large_map_has_the_root_of_a_small_one() {
    let contents = MemoryContents::new();
    let table = numbered(0..20_000);
    let root = build(&contents, &table);
    for (from, len) in (0..40).map(|n| (20_000 - n, n)).chain([(0, 1), (0, 40), (7000, 300), (0, 19_999)]) {
        let left = numbered(from..from + len);
        let gone = table.keys().filter(|key| !left.contains_key(*key));
        let new = edited(&contents, &root, &gone.map(|key| (key.clone(), None)).collect());
        assert_eq!(new, build(&contents, &left), "{len} from {from}");
    }
}

/// MAP-3 word by word: all of a level before the next.
fn naive_root(contents: &MemoryContents, table: &Table) -> ContentId {
    let hash = |level: u8, key: &[u8]| {
        let bytes = [&[level], key].concat();
        let hash = blake3::keyed_hash(&[3; 32], &bytes);
        u64::from_le_bytes(*hash.as_bytes().first_chunk().unwrap())
    };
    let entry = |(key, value): (&Vec<u8>, &Vec<u8>)| NodeEntry {
        key: Bytes::from(key.clone()),
        value: Bytes::from(value.clone()),
    };
    let mut entries: Vec<NodeEntry> = table.iter().map(entry).collect();
    for level in 0.. {
        let mut nodes = vec![Node { level, entries: Vec::new() }];
        let count = entries.len();
        for (place, entry) in entries.into_iter().enumerate() {
            let node = &mut nodes.last_mut().unwrap().entries;
            node.push(entry);
            let ends = node.len() >= 8 && hash(level, &node.last().unwrap().key) < 768_614_336_404_564_650;
            if (ends || node.len() == 128) && place + 1 < count {
                nodes.push(Node { level, entries: Vec::new() });
            }
        }
        let stored = nodes.iter().map(|node| {
            let id = contents.put(ContentKind::Node, &node.encode()).unwrap();
            let value = Bytes::copy_from_slice(&child_value(&id, node.leaf_count()));
            (id, NodeEntry { key: node.entries.first().map(|e| e.key.clone()).unwrap_or_default(), value })
        });
        let (ids, above): (Vec<_>, Vec<_>) = stored.unzip();
        if let [root] = ids[..] {
            return root;
        }
        entries = above;
    }
    unreachable!("each level is shorter than the one below")
}

#[test]
fn the_root_is_what_the_spec_says() {
    let contents = MemoryContents::new();
    for count in (0..300).chain([1000, 5000, 30_000]) {
        let table = numbered(0..count);
        assert_eq!(build(&contents, &table), naive_root(&contents, &table), "{count} entries");
    }
}

/// The last node of level 1, if the map has at least three levels.
fn last_of_level_1(contents: &MemoryContents, root: &ContentId) -> Option<Node> {
    let load = |id: &ContentId| Node::decode(contents.get(ContentKind::Node, id).unwrap()).unwrap();
    let mut node = load(root);
    if node.level < 2 {
        return None;
    }
    while node.level > 1 {
        node = load(&node.entries.last()?.child().0);
    }
    Some(node)
}

#[test]
fn an_old_node_of_one_child_does_not_become_the_root() {
    let contents = MemoryContents::new();
    let (root, table, first) = (2000..)
        .step_by(10)
        .find_map(|len| {
            let table = numbered(0..len);
            let root = build(&contents, &table);
            let lonely = last_of_level_1(&contents, &root).filter(|node| node.entries.len() == 1)?;
            Some((root, table, lonely.entries[0].key.to_vec()))
        })
        .unwrap();
    let left = table.range(first.clone()..).map(|(key, value)| (key.clone(), value.clone())).collect();
    let gone = table.range(..first).map(|(key, _)| (key.clone(), None)).collect();
    assert_eq!(edited(&contents, &root, &gone), build(&contents, &left));
}

#[test]
fn one_edit_of_many_entries_reads_and_writes_a_path() {
    let contents = MemoryContents::new();
    let table = numbered((0..200_000).step_by(2));
    let root = build(&contents, &table);
    for number in [0, 1, 777, 99_998, 99_999, 123_456, 199_997, 199_998, 300_000] {
        for value in [Some(b"changed".to_vec()), None] {
            contents.take_reads();
            contents.take_writes();
            let new = edited(&contents, &root, &BTreeMap::from([(name(number), value)]));
            let (reads, writes) = (contents.take_reads(), contents.take_writes());
            assert!(reads < 16 && writes < 16, "{number}: {reads} reads, {writes} writes");
            let changes = diff(&contents, &root, &new).unwrap().count();
            assert!(changes <= 1);
            let reads = contents.take_reads();
            assert!(reads < 24, "{number}: {reads} reads of a difference");
            contents.take_reads();
            Map::open(&contents, &new).unwrap().get(&name(number)).unwrap();
            assert!(contents.take_reads() <= 5);
        }
    }
}

#[test]
fn equal_maps_are_compared_without_reading() {
    let contents = MemoryContents::new();
    let root = build(&contents, &numbered(0..1000));
    contents.take_reads();
    assert_eq!(diff(&contents, &root, &root).unwrap().count(), 0);
    assert_eq!(edited(&contents, &root, &BTreeMap::new()), root);
    assert_eq!(contents.take_reads(), 0);
}

#[test]
fn entries_that_break_the_limits_are_not_written() {
    let contents = MemoryContents::new();
    let key = key();
    let mut map = MapBuilder::new(store(&contents, &key));
    assert!(matches!(map.push(b"", b""), Err(MapError::KeyLength { found: 0 })));
    assert!(matches!(map.push(&[1; 1101], b""), Err(MapError::KeyLength { found: 1101 })));
    assert!(matches!(map.push(b"k", &[0; 1025]), Err(MapError::ValueLength { found: 1025 })));
    map.push(&[1; 1100], &[0; 1024]).unwrap();
    assert!(matches!(map.push(&[1; 1100], b""), Err(MapError::KeyOrder { .. })));
    let root = build(&contents, &numbered(0..3));
    let twice = [(b"x".to_vec(), None), (b"x".to_vec(), None)];
    let result = edit(&contents, &root, twice, store(&contents, &key));
    assert!(matches!(result, Err(MapError::KeyOrder { .. })));
}

fn leaf(keys: &[&'static str]) -> Node {
    let entry = |key: &&'static str| NodeEntry { key: Bytes::from(*key), value: Bytes::new() };
    Node { level: 0, entries: keys.iter().map(entry).collect() }
}

fn refusal(bytes: &[u8]) -> &'static str {
    Node::decode(Bytes::copy_from_slice(bytes)).expect_err("it must be refused")
}

#[test]
fn nodes_that_break_a_rule_are_refused() {
    let good = leaf(&["a", "b"]).encode();
    assert!(Node::decode(good.clone().into()).is_ok());
    for end in 0..good.len() {
        assert!(refusal(&good[..end]).starts_with("MAP-2"), "cut at {end}");
    }
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    assert_eq!(refusal(&with(1, 1)), "MAP-2: the second byte is zero");
    assert_eq!(refusal(&with(0, 12)), "MAP-4: a map has at most 12 levels");
    assert_eq!(refusal(&with(0, 1)), "MAP-2: an inner entry names a child with entries");
    assert_eq!(refusal(&with(2, 1)), "MAP-2: nothing follows the entries");
    assert_eq!(refusal(&with(2, 129)), "MAP-2: a node has 1 to 128 entries");
    assert_eq!(refusal(&[1, 0, 0, 0]), "MAP-2: a node has 1 to 128 entries");
    assert_eq!(refusal(&leaf(&["a", "a"]).encode()), "MAP-2: keys ascend");
    assert_eq!(refusal(&leaf(&["b", "a"]).encode()), "MAP-2: keys ascend");
    assert_eq!(refusal(&leaf(&[""]).encode()), "MAP-1: a key has 1 to 1100 bytes");
    let large = |key: usize, value: usize| {
        let entry = NodeEntry { key: vec![1; key].into(), value: vec![1; value].into() };
        Node { level: 0, entries: vec![entry] }.encode()
    };
    assert_eq!(refusal(&large(1101, 0)), "MAP-1: a key has 1 to 1100 bytes");
    assert_eq!(refusal(&large(1, 1025)), "MAP-1: a value has at most 1024 bytes");
    for (id, count) in [(ContentId::ZERO, 1), (ContentId([1; 32]), 0)] {
        let value = Bytes::copy_from_slice(&child_value(&id, count));
        let node = Node { level: 1, entries: vec![NodeEntry { key: "a".into(), value }] };
        assert_eq!(refusal(&node.encode()), "MAP-2: an inner entry names a child with entries");
    }
}

#[test]
fn children_that_are_not_what_the_parent_says_are_refused() {
    let contents = MemoryContents::new();
    let put = |node: &Node| contents.put(ContentKind::Node, &node.encode()).unwrap();
    let parent = |level, children: &[(&'static str, ContentId, u64)]| {
        let entry = |(key, id, count): &(&'static str, ContentId, u64)| NodeEntry {
            key: Bytes::from(*key),
            value: Bytes::copy_from_slice(&child_value(id, *count)),
        };
        put(&Node { level, entries: children.iter().map(entry).collect() })
    };
    let (ab, cd) = (put(&leaf(&["a", "b"])), put(&leaf(&["c", "d"])));
    let first_error = |root| {
        let map = Map::open(&contents, &root).unwrap();
        match map.iter().find_map(Result::err) {
            Some(ContentError::Malformed { clause, .. }) => clause,
            other => panic!("not refused: {other:?}"),
        }
    };
    let good = parent(1, &[("a", ab, 2), ("c", cd, 2)]);
    assert_eq!(Map::open(&contents, &good).unwrap().iter().filter_map(Result::ok).count(), 4);
    assert!(first_error(parent(2, &[("a", ab, 2)])).contains("level"));
    assert!(first_error(parent(1, &[("a", ab, 2), ("b", cd, 2)])).contains("range"));
    assert!(first_error(parent(1, &[("a", ab, 2), ("bb", cd, 2)])).contains("first key"));
    assert!(first_error(parent(1, &[("a", ab, 3), ("c", cd, 2)])).contains("as many"));
    assert!(first_error(parent(1, &[("a", put(&leaf(&[])), 2)])).contains("only a root"));
    let inner = parent(1, &[("a", ab, 2), ("c", cd, 2)]);
    assert!(first_error(parent(2, &[("a", inner, 4), ("d", inner, 4)])).contains("range"));
}

#[test]
fn boxed_values_are_inline_up_to_the_limit() {
    let contents = MemoryContents::new();
    let key = key();
    let store = store(&contents, &key);
    let root = ContentId([1; 32]);
    for size in [0, 1, 1023, 1024, 5000] {
        contents.take_writes();
        let bytes = vec![9; size];
        let value = box_value(store, &bytes).unwrap();
        assert!(value.len() <= VALUE_SIZE_MAX);
        assert_eq!(contents.take_writes(), usize::from(size > 1023));
        assert_eq!(unbox_value(&contents, &root, &value.into()).unwrap(), bytes);
    }
    assert!(matches!(box_value(store, &vec![0; BOXED_SIZE_MAX + 1]), Err(MapError::BoxedLength { .. })));
    let small = crate::object::write_bytes(&contents, &Whole, &[9; 1023]).unwrap();
    let mut needless = vec![1];
    needless.extend(crate::cbor::encode(&small));
    for value in [vec![], vec![2], vec![1], vec![1, 0], needless] {
        assert!(unbox_value(&contents, &root, &value.into()).is_err());
    }
}

/// A range of numbers and every how many of them: dense runs, gaps and single entries.
fn table() -> impl Strategy<Value = Table> {
    let run = (0u32..4000, 0u32..1500, 1u32..7);
    prop::collection::vec(run, 0..4).prop_map(|runs| {
        numbered(runs.into_iter().flat_map(|(from, len, step)| (from..from + len).step_by(step as usize)))
    })
}

/// Single edits and whole runs that are removed or put.
fn edits() -> impl Strategy<Value = BTreeMap<Vec<u8>, Option<Vec<u8>>>> {
    let edit = (0u32..5600, prop_oneof![4 => Just(1u32), 1 => 1u32..3000], any::<Option<u8>>());
    prop::collection::vec(edit, 0..12).prop_map(|edits| {
        let one = |(from, len, value): (u32, u32, Option<u8>)| {
            (from..from + len).map(move |n| (name(n), value.map(|byte| vec![byte])))
        };
        edits.into_iter().flat_map(one).collect()
    })
}

fn apply(table: &mut Table, edits: &BTreeMap<Vec<u8>, Option<Vec<u8>>>) {
    for (key, value) in edits {
        match value {
            Some(value) => table.insert(key.clone(), value.clone()),
            None => table.remove(key),
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn edits_give_the_root_of_a_fresh_build(mut table in table(), batches in prop::collection::vec(edits(), 1..4)) {
        let contents = MemoryContents::new();
        let mut root = build(&contents, &table);
        for edits in &batches {
            root = edited(&contents, &root, edits);
            apply(&mut table, edits);
            prop_assert_eq!(root, build(&contents, &table));
        }
        prop_assert_eq!(all(&contents, &root), table);
    }

    #[test]
    fn batches_and_single_edits_meet(table in table(), edits in edits()) {
        let contents = MemoryContents::new();
        let root = build(&contents, &table);
        let at_once = edited(&contents, &root, &edits);
        let mut one_by_one = root;
        for (key, value) in edits.iter().rev().take(40) {
            one_by_one = edited(&contents, &one_by_one, &BTreeMap::from([(key.clone(), value.clone())]));
        }
        prop_assert_eq!(edited(&contents, &one_by_one, &edits), at_once);
    }

    #[test]
    fn a_difference_is_what_a_naive_one_is(old in table(), edits in edits(), other in table()) {
        let contents = MemoryContents::new();
        let mut new = old.clone();
        apply(&mut new, &edits);
        let root = build(&contents, &old);
        for new in [new, other] {
            let found = diff(&contents, &root, &build(&contents, &new)).unwrap();
            let found: Vec<Change> = found.collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(found, naive_diff(&old, &new));
        }
    }

    #[test]
    fn ranges_and_single_keys_are_read(table in table(), from in 0u32..6000) {
        let contents = MemoryContents::new();
        let root = build(&contents, &table);
        let map = Map::open(&contents, &root).unwrap();
        prop_assert_eq!(map.len(), table.len() as u64);
        let from = name(from);
        prop_assert_eq!(map.get(&from).unwrap().map(|value| value.to_vec()), table.get(&from).cloned());
        let keys: Vec<Vec<u8>> = map.range(&from).map(|entry| entry.unwrap().0.to_vec()).collect();
        let expected: Vec<Vec<u8>> = table.range(from..).map(|(key, _)| key.clone()).collect();
        prop_assert_eq!(keys, expected);
    }

    #[test]
    fn any_bytes_are_a_node_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..300), level in 0u8..3, small: bool) {
        if small && bytes.len() > 8 {
            bytes[..8].copy_from_slice(&[level, 0, 2, 0, 1, 0, 3, 0]);
        }
        if let Ok(node) = Node::decode(Bytes::from(bytes.clone())) {
            prop_assert_eq!(node.encode(), bytes.clone());
        }
        let contents = MemoryContents::new();
        let value = Bytes::from(bytes);
        let _ = unbox_value(&contents, &ContentId::ZERO, &value);
    }
}
