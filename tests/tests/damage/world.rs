//! A small repository with blobs of every kind, and what is owed of it whatever becomes of one of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use corso_tests::damage::Blob;
use corso_tests::plain::{Files, PlainFile, PlainSource, files_of, flat};
use corso_tests::{at_once, init_options, noise, runtime, secret, tiny_packs};
use repo_format::codec::{ManifestId, SplitterSizes};
use repo_format::engine::backup;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::maintenance::{self, MaintenanceOptions};
use repo_format::repository::{InitOptions, OpenOptions, Repository};
use repo_format::storage::{BlobName, Blobs, Storage};
use repo_format::verify::{Level, VerifyOptions, VerifyReport, verify};
use tokio::runtime::Runtime;

pub type Flat = BTreeMap<String, Vec<u8>>;

/// A repository in memory, and what its snapshots hold.
pub struct World {
    _runtime: Runtime,
    pub blobs: Blobs,
    pub files: Files,
    pub wanted: BTreeMap<ManifestId, Flat>,
    pub forgotten: BTreeMap<ManifestId, Flat>,
    /// What the client that looks has seen is remembered here, if anywhere.
    pub open: OpenOptions,
}

/// The secret of the second slot.
pub fn other_secret() -> Secret {
    Secret::key_file(&[9; 64]).expect("long enough")
}

fn progress() -> (Progress, Stop) {
    (Progress::default(), Stop::default())
}

impl World {
    fn empty() -> World {
        let (runtime, storage) = (runtime(), Storage::memory());
        let blobs = Blobs::new(storage, runtime.handle().clone());
        let (wanted, forgotten) = (BTreeMap::new(), BTreeMap::new());
        World {
            _runtime: runtime,
            blobs,
            files: Files::new(),
            wanted,
            forgotten,
            open: OpenOptions::default(),
        }
    }

    /// A new repository.
    pub fn begun(options: InitOptions) -> World {
        let world = World::empty();
        Repository::init(world.blobs.clone(), options).expect("inits");
        world
    }

    /// Blobs of all kinds: two slots, records and catalogs, segments of the index and of the list of snapshots,
    /// packs of both kinds with every kind of content in them, and what a maintenance run and the forgetting of
    /// snapshots leave behind. `seed` makes its files.
    pub fn new(seed: u64) -> World {
        let splitter = SplitterSizes::around(0x1_0000).expect("allowed");
        let mut world = World::begun(InitOptions { splitter, ..init_options(OpenOptions::default()) });
        world.open().add_slot(&other_secret(), "second", KdfCost::DEFAULT).expect("adds");
        // Long enough for a list of pieces, and small once compressed.
        world.write("long", "zeros", vec![seed as u8; 300_000]);
        // More snapshots than a catalog holds itself.
        let mut many = Vec::new();
        for round in 0..66 {
            world.write("many", "counter", vec![round as u8; 20]);
            many.push(world.back_up());
        }
        world.forget(&many[4..64]);
        for _ in 0..3 {
            world.maintain(&at_once());
        }
        for round in 0..4 {
            world.change(seed, round);
            world.back_up();
        }
        world.forget(&[many[64]]);
        world.maintain(&MaintenanceOptions { records_kept: u64::MAX, ..at_once() });
        let options = VerifyOptions { keep_coverage: true, ..full() };
        let (progress, stop) = progress();
        verify(&world.open(), &options, &progress, &stop).expect("verifies");
        world.open().log().write_catalog().expect("writes");
        for round in 4..6 {
            world.change(seed, round);
            world.back_up();
        }
        world.open().log().write_catalog().expect("writes");
        world.change(seed, 6);
        world.back_up();
        world
    }

    /// Changes some of the files; what of each change stays is different each time.
    pub fn change(&mut self, seed: u64, round: u64) {
        for number in (0..5).filter(|number| round == 0 || (number + round).is_multiple_of(3)) {
            let bytes = noise(seed * 1000 + round * 10 + number, 40 + 110 * number as usize);
            self.write(&format!("folder {}", number % 2), &format!("file {number}"), bytes);
        }
    }

    pub fn write(&mut self, folder: &str, name: &str, bytes: Vec<u8>) {
        let files = self.files.entry(folder.to_owned()).or_default();
        let version = files.get(name).map_or(1, |file| file.version + 1);
        files.insert(name.to_owned(), PlainFile { version, bytes: Arc::new(bytes) });
    }

    /// The same blobs in a storage of their own, with the promises that go with them.
    pub fn copy(&self) -> World {
        let copy = World {
            files: self.files.clone(),
            wanted: self.wanted.clone(),
            forgotten: self.forgotten.clone(),
            open: self.open.clone(),
            ..World::empty()
        };
        copy.become_like(&self.image());
        copy
    }

    /// All blobs, in the order of their names.
    pub fn image(&self) -> Vec<Blob> {
        let listed = self.blobs.list("").expect("memory lists").into_iter();
        listed.map(|info| (info.name.clone(), self.blobs.get(&info.name).expect("memory gives"))).collect()
    }

    /// Puts these blobs in the place of all that is there.
    pub fn become_like(&self, image: &[Blob]) {
        for info in self.blobs.list("").expect("memory lists") {
            self.set(&info.name, None);
        }
        image.iter().for_each(|(name, bytes)| self.set(name, Some(bytes.clone())));
    }

    /// Puts other bytes in a blob's place, or none.
    pub fn set(&self, name: &BlobName, bytes: Option<Bytes>) {
        self.blobs.delete(name).expect("memory deletes");
        if let Some(bytes) = bytes {
            self.blobs.put_new(name, bytes).expect("memory takes it");
        }
    }

    pub fn open(&self) -> Repository {
        Repository::open(self.blobs.clone(), &secret(), self.open.clone()).expect("opens")
    }

    pub fn back_up_into(&self, repository: &Repository) -> ManifestId {
        let (progress, stop) = progress();
        let source = PlainSource::new(&self.files);
        backup(repository, &source, &tiny_packs("source"), &progress, &stop)
            .expect("backs up")
            .id
            .expect("no dry run")
    }

    pub fn back_up(&mut self) -> ManifestId {
        let id = self.back_up_into(&self.open());
        self.wanted.insert(id, flat(&self.files));
        id
    }

    pub fn forget(&mut self, ids: &[ManifestId]) {
        self.open().forget(ids).expect("forgets");
        for id in ids {
            self.forgotten.extend(self.wanted.remove(id).map(|files| (*id, files)));
        }
    }

    pub fn maintain(&self, options: &MaintenanceOptions) {
        let (progress, stop) = progress();
        maintenance::run(&self.open(), options, &progress, &stop).expect("maintains");
    }
}

/// Everything is decoded, and all that is hurt is named.
pub fn full() -> VerifyOptions {
    VerifyOptions { level: Level::Data, threads: 1, paths_max: usize::MAX, ..VerifyOptions::default() }
}

/// Verifies everything.
pub fn verify_all(repository: &Repository) -> VerifyReport {
    let (progress, stop) = progress();
    verify(repository, &full(), &progress, &stop).expect("lists")
}

/// What a snapshot holds.
pub fn held(repository: &Repository, id: &ManifestId) -> Flat {
    files_of(repository, id).unwrap_or_else(|error| panic!("snapshot {id}: {error:?}"))
}
