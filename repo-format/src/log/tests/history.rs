//! LOG-6: older and forked histories are refused by whoever has seen more.

use super::*;
use crate::codec::RecordHash;

fn remembering(folder: &tempfile::TempDir) -> LogOptions {
    LogOptions { memory: Some(Memory::new(folder.path(), &REPO, "here")), ..LogOptions::default() }
}

#[test]
fn a_shortened_log_is_refused_unless_accepted() {
    let (folder, place) = (tempfile::tempdir().unwrap(), Place::new());
    let log = place.create_with(remembering(&folder)).unwrap();
    for n in 0..4 {
        done(&log, policy(n));
    }
    place.delete(BlobId::Record(5));
    let refusal = place.open_with(remembering(&folder));
    assert!(matches!(refusal, Err(LogError::RolledBack { seen: 5, head: 4 })));
    assert!(log.refresh().is_ok(), "nothing new is no rollback");
    // A client that never saw it cannot tell.
    assert_eq!(place.open().state().revision, 4);

    let accepting = LogOptions { accept_other_history: true, ..remembering(&folder) };
    assert_eq!(place.open_with(accepting).unwrap().state().revision, 4);
    assert_eq!(place.open_with(remembering(&folder)).unwrap().state().revision, 4);
}

#[test]
fn another_history_of_the_same_length_is_refused() {
    let (folder, place) = (tempfile::tempdir().unwrap(), Place::new());
    let log = place.create_with(remembering(&folder)).unwrap();
    done(&log, policy(1));
    place.delete(BlobId::Record(2));
    let other = place.open();
    for n in 0..3 {
        done(&other, policy(n));
    }
    let refusal = place.open_with(remembering(&folder));
    assert!(matches!(refusal, Err(LogError::Forked { revision: 2, .. })));
    assert!(log.refresh().is_err());
}

#[test]
fn an_emptied_repository_is_not_begun_again() {
    let (folder, place) = (tempfile::tempdir().unwrap(), Place::new());
    place.create_with(remembering(&folder)).unwrap();
    place.trim(1);
    let refusal = place.create_with(remembering(&folder));
    assert!(matches!(refusal, Err(LogError::RolledBack { seen: 1, head: 0 })));
}

#[test]
fn a_memory_that_cannot_be_kept_is_a_warning() {
    let (folder, place) = (tempfile::tempdir().unwrap(), Place::new());
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let options = LogOptions { memory: Some(Memory::new(&file, &REPO, "here")), ..LogOptions::default() };
    let log = place.create_with(options).unwrap();
    done(&log, policy(1));
    assert!(matches!(log.take_warnings().as_slice(), [Warning::NotRemembered { .. }]));
}

#[test]
fn the_memory_keeps_the_newest_catalog_in_whichever_process_it_was_seen() {
    let (folder, place) = (tempfile::tempdir().unwrap(), Place::new());
    let log = place.create_with(remembering(&folder)).unwrap();
    done(&log, policy(1));
    assert_eq!(log.catalog_seen(), 0);
    log.write_catalog().unwrap();
    assert_eq!(log.catalog_seen(), 2);
    place.delete(BlobId::Catalog(2));
    log.refresh().unwrap();
    assert_eq!(log.catalog_seen(), 2);
    assert_eq!(place.open_with(remembering(&folder)).unwrap().catalog_seen(), 2);
    assert_eq!(place.open().catalog_seen(), 0, "who never saw it cannot tell");
}

#[test]
fn the_memory_keeps_the_newest_commit() {
    let (folder, place) = (tempfile::tempdir().unwrap(), Place::new());
    let log = place.create_with(remembering(&folder)).unwrap();
    done(&log, policy(1));
    let seen = Memory::new(folder.path(), &REPO, "here").read().unwrap();
    assert_eq!(seen, Some(Seen { revision: 2, hash: log.state().hash, catalog: 0 }));
    assert_ne!(log.state().hash, RecordHash::ZERO);
}
