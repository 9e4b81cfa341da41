//! A repository that lives beside a plain model of what it owes.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use repo_format::codec::ManifestId;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::engine::{BackupOptions, backup};
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::log::{ManifestRow, SnapshotState};
use repo_format::maintenance::{self, MaintenanceOptions, MaintenanceReport};
use repo_format::policy::{Policy, decide};
use repo_format::repair;
use repo_format::repository::{OpenOptions, Repository, RepositoryError};
use repo_format::storage::testing::Random;
use repo_format::storage::{Blobs, StorageOptions};
use tokio::runtime::Runtime;

use crate::faults::{Request, Rule, Spoil, SpoiltStore, When};
use crate::plain::{Files, PlainSource, files_of, flat};
use crate::{assert_clean, at_once, backup_options, init, runtime, secret, storage_with};

/// Nanoseconds since 1970 UTC, as all histories of a test believe: nothing may depend on it, so none needs a
/// clock of its own.
static CLOCK_NS: AtomicI64 = AtomicI64::new(1_800_000_000_000_000_000);

fn clock() -> i64 {
    CLOCK_NS.fetch_add(1_000_000, Ordering::Relaxed)
}

/// Moves the clock of all histories.
pub fn jump(by_ns: i64) {
    CLOCK_NS.fetch_add(by_ns, Ordering::Relaxed);
}

/// Paths and bytes.
pub type Flat = Arc<BTreeMap<String, Vec<u8>>>;

/// What a snapshot owes.
#[derive(Debug, Clone)]
pub enum Owed {
    /// All of it.
    Whole(Flat),
    /// Some of it: the rest was damaged, and a repair said so.
    Part(Flat),
}

/// The number of a source, and the files that a snapshot of it holds.
pub type Held = (usize, BTreeMap<String, Vec<u8>>);

/// Why something did not work.
pub type Failure = Box<dyn Error + Send + Sync>;

/// A repository in memory, its sources, and what it owes of them.
pub struct Living {
    runtime: Runtime,
    store: Arc<InMemory>,
    secret: Secret,
    keys: u8,
    /// How backups run; small packs make many.
    options: BackupOptions,
    pub sources: Vec<(String, Files)>,
    pub live: BTreeMap<ManifestId, Owed>,
    pub forgotten: BTreeMap<ManifestId, Owed>,
    /// Something is damaged, and no repair has looked at it.
    pub is_hurt: bool,
}

fn progress() -> (Progress, Stop) {
    (Progress::default(), Stop::default())
}

impl Living {
    /// A new repository for sources of these names, with packs of about `pack_size` bytes.
    pub fn new(names: &[&str], pack_size: usize) -> Living {
        let (runtime, store) = (runtime(), Arc::new(InMemory::new()));
        let mut options = backup_options("source".as_ref());
        options.writer.data_pack_size = pack_size;
        options.writer.data_frame_size = (pack_size / 3).min(options.writer.data_frame_size);
        options.writer.meta_pack_size = pack_size / 2;
        options.writer.meta_frame_size = (pack_size / 6).min(options.writer.meta_frame_size);
        options.threads = 1;
        let living = Living {
            runtime,
            store,
            secret: secret(),
            keys: 7,
            options,
            sources: names.iter().map(|name| ((*name).to_owned(), Files::new())).collect(),
            live: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            is_hurt: false,
        };
        init(
            &living.runtime,
            storage_with(living.store.clone(), StorageOptions::default()),
            living.open_options(),
        );
        living
    }

    fn open_options(&self) -> OpenOptions {
        OpenOptions { clock: Some(clock), ..OpenOptions::default() }
    }

    fn blobs(&self, store: impl ObjectStore, retries_max: u32) -> Blobs {
        let options = StorageOptions { retries_max, ..StorageOptions::default() };
        Blobs::new(storage_with(store, options), self.runtime.handle().clone())
    }

    /// Opens it anew.
    ///
    /// # Errors
    /// Whatever keeps it from being opened.
    pub fn open(&self) -> Result<Repository, Failure> {
        let blobs = self.blobs(self.store.clone(), 3);
        Ok(Repository::open(blobs, &self.secret, self.open_options())?)
    }

    /// Opens it through a storage that takes so many changes and then fails for good: a process that dies.
    fn open_dying(&self, changes: u64) -> Result<Repository, Failure> {
        let rule = Rule { request: Request::Change, place: "", spoil: Spoil::Io, when: When::After(changes) };
        let blobs = self.blobs(SpoiltStore::new(self.store.clone(), rule), 0);
        Ok(Repository::open(blobs, &self.secret, self.open_options())?)
    }

    fn back_up_into(&self, repository: &Repository, source: usize) -> Result<(ManifestId, bool), Failure> {
        let (name, files) = &self.sources[source];
        let mut options = self.options.clone();
        options.source.paths = vec![name.clone().into_bytes()];
        let (progress, stop) = progress();
        let report = backup(repository, &PlainSource::new(files), &options, &progress, &stop)?;
        Ok((report.id.expect("no dry run"), report.state == SnapshotState::Complete))
    }

    /// Backs a source up.
    ///
    /// # Errors
    /// What keeps the backup from being whole.
    pub fn back_up(&mut self, source: usize) -> Result<ManifestId, Failure> {
        let (id, is_complete) = self.back_up_into(&self.open()?, source)?;
        if !is_complete {
            return Err("the snapshot is partial".into());
        }
        self.live.insert(id, Owed::Whole(Arc::new(flat(&self.sources[source].1))));
        Ok(id)
    }

    /// A backup whose process dies after so many changes of the storage.
    pub fn back_up_and_die(&mut self, source: usize, changes: u64) {
        let done = self.open_dying(changes).and_then(|repository| self.back_up_into(&repository, source));
        // It may have been done before it could die.
        if let Ok((id, true)) = done {
            self.live.insert(id, Owed::Whole(Arc::new(flat(&self.sources[source].1))));
        }
    }

    /// Forgets snapshots.
    ///
    /// # Errors
    /// If they are not all there.
    pub fn forget(&mut self, ids: &[ManifestId]) -> Result<(), Failure> {
        self.open()?.forget(ids)?;
        for id in ids {
            self.forgotten.extend(self.live.remove(id).map(|owed| (*id, owed)));
        }
        Ok(())
    }

    /// Forgets what a policy does not keep, source by source; gives how many that were.
    ///
    /// # Errors
    /// If the log cannot be read or written.
    pub fn retain(&mut self, policy: &Policy) -> Result<usize, Failure> {
        let rows = self.open()?.snapshots()?;
        let mut going = Vec::new();
        for (name, _) in &self.sources {
            let is_of = |row: &&ManifestRow| row.source.paths == [name.as_bytes()];
            let of_source: Vec<ManifestRow> = rows.iter().filter(is_of).cloned().collect();
            let verdicts = decide(policy, &of_source);
            going.extend(verdicts.into_iter().filter(|verdict| !verdict.stays()).map(|verdict| verdict.id));
        }
        if !going.is_empty() {
            self.forget(&going)?;
        }
        Ok(going.len())
    }

    /// Brings a snapshot back, unless maintenance was faster.
    ///
    /// # Errors
    /// Any other reason why it does not come back.
    pub fn recall(&mut self, id: &ManifestId) -> Result<(), Failure> {
        match self.open()?.recall(&[*id]) {
            Ok(_) => self.live.extend(self.forgotten.remove(id).map(|owed| (*id, owed))),
            // Its row may have left the log with what it needed.
            Err(RepositoryError::Reclaimed { .. } | RepositoryError::UnknownSnapshot { .. }) => {
                self.forgotten.remove(id);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Maintains it.
    ///
    /// # Errors
    /// What keeps maintenance from its end.
    pub fn maintain(&self, options: &MaintenanceOptions) -> Result<MaintenanceReport, Failure> {
        let (progress, stop) = progress();
        Ok(maintenance::run(&self.open()?, options, &progress, &stop)?)
    }

    /// Maintenance whose process dies after so many changes of the storage.
    pub fn maintain_and_die(&self, changes: u64) {
        let (progress, stop) = progress();
        let options = MaintenanceOptions { threads: 1, ..at_once() };
        if let Ok(repository) = self.open_dying(changes) {
            let _ = maintenance::run(&repository, &options, &progress, &stop);
        }
    }

    /// Another key opens it from now on, and the old one no more.
    ///
    /// # Errors
    /// What keeps the key from being changed.
    pub fn change_key(&mut self) -> Result<(), Failure> {
        self.keys = self.keys.wrapping_add(1).max(1);
        let next = Secret::key_file(&[self.keys; 64]).ok_or("no key")?;
        let repository = self.open()?;
        let old = repository.opened_with().ok_or("opened by no slot")?;
        repository.add_slot(&next, "next", KdfCost::DEFAULT)?;
        repository.drop_slot(&old)?;
        let before = std::mem::replace(&mut self.secret, next);
        let blobs = self.blobs(self.store.clone(), 3);
        match Repository::open(blobs, &before, self.open_options()) {
            Err(RepositoryError::WrongSecret { .. }) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Err("the old key still opens it".into()),
        }
    }

    /// Damages a pack or segment: a byte, its end, or all of it.
    pub fn damage(&mut self, random: &mut Random) -> String {
        self.is_hurt = true;
        let blobs = self.blobs(self.store.clone(), 3);
        let prefix = ["packs/data/", "packs/meta/", "segments/"][random.below(3) as usize];
        let all = blobs.list(prefix).expect("memory lists");
        let Some(blob) = all.get(random.below(all.len() as u64) as usize) else { return "nothing".into() };
        let mut bytes = blobs.get(&blob.name).expect("memory gives").to_vec();
        let path = object_store::path::Path::from(blob.name.as_str());
        let put =
            |bytes: Vec<u8>| futures::executor::block_on(self.store.put(&path, Bytes::from(bytes).into()));
        let place = random.below(bytes.len() as u64) as usize;
        let what = match random.below(3) {
            0 => {
                bytes[place] ^= 1 << random.below(8);
                put(bytes).expect("memory takes it");
                format!("byte {place} of")
            }
            1 => {
                bytes.truncate(place);
                put(bytes).expect("memory takes it");
                format!("cut at {place}:")
            }
            _ => {
                blobs.delete(&blob.name).expect("memory deletes");
                "gone:".into()
            }
        };
        format!("{what} {}", blob.name)
    }

    /// Repairs in the order that loses least: the index, then packs, then what sources still have, then
    /// successors for snapshots that are not whole.
    ///
    /// # Errors
    /// What keeps it from being whole again.
    pub fn repair(&mut self) -> Result<(), Failure> {
        let (progress, stop) = progress();
        repair::index(&self.open()?, false, &progress, &stop)?;
        repair::packs(&self.open()?, false, &progress, &stop)?;
        for source in 0..self.sources.len() {
            self.back_up(source)?;
        }
        let done = repair::snapshots(&self.open()?, false, &progress, &stop)?;
        let mut replaced: Vec<ManifestId> = done.unreadable.iter().map(|(id, _)| *id).collect();
        for repaired in done.repaired {
            replaced.push(repaired.snapshot);
            let successor = repaired.successor.ok_or("a repaired snapshot has no successor")?;
            if let Some(Owed::Whole(files) | Owed::Part(files)) = self.live.get(&repaired.snapshot) {
                self.live.insert(successor, Owed::Part(files.clone()));
            }
        }
        if !self.is_hurt && !replaced.is_empty() {
            return Err(format!("nothing was damaged, and {replaced:?} needed repair").into());
        }
        if !replaced.is_empty() {
            self.open()?.forget(&replaced)?;
            replaced.iter().for_each(|id| drop(self.live.remove(id)));
        }
        self.is_hurt = false;
        // What forgotten ones need may be gone.
        self.forgotten.clear();
        // Damaged blobs that nobody needs leave.
        for _ in 0..2 {
            self.maintain(&MaintenanceOptions { threads: 1, ..at_once() })?;
        }
        Ok(())
    }

    /// Everything owed is there, and nothing is damaged.
    ///
    /// # Errors
    /// What cannot be read.
    ///
    /// # Panics
    /// If something is there and is not what is owed.
    pub fn check(&self) -> Result<(), Failure> {
        let repository = self.open()?;
        let rows = repository.snapshots()?;
        for (id, owed) in &self.live {
            assert!(rows.iter().any(|row| row.id == *id), "snapshot {id} is lost");
            let files = files_of(&repository, id)?;
            match owed {
                Owed::Whole(owed) => assert!(files == **owed, "snapshot {id} reads differently"),
                Owed::Part(owed) => {
                    let is_same = |(path, bytes): (&String, &Vec<u8>)| owed.get(path) == Some(bytes);
                    assert!(files.iter().all(is_same), "snapshot {id} has what it never had");
                }
            }
        }
        assert_clean(&repository, "a living repository");
        Ok(())
    }

    /// What live snapshots hold, oldest first, with their sources.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn contents(&self) -> Result<Vec<Held>, Failure> {
        let repository = self.open()?;
        let mut rows = repository.snapshots()?;
        rows.sort_by_key(|row| row.revision);
        let source_of = |row: &ManifestRow| {
            self.sources.iter().position(|(name, _)| row.source.paths == [name.as_bytes()])
        };
        let held = rows.iter().map(|row| {
            Ok((source_of(row).ok_or("a snapshot of no source")?, files_of(&repository, &row.id)?))
        });
        held.collect()
    }

    /// Bytes of packs.
    pub fn pack_bytes(&self) -> u64 {
        let packs = self.blobs(self.store.clone(), 3).list("packs/").expect("memory lists");
        packs.iter().map(|blob| blob.size).sum()
    }
}
