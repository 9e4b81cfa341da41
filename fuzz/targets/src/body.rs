//! CBOR bodies (CONV-4) by themselves: entries, manifests and what stands beside them.

use std::collections::BTreeMap;

use repo_format::cbor::{self, Cbor};
use repo_format::codec::{ContentId, ManifestId, PackId, RunId, SplitterSizes};
use repo_format::coverage::{Place, Reached, Row, Summary};
use repo_format::format::names::PackKind;
use repo_format::ledger::LedgerEntry;
use repo_format::log::{ManifestRow, SnapshotState, SourceInfo};
use repo_format::object::ObjectRef;
use repo_format::policy::{Compression, Policy, Scope, TagRule};
use repo_format::snapshot::{Failure, Manifest, Part, Statistics};
use repo_format::storage::{Retention, RetentionMode};
use repo_format::tree::{Entry, EntryKind, Meta};

pub fn entry(data: &[u8]) -> bool {
    comes_back::<Entry>(data)
}

pub fn manifest(data: &[u8]) -> bool {
    comes_back::<Manifest>(data)
}

pub fn object_ref(data: &[u8]) -> bool {
    comes_back::<ObjectRef>(data)
}

pub fn failure(data: &[u8]) -> bool {
    comes_back::<Failure>(data)
}

pub fn ledger_entry(data: &[u8]) -> bool {
    comes_back::<LedgerEntry>(data)
}

/// A row or the summary of the verification map: the key, a byte of length first, and the value.
pub fn coverage_entry(data: &[u8]) -> bool {
    let Some((length, rest)) = data.split_first() else { return false };
    let Some((key, value)) = rest.split_at_checked(usize::from(*length)) else { return false };
    match Place::from_key(key) {
        Some(place) => {
            assert_eq!(place.key(), key, "a place has one key");
            comes_back::<Row>(value)
        }
        None => key == [0] && comes_back::<Summary>(value),
    }
}

pub fn part(data: &[u8]) -> bool {
    comes_back::<Part>(data)
}

/// A policy; and the name of one, which a scope has in one way only.
pub fn policy(data: &[u8]) -> bool {
    if let Some((name, scope)) = str::from_utf8(data).ok().and_then(|name| Some((name, Scope::parse(name)?)))
    {
        assert_eq!(scope.to_string(), name, "a scope has one name");
    }
    comes_back::<Policy>(data)
}

/// How long blobs are to be locked.
pub fn retention(data: &[u8]) -> bool {
    comes_back::<Retention>(data)
}

/// Whether `data` is a `T`; what was read must be written in one way only.
pub fn comes_back<T: Cbor>(data: &[u8]) -> bool {
    let Ok(value) = cbor::decode::<T>(data) else { return false };
    let written = cbor::encode(&value);
    let again = cbor::decode::<T>(&written).expect("what was written is read");
    assert_eq!(cbor::encode(&again), written, "a value has one encoding");
    true
}

pub fn entry_seeds() -> Vec<Vec<u8>> {
    let times = Meta { mtime_ns: Some(-1), mode: Some(0o755), uid: Some(0), ..Meta::default() };
    let kinds = [EntryKind::Fifo, EntryKind::File(None), EntryKind::Symlink(b"target".to_vec()), folder()];
    let entries = kinds.map(|kind| Entry { kind, size: 0, items: 0, meta: times.clone() });
    entries.iter().map(cbor::encode).collect()
}

pub fn manifest_seeds() -> Vec<Vec<u8>> {
    let with_ledger = Manifest { ledger: vec![ContentId([5; 32]), ContentId([7; 32])], ..a_manifest() };
    vec![cbor::encode(&a_manifest()), cbor::encode(&with_ledger)]
}

pub fn object_ref_seeds() -> Vec<Vec<u8>> {
    vec![cbor::encode(&ObjectRef::EMPTY), cbor::encode(&AN_OBJECT)]
}

pub fn failure_seeds() -> Vec<Vec<u8>> {
    let (cause, message) = ("denied".to_owned(), "permission denied".to_owned());
    vec![cbor::encode(&Failure { cause, message, attempts: 3, is_failure: true })]
}

pub fn ledger_entry_seeds() -> Vec<Vec<u8>> {
    let of = |object, data| cbor::encode(&LedgerEntry { object, data });
    vec![of(Some(AN_OBJECT), Some(b"what is known".to_vec())), of(None, Some(Vec::new())), of(None, None)]
}

pub fn coverage_entry_seeds() -> Vec<Vec<u8>> {
    let entry = |key: &[u8], value: Vec<u8>| [&[key.len() as u8][..], key, &value[..]].concat();
    let place = Place { revision: 5, kind: PackKind::Data, pack: PackId([7; 32]) };
    let row = Row { reached: Reached::Decoded, size: 1000, time_ns: -1, total: 2000 };
    let summary = Summary { packs: 2, bytes: 2000, decoded_packs: 1, decoded_bytes: 1000, time_ns: 1 };
    vec![entry(&place.key(), cbor::encode(&row)), entry(&[0], cbor::encode(&summary))]
}

pub fn part_seeds() -> Vec<Vec<u8>> {
    let kind = EntryKind::File(None);
    let entry = Entry { kind, size: 0, items: 0, meta: Meta::default() };
    let part = Part { object: AN_OBJECT, covered: AN_OBJECT.size, entry, state: None };
    vec![cbor::encode(&part), cbor::encode(&Part { state: Some(vec![7; 168]), ..part })]
}

pub fn retention_seeds() -> Vec<Vec<u8>> {
    let of = |mode| cbor::encode(&Retention { mode, seconds: 2_592_000 });
    vec![of(RetentionMode::Governance), of(RetentionMode::Compliance)]
}

pub fn policy_seeds() -> Vec<Vec<u8>> {
    let hold = TagRule { name: "legal".to_owned(), value: Some("hold".to_owned()) };
    let policy = Policy {
        keep_last: Some(7),
        keep_daily: Some(0),
        keep_within: Some(2_592_000),
        keep_tags: Some(vec![TagRule { value: None, ..hold.clone() }, hold]),
        compression: Some(Compression::Max),
        excludes: Some(vec!["*.tmp".to_owned(), "!keep.tmp".to_owned()]),
        ..Policy::default()
    };
    let source = SourceInfo { paths: vec![b"/srv".to_vec()], ..SourceInfo::default() };
    let names = [Scope::Global, Scope::Service("folder".to_owned()), Scope::Source(source)];
    let names = names.iter().map(|scope| scope.to_string().into_bytes());
    std::iter::once(cbor::encode(&policy)).chain(names).collect()
}

/// A row as the log has it.
pub fn a_row(id: u8) -> ManifestRow {
    a_manifest().row(ManifestId([id; 32]), PackId([8; 32]))
}

const AN_OBJECT: ObjectRef = ObjectRef { depth: 1, content: ContentId([6; 32]), size: 1 << 21 };

fn a_manifest() -> Manifest {
    Manifest {
        source: SourceInfo { paths: vec![b"/srv".to_vec()], ..SourceInfo::default() },
        start_ns: 1,
        end_ns: 2,
        state: SnapshotState::Complete,
        root: Entry { kind: folder(), size: 3, items: 1, meta: Meta::default() },
        failures: None,
        statistics: Statistics::default(),
        based_on: Vec::new(),
        tags: BTreeMap::from([("key".to_owned(), "value".to_owned())]),
        prepared_on: 1,
        run: RunId([9; 16]),
        splitter: SplitterSizes::DEFAULT,
        ledger: Vec::new(),
        cursor: None,
        parts: None,
    }
}

fn folder() -> EntryKind {
    EntryKind::Folder(ContentId([4; 32]))
}
