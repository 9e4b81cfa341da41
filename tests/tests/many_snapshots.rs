//! What listing and committing cost when snapshots are many.
//!
//! `CORSO_TEST_SNAPSHOTS` says how many (1,000 unless said), `CORSO_TEST_REPOSITORY` names a new folder to
//! keep the repository in, instead of memory; its key file is 64 bytes of 7.

use std::fs;
use std::time::Instant;

use corso_tests::{backup_options, init, open, runtime};
use folder::{FolderSource, SourceOptions};
use repo_format::engine::backup;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::repository::OpenOptions;
use repo_format::storage::{Location, Storage, StorageOptions};

/// Requests of opening and listing. Bounded by records since the newest catalog (63), the manifest
/// segments, and a handful for slot, format blob and catalog.
const REQUESTS_MAX: u64 = 90;

#[test]
fn listing_costs_a_bounded_number_of_requests_however_many_snapshots_there_are() {
    let count: u64 = std::env::var("CORSO_TEST_SNAPSHOTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let (runtime, source_dir, cache) =
        (runtime(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let storage = match std::env::var_os("CORSO_TEST_REPOSITORY") {
        Some(path) => {
            Storage::create(&Location::Folder { path: path.into() }, &StorageOptions::default()).unwrap()
        }
        None => Storage::memory(),
    };
    let cached = OpenOptions { cache: Some(cache.path().to_owned()), ..OpenOptions::default() };
    let repository = init(&runtime, storage.clone(), cached);
    let source = FolderSource::new(&[source_dir.path().to_owned()], SourceOptions::default()).unwrap();
    let options = backup_options(source_dir.path());
    for n in 0..count {
        fs::write(source_dir.path().join("file"), n.to_string()).unwrap();
        backup(&repository, &source, &options, &Progress::default(), &Stop::default()).unwrap();
    }
    let segments = repository.state().segments.len();
    assert!(segments <= 60, "{segments} index segments");

    let before = storage.counters();
    let begun = Instant::now();
    let reopened = open(&runtime, storage.clone(), OpenOptions::default());
    assert_eq!(reopened.snapshots().unwrap().len() as u64, count);
    let requests = storage.counters().requests() - before.requests();
    assert!(requests <= REQUESTS_MAX, "{requests} requests for {count} snapshots");
    let elapsed = begun.elapsed();
    println!("{count} snapshots: {requests} requests, {elapsed:?}, {segments} index segments");
}
