//! The folder storage: conformance, and what only folders have.

use std::os::unix::fs::PermissionsExt;

use bytes::Bytes;
use repo_format::storage::{Location, Put, Storage, StorageError, StorageOptions, Swept, testing};

use crate::name;

fn location(path: &std::path::Path) -> Location {
    Location::Folder { path: path.to_path_buf() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn folder_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::open(&location(folder.path()), &StorageOptions::default()).unwrap();
    testing::conformance(&storage).await;
    testing::counters_count(&storage).await;
}

#[tokio::test]
async fn a_missing_folder_is_missing_until_it_is_created() {
    let folder = tempfile::tempdir().unwrap();
    let location = location(&folder.path().join("a/b"));
    let missing = Storage::open(&location, &StorageOptions::default()).unwrap_err();
    assert!(matches!(missing, StorageError::LocationMissing { .. }), "{missing:?}");

    Storage::create(&location, &StorageOptions::default()).unwrap().probe().await.unwrap();
    let mode = folder.path().join("a/b").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    Storage::create(&location, &StorageOptions::default()).unwrap();
}

#[tokio::test]
async fn a_file_is_no_storage() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let refused = Storage::open(&location(file.path()), &StorageOptions::default());
    assert!(refused.is_err());
}

#[tokio::test]
async fn what_a_crash_left_is_neither_listed_nor_kept() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::open(&location(folder.path()), &StorageOptions::default()).unwrap();
    storage.put_new(&name("log/1"), Bytes::from("record")).await.unwrap();
    std::fs::write(folder.path().join("log/2#1"), b"half a reco").unwrap();
    std::fs::write(folder.path().join("log/NOTES.txt"), b"a foreign file").unwrap();

    let listed = storage.list("").await.unwrap();
    assert_eq!(listed.len(), 1);
    let swept = storage.sweep_staging().await.unwrap();
    assert_eq!(swept, Swept { removed: 1, removed_bytes: 11, in_use: 0 });
    assert!(!folder.path().join("log/2#1").exists());
    assert!(folder.path().join("log/NOTES.txt").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sweeping_while_others_write_costs_them_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::open(&location(folder.path()), &StorageOptions::default()).unwrap();
    let sweeper = tokio::spawn({
        let storage = storage.clone();
        async move {
            for _ in 0..200 {
                storage.sweep_staging().await.unwrap();
            }
        }
    });
    let writers = (0..4u8).map(|writer| {
        let storage = storage.clone();
        tokio::spawn(async move {
            for number in 0..100 {
                let blob = name(&format!("packs/{writer}/{number}"));
                let put = storage.put_new(&blob, Bytes::from(vec![writer; 1000])).await;
                assert_eq!(put.unwrap(), Put::Mine);
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    sweeper.await.unwrap();
    assert_eq!(storage.list("packs/").await.unwrap().len(), 400);
    assert_eq!(storage.sweep_staging().await.unwrap(), Swept::default());
}

#[tokio::test]
async fn a_folder_without_permission_is_denied() {
    if rustix::process::geteuid().is_root() {
        eprintln!("skipped: nothing is denied to root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::open(&location(folder.path()), &StorageOptions::default()).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o500)).unwrap();
    let denied = storage.put_new(&name("blob"), Bytes::new()).await.unwrap_err();
    assert!(matches!(denied, StorageError::Denied { .. }), "{denied:?}");
}

/// Runs this binary again under a limit on file sizes, which stands in for a disk that fills up.
#[test]
fn a_full_disk_is_full_and_leaves_no_trace() {
    let limited = std::process::Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; ulimit -f 64; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "folder::under_a_file_size_limit", "--ignored"])
        .output()
        .unwrap();
    assert!(limited.status.success(), "{}", String::from_utf8_lossy(&limited.stdout));
}

#[tokio::test]
#[ignore = "run by `a_full_disk_is_full_and_leaves_no_trace`"]
async fn under_a_file_size_limit() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::open(&location(folder.path()), &StorageOptions::default()).unwrap();
    let large = Bytes::from(vec![1; 1 << 20]);
    let full = storage.put_new(&name("packs/large"), large).await.unwrap_err();
    assert!(matches!(full, StorageError::Full { .. }), "{full:?}");
    let left = std::fs::read_dir(folder.path().join("packs")).unwrap().count();
    assert_eq!(left, 0, "no blob and no staging file");
    let small = storage.put_new(&name("packs/small"), Bytes::from("fits")).await.unwrap();
    assert_eq!(small, Put::Mine, "the storage goes on where there is room");
}
