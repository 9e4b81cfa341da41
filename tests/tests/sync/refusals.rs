//! Where nothing is copied to, and what nobody may do to a copy.

use repo_format::codec::{CopyId, RepoId, SplitterSizes};
use repo_format::content::WriterOptions;
use repo_format::format::copy_marker::{self, CopyMarker};
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::log::{CommitError, LogError};
use repo_format::maintenance::MaintenanceError;
use repo_format::policy::Scope;
use repo_format::repair::{self, RepairError};
use repo_format::repository::InitOptions;
use repo_format::storage::StorageError;

use super::*;

/// A copy of it is refused, and nothing is changed by trying.
fn refused(pair: &Pair, wanted: fn(&SyncError) -> bool) {
    let before = all(&pair.target);
    for dry_run in [true, false] {
        let error = pair.try_sync(SyncOptions { dry_run, ..SyncOptions::default() }).unwrap_err();
        assert!(wanted(&error), "{error:?}");
    }
    assert_eq!(all(&pair.target), before, "something was changed");
}

#[test]
fn nothing_is_copied_to_a_place_that_is_taken() {
    let mut pair = Pair::new();
    pair.back_up();
    init(&pair.runtime, pair.target.storage().clone(), OpenOptions::default());
    refused(&pair, |error| matches!(error, SyncError::NotACopy { .. }));
    for (name, bytes) in all(&pair.target) {
        // Any of its blobs is enough.
        pair.target = Blobs::new(Storage::memory(), pair.runtime.handle().clone());
        pair.target.put_new(&name, bytes.into()).unwrap();
        refused(&pair, |error| matches!(error, SyncError::NotACopy { .. }));
    }
    pair.target = Blobs::new(Storage::memory(), pair.runtime.handle().clone());
    pair.target.put_new(&BlobName::new("kopia.repository").unwrap(), "{}".into()).unwrap();
    refused(&pair, |error| matches!(error, SyncError::Repository(RepositoryError::Foreign { .. })));
}

#[test]
fn nothing_is_copied_to_another_repositorys_copy() {
    let mut pair = Pair::new();
    pair.back_up();
    let put = |marker: Vec<u8>| drop(pair.target.put_new(&super::marker(), marker.into()).unwrap());
    let other = CopyMarker { repo: RepoId([1; 16]), copy: CopyId([2; 16]) };
    put(copy_marker::encode(&other).to_vec());
    refused(&pair, |error| matches!(error, SyncError::OtherRepository { .. }));
    flip(&pair.target, &super::marker());
    refused(&pair, |error| matches!(error, SyncError::Marker { .. }));
}

#[test]
fn a_repository_is_not_copied_to_itself_whatever_it_is_called() {
    let mut pair = Pair::new();
    pair.back_up();
    pair.sync();
    // Two storages in memory are told apart by nothing but what is in them.
    let source = Blobs::new(pair.target.storage().clone(), pair.runtime.handle().clone());
    pair.source = source;
    refused(&pair, |error| matches!(error, SyncError::SameStorage { .. }));
    pair.target.delete(&super::marker()).unwrap();
    refused(&pair, |error| matches!(error, SyncError::NotACopy { .. }));
}

#[test]
fn an_older_source_is_not_copied() {
    let mut pair = Pair::new();
    pair.back_up();
    pair.sync();
    pair.source.delete(&BlobId::Record(pair.repository.state().revision).name()).unwrap();
    let error = pair.try_sync(SyncOptions::default()).unwrap_err();
    assert!(matches!(error, SyncError::Behind { .. }), "{error:?}");
}

#[test]
fn an_init_that_was_not_finished_is_not_copied() {
    let pair = Pair::new();
    pair.source.delete(&BlobId::Record(1).name()).unwrap();
    let error = pair.try_sync(SyncOptions::default()).unwrap_err();
    assert!(matches!(error, SyncError::Empty { .. }), "{error:?}");
}

fn is_copy(error: &LogError) -> bool {
    matches!(error, LogError::Copy)
}

fn refuses<T>(answer: Result<T, RepositoryError>) {
    match answer {
        Err(RepositoryError::Log(error)) => assert!(is_copy(&error), "{error:?}"),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was written to"),
    }
}

#[test]
fn nobody_writes_to_a_copy() {
    let mut pair = Pair::new();
    let id = pair.back_up();
    let gone = pair.back_up();
    pair.forget(gone);
    pair.sync();
    let (copy, before) = (pair.copy(), all(&pair.target));
    refuses(copy.writer(WriterOptions::default()).map(drop));
    refuses(copy.forget(&[id]));
    refuses(copy.recall(&[gone]));
    refuses(copy.remove_policy(&Scope::Global));
    refuses(copy.add_slot(&Secret::key_file(&[8; 64]).unwrap(), "second", KdfCost::DEFAULT));
    let committed = copy.log().commit::<std::convert::Infallible>(|_| Ok(Vec::new()));
    assert!(matches!(committed, Err(CommitError::Log(error)) if is_copy(&error)));
    assert!(is_copy(&copy.log().write_catalog().unwrap_err()));
    let maintained = run(&copy, &at_once(), &Progress::default(), &Stop::default());
    assert!(matches!(maintained, Err(MaintenanceError::Log(error)) if is_copy(&error)));
    let (progress, stop) = (Progress::default(), Stop::default());
    let repaired = repair::index(&copy, false, &progress, &stop);
    assert!(matches!(repaired, Err(RepairError::Log(error)) if is_copy(&error)));
    let repaired = repair::packs(&copy, false, &progress, &stop);
    assert!(matches!(repaired, Err(RepairError::Log(error)) if is_copy(&error)));
    let init = InitOptions {
        secret: secret(),
        label: String::new(),
        cost: KdfCost::DEFAULT,
        recovery_key: false,
        retention: None,
        splitter: SplitterSizes::DEFAULT,
        open: OpenOptions::default(),
    };
    let made = Repository::init(pair.target.clone(), init).map(drop);
    assert!(matches!(made, Err(RepositoryError::Copy { .. })), "{made:?}");
    // Whatever way somebody finds: the storage of an open copy takes nothing.
    let put = copy.blobs().put_new(&BlobId::Record(99).name(), "x".into());
    assert!(matches!(put, Err(StorageError::ForReading { .. })));
    // A damaged marker is one, too.
    let bytes = flip(&pair.target, &super::marker());
    refuses(pair.copy().writer(WriterOptions::default()).map(drop));
    overwrite(&pair.target, &super::marker(), bytes);
    assert_eq!(all(&pair.target), before);
    // What does not write goes on.
    maintain(&copy, &MaintenanceOptions { dry_run: true, ..at_once() });
    pair.assert_copied();
}
