//! One change in a very wide folder costs a handful of contents and reads one file.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use corso_tests::{backup_options, init, open, runtime};
use folder::{FolderSource, SourceOptions};
use repo_format::engine::backup;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::repository::OpenOptions;
use repo_format::storage::Storage;

const FILES: u64 = 100_000;

/// A folder in memory where the system has one: making the files is not what is tested.
fn scratch() -> tempfile::TempDir {
    let shared_memory = Path::new("/dev/shm");
    if shared_memory.is_dir() { tempfile::tempdir_in(shared_memory) } else { tempfile::tempdir() }.unwrap()
}

#[test]
fn one_changed_file_among_a_hundred_thousand_writes_a_handful_of_contents() {
    let (runtime, source_dir) = (runtime(), scratch());
    for n in 0..FILES {
        fs::write(source_dir.path().join(format!("file {n}")), n.to_le_bytes()).unwrap();
    }
    // Entries this young would be read again.
    sleep(Duration::from_millis(2100));
    let storage = Storage::memory();
    let repository = init(&runtime, storage.clone(), OpenOptions::default());
    let source = FolderSource::new(&[source_dir.path().to_owned()], SourceOptions::default()).unwrap();
    let options = backup_options(source_dir.path());
    let first = backup(&repository, &source, &options, &Progress::default(), &Stop::default()).unwrap();
    assert_eq!(first.statistics.files, FILES);

    fs::write(source_dir.path().join("file 5000"), "changed").unwrap();
    let repository = open(&runtime, storage.clone(), OpenOptions::default());
    let before = storage.counters();
    let second = backup(&repository, &source, &options, &Progress::default(), &Stop::default()).unwrap();
    let counts = second.statistics;
    assert_eq!((counts.changed_files, counts.unchanged_files), (1, FILES - 1));
    assert_eq!(counts.bytes_read, 7, "the changed file alone is read");
    // Its content, a node of each level of the folder's map, the manifest.
    assert!(counts.new_contents <= 8, "{} new contents", counts.new_contents);
    let puts = storage.counters().puts - before.puts;
    assert!(puts <= 4, "{puts} puts: a data pack, a metadata pack, a segment, a record");
}
