//! Logs over a storage in memory, and what the tests of them share.

mod blobs;
mod commits;
mod fold;
mod history;
mod mending;
mod reading;
mod rules;
mod trimming;

use std::convert::Infallible;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::*;
use crate::codec::{ManifestId, MasterKey, PackId, RepoId, RunId, SlotId, SplitterSizes, Subkeys};
use crate::format::names::{BlobId, PackKind};
use crate::format::slot::SlotKind;
use crate::storage::{Blobs, Storage};

/// A repository in memory that any number of processes may open.
struct Place {
    _runtime: Runtime,
    blobs: Blobs,
    keys: Arc<Subkeys>,
}

const REPO: RepoId = RepoId([7; 16]);

impl Place {
    fn new() -> Place {
        Place::over(Storage::memory())
    }

    fn over(storage: Storage) -> Place {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.unwrap();
        let blobs = Blobs::new(storage, runtime.handle().clone());
        Place { _runtime: runtime, blobs, keys: Arc::new(MasterKey::from_bytes([3; 32]).subkeys()) }
    }

    fn create(&self) -> Log {
        self.create_with(LogOptions::default()).unwrap()
    }

    /// The place and a log in it, for tests that need no second one.
    fn create_kept(self) -> (Place, Log) {
        let log = self.create();
        (self, log)
    }

    fn create_with(&self, options: LogOptions) -> Result<Log, LogError> {
        Log::create(self.blobs.clone(), self.keys.clone(), REPO, options, &genesis())
    }

    fn open(&self) -> Log {
        self.open_with(LogOptions::default()).unwrap()
    }

    fn open_with(&self, options: LogOptions) -> Result<Log, LogError> {
        Log::open(self.blobs.clone(), self.keys.clone(), REPO, options)
    }

    fn delete(&self, blob: BlobId) {
        self.blobs.delete(&blob.name()).unwrap();
    }

    fn replace(&self, blob: BlobId, bytes: Vec<u8>) {
        self.delete(blob);
        self.blobs.put_new(&blob.name(), bytes.into()).unwrap();
    }

    /// Deletes the records up to `revision`, as maintenance does once a catalog folds them.
    fn trim(&self, revision: u64) {
        (1..=revision).for_each(|revision| self.delete(BlobId::Record(revision)));
    }
}

fn genesis() -> Genesis {
    Genesis { splitter: SplitterSizes::DEFAULT, slots: vec![slot(1)], parameters: vec![] }
}

fn slot(number: u8) -> SlotInfo {
    SlotInfo { id: SlotId([number; 16]), kind: SlotKind::Passphrase, label: format!("slot {number}") }
}

fn pack(number: u8) -> PackId {
    PackId([number; 32])
}

fn data(number: u8) -> BlobRef {
    BlobRef::Pack(PackKind::Data, pack(number))
}

fn manifest_id(number: u32) -> ManifestId {
    ManifestId(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

fn row(number: u32) -> ManifestRow {
    ManifestRow {
        id: manifest_id(number),
        pack: pack(200),
        revision: 0,
        forgotten: None,
        source: SourceInfo { service: "folder".into(), paths: vec![b"/home".to_vec()], ..Default::default() },
        start_ns: i64::from(number) * 1000,
        end_ns: i64::from(number) * 1000 + 500,
        state: SnapshotState::Complete,
        size: 1 << 20,
        items: 10,
        failed: 0,
        skipped: 0,
        tags: [("number".into(), number.to_string())].into(),
        run: RunId([4; 16]),
        bytes_stored: 1 << 10,
    }
}

fn put(number: u32) -> Action {
    put_on(number, &[], &[])
}

fn put_on(number: u32, relied: &[u8], bases: &[u32]) -> Action {
    let relied = relied.iter().copied().map(pack).collect();
    let bases = bases.iter().copied().map(manifest_id).collect();
    Action::PutManifest { row: Box::new(row(number)), relied, bases }
}

fn commit(log: &Log, actions: &[Action]) -> Result<Committed, CommitError<Infallible>> {
    log.commit(|_| Ok(actions.to_vec()))
}

/// Commits one action and expects it to stand; its revision.
fn done(log: &Log, action: Action) -> u64 {
    commit(log, &[action]).unwrap().revision
}

/// Commits one action and expects it to be refused.
fn refused(log: &Log, action: Action) -> Invalid {
    match commit(log, &[action]) {
        Err(CommitError::Invalid(invalid)) => invalid,
        other => panic!("expected a refusal, not {other:?}"),
    }
}

fn policy(number: u64) -> Action {
    Action::PutPolicy { name: format!("p{}", number % 7), value: Some(number.to_le_bytes().to_vec()) }
}
