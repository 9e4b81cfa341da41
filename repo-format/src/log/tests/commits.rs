//! Many writers, lost replies, trimmed logs: every commit counts once.

use std::collections::BTreeSet;

use super::*;
use crate::storage::Location;
use crate::storage::testing::{FaultyStore, LaggingStore, impatient};
use object_store::memory::InMemory;

#[test]
fn racing_writers_make_one_chain_with_every_commit_once() {
    let place = Place::new();
    place.create();
    let revisions: Vec<u64> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4u32)
            .map(|writer| {
                let place = &place;
                scope.spawn(move || {
                    let log = place.open();
                    (0..50).map(|n| done(&log, put(writer * 100 + n))).collect::<Vec<_>>()
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    assert_eq!(revisions.iter().collect::<BTreeSet<_>>().len(), 200);
    assert_eq!(revisions.iter().max(), Some(&201));

    let log = place.open();
    assert_eq!(log.state().revision, 201);
    assert_eq!(log.manifests(&log.state()).unwrap().len(), 200);
    // And without the catalogs: all records chain.
    for catalog in [64, 128, 192] {
        place.delete(BlobId::Catalog(catalog));
    }
    let from_records = place.open();
    assert_eq!(from_records.state().hash, log.state().hash);
    assert_eq!(from_records.take_warnings().len(), 0);
}

#[test]
fn lost_replies_neither_lose_nor_double_a_commit() {
    let store = FaultyStore::seeded(Arc::new(InMemory::new()), 42, 150);
    let place = Place::over(Storage::from_object_store(Arc::new(store), Location::Memory, impatient()));
    let logs = [place.create(), place.open()];
    for n in 0..70 {
        done(&logs[n as usize % 2], put(n));
    }
    let log = place.open();
    assert_eq!(log.state().revision, 71);
    assert_eq!(log.manifests(&log.state()).unwrap().len(), 70);
}

#[test]
fn a_writer_below_the_floor_has_not_won() {
    let place = Place::new();
    let (sleeper, busy) = (place.create(), place.open());
    for n in 0..9 {
        done(&busy, put(n));
    }
    busy.write_catalog().unwrap();
    place.trim(10);
    // Record 2 can be made again, but the catalog does not know it.
    let mut prepared = Vec::new();
    let committed = sleeper.commit::<Infallible>(|state| {
        prepared.push(state.revision);
        Ok(vec![put(77)])
    });
    assert_eq!(committed.unwrap().revision, 11);
    assert_eq!(prepared, [1, 10]);
    assert!(sleeper.state().history_start() > 1);

    let all = place.open();
    assert_eq!(all.state().revision, 11);
    assert_eq!(all.manifests(&all.state()).unwrap().len(), 10);
}

#[test]
fn a_leftover_of_a_loser_is_not_folded() {
    let place = Place::new();
    let (first, second, busy) = (place.create(), place.open(), place.open());
    done(&busy, put(1));
    busy.write_catalog().unwrap();
    place.trim(2);
    done(&first, put(2));
    // Now record 2 is a leftover, record 3 the truth; `second` still stands at 1.
    done(&second, put(3));
    let log = place.open();
    assert_eq!(log.state().revision, 4);
    assert_eq!(log.state().hash, second.state().hash);
    assert_eq!(first.refresh().unwrap().hash, log.state().hash);
}

#[test]
fn a_name_that_is_taken_with_nothing_to_fold_there_ends_a_commit() {
    let store = LaggingStore::new(Arc::new(InMemory::new()));
    let lagging = Storage::from_object_store(Arc::new(store.clone()), Location::Memory, impatient());
    let (place, log) = Place::over(lagging).create_kept();
    let other = place.open();
    done(&other, policy(1));
    store.hide(BlobId::Record(2).name().as_str());
    let mut prepared = 0;
    let committed = log.commit(|_| {
        prepared += 1;
        if prepared == 1 { Ok(vec![policy(2)]) } else { Err(std::io::Error::other("goes on trying")) }
    });
    assert!(matches!(committed, Err(CommitError::Log(LogError::Missing { revision: 2 }))), "{committed:?}");
}

#[test]
fn a_commit_stands_if_the_catalog_lists_it_or_has_its_snapshots() {
    let (place, log) = Place::new().create_kept();
    let opened = |revision| {
        let bytes = place.blobs.get(&BlobId::Record(revision).name()).unwrap();
        record::decode(&place.keys, &REPO, revision, &bytes).unwrap()
    };
    let (settings, snapshot) = (done(&log, policy(1)), done(&log, put(1)));
    let (settings, snapshot) = (opened(settings), opened(snapshot));
    let mut loser = settings.clone();
    loser.record.commit = crate::codec::CommitId([9; 16]);
    // No catalog is as new as they are.
    assert!([&settings, &snapshot, &loser].iter().all(|opened| log.stands(opened).unwrap()));
    log.write_catalog().unwrap();
    assert!(log.stands(&settings).unwrap() && log.stands(&snapshot).unwrap());
    assert!(!log.stands(&loser).unwrap());
    // A catalog lists 256 commits: of older ones only snapshots can be told.
    for n in 0..300 {
        done(&log, policy(n));
    }
    log.write_catalog().unwrap();
    assert!(log.stands(&snapshot).unwrap());
    assert!(!log.stands(&settings).unwrap() && !log.stands(&loser).unwrap());
}

#[test]
fn groups_are_dropped_one_by_one() {
    let place = Place::new();
    let log = place.create();
    done(&log, Action::Doom { marked: 1, blobs: vec![data(9)] });
    let groups =
        vec![vec![put_on(1, &[8], &[])], vec![put_on(2, &[9], &[]), policy(1)], vec![put_on(3, &[], &[1])]];
    let committed = log.commit_groups::<Infallible>(|_| Ok(groups.clone())).unwrap();
    let gone = Invalid::PackGone { manifest: manifest_id(2), pack: pack(9) };
    assert_eq!(committed, Committed { revision: 3, refused: vec![(1, gone)] });
    let rows = log.manifests(&log.state()).unwrap();
    assert_eq!(rows.keys().collect::<BTreeSet<_>>(), [&manifest_id(1), &manifest_id(3)].into());
    assert!(log.state().policies.is_empty());
    // Nothing to do is nothing done.
    assert_eq!(commit(&log, &[]).unwrap().revision, 3);
}

#[test]
fn an_unfinished_init_is_completed_once() {
    let place = Place::new();
    assert!(matches!(place.open_with(LogOptions::default()), Err(LogError::Empty)));
    let (one, two) = (place.create(), place.create());
    assert_eq!((one.state().revision, two.state().revision), (1, 1));
    assert_eq!(one.state().hash, two.state().hash);
    assert_eq!(two.state().splitter(), Some(SplitterSizes::DEFAULT));
    assert_eq!(two.state().slots[&slot(1).id], slot(1));
}
