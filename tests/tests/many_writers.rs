//! Several processes' worth of writers on one repository at once.

use std::fs;
use std::thread;

use corso_tests::{backup_options, init, open, runtime};
use folder::{FolderSource, SourceOptions};
use repo_format::engine::backup;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::log::SnapshotState;
use repo_format::repository::OpenOptions;
use repo_format::storage::Storage;

#[test]
fn four_writers_at_once_lose_nothing_and_leave_one_line_of_records() {
    let (runtime, source_dir) = (runtime(), tempfile::tempdir().unwrap());
    let storage = Storage::memory();
    init(&runtime, storage.clone(), OpenOptions::default());
    let runs = 5;
    thread::scope(|scope| {
        for writer in 0..4 {
            let path = source_dir.path().join(format!("writer {writer}"));
            let (runtime, storage) = (&runtime, storage.clone());
            scope.spawn(move || {
                fs::create_dir(&path).unwrap();
                for run in 0..runs {
                    for file in 0..40 {
                        let text = format!("{writer} {run} {file} ").repeat(500 * (file + 1));
                        fs::write(path.join(format!("file {run} {file}")), text).unwrap();
                    }
                    // Each run opens the repository anew, as a process would.
                    let repository = open(runtime, storage.clone(), OpenOptions::default());
                    let source =
                        FolderSource::new(std::slice::from_ref(&path), SourceOptions::default()).unwrap();
                    let options = backup_options(&path);
                    let report =
                        backup(&repository, &source, &options, &Progress::default(), &Stop::default())
                            .unwrap();
                    assert_eq!(report.state, SnapshotState::Complete);
                }
            });
        }
    });
    let repository = open(&runtime, storage.clone(), OpenOptions::default());
    let rows = repository.snapshots().unwrap();
    assert_eq!(rows.len(), 4 * runs);
    let mut revisions: Vec<u64> = rows.iter().map(|row| row.revision).collect();
    revisions.dedup();
    assert_eq!(revisions.len(), 4 * runs, "each snapshot has a record of its own");
}
