//! A pack that is gone comes back with the next backup of a source that still has what it held.

use std::fs;

use corso_tests::{backup_options, init, open, runtime};
use folder::{CompareOptions, FolderSink, FolderSource, SinkOptions, SourceOptions, compare};
use repo_format::engine::progress::{Progress, Stop};
use repo_format::engine::{RestoreOptions, backup, restore};
use repo_format::repository::OpenOptions;
use repo_format::storage::{Blobs, Storage};

#[test]
fn the_next_backup_stores_again_what_a_lost_pack_held() {
    for kind in ["packs/data/", "packs/meta/"] {
        let (runtime, source_dir) = (runtime(), tempfile::tempdir().unwrap());
        for n in 0..50 {
            fs::write(source_dir.path().join(format!("file {n}")), format!("text {n} ").repeat(9000))
                .unwrap();
        }
        // Settled, so that the second run would reuse every file unread if nothing were lost.
        std::thread::sleep(std::time::Duration::from_millis(2100));
        let storage = Storage::memory();
        let repository = init(&runtime, storage.clone(), OpenOptions::default());
        let source = FolderSource::new(&[source_dir.path().to_owned()], SourceOptions::default()).unwrap();
        let options = backup_options(source_dir.path());
        let run = |repository| backup(repository, &source, &options, &Progress::default(), &Stop::default());
        run(&repository).unwrap();

        let blobs = Blobs::new(storage.clone(), runtime.handle().clone());
        let lost = blobs.list(kind).unwrap();
        assert!(!lost.is_empty());
        lost.iter().for_each(|blob| blobs.delete(&blob.name).unwrap());

        let repository = open(&runtime, storage.clone(), OpenOptions::default());
        let healed = run(&repository).unwrap();
        assert!(healed.statistics.new_contents > 1, "{kind}: what was lost is stored again");
        let repository = open(&runtime, storage.clone(), OpenOptions::default());
        let target = tempfile::tempdir().unwrap();
        let sink = FolderSink::new(target.path(), SinkOptions::default()).unwrap();
        let id = healed.id.unwrap();
        let options = RestoreOptions::default();
        let report =
            restore(&repository, &id, &[], &sink, &options, &Progress::default(), &Stop::default()).unwrap();
        assert_eq!(report.failed, 0, "{kind}");
        drop(sink);
        let differences = compare(source_dir.path(), target.path(), &CompareOptions::default()).unwrap();
        assert!(differences.is_empty(), "{kind}: {differences:?}");
    }
}
