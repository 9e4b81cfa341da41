//! Opening: gaps, damage, voids, older revisions, required features, and what it costs.

use object_store::ObjectStore;
use object_store::memory::InMemory;

use super::*;
use crate::codec::RecordHash;
use crate::storage::testing::{Fault, FaultyStore, impatient};
use crate::storage::{Location, StorageOptions};

fn place_with(commits: u64) -> (Place, Log) {
    let (place, log) = Place::new().create_kept();
    for n in 0..commits {
        done(&log, policy(n));
    }
    (place, log)
}

/// What breaks the log that `place` shows; it must be at `revision` and take no commit.
fn broken_at(place: &Place, revision: u64) -> Arc<LogError> {
    let log = place.open();
    assert_eq!(log.state().revision, revision);
    assert!(matches!(commit(&log, &[policy(0)]), Err(CommitError::Log(LogError::Broken { .. }))));
    match log.take_warnings().as_slice() {
        [Warning::Broken(error)] => error.clone(),
        other => panic!("expected one warning, not {other:?}"),
    }
}

#[test]
fn a_missing_record_stops_writers_and_is_said_to_readers() {
    let (place, _log) = place_with(5);
    place.delete(BlobId::Record(4));
    assert!(matches!(*broken_at(&place, 3), LogError::Missing { revision: 4 }));
}

#[test]
fn a_damaged_record_stops_writers_even_at_the_end() {
    let (place, _log) = place_with(5);
    place.replace(BlobId::Record(6), b"not a record".to_vec());
    assert!(matches!(*broken_at(&place, 5), LogError::Blob { blob: BlobId::Record(6), .. }));
}

#[test]
fn a_record_of_another_history_does_not_chain() {
    let (place, _log) = place_with(5);
    let (other, _other_log) = place_with(5);
    let foreign = other.blobs.get(&BlobId::Record(4).name()).unwrap();
    place.replace(BlobId::Record(4), foreign.to_vec());
    assert!(matches!(*broken_at(&place, 3), LogError::Chain { revision: 4 }));
}

#[test]
fn a_catalog_makes_older_records_unneeded() {
    let (place, log) = place_with(70);
    place.trim(64);
    let again = place.open();
    assert_eq!(again.state().hash, log.state().hash);
    assert!(again.take_warnings().is_empty());
    // A damaged catalog and trimmed records leave nothing to start from.
    place.replace(BlobId::Catalog(64), b"not a catalog".to_vec());
    assert!(matches!(place.open_with(LogOptions::default()), Err(LogError::Missing { revision: 1 })));
}

#[test]
fn a_damaged_catalog_is_passed_over_while_the_records_are_there() {
    let (place, log) = place_with(130);
    place.replace(BlobId::Catalog(128), b"not a catalog".to_vec());
    let again = place.open();
    assert_eq!(again.state().hash, log.state().hash);
    assert_eq!(again.state().history_start(), 64);
    assert!(matches!(again.take_warnings().as_slice(), [Warning::CatalogPassedOver(_)]));
}

#[test]
fn another_blob_in_the_place_of_a_catalog_is_passed_over() {
    let (place, log) = place_with(130);
    let state = log.state();
    let record = place.blobs.get(&BlobId::Record(5).name()).unwrap().to_vec();
    let foreign = catalog::encode(&place.keys, &RepoId([8; 16]), [5; 32], &state).unwrap().to_vec();
    let format = crate::format::format_blob::encode(&REPO).to_vec();
    for other in [record, foreign, format] {
        place.replace(BlobId::Catalog(128), other);
        assert_eq!(place.open().state().hash, state.hash);
        let options = LogOptions::default();
        let survey = Log::survey(place.blobs.clone(), place.keys.clone(), REPO, &options).unwrap();
        assert!(survey.is_whole() && survey.catalog_wanted && survey.catalogs[0].0 == 128);
    }
}

#[test]
fn an_open_log_jumps_over_what_was_trimmed() {
    let (place, busy) = place_with(1);
    let sleeper = place.open();
    for n in 0..130 {
        done(&busy, policy(n));
    }
    let unseen = place.open();
    place.trim(128);
    assert_eq!(sleeper.refresh().unwrap().hash, busy.state().hash);
    assert_eq!(sleeper.state().history_start(), 128);
    // Whoever folded the records one by one keeps knowing them.
    done(&busy, policy(1));
    assert_eq!((busy.refresh().unwrap().history_start(), unseen.refresh().unwrap().revision), (0, 133));
}

#[test]
fn a_void_record_is_passed_over() {
    let (place, log) = place_with(5);
    let damaged = b"not a record".to_vec();
    place.replace(BlobId::Record(6), damaged.clone());
    // What `repo repair log` does: record 7 continues the damaged bytes and declares them void.
    let void = Action::VoidRecord { revision: 6, hash: record::hash(&damaged) };
    let record = Record {
        revision: 7,
        previous: record::hash(&damaged),
        commit: crate::codec::CommitId([1; 16]),
        writer: WriterInfo::default(),
        time: 0,
        actions: vec![void],
    };
    let bytes = record::encode(&place.keys, &REPO, [5; 32], &record).unwrap();
    place.blobs.put_new(&BlobId::Record(7).name(), bytes).unwrap();
    let repaired = place.open();
    assert_eq!(repaired.state().revision, 7);
    assert_eq!(repaired.state().voids.len(), 1);
    done(&repaired, policy(1));
    // The one that saw the true record 6 notices that history was rewritten.
    assert!(matches!(log.refresh(), Err(LogError::Forked { revision: 6, .. })));
}

#[test]
fn a_record_voids_none_but_earlier_ones() {
    let (place, log) = place_with(1);
    let voids = |revision| Action::VoidRecord { revision, hash: RecordHash::ZERO };
    commit(&log, &[voids(3), policy(1)]).unwrap();
    done(&log, voids(5));
    done(&log, policy(2));
    let again = place.open();
    assert_eq!((again.state().hash, again.state().policies.len()), (log.state().hash, 3));
    let opened = |revision| {
        let bytes = place.blobs.get(&BlobId::Record(revision).name()).unwrap();
        (revision, record::decode(&place.keys, &REPO, revision, &bytes).map_err(|_| LogError::Empty))
    };
    assert!(read::voids(&[1, 2, 3, 4, 5].map(opened).into()).is_empty());
}

#[test]
fn a_storage_that_does_not_give_the_catalog_is_told() {
    let memory: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let over = |store, options| Place::over(Storage::from_object_store(store, Location::Memory, options));
    let (_place, log) = over(memory.clone(), impatient()).create_kept();
    done(&log, policy(1));
    log.write_catalog().unwrap();
    // The catalogs are listed; the newest one does not come.
    let faulty = FaultyStore::scripted(memory, [Fault::None, Fault::Before]);
    let once = StorageOptions { retries_max: 0, ..impatient() };
    match over(Arc::new(faulty), once).open_with(LogOptions::default()) {
        Err(LogError::Storage(error)) => assert!(!error.is_not_found(), "{error:?}"),
        other => panic!("expected the storage's error, not {other:?}"),
    }
}

#[test]
fn the_time_of_a_record_is_told_while_it_is_kept() {
    let place = Place::new();
    let log = place.create_with(LogOptions { clock: || 17, ..LogOptions::default() }).unwrap();
    for n in 0..9 {
        done(&log, policy(n));
    }
    assert_eq!((log.now_ns(), (log.clock())(), log.time_of(5).unwrap()), (17, 17, Some(17)));
    place.replace(BlobId::Record(4), b"not a record".to_vec());
    assert!(matches!(log.time_of(4), Err(LogError::Blob { blob: BlobId::Record(4), .. })));
    done(&log, Action::RaiseFloor(5));
    assert_eq!(log.time_of(4).unwrap(), None, "what is below the floor is without meaning");
    place.trim(4);
    assert_eq!((log.time_of(4).unwrap(), log.time_of(5).unwrap()), (None, Some(17)));
}

#[test]
fn older_revisions_are_read_while_their_records_are_there() {
    let (place, _log) = place_with(130);
    let at = |revision| Log::open_at(place.blobs.clone(), place.keys.clone(), REPO, revision);
    for revision in [1, 63, 64, 65, 131] {
        assert_eq!(at(revision).unwrap().state().revision, revision);
    }
    assert!(matches!(at(132), Err(LogError::NotKept { revision: 132 })));
    assert!(matches!(commit(&at(5).unwrap(), &[policy(1)]), Err(CommitError::Log(LogError::ReadOnly))));
    place.trim(100);
    assert!(matches!(at(70), Err(LogError::NotKept { .. })));
    assert_eq!(at(64).unwrap().state().revision, 64);
    assert_eq!(at(129).unwrap().state().revision, 129);
}

#[test]
fn unknown_features_stop_writers_and_readers() {
    let (place, log) = place_with(1);
    let require = |scope| Action::RequireFeature { name: "shiny".into(), scope };
    done(&log, require(FeatureScope::Writers));
    let reader = place.open();
    let refusal = commit(&reader, &[policy(1)]);
    assert!(matches!(refusal, Err(CommitError::Log(LogError::Unsupported { .. }))));
    let (place, log) = place_with(1);
    done(&log, require(FeatureScope::Readers));
    assert!(matches!(place.open_with(LogOptions::default()), Err(LogError::Unsupported { .. })));
}

#[test]
fn a_thousand_snapshots_cost_a_few_requests() {
    let (place, log) = Place::new().create_kept();
    let mut listings = Vec::new();
    for n in 0..1000 {
        done(&log, put(n));
        if n % 90 == 0 {
            done(&log, Action::Forget(vec![manifest_id(n / 2)]));
            let before = place.blobs.storage().counters();
            let fresh = place.open();
            let rows = fresh.manifests(&fresh.state()).unwrap();
            assert_eq!(rows.len() as u32, n + 1);
            assert_eq!(rows.values().filter(|row| !row.is_live()).count() as u32, n / 90 + 1);
            let tail = fresh.state().revision - fresh.state().history_start();
            let after = place.blobs.storage().counters();
            // Records behind the catalog are read at once, and there are fewer than 64.
            listings.push(after.requests() - before.requests() - tail);
        }
    }
    assert!(listings.iter().all(|requests| *requests <= 3 + 1 + 5), "{listings:?}");
    assert!(log.take_warnings().is_empty());
}
