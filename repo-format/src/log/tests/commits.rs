//! Many writers, lost replies, trimmed logs: every commit counts once.

use std::collections::BTreeSet;

use super::*;
use crate::storage::Location;
use crate::storage::testing::{FaultyStore, impatient};
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
