//! CAT-5: what a trim deletes, and what it leaves.

use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::format::names;
use crate::log::trim::Trimmed;

/// A log of 200 records, with catalogs at 64, 128 and 192.
fn long() -> (Place, Log) {
    let (place, log) = Place::new().create_kept();
    for n in 1..200 {
        done(&log, policy(n));
    }
    (place, log)
}

/// The revisions of the records and catalogs that are there, in order.
fn kept(place: &Place) -> (Vec<u64>, Vec<u64>) {
    let revisions = |prefix| {
        let listed = place.blobs.list(prefix).unwrap();
        let mut found: Vec<u64> = (listed.iter())
            .filter_map(|info| match BlobId::parse(&info.name) {
                Some(BlobId::Record(revision) | BlobId::Catalog(revision)) => Some(revision),
                _ => None,
            })
            .collect();
        found.sort();
        found
    };
    (revisions(names::LOG), revisions(names::CATALOGS))
}

#[test]
fn a_trim_deletes_what_is_below_the_floor_and_nothing_else() {
    let (place, log) = long();
    // Two catalogs stay whatever is wanted, and all that lies behind the older one.
    let trimmed = log.trim(150, &|| false).unwrap();
    assert_eq!(trimmed, Trimmed { floor: 150, records: 149, catalogs: 2, ..Trimmed::default() });
    assert_eq!(kept(&place), ((150..=201).collect(), vec![192, 200, 201]));
    assert_eq!(place.open().state().hash, log.state().hash);

    let trimmed = log.trim(u64::MAX, &|| false).unwrap();
    assert_eq!(trimmed, Trimmed { floor: 201, records: 51, catalogs: 1, ..Trimmed::default() });
    assert_eq!(kept(&place), ((201..=202).collect(), vec![200, 201, 202]));
    assert_eq!(place.open().state().hash, log.state().hash);
}

#[test]
fn a_catalog_that_the_floor_leaves_something_to_stays() {
    let (place, log) = long();
    // Catalog 128 is needed for the records from 129 on, 64 is for none that are kept.
    let trimmed = log.trim(129, &|| false).unwrap();
    assert_eq!((trimmed.records, trimmed.catalogs), (128, 1));
    assert_eq!(kept(&place), ((129..=201).collect(), vec![128, 192, 200, 201]));
}

#[test]
fn a_trim_that_is_stopped_deletes_nothing_more() {
    let (place, log) = long();
    let trimmed = log.trim(150, &|| true).unwrap();
    assert_eq!((trimmed.floor, trimmed.records, trimmed.catalogs), (150, 0, 0));
    assert_eq!(kept(&place).0.len(), 201);
}

#[test]
fn no_catalog_is_written_of_what_cannot_be_read() {
    let (place, log) = long();
    log.write_catalog().unwrap();
    for catalog in [64, 128, 192, 200] {
        place.replace(BlobId::Catalog(catalog), b"not a catalog".to_vec());
    }
    place.trim(150);
    // No trimmer knows more, so it says so and does not look again and again.
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(log.write_catalog()));
    let written = told.recv_timeout(Duration::from_secs(60)).expect("it ends");
    assert!(matches!(written, Err(LogError::Missing { revision: 1 })), "{written:?}");
}
