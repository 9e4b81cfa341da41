//! A repository with a history, and what is owed of it once its log was repaired.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use corso_tests::plain::{Files, PlainFile, PlainSource, files_of, flat};
use corso_tests::{assert_clean, at_once, backup_options, damage_blob, init, noise, runtime, secret};
use repo_format::codec::ManifestId;
use repo_format::engine::backup;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::log::{Action, ManifestRow};
use repo_format::maintenance::{self, MaintenanceError, MaintenanceOptions};
use repo_format::repair::{self, LogRepair, LogRepairOptions, RepairError};
use repo_format::repository::{BrokenLog, OpenOptions, Repository};
use repo_format::storage::{BlobName, Blobs, Storage};
use repo_format::verify::{Level, VerifyOptions, verify};
use tokio::runtime::Runtime;

pub type Flat = BTreeMap<String, Vec<u8>>;

/// A repository with a history, and what its snapshots hold.
pub struct World {
    pub runtime: Runtime,
    pub blobs: Blobs,
    pub files: Files,
    pub wanted: BTreeMap<ManifestId, Flat>,
    pub forgotten: BTreeMap<ManifestId, Flat>,
    /// Where the client remembers what it saw; nowhere if that is not under test.
    pub open: OpenOptions,
}

impl World {
    pub fn over(storage: Storage) -> World {
        let runtime = runtime();
        let blobs = Blobs::new(storage.clone(), runtime.handle().clone());
        init(&runtime, storage, OpenOptions::default());
        let (files, open) = (Files::new(), OpenOptions::default());
        World { runtime, blobs, files, wanted: BTreeMap::new(), forgotten: BTreeMap::new(), open }
    }

    pub fn new() -> World {
        World::over(Storage::memory())
    }

    /// Backups, forgets and maintenance that reclaims, without a trimmed record.
    pub fn with_history() -> World {
        let mut world = World::new();
        world.change_and_back_up(0);
        let gone = world.change_and_back_up(1);
        world.change_and_back_up(2);
        world.forget(gone);
        let options = MaintenanceOptions { records_kept: u64::MAX, ..at_once() };
        world.maintain_with(&options).unwrap();
        assert!(world.open().state().last_doom > 0);
        // Behind the catalog of the maintenance run.
        world.change_and_back_up(3);
        world.change_and_back_up(4);
        let gone = world.change_and_back_up(5);
        world.forget(gone);
        world.change_and_back_up(6);
        world
    }

    /// The same storage in another place, the world's promises with it.
    pub fn copy(&self) -> World {
        let (runtime, storage) = (runtime(), Storage::memory());
        let blobs = Blobs::new(storage, runtime.handle().clone());
        for info in self.blobs.list("").unwrap() {
            blobs.put_new(&info.name, self.blobs.get(&info.name).unwrap()).unwrap();
        }
        World {
            runtime,
            blobs,
            files: self.files.clone(),
            wanted: self.wanted.clone(),
            forgotten: self.forgotten.clone(),
            open: OpenOptions::default(),
        }
    }

    pub fn open(&self) -> Repository {
        Repository::open(self.blobs.clone(), &secret(), self.open.clone()).expect("opens")
    }

    pub fn change_and_back_up(&mut self, round: u64) -> ManifestId {
        for number in (0..24).filter(|number| round == 0 || (number + round).is_multiple_of(4)) {
            let folder = self.files.entry(format!("folder {}", number % 3)).or_default();
            let bytes = Arc::new(noise(1 + round * 100 + number, 15_000));
            folder.insert(format!("file {number}"), PlainFile { version: round + 1, bytes });
        }
        self.back_up()
    }

    pub fn back_up(&mut self) -> ManifestId {
        let mut options = backup_options("source".as_ref());
        options.writer.data_pack_size = 60 << 10;
        options.writer.data_frame_size = 30 << 10;
        options.writer.meta_pack_size = 8 << 10;
        options.writer.meta_frame_size = 4 << 10;
        let source = PlainSource::new(&self.files);
        let report = backup(&self.open(), &source, &options, &Progress::default(), &Stop::default());
        let id = report.expect("backs up").id.unwrap();
        self.wanted.insert(id, flat(&self.files));
        id
    }

    pub fn forget(&mut self, id: ManifestId) {
        self.open().forget(&[id]).unwrap();
        let files = self.wanted.remove(&id).unwrap();
        self.forgotten.insert(id, files);
    }

    pub fn maintain_with(&self, options: &MaintenanceOptions) -> Result<(), MaintenanceError> {
        maintenance::run(&self.open(), options, &Progress::default(), &Stop::default()).map(drop)
    }

    pub fn maintain(&self) -> Result<(), MaintenanceError> {
        self.maintain_with(&at_once())
    }

    pub fn names(&self, prefix: &str) -> Vec<BlobName> {
        self.blobs.list(prefix).unwrap().into_iter().map(|info| info.name).collect()
    }

    pub fn delete(&self, prefix: &str) {
        self.names(prefix).iter().for_each(|name| self.blobs.delete(name).unwrap());
    }

    pub fn damage(&self, name: &BlobName) {
        damage_blob(&self.blobs, name);
    }

    pub fn repair_with(&self, options: &LogRepairOptions) -> Result<LogRepair, RepairError> {
        let broken = BrokenLog::unlock(self.blobs.clone(), &secret(), self.open.clone())?;
        repair::log(&broken, options, &Progress::default(), &Stop::default())
    }

    /// Looks first, which changes nothing, and then repairs; both say the same.
    pub fn repair(&self, place: &str) -> LogRepair {
        let before = self.names("");
        let dry = LogRepairOptions { dry_run: true, ..LogRepairOptions::default() };
        let dry = self.repair_with(&dry).expect(place);
        assert_eq!(self.names(""), before, "{place}: a dry run changes nothing");
        let done = self.repair_with(&LogRepairOptions::default()).expect(place);
        let ids = |repair: &LogRepair| -> Vec<_> {
            repair.revived.iter().map(|revived| (revived.row.id, revived.row.revision)).collect()
        };
        assert_eq!((dry.lost, dry.begins, dry.stale), (done.lost.clone(), done.begins, done.stale.clone()));
        assert_eq!(dry.index.contents_missing, done.index.contents_missing, "{place}");
        if done.lost.is_empty() || done.begins.is_none() {
            let revived: Vec<ManifestId> = dry.revived.iter().map(|revived| revived.row.id).collect();
            let again: Vec<ManifestId> = done.revived.iter().map(|revived| revived.row.id).collect();
            assert_eq!(revived, again, "{place}");
        }
        assert_eq!(ids(&done).len(), done.revived.len());
        let again = self.repair_with(&LogRepairOptions::default()).expect(place);
        assert!(again.is_clean(), "{place}: {again:?}");
        done
    }

    /// Snapshots that only a lost record forgot, and whose contents were reclaimed since, are forgotten
    /// again: their owner is told by a verification.
    pub fn forget_what_is_not_whole(&mut self) {
        let repository = self.open();
        let options = VerifyOptions { level: Level::Data, ..VerifyOptions::default() };
        let report = verify(&repository, &options, &Progress::default(), &Stop::default()).unwrap();
        let broken: BTreeSet<ManifestId> =
            report.findings.iter().flat_map(|finding| finding.snapshots.clone()).collect();
        assert!(broken.iter().all(|id| self.forgotten.contains_key(id)), "{:#?}", report.findings);
        if !broken.is_empty() {
            repository.forget(&broken.into_iter().collect::<Vec<_>>()).unwrap();
        }
    }

    /// All that was promised is there, and everything goes on.
    pub fn assert_whole(&mut self, place: &str, is_held: bool) {
        self.forget_what_is_not_whole();
        let repository = self.open();
        assert_clean(&repository, place);
        let rows = repository.snapshots().unwrap();
        self.assert_rows(&repository, &rows, place);
        let newest =
            rows.iter().rfind(|row| row.start_ns == rows.iter().map(|row| row.start_ns).max().unwrap());
        let latest = repository.resolve("latest").unwrap();
        assert_eq!(newest.map(|row| row.id), Some(latest.id), "{place}: the newest is still the latest");
        drop(repository);

        // The same files once more: nothing is stored but what is about the snapshot.
        let before = self.names("packs/data/");
        let id = self.back_up();
        assert_eq!(self.names("packs/data/"), before, "{place}: it is all there");
        if is_held {
            assert!(matches!(self.maintain(), Err(MaintenanceError::Held(hold)) if hold.found), "{place}");
            assert!(self.settle(Level::Blobs).is_none(), "{place}");
            assert!(self.settle(Level::Data).is_some(), "{place}");
        }
        assert!(self.open().state().hold.is_none(), "{place}");
        self.maintain().expect(place);
        self.maintain().expect(place);
        let repository = self.open();
        assert_clean(&repository, place);
        assert_eq!(files_of(&repository, &id).unwrap(), flat(&self.files), "{place}");
        self.assert_rows(&repository, &repository.snapshots().unwrap(), place);
    }

    pub fn settle(&self, level: Level) -> Option<u64> {
        let repository = self.open();
        let options = VerifyOptions { level, ..VerifyOptions::default() };
        let report = verify(&repository, &options, &Progress::default(), &Stop::default()).unwrap();
        repair::settle(&repository, &options, &report).unwrap()
    }

    /// Every snapshot that should be there is, byte for byte, and what is there besides was forgotten once.
    pub fn assert_rows(&self, repository: &Repository, rows: &[ManifestRow], place: &str) {
        let live: BTreeSet<ManifestId> = rows.iter().map(|row| row.id).collect();
        for id in self.wanted.keys() {
            assert!(live.contains(id), "{place}: snapshot {id} is lost");
        }
        for id in &live {
            let files = self.wanted.get(id).or(self.forgotten.get(id)).expect("made here");
            assert_eq!(&files_of(repository, id).expect(place), files, "{place}");
        }
    }

    pub fn maintain_if_open(&self) -> Option<Result<(), MaintenanceError>> {
        let repository = Repository::open(self.blobs.clone(), &secret(), OpenOptions::default()).ok()?;
        Some(maintenance::run(&repository, &at_once(), &Progress::default(), &Stop::default()).map(drop))
    }

    /// A record that changes nothing that counts.
    pub fn put_policy(&self, round: u8) {
        let action = Action::PutPolicy { name: "test".into(), value: Some(vec![round]) };
        self.open().log().commit(|_| Ok::<_, Infallible>(vec![action.clone()])).unwrap();
    }
}
