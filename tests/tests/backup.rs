//! Backing folders up, and what a second run costs.

use std::fs;
use std::sync::atomic::Ordering;
use std::thread::{self, sleep};
use std::time::Duration;

use corso_tests::{backup_options, init, open, runtime};
use folder::{FolderSource, SourceOptions};
use repo_format::engine::backup;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::log::SnapshotState;
use repo_format::map::Map;
use repo_format::repository::OpenOptions;
use repo_format::storage::Storage;

#[test]
fn an_unchanged_second_backup_reads_nothing_and_writes_no_data() {
    let (runtime, source_dir) = (runtime(), tempfile::tempdir().expect("a folder"));
    for n in 0..300 {
        fs::write(source_dir.path().join(format!("file {n}")), format!("content {n} ").repeat(n + 1))
            .expect("writes");
    }
    fs::create_dir(source_dir.path().join("sub")).expect("makes");
    fs::write(source_dir.path().join("sub/big"), vec![5; 3_000_000]).expect("writes");
    // Entries this young would be read again.
    sleep(Duration::from_millis(2100));

    let storage = Storage::memory();
    let repository = init(&runtime, storage.clone(), OpenOptions::default());
    let source =
        FolderSource::new(&[source_dir.path().to_owned()], SourceOptions::default()).expect("is there");
    let options = backup_options(source_dir.path());
    let first =
        backup(&repository, &source, &options, &Progress::default(), &Stop::default()).expect("backs up");
    assert_eq!(
        (first.state, first.statistics.files, first.statistics.folders),
        (SnapshotState::Complete, 301, 1)
    );
    assert_eq!(first.statistics.new_files, 301);

    let repository = open(&runtime, storage.clone(), OpenOptions::default());
    let second =
        backup(&repository, &source, &options, &Progress::default(), &Stop::default()).expect("backs up");
    assert_eq!((second.statistics.unchanged_files, second.statistics.bytes_read), (301, 0));
    assert_eq!(second.statistics.new_contents, 1, "the manifest alone is new");
    assert_eq!(second.bases, [first.id.expect("committed")]);
    assert_eq!(repository.snapshots().expect("lists").len(), 2);
}

#[test]
fn the_checkpoint_of_an_interrupt_names_what_is_stored_of_a_large_file() {
    let (runtime, source_dir) = (runtime(), tempfile::tempdir().expect("a folder"));
    let big = fs::File::create(source_dir.path().join("big")).expect("creates");
    big.set_len(2 << 30).expect("grows");
    let repository = init(&runtime, Storage::memory(), OpenOptions::default());
    let source =
        FolderSource::new(&[source_dir.path().to_owned()], SourceOptions::default()).expect("is there");
    let options = backup_options(source_dir.path());
    let (progress, stop) = (Progress::default(), Stop::default());
    let report = thread::scope(|scope| {
        scope.spawn(|| {
            while progress.bytes_done.load(Ordering::Relaxed) < 32 << 20 {
                sleep(Duration::from_millis(1));
            }
            stop.request();
        });
        backup(&repository, &source, &options, &progress, &stop).expect("backs up")
    });
    assert!(report.interrupted);
    let manifest = repository.manifest(&report.id.expect("committed")).expect("reads");
    let parts = Map::open(repository.contents(), &manifest.parts.expect("has parts")).expect("opens");
    let keys: Vec<_> = parts.iter().map(|entry| entry.expect("reads").0).collect();
    assert_eq!(keys, ["big"]);
}
