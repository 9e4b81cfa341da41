//! Blobs that are locked for a time: none is written without a lock, what is needed stays locked, and what is not
//! waits until it is locked no longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use corso_tests::plain::{Files, PlainFile, PlainSource, files_of, flat};
use corso_tests::{assert_clean, at_once, init_options, noise, open, runtime, tiny_packs};
use repo_format::codec::ManifestId;
use repo_format::engine::backup;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::maintenance::{MaintenanceOptions, MaintenanceReport, run};
use repo_format::repository::{OpenOptions, Repository, RepositoryError};
use repo_format::storage::testing::LockingStore;
use repo_format::storage::{Blobs, Retention, RetentionMode, Storage};
use repo_format::verify::{FindingKind, Level, VerifyOptions, VerifyReport, verify};

const DAY_NS: i64 = 86_400_000_000_000;
const RETENTION: Retention = Retention { mode: RetentionMode::Governance, seconds: 100 * 86_400 };

fn back_up(repository: &Repository, round: u64) -> (ManifestId, Files) {
    let mut files = Files::new();
    for number in 0..6 {
        let bytes = Arc::new(noise(round * 10 + number, 9_000));
        files
            .entry("folder".into())
            .or_default()
            .insert(format!("{number}"), PlainFile { version: round, bytes });
    }
    let (source, options) = (PlainSource::new(&files), tiny_packs("source"));
    let report =
        backup(repository, &source, &options, &Progress::default(), &Stop::default()).expect("backs up");
    (report.id.expect("stored"), files)
}

fn maintain(repository: &Repository) -> MaintenanceReport {
    // Packs are tiny here, and stay so: what goes is what was forgotten.
    let options = MaintenanceOptions { small_pack: 0, ..at_once() };
    run(repository, &options, &Progress::default(), &Stop::default()).expect("maintains")
}

fn check(repository: &Repository, days: u64) -> VerifyReport {
    let retention = Some(Retention { seconds: days * 86_400, ..RETENTION });
    let options = VerifyOptions { level: Level::Log, retention, threads: 2, ..VerifyOptions::default() };
    verify(repository, &options, &Progress::default(), &Stop::default()).expect("verifies")
}

fn unlocked(report: &VerifyReport) -> usize {
    report.findings.iter().filter(|finding| finding.kind == FindingKind::Unlocked).count()
}

fn names(blobs: &Blobs) -> Vec<String> {
    let listed = blobs.list("").expect("lists");
    listed.iter().map(|blob| blob.name.to_string()).filter(|name| !name.starts_with("probe/")).collect()
}

#[test]
fn locked_garbage_waits_and_what_is_needed_stays_locked() {
    static NOW: AtomicI64 = AtomicI64::new(1_700_000_000_000_000_000);
    let clock: fn() -> i64 = || NOW.load(Ordering::Relaxed);
    let store = LockingStore::new(clock);
    let (runtime, storage) = (runtime(), Storage::lockable(store.clone()));
    let blobs = Blobs::new(storage.clone(), runtime.handle().clone());
    let options = OpenOptions { clock: Some(clock), ..OpenOptions::default() };
    let init =
        repo_format::repository::InitOptions { retention: Some(RETENTION), ..init_options(options.clone()) };
    let repository = Repository::init(blobs.clone(), init).expect("inits").repository;
    let states: Vec<(ManifestId, Files)> = (0..4).map(|round| back_up(&repository, round)).collect();
    let begun = names(&blobs);
    for name in &begun {
        let there = blobs.protection(&name.parse().unwrap()).unwrap().expect("it was listed");
        assert_eq!(there.retention, Some(RETENTION.from(clock())), "{name}");
    }
    let gone: Vec<ManifestId> = states[..3].iter().map(|(id, _)| *id).collect();
    repository.forget(&gone).unwrap();

    let report = maintain(&repository);
    assert!(report.doomed > 0 && report.locked.blobs >= report.doomed, "{report:?}");
    assert_eq!((report.deleted, report.trimmed.records), (0, 0), "{report:?}");
    assert_eq!(report.locked.next_ns, Some(RETENTION.from(clock()).until_ns));
    assert!(begun.iter().all(|name| names(&blobs).contains(name)));
    assert_eq!(report.extended.unwrap().blobs, 0, "not due yet");

    // Half of the time is over: what is needed is locked for longer, and what is not is left to run out.
    NOW.fetch_add(51 * DAY_NS, Ordering::Relaxed);
    let report = maintain(&repository);
    let extended = report.extended.unwrap();
    assert_eq!(
        (extended.failed, extended.until_ns),
        (0, Some(RETENTION.from(clock()).until_ns)),
        "{extended:?}"
    );
    assert!(report.locked.blobs > 0 && report.deleted == 0, "{:?}", report.locked);
    assert!(check(&repository, 99).is_clean());

    NOW.fetch_add(50 * DAY_NS, Ordering::Relaxed);
    let before = repository.state().doomed.len();
    let report = maintain(&repository);
    assert!(report.deleted >= before as u64 && before > 0, "{report:?}");
    assert!(report.deleted_bytes > 3 * 6 * 9_000);
    assert_eq!(store.refused(), 0, "no deletion was tried that had to be refused");
    assert!(check(&repository, 49).is_clean());

    let (last, files) = &states[3];
    let repository = open(&runtime, storage, options);
    assert_eq!(files_of(&repository, last).unwrap(), flat(files));
    assert_clean(&repository, "afterwards");
}

#[test]
fn an_extension_that_failed_is_begun_anew() {
    static NOW: AtomicI64 = AtomicI64::new(1_700_000_000_000_000_000);
    let clock: fn() -> i64 = || NOW.load(Ordering::Relaxed);
    let store = LockingStore::new(clock);
    let (runtime, storage) = (runtime(), Storage::lockable(store.clone()));
    let blobs = Blobs::new(storage.clone(), runtime.handle().clone());
    let options = OpenOptions { clock: Some(clock), ..OpenOptions::default() };
    let repository = Repository::init(blobs.clone(), init_options(options)).expect("inits").repository;
    back_up(&repository, 1);
    // Nothing is locked, and a retention that comes later locks it.
    repository.set_retention(Some(RETENTION)).unwrap();
    assert!(unlocked(&check(&repository, 50)) > 3);
    store.fail_to_extend(Some("packs/data/"));
    let failed = maintain(&repository).extended.unwrap();
    assert!(failed.failed > 0 && failed.until_ns.is_none(), "{failed:?}");
    assert!(failed.why.unwrap().contains("denies"));
    let left = unlocked(&check(&repository, 50));
    // The packs, and the witnesses: the format blob and one slot.
    assert_eq!(left as u64, failed.failed + 2);

    store.fail_to_extend(None);
    let done = maintain(&repository).extended.unwrap();
    assert_eq!((done.failed, done.until_ns), (0, Some(RETENTION.from(clock()).until_ns)));
    assert!(check(&repository, 100).is_clean());
    assert_eq!(maintain(&repository).extended.unwrap().blobs, 0);
    // What is there stays in its mode, and is locked longer all the same.
    repository.set_retention(Some(Retention { mode: RetentionMode::Compliance, ..RETENTION })).unwrap();
    NOW.fetch_add(60 * DAY_NS, Ordering::Relaxed);
    let weaker = maintain(&repository).extended.unwrap();
    assert!(weaker.weaker > 0 && weaker.weaker <= weaker.blobs && weaker.failed == 0, "{weaker:?}");
    assert_eq!(weaker.until_ns, Some(RETENTION.from(clock()).until_ns));
    let done = weaker;
    // Nothing is locked for less because less is asked from now on.
    repository.set_retention(Some(Retention { seconds: 86_400, ..RETENTION })).unwrap();
    assert_eq!(maintain(&repository).extended.unwrap().until_ns, done.until_ns);
    assert!(check(&repository, 99).findings.iter().all(|finding| finding.blob.as_ref().is_some_and(
        |name| {
            // What was written since.
            ["log/", "catalog/", "segments/", "packs/meta/"]
                .iter()
                .any(|prefix| name.as_str().starts_with(prefix))
        }
    )));
}

#[test]
fn where_there_are_no_locks_none_are_promised() {
    let runtime = runtime();
    let blobs = Blobs::new(Storage::memory(), runtime.handle().clone());
    let init = repo_format::repository::InitOptions {
        retention: Some(RETENTION),
        ..init_options(OpenOptions::default())
    };
    assert!(matches!(Repository::init(blobs.clone(), init), Err(RepositoryError::NoLocks { .. })));
    assert!(names(&blobs).is_empty());
    let repository = Repository::init(blobs, init_options(OpenOptions::default())).expect("inits").repository;
    assert!(matches!(repository.set_retention(Some(RETENTION)), Err(RepositoryError::NoLocks { .. })));
    back_up(&repository, 1);
    assert!(unlocked(&check(&repository, 1)) > 3);
    assert_eq!(maintain(&repository).extended, None);
}
