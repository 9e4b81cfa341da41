//! Every kind of storage request spoilt in every way, once, later, and for good, under every command: the
//! command succeeds or says what is wrong, and once the storage is well again, nothing is lost.

mod repairs;

use std::collections::BTreeMap;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use corso_tests::faults::{Request, Rule, Spoil, SpoiltStore, When};
use corso_tests::plain::{Files, PlainFile, PlainSource, files_of, flat};
use corso_tests::{assert_clean, at_once, chain, init_options, noise, runtime, secret, tell, tiny_packs};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use repo_format::codec::ManifestId;
use repo_format::engine::backup;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::log::SnapshotState;
use repo_format::maintenance::{self, MaintenanceOptions};
use repo_format::repair::REPAIRED_FROM;
use repo_format::repository::{OpenOptions, Repository};
use repo_format::storage::testing::impatient;
use repo_format::storage::{Blobs, Location, Storage, StorageError, StorageOptions};
use repo_format::verify::{Level, VerifyOptions, verify};
use tokio::runtime::Runtime;

type Failure = Box<dyn Error + Send + Sync>;
type Flat = BTreeMap<String, Vec<u8>>;

/// What is done under the spoilt storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Init,
    BackUp,
    Restore,
    Forget,
    Recall,
    Maintain,
    Verify,
    RepairIndex,
    RepairPacks,
    RepairSnapshots,
    AddKey,
    DropKey,
}

const COMMANDS: [Command; 12] = [
    Command::Init,
    Command::BackUp,
    Command::Restore,
    Command::Forget,
    Command::Recall,
    Command::Maintain,
    Command::Verify,
    Command::RepairIndex,
    Command::RepairPacks,
    Command::RepairSnapshots,
    Command::AddKey,
    Command::DropKey,
];

const PLACES: [&str; 7] = ["packs/data", "packs/meta", "segments", "log", "catalog", "keys", "corso.format"];
const LISTS: [&str; 6] = ["packs", "log", "catalog", "segments", "keys", ""];

/// What every request can meet.
const ALWAYS: [Spoil; 8] = [
    Spoil::Io,
    Spoil::ReadOnly,
    Spoil::Permission,
    Spoil::TimedOut,
    Spoil::Status(403),
    Spoil::Status(429),
    Spoil::Status(500),
    Spoil::Status(503),
];
const OF_PUTS: [Spoil; 5] = [
    Spoil::NoSpace,
    Spoil::StatusAfter(500),
    Spoil::StatusAfter(503),
    Spoil::ConflictAfter,
    Spoil::PreconditionAfter,
];
const OF_GETS: [Spoil; 2] = [Spoil::Short, Spoil::WrongByte];
const OF_LISTS: [Spoil; 1] = [Spoil::Truncated];
const OF_DELETES: [Spoil; 1] = [Spoil::StatusAfter(500)];

/// All rules there are.
fn rules() -> Vec<Rule> {
    let mut rules = Vec::new();
    let kinds: [(Request, &[&'static str], &[Spoil]); 4] = [
        (Request::Put, &PLACES, &OF_PUTS),
        (Request::Get, &PLACES, &OF_GETS),
        (Request::List, &LISTS, &OF_LISTS),
        (Request::Delete, &PLACES, &OF_DELETES),
    ];
    for (request, places, special) in kinds {
        for place in places {
            for spoil in ALWAYS.iter().chain(special) {
                for when in [When::First, When::Third, When::Forever] {
                    rules.push(Rule { request, place, spoil: *spoil, when });
                }
            }
        }
    }
    rules
}

/// Whether a storage that is a little patient gets over it.
fn passes(rule: &Rule) -> bool {
    match rule.spoil {
        // Our own write, whoever the server thinks it was.
        Spoil::ConflictAfter | Spoil::PreconditionAfter => true,
        Spoil::TimedOut | Spoil::Status(429 | 500 | 503) => rule.when != When::Forever,
        // Carried out: the next attempt finds it.
        Spoil::StatusAfter(_) if rule.request == Request::Put => rule.when != When::Forever,
        Spoil::StatusAfter(_) => rule.when != When::Forever,
        _ => false,
    }
}

/// Whether what is there can look as if it were not, or not whole.
fn looks_lost(spoil: Spoil) -> bool {
    matches!(spoil, Spoil::Short | Spoil::WrongByte | Spoil::Truncated)
}

/// Whether a storage error says what a rule does.
fn says(error: &StorageError, spoil: Spoil) -> bool {
    match spoil {
        Spoil::NoSpace => matches!(error, StorageError::Full { .. }),
        Spoil::ReadOnly => matches!(error, StorageError::ReadOnly { .. }),
        Spoil::Permission | Spoil::Status(403) => {
            matches!(error, StorageError::Denied { .. } | StorageError::MayNotDelete { .. })
        }
        Spoil::Io => matches!(error, StorageError::Io { .. }),
        Spoil::TimedOut => matches!(error, StorageError::Unreachable { .. }),
        Spoil::Status(429 | 503) | Spoil::StatusAfter(503) => matches!(error, StorageError::Throttled { .. }),
        Spoil::Status(_) | Spoil::StatusAfter(_) => matches!(error, StorageError::Server { .. }),
        _ => true,
    }
}

/// What a repository had before the storage failed.
struct Before {
    runtime: Runtime,
    store: InMemory,
    files: Files,
    /// Live, with what they hold.
    live: Vec<(ManifestId, Flat)>,
    /// Forgotten, and not reclaimed.
    forgotten: (ManifestId, Flat),
}

fn blobs(runtime: &Runtime, store: impl ObjectStore) -> Blobs {
    let options = StorageOptions { retries_max: 3, ..impatient() };
    let storage = Storage::from_object_store(Arc::new(store), Location::Memory, options);
    Blobs::new(storage, runtime.handle().clone())
}

fn other_secret() -> Secret {
    Secret::key_file(&[8; 64]).expect("long enough")
}

fn open(runtime: &Runtime, store: impl ObjectStore) -> Result<Repository, Failure> {
    Ok(Repository::open(blobs(runtime, store), &secret(), OpenOptions::default())?)
}

fn change(files: &mut Files, round: u64) {
    for number in (0..9).filter(|number| round == 0 || number % 3 == round % 3) {
        let folder = files.entry(format!("folder {}", number % 2)).or_default();
        let bytes = Arc::new(noise(1 + round * 100 + number, 900 + 300 * number as usize));
        folder.insert(format!("file {number}"), PlainFile { version: round + 1, bytes });
    }
}

/// Small packs, so that there is a third of each.
fn back_up(repository: &Repository, files: &Files) -> Result<(ManifestId, SnapshotState), Failure> {
    let source = PlainSource::new(files);
    let mut options = tiny_packs("source");
    // A manifest and what it leads to are read one after the other.
    options.writer.meta_frame_size = 1;
    let report = backup(repository, &source, &options, &Progress::default(), &Stop::default())?;
    Ok((report.id.expect("no dry run"), report.state))
}

fn maintain(repository: &Repository) -> Result<(), Failure> {
    let options = MaintenanceOptions { threads: 1, ..at_once() };
    maintenance::run(repository, &options, &Progress::default(), &Stop::default())?;
    Ok(())
}

impl Before {
    fn new() -> Before {
        let (runtime, store) = (runtime(), Arc::new(InMemory::new()));
        Repository::init(blobs(&runtime, store.clone()), init_options(OpenOptions::default()))
            .expect("inits");
        let repository = open(&runtime, store.clone()).expect("opens");
        repository.add_slot(&other_secret(), "other", KdfCost::DEFAULT).expect("adds");
        let (mut files, mut made) = (Files::new(), Vec::new());
        for round in 0..6 {
            change(&mut files, round);
            let (id, _) = back_up(&repository, &files).expect("backs up");
            made.push((id, flat(&files)));
        }
        repository.forget(&[made[0].0, made[1].0]).expect("forgets");
        // Some packs are condemned, and wait.
        let waiting = MaintenanceOptions {
            grace: Duration::from_secs(3600),
            grace_unknown: Duration::from_secs(3600),
            threads: 1,
            ..at_once()
        };
        maintenance::run(&repository, &waiting, &Progress::default(), &Stop::default()).expect("maintains");
        repository.forget(&[made[2].0]).expect("forgets");
        change(&mut files, 7);
        let (forgotten, live) = (made[2].clone(), made.split_off(3));
        Before { runtime, store: store.fork(), files, live, forgotten }
    }

    fn run(&self, command: Command, store: impl ObjectStore) -> Result<(), Failure> {
        if command == Command::Init {
            Repository::init(blobs(&self.runtime, store), init_options(OpenOptions::default()))?;
            return Ok(());
        }
        let repository = open(&self.runtime, store)?;
        let (progress, stop) = (Progress::default(), Stop::default());
        match command {
            Command::Init => unreachable!("done above"),
            Command::BackUp => {
                let (_, state) = back_up(&repository, &self.files)?;
                assert_eq!(state, SnapshotState::Complete, "every file could be read");
            }
            Command::Restore => {
                for (id, expected) in &self.live {
                    let files = files_of(&repository, id)?;
                    assert!(files == *expected, "snapshot {id} reads differently");
                }
            }
            Command::Forget => drop(repository.forget(&[self.live[0].0])?),
            Command::Recall => drop(repository.recall(&[self.forgotten.0])?),
            Command::Maintain => maintain(&repository)?,
            Command::Verify => {
                let options = VerifyOptions { level: Level::Data, threads: 1, ..VerifyOptions::default() };
                let report = verify(&repository, &options, &progress, &stop)?;
                if !report.is_clean() {
                    return Err(format!("{:?}", report.findings).into());
                }
            }
            Command::RepairIndex => {
                let repair = repo_format::repair::index(&repository, false, &progress, &stop)?;
                if !repair.is_clean() {
                    return Err(format!("{repair:?}").into());
                }
            }
            Command::RepairPacks => {
                let repair = repo_format::repair::packs(&repository, false, &progress, &stop)?;
                if !repair.is_clean() {
                    return Err(format!("{repair:?}").into());
                }
            }
            Command::RepairSnapshots => {
                let repair = repo_format::repair::snapshots(&repository, false, &progress, &stop)?;
                if !repair.is_clean() {
                    return Err(format!("{repair:?}").into());
                }
            }
            Command::AddKey => {
                let secret = Secret::key_file(&[9; 64]).ok_or("no key")?;
                repository.add_slot(&secret, "third", KdfCost::DEFAULT)?;
            }
            Command::DropKey => {
                let own = repository.opened_with();
                let slots = repository.slots();
                let other = slots.iter().find(|slot| Some(slot.id) != own).ok_or("no other slot")?;
                repository.drop_slot(&other.id)?;
            }
        }
        Ok(())
    }

    /// With the storage well again: all that was there is there, and the command can be given once more.
    fn check(&self, command: Command, store: &InMemory) {
        let reopen = || open(&self.runtime, store.fork()).expect("opens afterwards");
        if command == Command::Init {
            // Begun again, or done already.
            let _ =
                Repository::init(blobs(&self.runtime, store.fork()), init_options(OpenOptions::default()));
            let store = Arc::new(store.fork());
            let _ =
                Repository::init(blobs(&self.runtime, store.clone()), init_options(OpenOptions::default()));
            let repository = open(&self.runtime, store).expect("opens afterwards");
            back_up(&repository, &self.files).expect("backs up afterwards");
            assert_clean(&repository, "afterwards");
            return;
        }
        self.assert_kept(&reopen(), command);
        let store = Arc::new(store.fork());
        let repository = open(&self.runtime, store.clone()).expect("opens afterwards");
        if command == Command::RepairPacks {
            // What was quarantined because it was read wrongly is trusted again.
            repo_format::repair::packs(&repository, false, &Progress::default(), &Stop::default()).unwrap();
        }
        assert_clean(&repository, "afterwards");
        let (id, state) = back_up(&repository, &self.files).expect("backs up afterwards");
        assert_eq!(state, SnapshotState::Complete);
        assert_eq!(files_of(&repository, &id).unwrap(), flat(&self.files));
        (0..3).for_each(|_| maintain(&repository).expect("maintains afterwards"));
        let repository = open(&self.runtime, store).expect("opens at last");
        self.assert_kept(&repository, command);
        assert_eq!(files_of(&repository, &id).unwrap(), flat(&self.files));
        assert_clean(&repository, "at last");
    }

    fn assert_kept(&self, repository: &Repository, command: Command) {
        let rows = repository.snapshots().expect("lists");
        for (place, (id, expected)) in self.live.iter().enumerate() {
            if rows.iter().any(|row| row.id == *id) {
                assert!(files_of(repository, id).expect("reads") == *expected, "{id} reads differently");
            } else {
                assert!(command == Command::Forget && place == 0, "snapshot {id} is lost");
            }
        }
    }

    /// What could not be had is neither lost nor damaged: no repair took it for that.
    fn assert_none_given_up(&self, store: &InMemory) {
        let repository = open(&self.runtime, store.fork()).expect("opens afterwards");
        let rows = repository.snapshots().expect("lists");
        let successor = rows.iter().find(|row| row.tags.contains_key(REPAIRED_FROM));
        assert!(successor.is_none(), "{successor:?} lacks what is there");
        assert!(repository.state().quarantined.is_empty(), "packs are quarantined that nobody could read");
    }

    /// Gives how many requests were spoilt.
    fn play(&self, command: Command, rule: Rule) -> u64 {
        let inner = match command {
            Command::Init => Arc::new(InMemory::new()),
            _ => Arc::new(self.store.fork()),
        };
        let spoilt = SpoiltStore::new(inner.clone(), rule);
        let result = self.run(command, spoilt.clone());
        let hits = spoilt.spoilt();
        if hits == 0 {
            result.expect("nothing went wrong");
            return 0;
        }
        match &result {
            Err(error) if passes(&rule) => panic!("it should have got over it: {}", chain(&**error)),
            Err(error) => assert!(told(&**error, rule.spoil), "it says something else: {}", chain(&**error)),
            Ok(()) => {}
        }
        if command != Command::Init && !looks_lost(rule.spoil) {
            self.assert_none_given_up(&inner);
        }
        self.check(command, &inner);
        hits
    }
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// Whether the error that reaches the caller still is what happened; one without a storage error in its causes
/// says what follows from it.
fn told(error: &(dyn Error + 'static), spoil: Spoil) -> bool {
    let storage = causes(error).find_map(|cause| cause.downcast_ref::<StorageError>());
    storage.is_none_or(|error| says(error, spoil))
}

#[test]
fn no_failure_of_the_storage_loses_anything() {
    let before = Before::new();
    let cases: Vec<(Command, Rule)> =
        COMMANDS.iter().flat_map(|command| rules().into_iter().map(|rule| (*command, rule))).collect();
    let only = std::env::var("CORSO_TEST_CASE").ok();
    let (next, played, spoilt) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let failed = parking_lot::Mutex::new(Vec::new());
    thread::scope(|scope| {
        let worker = || {
            while let Some((command, rule)) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                let name = format!("{command:?}: {rule}");
                if only.as_ref().is_some_and(|only| *only != name) {
                    continue;
                }
                match catch_unwind(AssertUnwindSafe(|| before.play(*command, *rule))) {
                    Ok(0) => {}
                    Ok(hits) => {
                        played.fetch_add(1, Ordering::SeqCst);
                        spoilt.fetch_add(hits, Ordering::SeqCst);
                    }
                    Err(_) => failed.lock().push(name),
                }
            }
        };
        // Most of the time goes into pauses before repetitions.
        (0..8 * thread::available_parallelism().map_or(2, usize::from))
            .for_each(|_| drop(scope.spawn(worker)));
    });
    let (played, spoilt) = (played.into_inner(), spoilt.into_inner());
    tell(&format!("errors: {} cases, {played} of them met, {spoilt} requests spoilt", cases.len()));
    let failed = failed.into_inner();
    assert!(failed.is_empty(), "{} failed, each again with CORSO_TEST_CASE: {failed:#?}", failed.len());
    assert!(only.is_some() || played > 1000);
}
