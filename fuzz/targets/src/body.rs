//! CBOR bodies (CONV-4) by themselves: entries of trees, manifests.

use std::collections::BTreeMap;

use repo_format::cbor::{self, Cbor};
use repo_format::codec::{ContentId, RunId, SplitterSizes};
use repo_format::log::{SnapshotState, SourceInfo};
use repo_format::snapshot::{Manifest, Statistics};
use repo_format::tree::{Entry, EntryKind, Meta};

pub fn entry(data: &[u8]) -> bool {
    comes_back::<Entry>(data)
}

pub fn manifest(data: &[u8]) -> bool {
    comes_back::<Manifest>(data)
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
    let manifest = Manifest {
        source: SourceInfo::default(),
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
        ledger: None,
        cursor: None,
        parts: None,
    };
    vec![cbor::encode(&manifest)]
}

fn folder() -> EntryKind {
    EntryKind::Folder(ContentId([4; 32]))
}
