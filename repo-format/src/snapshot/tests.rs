use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::cbor::{self, Writer};
use crate::codec::{ContentId, Cut, ManifestId, MasterKey, PackId, RunId, Splitter, SplitterSizes};
use crate::content::memory::MemoryContents;
use crate::content::{ContentError, ContentKind, WriteContent};
use crate::log::{ManifestRow, SnapshotState, SourceInfo, tags};
use crate::map::{MapKey, MapStore};
use crate::object::ObjectRef;
use crate::tree::{Entry, EntryKind, Meta};

fn with_store<T>(test: impl FnOnce(&MemoryContents, MapStore<'_>) -> T) -> T {
    let keys = MasterKey::from_bytes([5; 32]).subkeys();
    let splitter = Splitter::new(&keys, SplitterSizes::DEFAULT);
    let (contents, key) = (MemoryContents::new(), MapKey::new(*keys.map()));
    test(&contents, MapStore { contents: &contents, splitter: &splitter as &dyn Cut, key: &key })
}

fn folder() -> Entry {
    let kind = EntryKind::Folder(ContentId([4; 32]));
    Entry { kind, size: 1000, meta: Meta::default(), items: 12 }
}

fn manifest() -> Manifest {
    Manifest {
        source: SourceInfo {
            service: "folder".into(),
            host: Some("desk".into()),
            user: Some("ada".into()),
            paths: vec![b"/home/ada".to_vec(), vec![0xff, b'x']],
            resource: None,
        },
        start_ns: -5,
        end_ns: 1_800_000_000_000_000_000,
        state: SnapshotState::Partial,
        root: folder(),
        failures: Some(ContentId([5; 32])),
        statistics: Statistics { files: 11, failed: 2, skipped: 1, bytes_stored: 99, ..Default::default() },
        based_on: vec![ManifestId([6; 32])],
        tags: BTreeMap::from([("a".into(), "1".into()), ("b".into(), String::new())]),
        prepared_on: 7,
        run: RunId([8; 16]),
        splitter: SplitterSizes::DEFAULT,
        ledger: Vec::new(),
        cursor: Some(vec![1, 2, 3]),
        parts: None,
    }
}

fn refusal<T: cbor::Cbor + std::fmt::Debug>(bytes: &[u8]) -> &'static str {
    cbor::decode::<T>(bytes).expect_err("it must be refused").what
}

#[test]
fn a_manifest_is_stored_and_loaded_by_the_snapshots_id() {
    let contents = MemoryContents::new();
    let id = manifest().store(&contents).unwrap();
    assert_eq!(Manifest::load(&contents, &id).unwrap(), manifest());
    assert_eq!(manifest().tree(), ContentId([4; 32]));
    assert!(matches!(Manifest::load(&contents, &ManifestId::ZERO), Err(ContentError::Missing { .. })));
    let no_manifest = contents.put(ContentKind::Manifest, &[0xa0]).unwrap();
    let error = Manifest::load(&contents, &ManifestId(no_manifest.0)).unwrap_err();
    assert!(matches!(error, ContentError::MalformedCbor { clause: "SNAP-1", .. }));
}

#[test]
fn a_manifest_fits_a_content_or_is_not_stored() {
    let large = Manifest { cursor: Some(vec![0; 1 << 20]), ..manifest() };
    let stored = large.store(&MemoryContents::new());
    assert!(matches!(stored, Err(SnapshotError::TooLarge { .. })));
}

#[test]
fn manifests_that_break_a_rule_are_refused() {
    let no_folder = Manifest { root: Entry { kind: EntryKind::Fifo, ..folder() }, ..manifest() };
    assert_eq!(refusal::<Manifest>(&cbor::encode(&no_folder)), "the root is no folder");
    let sizes = SplitterSizes { least: 1, ..SplitterSizes::DEFAULT };
    let odd_splitter = Manifest { splitter: sizes, ..manifest() };
    assert_eq!(refusal::<Manifest>(&cbor::encode(&odd_splitter)), "unknown splitter");
    let layers = |count| Manifest { ledger: vec![ContentId([1; 32]); count], ..manifest() };
    assert!(cbor::decode::<Manifest>(&cbor::encode(&layers(16))).is_ok());
    assert_eq!(refusal::<Manifest>(&cbor::encode(&layers(17))), "a ledger has 1 to 16 layers (SNAP-8)");
    assert_eq!(refusal::<SnapshotState>(&[3]), "unknown snapshot state");
    assert_eq!(refusal::<Statistics>(&[0xa1, 0, 0]), "a default is written out");
    assert_eq!(refusal::<Statistics>(&[0xa1, 13, 1]), "unknown map key");
    assert_eq!(refusal::<SourceInfo>(&[0xa0]), "a required key is missing");
    for hex in ["828261624082616140", "8282616160826161 60"] {
        let bytes = hex::decode(hex.replace(' ', "")).unwrap();
        assert!(tags::read(&mut cbor::Reader::new(&bytes)).is_err(), "{hex}");
    }
}

#[test]
fn every_cut_and_no_flip_of_a_manifest_is_silent() {
    let good = cbor::encode(&manifest());
    for end in 0..good.len() {
        assert!(cbor::decode::<Manifest>(&good[..end]).is_err());
    }
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            // Whatever still decodes says something else, in its one encoding.
            if let Ok(other) = cbor::decode::<Manifest>(&bytes) {
                assert_eq!(cbor::encode(&other), bytes);
            }
        }
    }
}

#[test]
fn a_row_says_what_lists_show() {
    let row = ManifestRow { revision: 9, ..manifest().row(ManifestId([1; 32]), PackId([2; 32])) };
    assert!(row.is_live());
    assert_eq!((row.size, row.items, row.failed, row.skipped, row.bytes_stored), (1000, 12, 2, 1, 99));
    assert_eq!(cbor::decode::<ManifestRow>(&cbor::encode(&row)), Ok(row.clone()));
    let gone = ManifestRow { forgotten: Some(10), ..row };
    assert!(!gone.is_live());
    assert_eq!(cbor::decode::<ManifestRow>(&cbor::encode(&gone)), Ok(gone));
}

#[test]
fn long_paths_are_cut_and_told_apart() {
    assert_eq!(path_key(b""), b".");
    assert_eq!(path_key(&[b'a'; 1100]), [b'a'; 1100]);
    let (one, two) = (path_key(&[b'a'; 1101]), path_key(&[b'a'; 1102]));
    assert_eq!((one.len(), &one[..1068]), (1100, &[b'a'; 1068][..]));
    assert_ne!(one, two);
}

#[test]
fn failures_are_found_by_path() {
    let failure = |message: String| Failure { cause: "io".into(), message, attempts: 3, is_failure: true };
    with_store(|contents, store| {
        assert_eq!(write_by_path::<Failure>(store, []).unwrap(), None);
        let paths = [&b""[..], b"a/b", &[b'x'; 5000], &[b'x'; 1090]];
        let items = paths.map(|path| (path.to_vec(), failure("m".repeat(path.len()))));
        let root = write_by_path(store, items).unwrap().unwrap();
        for path in paths {
            let found = get_by_path::<Failure>(contents, &root, path).unwrap().unwrap();
            assert_eq!(found, failure("m".repeat(path.len())));
        }
        assert_eq!(get_by_path::<Failure>(contents, &root, b"a").unwrap(), None);
        assert_eq!(read_by_path::<Failure>(contents, &root).unwrap().filter_map(Result::ok).count(), 4);
        // A map of something else.
        let error = get_by_path::<Part>(contents, &root, b"a/b").unwrap_err();
        assert!(matches!(error, ContentError::MalformedCbor { clause: "SNAP-6", .. }));
    });
}

#[test]
fn parts_round_trip() {
    with_store(|contents, store| {
        let object = ObjectRef { depth: 1, content: ContentId([1; 32]), size: 1 << 33 };
        let mut entry = Entry { kind: EntryKind::File(None), ..folder() };
        entry.meta.service = Some(vec![7; 3000]);
        let part = Part { object, covered: 1 << 33, entry, state: Some(vec![7; 168]) };
        let root = write_by_path(store, [(b"large".to_vec(), part.clone())]).unwrap().unwrap();
        assert_eq!(get_by_path::<Part>(contents, &root, b"large").unwrap(), Some(part));
    });
}

proptest! {
    #[test]
    fn manifests_round_trip(
        (service, host, user, paths, resource) in any::<(String, Option<String>, Option<String>, Vec<Vec<u8>>, Option<Vec<u8>>)>(),
        (start_ns, end_ns, prepared_on, counts) in any::<(i64, i64, u64, [u64; 4])>(),
        (failures, ledger, parts, cursor) in (any::<Option<[u8; 32]>>(), prop::collection::vec(any::<[u8; 32]>(), 0..=16), any::<Option<[u8; 32]>>(), any::<Option<Vec<u8>>>()),
        tags in any::<BTreeMap<String, String>>(), based_on in any::<Vec<[u8; 32]>>(), average in 16u32..19,
    ) {
        let [files, folders, bytes, new_contents] = counts;
        let manifest = Manifest {
            source: SourceInfo { service, host, user, paths, resource },
            start_ns,
            end_ns,
            prepared_on,
            failures: failures.map(ContentId),
            ledger: ledger.into_iter().map(ContentId).collect(),
            parts: parts.map(ContentId),
            cursor,
            tags,
            based_on: based_on.into_iter().map(ManifestId).collect(),
            statistics: Statistics { files, folders, bytes, new_contents, ..Default::default() },
            splitter: SplitterSizes::around(1 << average).unwrap(),
            ..manifest()
        };
        prop_assert_eq!(cbor::decode::<Manifest>(&cbor::encode(&manifest)).unwrap(), manifest.clone());
        let row = ManifestRow { revision: 9, ..manifest.row(ManifestId([1; 32]), PackId([2; 32])) };
        prop_assert_eq!(cbor::decode::<ManifestRow>(&cbor::encode(&row)).unwrap(), row);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = cbor::decode::<Manifest>(&bytes);
        let _ = cbor::decode::<ManifestRow>(&bytes);
        let _ = cbor::decode::<Failure>(&bytes);
        let _ = cbor::decode::<Part>(&bytes);
        let mut spliced = Writer::new();
        spliced.map(|m| m.put(0, &manifest().source));
        let spliced = [spliced.into_bytes(), bytes].concat();
        let _ = cbor::decode::<Manifest>(&spliced);
    }
}
