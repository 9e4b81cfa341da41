//! What the processes of a world do, and what they promise each other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use parking_lot::Mutex;
use repo_format::codec::ManifestId;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::engine::{BackupError, BackupOptions, backup};
use repo_format::log::SnapshotState;
use repo_format::maintenance::{self, MaintenanceError, MaintenanceOptions};
use repo_format::repository::{OpenOptions, Repository, RepositoryError};
use repo_format::storage::testing::{Random, impatient};
use repo_format::storage::{Blobs, Location, Storage, StorageOptions};
use tokio::runtime::Runtime;

use super::{Hazards, ProcessStore, Simulation, alone};
use crate::plain::{Files, PlainFile, PlainSource, files_of, flat};
use crate::{assert_clean, at_once, chain, init, noise, runtime, secret, storage, tiny_packs};

/// All files of a snapshot by their paths.
pub(super) type Flat = Arc<BTreeMap<String, Vec<u8>>>;

/// What happened to a snapshot that somebody knows of.
pub(super) enum Promise {
    /// It was made, or brought back: from here on it must be there.
    Owed(ManifestId),
    /// Somebody wants it gone: from here on it may be.
    LetGo(ManifestId),
}

/// What was promised, and at which step.
#[derive(Default)]
pub(super) struct Promises {
    pub(super) contents: BTreeMap<ManifestId, Flat>,
    made: Vec<(u64, Promise)>,
}

impl Promises {
    fn is_owed(&self, id: &ManifestId, step: u64) -> bool {
        let last = self.made.iter().rev().find(|(since, promise)| {
            let (Promise::Owed(of) | Promise::LetGo(of)) = promise;
            *since <= step && of == id
        });
        matches!(last, Some((_, Promise::Owed(_))))
    }

    /// Whether somebody wanted it gone at any time.
    pub(super) fn was_let_go(&self, id: &ManifestId) -> bool {
        self.made.iter().any(|(_, made)| matches!(made, Promise::LetGo(gone) if gone == id))
    }
}

/// What all worlds begin with: a repository, and two sources with two snapshots each.
pub struct Beginning {
    pub(super) runtime: Arc<Runtime>,
    pub store: InMemory,
    sources: Vec<Source>,
}

/// A source's name, its files, and the snapshots that were made of it.
type Source = (String, Files, Vec<(ManifestId, Flat)>);

/// One world under one seed.
pub struct World<'b> {
    pub(super) beginning: &'b Beginning,
    simulation: Simulation,
    pub(super) promises: Mutex<Promises>,
}

pub(super) fn blobs(runtime: &Runtime, store: impl ObjectStore) -> Blobs {
    // Nobody knows how long others take their turns, and a nap of a year is no outage.
    let (request_timeout, retry_deadline) = (Duration::from_secs(3600), Duration::MAX);
    let options = StorageOptions { request_timeout, retry_deadline, ..impatient() };
    let storage = Storage::from_object_store(Arc::new(store), Location::Memory, options);
    Blobs::new(storage, runtime.handle().clone())
}

/// Few or some threads and puts at once, and checkpoints sooner or later.
fn options(source: &str, random: &mut Random) -> BackupOptions {
    let mut options = tiny_packs(source);
    options.threads = 1 + random.below(3) as usize;
    options.writer.puts_at_once = 1 + random.below(3) as usize;
    options.checkpoint_interval = Duration::from_millis([20, 200, 2_000, 60_000][random.below(4) as usize]);
    options
}

/// New bytes in some files, an old file gone, and now and then one of another source.
fn change(files: &mut Files, random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        let folder = files.entry(format!("folder {}", random.below(2))).or_default();
        let name = format!("file {}", random.below(6));
        match random.below(5) {
            0 => drop(folder.remove(&name)),
            // Few contents, so that sources have some in common and some come back.
            _ => {
                let bytes = noise(1 + random.below(40), 400 + 90 * random.below(40) as usize);
                folder.insert(name, PlainFile { version: random.number() >> 2, bytes: Arc::new(bytes) });
            }
        }
    }
}

fn back_up(
    repository: &Repository,
    source: &PlainSource,
    options: &BackupOptions,
    stop: &Stop,
) -> Result<(ManifestId, SnapshotState), BackupError> {
    let report = backup(repository, source, options, &Progress::default(), stop)?;
    Ok((report.id.expect("no dry run"), report.state))
}

impl Beginning {
    /// Makes it; the same each time.
    pub fn make() -> Beginning {
        alone(0, || {
            let (runtime, store) = (Arc::new(runtime()), Arc::new(InMemory::new()));
            let repository = init(&runtime, storage(store.clone()), OpenOptions::default());
            let mut random = Random(1);
            let sources = ["first", "second"].map(|name| {
                let (mut files, mut made) = (Files::new(), Vec::new());
                for _ in 0..2 {
                    (0..4).for_each(|_| change(&mut files, &mut random));
                    let source = PlainSource::new(&files);
                    let back_up = back_up(&repository, &source, &tiny_packs(name), &Stop::default());
                    made.push((back_up.expect("backs up").0, Arc::new(flat(&files))));
                }
                (name.to_owned(), files, made)
            });
            Beginning { runtime, store: store.fork(), sources: sources.into() }
        })
    }

    /// The snapshots that there are.
    pub fn snapshots(&self) -> impl Iterator<Item = ManifestId> + '_ {
        self.sources.iter().flat_map(|(_, _, made)| made.iter().map(|(id, _)| *id))
    }
}

impl<'b> World<'b> {
    /// A world in which what it begins with is owed.
    pub fn new(beginning: &'b Beginning, simulation: Simulation) -> World<'b> {
        let mut promises = Promises::default();
        for (id, flat) in beginning.sources.iter().flat_map(|(_, _, made)| made) {
            promises.contents.insert(*id, flat.clone());
            promises.made.push((0, Promise::Owed(*id)));
        }
        World { beginning, simulation, promises: Mutex::new(promises) }
    }

    /// A world beside another, in which nothing is owed yet.
    pub fn beside(&self) -> World<'b> {
        let (beginning, simulation) = (self.beginning, self.simulation.clone());
        World { beginning, simulation, promises: Mutex::default() }
    }

    pub(super) fn open(&self, store: &ProcessStore) -> Result<Repository, String> {
        // As the command does.
        let options = OpenOptions { acts_at_once: true, ..OpenOptions::default() };
        Repository::open(blobs(&self.beginning.runtime, store.clone()), &secret(), options)
            .map_err(|error| format!("open: {}", chain(&error)))
    }

    pub(super) fn promise(&self, promise: Promise) {
        let step = self.simulation.now();
        self.promises.lock().made.push((step, promise));
    }

    /// What is owed now.
    pub(super) fn owed(&self) -> Vec<(ManifestId, Flat)> {
        let promises = self.promises.lock();
        let now = self.simulation.now();
        let owed = promises.contents.iter().filter(|(id, _)| promises.is_owed(id, now));
        owed.map(|(id, flat)| (*id, flat.clone())).collect()
    }

    /// Backs a source up a few times; some runs are interrupted, and some go on with a repository that was
    /// opened long ago.
    pub fn write(&self, store: &ProcessStore, source: usize, mut random: Random) -> Result<(), String> {
        let (name, files, _) = &self.beginning.sources[source];
        let mut files = files.clone();
        let mut repository = self.open(store)?;
        for _ in 0..1 + random.below(3) {
            change(&mut files, &mut random);
            if random.below(2) == 0 {
                repository = self.open(store)?;
            }
            let (stop, opened) = (Stop::default(), AtomicU64::new(0));
            let (stopping, at) = (stop.clone(), random.below(20));
            let source = PlainSource::with_hook(&files, move |_| {
                if opened.fetch_add(1, Ordering::SeqCst) == at {
                    stopping.request();
                }
            });
            let expected = Arc::new(flat(&files));
            let (id, state) = match back_up(&repository, &source, &options(name, &mut random), &stop) {
                Ok(made) => made,
                // Maintenance was faster, each time or when it was told to stop; nothing is lost.
                Err(error) if error.is_outdated() => continue,
                Err(error) => return Err(format!("backup: {}", chain(&error))),
            };
            if state == SnapshotState::Complete {
                self.promises.lock().contents.insert(id, expected);
                self.promise(Promise::Owed(id));
            }
        }
        Ok(())
    }

    /// Forgets snapshots of a source, and brings some of them back.
    pub fn keep(&self, store: &ProcessStore, source: usize, mut random: Random) -> Result<(), String> {
        let repository = self.open(store)?;
        for (id, _) in &self.beginning.sources[source].2 {
            if random.below(3) == 0 {
                continue;
            }
            self.promise(Promise::LetGo(*id));
            repository.forget(&[*id]).map_err(|error| format!("forget: {}", chain(&error)))?;
            if random.below(3) == 0 {
                match repository.recall(&[*id]) {
                    Ok(_) => self.promise(Promise::Owed(*id)),
                    // Maintenance was faster.
                    Err(RepositoryError::Reclaimed { .. }) => {}
                    Err(error) => return Err(format!("recall: {}", chain(&error))),
                }
            }
        }
        Ok(())
    }

    /// Maintains a few times, with and without grace.
    pub fn maintain(&self, store: &ProcessStore, mut random: Random) -> Result<(), String> {
        let mut repository = self.open(store)?;
        for _ in 0..1 + random.below(3) {
            if random.below(2) == 0 {
                repository = self.open(store)?;
            }
            let grace = Duration::from_secs(3600 * random.below(2));
            let options = MaintenanceOptions {
                grace,
                grace_unknown: grace,
                threads: 1 + random.below(3) as usize,
                // Sometimes everything that is not full of what is needed.
                unused_percent: 5.0 * random.below(2) as f64,
                ..at_once()
            };
            match maintenance::run(&repository, &options, &Progress::default(), &Stop::default()) {
                // Two keep outdating each other's marks now and then.
                Ok(_) | Err(MaintenanceError::Overtaken { .. }) => {}
                Err(error) => return Err(format!("maintenance: {}", chain(&error))),
            }
        }
        Ok(())
    }

    /// Reads what there is, however long that takes.
    pub fn read(&self, store: &ProcessStore, mut random: Random) -> Result<(), String> {
        let repository = self.open(store)?;
        for _ in 0..1 + random.below(4) {
            let known = self.owed();
            if known.is_empty() {
                continue;
            }
            let (id, expected) = &known[random.below(known.len() as u64) as usize];
            let read = files_of(&repository, id);
            let let_go = self.promises.lock().was_let_go(id);
            match read {
                // Nothing excuses this.
                Ok(files) => assert!(files == **expected, "snapshot {id} reads differently"),
                Err(_) if let_go => {}
                Err(error) => return Err(format!("snapshot {id}: {}", chain(&error))),
            }
        }
        Ok(())
    }

    /// Everything that is owed at an image is in it and whole.
    pub fn check(&self, image: &InMemory, step: u64) -> Repository {
        let runtime = &self.beginning.runtime;
        let place = format!("after {step} steps");
        let repository = Repository::open(blobs(runtime, image.fork()), &secret(), OpenOptions::default())
            .unwrap_or_else(|error| panic!("{place}: {}", chain(&error)));
        let rows = repository.snapshots().expect(&place);
        let promises = self.promises.lock();
        for (id, expected) in &promises.contents {
            match rows.iter().any(|row| row.id == *id) {
                true => {
                    let files = files_of(&repository, id).expect(&place);
                    assert!(files == **expected, "{place}: snapshot {id} reads differently");
                }
                false => assert!(!promises.is_owed(id, step), "{place}: snapshot {id} is lost"),
            }
        }
        drop(promises);
        assert_clean(&repository, &place);
        repository
    }

    /// Backs all sources up as they were in the beginning.
    pub(super) fn back_up_all(&self, repository: &Repository) {
        for (name, files, _) in &self.beginning.sources {
            let source = PlainSource::new(files);
            let (id, state) = back_up(repository, &source, &tiny_packs(name), &Stop::default()).unwrap();
            assert_eq!(state, SnapshotState::Complete);
            assert_eq!(files_of(repository, &id).unwrap(), flat(files));
        }
    }

    /// Whatever happened, everything goes on, and nothing is left lying.
    pub fn go_on(&self, repository: &Repository) {
        self.back_up_all(repository);
        let options = MaintenanceOptions { threads: 1, ..at_once() };
        let run = || maintenance::run(repository, &options, &Progress::default(), &Stop::default()).unwrap();
        (0..2).for_each(|_| drop(run()));
        let left = run().space;
        assert_eq!(left.unneeded_bytes + left.unknown_bytes + left.doomed_bytes, 0, "{left:?}");
        assert_clean(repository, "in the end");
    }
}

/// The dangers of a seed: some worlds have none but sleep, so that nothing hides behind an excuse.
pub fn hazards(random: &mut Random) -> Hazards {
    let mut pick = |choices: [u64; 4]| choices[random.below(4) as usize];
    Hazards {
        lags: 0,
        kills: pick([0, 0, 15, 60]),
        transient: pick([0, 0, 10, 60]),
        full: pick([0, 0, 0, 15]),
        switches: pick([30, 100, 300, 700]),
        naps: pick([0, 100, 300, 800]),
    }
}
