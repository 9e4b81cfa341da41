//! Copies: what a copy is at every moment, what is refused, and how it becomes a repository.

mod busy;
mod damage;
mod moments;
mod on_put;
mod promotion;
mod refusals;
mod stale;

use std::collections::BTreeMap;
use std::sync::Arc;

use corso_tests::plain::{Files, PlainFile, PlainSource, files_of, flat};
use corso_tests::{assert_clean, at_once, backup_options, init, noise, open, runtime, secret};
use repo_format::codec::ManifestId;
use repo_format::engine::backup;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::names::BlobId;
use repo_format::maintenance::{MaintenanceOptions, run};
use repo_format::repository::{OpenOptions, Repository, RepositoryError};
use repo_format::storage::{BlobName, Blobs, Storage};
use repo_format::sync::{SyncError, SyncOptions, SyncReport, sync};
use tokio::runtime::Runtime;

/// A repository, a place for its copy, and what its snapshots hold.
struct Pair {
    runtime: Runtime,
    source: Blobs,
    target: Blobs,
    repository: Repository,
    files: Files,
    round: u64,
    /// What the live snapshots hold.
    wanted: Held,
    /// What all snapshots held, and when each was put or forgotten.
    held: Held,
    history: Vec<(u64, ManifestId, bool)>,
}

/// Snapshot to path to bytes.
type Held = BTreeMap<ManifestId, BTreeMap<String, Vec<u8>>>;

impl Pair {
    fn new() -> Pair {
        Pair::with_target(Storage::memory())
    }

    fn with_target(target: Storage) -> Pair {
        let (runtime, source) = (runtime(), Storage::memory());
        let repository = init(&runtime, source.clone(), OpenOptions::default());
        let source = Blobs::new(source, runtime.handle().clone());
        let target = Blobs::new(target, runtime.handle().clone());
        let (wanted, held, history) = (Held::new(), Held::new(), Vec::new());
        Pair { runtime, source, target, repository, files: Files::new(), round: 0, wanted, held, history }
    }

    /// Changes some of the files and backs them up, into small packs.
    fn back_up(&mut self) -> ManifestId {
        self.round += 1;
        for number in (0..12).filter(|number| self.round == 1 || (number + self.round).is_multiple_of(3)) {
            let folder = self.files.entry(format!("folder {}", number % 3)).or_default();
            let bytes = Arc::new(noise(self.round * 1000 + number, 3_000 + 500 * number as usize));
            folder.insert(format!("file {number}"), PlainFile { version: self.round, bytes });
        }
        let id = back_up(&self.repository, &self.files);
        self.wanted.insert(id, flat(&self.files));
        self.held.insert(id, flat(&self.files));
        let rows = self.repository.snapshots().unwrap();
        let row = rows.iter().find(|row| row.id == id).unwrap();
        self.history.push((row.revision, id, true));
        id
    }

    /// What the snapshots hold that were live at a revision.
    fn wanted_at(&self, revision: u64) -> Held {
        let mut live = Held::new();
        for (at, id, is_put) in &self.history {
            match is_put {
                _ if *at > revision => {}
                true => drop(live.insert(*id, self.held[id].clone())),
                false => drop(live.remove(id)),
            }
        }
        live
    }

    fn forget(&mut self, id: ManifestId) {
        let revision = self.repository.forget(&[id]).unwrap();
        self.wanted.remove(&id);
        self.history.push((revision, id, false));
    }

    fn maintain(&self) {
        maintain(&self.repository, &at_once());
    }

    fn try_sync(&self, options: SyncOptions) -> Result<SyncReport, SyncError> {
        sync(&self.source, &self.target, &options, &Progress::default(), &Stop::default())
    }

    fn sync(&self) -> SyncReport {
        self.try_sync(SyncOptions::default()).unwrap()
    }

    fn checked(&self) -> SyncReport {
        self.try_sync(SyncOptions { check: true, ..SyncOptions::default() }).unwrap()
    }

    /// The copy, as somebody opens it who has never seen it.
    fn copy(&self) -> Repository {
        open(&self.runtime, self.target.storage().clone(), OpenOptions::default())
    }

    /// The copy opens, all in it is whole, and it gives back what the source's snapshots hold.
    fn assert_copied(&self) {
        let copy = self.copy();
        assert!(copy.is_copy());
        assert_clean(&copy, "the copy");
        assert_holds(&copy, &self.wanted);
    }
}

/// A backup into small packs, so that there are many.
fn back_up(repository: &Repository, files: &Files) -> ManifestId {
    let mut options = backup_options("source".as_ref());
    options.writer.data_pack_size = 32 << 10;
    options.writer.data_frame_size = 8 << 10;
    options.writer.meta_pack_size = 16 << 10;
    options.writer.meta_frame_size = 4 << 10;
    let source = PlainSource::new(files);
    backup(repository, &source, &options, &Progress::default(), &Stop::default()).unwrap().id.unwrap()
}

fn maintain(repository: &Repository, options: &MaintenanceOptions) {
    run(repository, options, &Progress::default(), &Stop::default()).expect("maintains");
}

fn assert_holds(repository: &Repository, wanted: &Held) {
    let rows = repository.snapshots().expect("lists");
    assert_eq!(rows.len(), wanted.len());
    for row in rows {
        assert_eq!(files_of(repository, &row.id).expect("reads"), wanted[&row.id], "snapshot {}", row.id);
    }
}

/// Every blob's name and bytes.
fn all(blobs: &Blobs) -> BTreeMap<BlobName, Vec<u8>> {
    let listed = blobs.list("").unwrap();
    listed.into_iter().map(|info| (info.name.clone(), blobs.get(&info.name).unwrap().to_vec())).collect()
}

/// Puts other bytes in a blob's place.
fn overwrite(blobs: &Blobs, name: &BlobName, bytes: Vec<u8>) {
    blobs.delete(name).unwrap();
    blobs.put_new(name, bytes.into()).unwrap();
}

/// Flips a bit in the middle of a blob, and gives the bytes it had.
fn flip(blobs: &Blobs, name: &BlobName) -> Vec<u8> {
    let bytes = blobs.get(name).unwrap().to_vec();
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    overwrite(blobs, name, flipped);
    bytes
}

fn marker() -> BlobName {
    BlobId::CopyMarker.name()
}

/// The first blob whose name begins so.
fn first(blobs: &Blobs, prefix: &str) -> BlobName {
    blobs.list(prefix).unwrap()[0].name.clone()
}

fn opened(pair: &Pair) -> Result<Repository, RepositoryError> {
    Repository::open(pair.target.clone(), &secret(), OpenOptions::default())
}

#[test]
fn a_copy_is_its_source_blob_by_blob_and_gives_everything_back() {
    let mut pair = Pair::new();
    let gone = pair.back_up();
    for _ in 0..3 {
        pair.back_up();
    }
    pair.forget(gone);
    pair.maintain();
    let report = pair.sync();
    assert!(report.is_clean() && report.rounds == 1 && report.vanished == 0);
    assert_eq!((report.revision, report.there), (pair.repository.state().revision, 0));
    let (source, mut target) = (all(&pair.source), all(&pair.target));
    assert!(target.remove(&marker()).is_some());
    assert_eq!(source, target);
    // The format blob is written with the marker, before anything is counted.
    assert_eq!(report.copied, source.len() as u64 - 1);
    pair.assert_copied();
}

#[test]
fn a_second_run_fetches_only_what_is_new() {
    let mut pair = Pair::new();
    pair.back_up();
    pair.sync();
    let (packs, bytes) = (pair.source.list("packs/").unwrap().len(), all(&pair.source).len());
    let before = pair.source.storage().counters();
    let idle = pair.sync();
    assert_eq!((idle.copied, idle.there), (0, bytes as u64 - 1));
    let gets = pair.source.storage().counters().gets - before.gets;
    // The format blob twice, the marker that it does not have, and the last record, to compare.
    assert!(gets <= 6, "{gets} gets");

    pair.back_up();
    let new = pair.source.list("packs/").unwrap().len() - packs;
    let before = pair.source.storage().counters();
    let next = pair.sync();
    let gets = pair.source.storage().counters().gets - before.gets;
    assert!(new > 0 && gets <= 7 + next.copied, "{gets} gets for {} blobs, {new} of them packs", next.copied);
    pair.assert_copied();
}

#[test]
fn no_secret_is_needed_and_none_is_in_the_way() {
    let mut pair = Pair::new();
    pair.back_up();
    // Slots that nobody can open any more are blobs like others.
    let slot = first(&pair.source, "keys/");
    let report = pair.sync();
    assert_eq!(report.repo, pair.repository.id());
    assert_eq!(pair.source.get(&slot).unwrap(), pair.target.get(&slot).unwrap());
}

#[test]
fn a_dry_run_counts_and_writes_nothing() {
    let mut pair = Pair::new();
    pair.back_up();
    let dry = SyncOptions { dry_run: true, ..SyncOptions::default() };
    let told = pair.try_sync(dry).unwrap();
    assert!(pair.target.list("").unwrap().is_empty());
    let done = pair.sync();
    assert_eq!((told.copied, told.copied_bytes), (done.copied, done.copied_bytes));
    pair.back_up();
    let before = all(&pair.target);
    let told = pair.try_sync(dry).unwrap();
    assert_eq!((all(&pair.target), told.there), (before, done.copied));
    let done = pair.sync();
    assert_eq!((told.copied, told.copied_bytes), (done.copied, done.copied_bytes));
}

#[test]
fn a_copy_of_a_copy_is_one() {
    let mut pair = Pair::new();
    pair.back_up();
    pair.sync();
    let third = Blobs::new(Storage::memory(), pair.runtime.handle().clone());
    sync(&pair.target, &third, &SyncOptions::default(), &Progress::default(), &Stop::default()).unwrap();
    assert_ne!(third.get(&marker()).unwrap(), pair.target.get(&marker()).unwrap());
    let copy = open(&pair.runtime, third.storage().clone(), OpenOptions::default());
    assert!(copy.is_copy());
    assert_holds(&copy, &pair.wanted);
}

#[test]
fn a_copy_that_lags_behind_is_no_rollback() {
    let mut pair = Pair::new();
    let state = tempfile::tempdir().unwrap();
    let options = || OpenOptions { state: Some(state.path().to_owned()), ..OpenOptions::default() };
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = |folder: &tempfile::TempDir| {
        let location = repo_format::storage::Location::Folder { path: folder.path().to_owned() };
        Storage::open(&location, &Default::default()).unwrap()
    };
    pair.repository = init(&pair.runtime, folder(&source), options());
    pair.source = Blobs::new(folder(&source), pair.runtime.handle().clone());
    pair.target = Blobs::new(folder(&target), pair.runtime.handle().clone());
    pair.back_up();
    pair.sync();
    let head = pair.repository.state().revision;
    let snapshot = pair.wanted.clone();
    pair.back_up();
    // The memory is of each location by itself.
    open(&pair.runtime, folder(&source), options());
    let copy = open(&pair.runtime, folder(&target), options());
    assert_eq!(copy.state().revision, head);
    assert_holds(&copy, &snapshot);
    pair.sync();
    assert_holds(&open(&pair.runtime, folder(&target), options()), &pair.wanted);
}
