//! A crash at any request that changes the storage, in any order that requests under way may have
//! landed: what was promised is there, and everything goes on.
//!
//! `CORSO_TEST_CRASHES=N` plays each scenario in N variants; 21 if it is not set.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use corso_tests::journal::{Image, JournalStore};
use corso_tests::plain::{Files, PlainFile, PlainSource, files_of, flat};
use corso_tests::{
    assert_clean, at_once, backup_options, change_blob, init_options, noise, runtime, secret, setting,
    storage, tell,
};
use repo_format::codec::ManifestId;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::engine::{BackupOptions, backup};
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::maintenance;
use repo_format::repair;
use repo_format::repository::{OpenOptions, Repository, RepositoryError};
use repo_format::storage::Blobs;
use tokio::runtime::Runtime;

/// What a repository owes: snapshots, and since which event.
#[derive(Default)]
struct Promises {
    made: Vec<(usize, Promise)>,
}

enum Promise {
    /// The repository is there.
    Init,
    Snapshot(ManifestId, BTreeMap<String, Vec<u8>>),
    /// Somebody asked for it to be forgotten: it may be gone from here on.
    Forgetting(ManifestId),
}

/// One scenario: a world that writes down what it does.
struct World {
    runtime: Runtime,
    journal: JournalStore,
    files: Files,
    promises: Promises,
    variant: u64,
    /// Something is damaged, and whoever opens an image repairs it first.
    is_damaged: bool,
}

/// Calls `play` for each variant of a scenario, which gives how many images it checked.
fn variants(name: &str, play: impl Fn(u64) -> u64) {
    let count = setting("CORSO_TEST_CRASHES", 21);
    let images: u64 = (0..count).map(play).sum();
    tell(&format!("crashes: {name}: {images} images in {count} variants"));
    assert!(images >= count);
}

/// Small packs make many requests; each variant has other ones.
fn small_packs(variant: u64) -> BackupOptions {
    let mut options = backup_options("source".as_ref());
    options.writer.data_pack_size = (20 << 10) + 7000 * (variant % 12) as usize;
    options.writer.data_frame_size = 10 << 10;
    options.writer.meta_pack_size = 8 << 10;
    options.writer.meta_frame_size = 4 << 10;
    // More puts under way are more orders in which they may land.
    options.writer.puts_at_once = 4;
    options.threads = 1;
    options
}

impl World {
    fn new(variant: u64) -> World {
        let (runtime, journal) = (runtime(), JournalStore::default());
        let (files, promises) = (Files::new(), Promises::default());
        World { runtime, journal, files, promises, variant, is_damaged: false }
    }

    /// A world with a repository and some snapshots, whose making is not under test.
    fn with_snapshots(variant: u64, count: u64) -> World {
        let mut world = World::new(variant);
        world.init();
        for round in 0..count {
            world.change(round);
            world.back_up(&small_packs(variant));
        }
        world
    }

    fn blobs(&self) -> Blobs {
        Blobs::new(storage(self.journal.clone()), self.runtime.handle().clone())
    }

    fn open(&self) -> Repository {
        Repository::open(self.blobs(), &secret(), OpenOptions::default()).expect("opens")
    }

    fn promise(&mut self, promise: Promise) {
        self.promises.made.push((self.journal.now(), promise));
    }

    fn init(&mut self) {
        Repository::init(self.blobs(), init_options(OpenOptions::default())).expect("inits");
        self.promise(Promise::Init);
    }

    fn change(&mut self, round: u64) {
        change(&mut self.files, self.variant, round);
    }

    fn back_up(&mut self, options: &BackupOptions) -> ManifestId {
        let repository = self.open();
        let source = PlainSource::new(&self.files);
        let report = backup(&repository, &source, options, &Progress::default(), &Stop::default()).unwrap();
        let id = report.id.expect("a snapshot");
        self.promise(Promise::Snapshot(id, flat(&self.files)));
        id
    }

    fn forget(&mut self, ids: &[ManifestId]) {
        ids.iter().for_each(|id| self.promise(Promise::Forgetting(*id)));
        self.open().forget(ids).expect("forgets");
    }

    fn maintain(&self) {
        let repository = self.open();
        maintenance::run(&repository, &at_once(), &Progress::default(), &Stop::default()).expect("maintains");
    }

    /// Makes lost segments again, keeps away from damaged packs, and stores anew what the source has of them.
    fn repair(&self, repository: &Repository) -> Result<ManifestId, Box<dyn std::error::Error>> {
        let (progress, stop) = (Progress::default(), Stop::default());
        repair::index(repository, false, &progress, &stop)?;
        repair::packs(repository, false, &progress, &stop)?;
        let source = PlainSource::new(&self.files);
        let report = backup(repository, &source, &small_packs(self.variant), &progress, &stop)?;
        Ok(report.id.ok_or("no snapshot")?)
    }

    /// Checks the images from event `from` on; gives how many there were.
    fn crash(&self, name: &str, from: usize) -> u64 {
        let mut images = 0;
        self.journal.images(from, |image| {
            images += 1;
            self.check(name, image);
        });
        images
    }

    fn check(&self, name: &str, image: Image) {
        let Image { events, store, what } = image;
        let place = format!("{name}: {what}");
        let blobs = Blobs::new(storage(store), self.runtime.handle().clone());
        let owed = |promise: fn(&Promise) -> bool| {
            self.promises.made.iter().any(|(since, made)| *since <= events && promise(made))
        };
        let repository = match Repository::open(blobs.clone(), &secret(), OpenOptions::default()) {
            Ok(repository) => repository,
            Err(RepositoryError::NotThere { .. } | RepositoryError::SlotsLost { .. })
                if !owed(|made| matches!(made, Promise::Init)) =>
            {
                // An init that ended before it began is begun again.
                Repository::init(blobs.clone(), init_options(OpenOptions::default()))
                    .expect(&place)
                    .repository
            }
            Err(error) => panic!("{place}: {error:?}"),
        };
        if self.is_damaged {
            self.repair(&repository).unwrap_or_else(|error| panic!("{place}: {error:?}"));
        }
        self.assert_kept(&repository, events, &place);
        if !self.is_damaged {
            assert_clean(&repository, &place);
        }

        let mut files = self.files.clone();
        change(&mut files, self.variant, 99);
        let source = PlainSource::new(&files);
        let options = small_packs(self.variant);
        let report = backup(&repository, &source, &options, &Progress::default(), &Stop::default());
        let id = report.unwrap_or_else(|error| panic!("{place}: {error:?}")).id.expect("a snapshot");
        assert_eq!(files_of(&repository, &id).unwrap(), flat(&files), "{place}");

        for _ in 0..2 {
            maintenance::run(&repository, &at_once(), &Progress::default(), &Stop::default())
                .unwrap_or_else(|error| panic!("{place}: {error:?}"));
        }
        let again =
            maintenance::run(&repository, &at_once(), &Progress::default(), &Stop::default()).unwrap();
        let left = again.space.unneeded_bytes + again.space.unknown_bytes + again.space.doomed_bytes;
        assert_eq!(left, 0, "{place}: {again:?}");
        // Whoever opens it anew finds all that was promised, and nothing in the way.
        let repository = Repository::open(blobs, &secret(), OpenOptions::default()).expect(&place);
        self.assert_kept(&repository, events, &place);
        assert_eq!(files_of(&repository, &id).unwrap(), flat(&files), "{place}");
        assert_clean(&repository, &place);
    }

    /// Every snapshot that was promised before `events` is whole, unless somebody wanted it gone.
    fn assert_kept(&self, repository: &Repository, events: usize, place: &str) {
        let live: Vec<ManifestId> = repository.snapshots().unwrap().iter().map(|row| row.id).collect();
        let may_be_gone = |id: &ManifestId| {
            self.promises.made.iter().any(|(since, made)| {
                *since <= events && matches!(made, Promise::Forgetting(forgotten) if forgotten == id)
            })
        };
        for (since, promise) in &self.promises.made {
            if let Promise::Snapshot(id, files) = promise {
                if live.contains(id) {
                    assert_eq!(&files_of(repository, id).expect(place), files, "{place}");
                } else {
                    assert!(*since > events || may_be_gone(id), "{place}: snapshot {id} is lost");
                }
            }
        }
    }
}

fn change(files: &mut Files, variant: u64, round: u64) {
    for number in (0..40).filter(|number| round == 0 || (number + round).is_multiple_of(3)) {
        let folder = files.entry(format!("folder {}", number % 3)).or_default();
        let bytes =
            Arc::new(noise(1 + variant * 100_000 + round * 1000 + number, 4_000 + 700 * number as usize));
        folder.insert(format!("file {number}"), PlainFile { version: round + 1, bytes });
    }
}

#[test]
fn init() {
    variants("init", |variant| {
        let mut world = World::new(variant);
        world.init();
        world.crash("init", 0)
    });
}

#[test]
fn first_backup_with_checkpoints() {
    variants("backup", |variant| {
        let mut world = World::new(variant);
        world.init();
        let from = world.journal.now();
        world.change(0);
        let checkpoint_interval = Duration::from_millis(1);
        world.back_up(&BackupOptions { checkpoint_interval, ..small_packs(variant) });
        world.crash("backup", from)
    });
}

#[test]
fn a_backup_that_goes_on_from_a_checkpoint() {
    variants("resume", |variant| {
        let mut world = World::with_snapshots(variant, 1);
        world.change(1);
        // The first run is stopped in its middle, and leaves a checkpoint.
        let (stop, opened) = (Stop::default(), AtomicU64::new(0));
        let stopping = stop.clone();
        let source = PlainSource::with_hook(&world.files, move |_| {
            if opened.fetch_add(1, Ordering::SeqCst) == 2 + variant % 8 {
                stopping.request();
            }
        });
        let from = world.journal.now();
        let options = small_packs(variant);
        let report = backup(&world.open(), &source, &options, &Progress::default(), &stop).unwrap();
        assert!(report.interrupted);
        world.back_up(&options);
        world.crash("resume", from)
    });
}

#[test]
fn forget_and_maintenance() {
    variants("forget and maintenance", |variant| {
        let mut world = World::with_snapshots(variant, 6);
        let ids: Vec<ManifestId> = world.open().snapshots().unwrap().iter().map(|row| row.id).collect();
        let from = world.journal.now();
        world.forget(&ids[1..5]);
        world.maintain();
        world.crash("forget and maintenance", from)
    });
}

#[test]
fn a_change_of_keys() {
    variants("keys", |variant| {
        let world = World::with_snapshots(variant, 1);
        let from = world.journal.now();
        let repository = world.open();
        let other = Secret::key_file(&[8; 64]).unwrap();
        let added = repository.add_slot(&other, "other", KdfCost::DEFAULT).expect("adds");
        let old = repository.opened_with().expect("a slot");
        let mut images = world.crash("key added", from);
        // From here on the old key may open nothing.
        let before_drop = world.journal.now();
        repository.drop_slot(&old).expect("drops");
        world.journal.images(before_drop, |image| {
            images += 1;
            let blobs = Blobs::new(storage(image.store), world.runtime.handle().clone());
            let repository =
                Repository::open(blobs, &other, OpenOptions::default()).expect("the new key opens");
            world.assert_kept(&repository, image.events, "key dropped");
            assert_clean(&repository, "key dropped");
            assert!(repository.state().slots.contains_key(&added));
        });
        images
    });
}

#[test]
fn a_repair() {
    variants("repair", |variant| {
        let mut world = World::with_snapshots(variant, 1);
        let blobs = world.blobs();
        let pick = |prefix: &str| {
            let all = blobs.list(prefix).unwrap();
            all[variant as usize % all.len()].name.clone()
        };
        blobs.delete(&pick("segments/")).unwrap();
        // What a damaged metadata pack alone had of a snapshot's manifest, no source has.
        let pack = pick("packs/data/");
        change_blob(&blobs, &pack, |bytes| {
            let place = (variant as usize * 977) % bytes.len();
            bytes[place] ^= 1;
        });
        world.is_damaged = true;
        let from = world.journal.now();
        let id = world.repair(&world.open()).expect("repairs");
        world.promise(Promise::Snapshot(id, flat(&world.files)));
        world.crash("repair", from)
    });
}
