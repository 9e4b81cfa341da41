use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::cbor;
use crate::codec::{ContentId, Cut, MasterKey, Splitter, SplitterSizes};
use crate::content::ContentError;
use crate::content::memory::MemoryContents;
use crate::map::{MapBuilder, MapError, MapKey, MapStore};
use crate::object::ObjectRef;

struct Kit {
    contents: MemoryContents,
    splitter: Splitter,
    key: MapKey,
}

impl Kit {
    fn new() -> Self {
        let keys = MasterKey::from_bytes([5; 32]).subkeys();
        let splitter = Splitter::new(&keys, SplitterSizes::DEFAULT);
        Kit { contents: MemoryContents::new(), splitter, key: MapKey::new(*keys.map()) }
    }

    fn store(&self) -> MapStore<'_> {
        MapStore { contents: &self.contents, splitter: &self.splitter as &dyn Cut, key: &self.key }
    }

    fn tree(&self, children: &BTreeMap<TreeKey, Entry>) -> (ContentId, TreeTotals) {
        let mut tree = TreeBuilder::new(self.store());
        for (key, entry) in children {
            tree.push(key, entry).unwrap();
        }
        tree.finish().unwrap()
    }
}

fn entry(kind: EntryKind) -> Entry {
    Entry { kind, size: 0, meta: Meta::default(), items: 0 }
}

fn of_service(name: &str, id: &str) -> TreeKey {
    TreeKey { name: name.into(), discriminator: id.into() }
}

#[test]
fn names_that_break_a_rule_are_refused() {
    let refuse = |name: &[u8], error| {
        assert_eq!(TreeKey::of_name(name).to_bytes(), Err(error));
    };
    refuse(b"", NameError::Empty);
    refuse(b".", NameError::Dots);
    refuse(b"..", NameError::Dots);
    refuse(b"a/b", NameError::Slash);
    refuse(b"a\0b", NameError::Zero);
    refuse(&[b'a'; 1025], NameError::TooLong { found: 1025 });
    let long = of_service("a", &"b".repeat(76));
    assert_eq!(long.to_bytes(), Err(NameError::DiscriminatorTooLong { found: 76 }));
    assert_eq!(of_service(&"a".repeat(1024), &"b".repeat(75)).to_bytes().unwrap().len(), 1100);
    for (bytes, error) in [
        (&b"name"[..], NameError::Unended),
        (b"", NameError::Unended),
        (b"\0id", NameError::Empty),
        (b"..\0", NameError::Dots),
        (b"a/b\0", NameError::Slash),
    ] {
        assert_eq!(TreeKey::from_bytes(bytes), Err(error));
    }
}

#[test]
fn a_tree_knows_its_totals() {
    let kit = Kit::new();
    let file = |size| Entry { size, ..entry(EntryKind::File(None)) };
    let inner = BTreeMap::from([(TreeKey::of_name("x"), file(10)), (TreeKey::of_name("y"), file(5))]);
    let (root, totals) = kit.tree(&inner);
    let folder = totals.folder_entry(root, entry(EntryKind::Folder(ContentId::ZERO)));
    let outer = BTreeMap::from([
        (TreeKey::of_name("folder"), folder),
        (TreeKey::of_name("z"), file(1)),
        (TreeKey::of_name("link"), entry(EntryKind::Symlink(b"../z".to_vec()))),
    ]);
    assert_eq!(kit.tree(&outer).1, TreeTotals { size: 16, items: 5 });
    assert_eq!(kit.tree(&BTreeMap::new()).1, TreeTotals::default());
}

#[test]
fn paths_lead_to_all_items_of_a_name() {
    let kit = Kit::new();
    let fifo = || entry(EntryKind::Fifo);
    let mails = |ids: &[&str]| {
        let children = ids.iter().map(|id| (of_service("subject", id), fifo())).collect();
        EntryKind::Folder(kit.tree(&children).0)
    };
    let (root, _) = kit.tree(&BTreeMap::from([
        (of_service("inbox", "1"), entry(mails(&["a", "b"]))),
        (of_service("inbox", "2"), entry(mails(&["c"]))),
        (of_service("inbox2", "3"), entry(mails(&["d"]))),
        (TreeKey::of_name("subject"), fifo()),
    ]));
    let ids = |path: &[&[u8]]| -> Vec<String> {
        let found = find(&kit.contents, &root, path).unwrap();
        let last =
            |keys: &Vec<TreeKey>| String::from_utf8(keys.last().unwrap().discriminator.clone()).unwrap();
        found.iter().map(|(keys, _)| last(keys)).collect()
    };
    assert_eq!(ids(&[b"inbox", b"subject"]), ["a", "b", "c"]);
    assert_eq!(ids(&[b"inbox"]), ["1", "2"]);
    assert_eq!(ids(&[b"subject"]), [""]);
    assert!(ids(&[b"subject", b"subject"]).is_empty());
    assert!(ids(&[b"inbo"]).is_empty());
    assert!(matches!(find(&kit.contents, &root, &[b".."]), Err(TreeError::Name { .. })));
    let tree = Tree::open(&kit.contents, &root).unwrap();
    assert!(tree.get_exact(&of_service("inbox", "2")).unwrap().is_some());
    assert!(tree.get_exact(&of_service("inbox", "3")).unwrap().is_none());
}

#[test]
fn a_large_entry_goes_behind_an_object() {
    let kit = Kit::new();
    let mut large = entry(EntryKind::Fifo);
    for number in 0..100u32 {
        large.meta.xattrs.insert(format!("user.{number}").into_bytes(), vec![1; 20_000]);
    }
    let children = BTreeMap::from([(TreeKey::of_name("large"), large)]);
    let (root, _) = kit.tree(&children);
    let tree = Tree::open(&kit.contents, &root).unwrap();
    let read: BTreeMap<_, _> = tree.children().map(Result::unwrap).collect();
    assert_eq!(read, children);

    let mut beyond = entry(EntryKind::Fifo);
    beyond.meta.service = Some(vec![0; 17 << 20]);
    let mut tree = TreeBuilder::new(kit.store());
    let error = tree.push(&TreeKey::of_name("beyond"), &beyond).unwrap_err();
    assert!(matches!(error, TreeError::Put { source: MapError::BoxedLength { .. }, .. }));
}

#[test]
fn children_out_of_order_or_without_a_name_are_refused() {
    let kit = Kit::new();
    let mut tree = TreeBuilder::new(kit.store());
    let fifo = entry(EntryKind::Fifo);
    tree.push(&TreeKey::of_name("b"), &fifo).unwrap();
    let error = tree.push(&TreeKey::of_name("a"), &fifo).unwrap_err();
    assert!(matches!(error, TreeError::Put { source: MapError::KeyOrder { .. }, .. }));
    let error = tree.push(&TreeKey::of_name("c/d"), &fifo).unwrap_err();
    assert!(matches!(error, TreeError::Name { source: NameError::Slash, .. }));
    assert_eq!(tree.finish().unwrap().1.items, 1);
}

#[test]
fn stored_entries_that_break_a_rule_are_refused_one_by_one() {
    let kit = Kit::new();
    let mut map = MapBuilder::new(kit.store());
    map.push(b"../x\0", &[0, 0xa1, 0, 3]).unwrap();
    map.push(b"bad\0", &[0, 0xa1, 0, 9]).unwrap();
    map.push(b"good\0", &[0, 0xa1, 0, 3]).unwrap();
    map.push(b"unboxed\0", &[0xa1, 0, 3]).unwrap();
    let root = map.finish().unwrap();
    let mut children = Tree::open(&kit.contents, &root).unwrap().children();
    assert!(matches!(children.next(), Some(Err(TreeError::StoredName { source: NameError::Slash, .. }))));
    let Some(Err(TreeError::StoredEntry { name, .. })) = children.next() else {
        panic!("an unknown kind is refused")
    };
    assert_eq!(name, "bad");
    assert_eq!(children.next().unwrap().unwrap().1, entry(EntryKind::Fifo));
    let unboxed = children.next();
    assert!(matches!(unboxed, Some(Err(TreeError::Content(ContentError::Malformed { .. })))));
    assert!(children.next().is_none());
}

#[test]
fn entries_that_break_a_rule_are_refused() {
    for (hex, what) in [
        ("a10007", "unknown kind of entry"),
        ("a0", "a required key is missing"),
        ("a10001", "a required key is missing"),
        ("a2000301f5", "unknown map key"),
        ("a200030200", "a default is written out"),
        ("a2000310f4", "a default is written out"),
        ("a200030e80", "a default is written out"),
        ("a200030e81814161", "array shorter than expected"),
        ("a2000307191000", "mode beyond 0o7777"),
        ("a20003081b0000000100000000", "number out of range"),
        ("a200030e828241624082416140", "xattrs do not ascend"),
        ("a200030e828241614082416140", "xattrs do not ascend"),
        ("a200031200", "unknown map key"),
    ] {
        let bytes = hex::decode(hex).unwrap();
        let error = cbor::decode::<Entry>(&bytes).unwrap_err();
        assert_eq!(error.what, what, "{hex}");
    }
}

fn kind() -> impl Strategy<Value = EntryKind> {
    let object = (0u8..5, any::<[u8; 32]>(), 1u64..1 << 20).prop_map(|(depth, id, size)| ObjectRef {
        depth,
        content: ContentId(id),
        size,
    });
    let file = prop_oneof![Just(None), Just(Some(ObjectRef::EMPTY)), object.prop_map(Some)];
    prop_oneof![
        file.prop_map(EntryKind::File),
        any::<[u8; 32]>().prop_map(|id| EntryKind::Folder(ContentId(id))),
        any::<Vec<u8>>().prop_map(EntryKind::Symlink),
        Just(EntryKind::Fifo),
        Just(EntryKind::Socket),
        any::<(u32, u32)>().prop_map(|(major, minor)| EntryKind::CharDevice { major, minor }),
        any::<(u32, u32)>().prop_map(|(major, minor)| EntryKind::BlockDevice { major, minor }),
    ]
}

prop_compose! {
    fn meta()(
        (mtime_ns, ctime_ns, btime_ns) in any::<(Option<i64>, Option<i64>, Option<i64>)>(),
        mode in prop::option::of(0u32..=0o7777),
        (uid, gid, user, group) in any::<(Option<u32>, Option<u32>, Option<Arc<[u8]>>, Option<Arc<[u8]>>)>(),
        (inode, device, link_group, sparse) in any::<(Option<u64>, Option<u64>, Option<u64>, bool)>(),
        xattrs in prop::collection::btree_map(any::<Vec<u8>>(), any::<Vec<u8>>(), 0..4),
        service in any::<Option<Vec<u8>>>(),
    ) -> Meta {
        Meta {
            mtime_ns, ctime_ns, btime_ns, mode, uid, gid, user, group, inode, device, xattrs,
            link_group, sparse, service,
        }
    }
}

prop_compose! {
    fn any_entry()(kind in kind(), meta in meta(), size: u64, items: u64) -> Entry {
        let size = match kind {
            EntryKind::File(Some(object)) => object.size,
            _ => size,
        };
        Entry { kind, size, meta, items }
    }
}

fn any_key() -> impl Strategy<Value = TreeKey> {
    let name = prop::collection::vec(prop_oneof![1u8..=46, 48u8..=255], 1..20)
        .prop_filter("no dots", |name| name.as_slice() != b"." && name.as_slice() != b"..");
    (name, prop::collection::vec(any::<u8>(), 0..10))
        .prop_map(|(name, discriminator)| TreeKey { name, discriminator })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn entries_round_trip(entry in any_entry()) {
        prop_assert_eq!(cbor::decode::<Entry>(&cbor::encode(&entry)).unwrap(), entry);
    }

    #[test]
    fn trees_round_trip(children in prop::collection::btree_map(any_key(), any_entry(), 0..60)) {
        let kit = Kit::new();
        let (root, _) = kit.tree(&children);
        let tree = Tree::open(&kit.contents, &root).unwrap();
        prop_assert_eq!(tree.len(), children.len() as u64);
        for (key, entry) in &children {
            let same_name = tree.get(&key.name).unwrap();
            prop_assert!(same_name.contains(&(key.clone(), entry.clone())));
            prop_assert!(same_name.iter().all(|(found, _)| found.name == key.name));
        }
        let read: BTreeMap<_, _> = tree.children().map(Result::unwrap).collect();
        prop_assert_eq!(read, children);
    }

    #[test]
    fn keys_round_trip_and_order_as_their_bytes(a in any_key(), b in any_key()) {
        let (a_bytes, b_bytes) = (a.to_bytes().unwrap(), b.to_bytes().unwrap());
        prop_assert_eq!(a.cmp(&b), a_bytes.cmp(&b_bytes));
        prop_assert_eq!(TreeKey::from_bytes(&a_bytes), Ok(a));
    }

    /// Of so few letters that one is often the beginning of the other.
    #[test]
    fn a_key_compares_with_stored_bytes_as_its_own_do(
        name in "[ab]{1,4}", id in "[ab]{0,3}", stored in prop::collection::vec(0u8..2, 0..7),
        letters in "[ab]{0,4}",
    ) {
        let (key, cut) = (of_service(&name, &id), stored.len() / 2);
        for stored in [[&stored[..cut], letters.as_bytes(), &stored[cut..]].concat(), letters.into_bytes()] {
            prop_assert_eq!(key.cmp_bytes(&stored), key.to_bytes().unwrap()[..].cmp(&stored));
        }
        prop_assert_eq!(key.cmp_bytes(&key.to_bytes().unwrap()), std::cmp::Ordering::Equal);
    }

    #[test]
    fn stored_children_are_found_in_order(
        children in prop::collection::btree_map("[a-d]{1,2}", any_entry(), 0..20),
        asked in prop::collection::btree_set("[a-d]{1,2}", 0..20),
    ) {
        let children: BTreeMap<_, _> =
            children.into_iter().map(|(name, entry)| (TreeKey::of_name(name), entry)).collect();
        let kit = Kit::new();
        let (root, _) = kit.tree(&children);
        let mut stored = Tree::open(&kit.contents, &root).unwrap().stored();
        for key in asked.into_iter().map(TreeKey::of_name) {
            prop_assert_eq!(stored.seek(&key).unwrap(), children.get(&key).cloned());
        }
    }

    #[test]
    fn any_bytes_are_an_entry_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80), kind in 0u8..8) {
        let kit = Kit::new();
        let near = [&[0xa2, 0, kind, 1], &bytes[..]].concat();
        for bytes in [bytes, near] {
            if let Ok(entry) = cbor::decode::<Entry>(&bytes) {
                prop_assert_eq!(cbor::encode(&entry), bytes.clone());
            }
            if let Ok(key) = TreeKey::from_bytes(&bytes) {
                prop_assert_eq!(key.to_bytes().unwrap(), bytes.clone());
            }
            let _ = decode_value(&kit.contents, &ContentId::ZERO, b"name", &Bytes::from(bytes));
        }
    }
}
