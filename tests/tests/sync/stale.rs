//! What a copy keeps although its source does not have it any more, and what of that goes.

use repo_format::format::names::PackKind;
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::sync::remove_stale;

use super::*;

fn remove(pair: &Pair, report: &SyncReport) -> repo_format::sync::Removed {
    remove_stale(&pair.copy(), &pair.target, report, &Stop::default()).unwrap()
}

/// Backs up, copies, and lets maintenance take most of it.
fn with_leftovers() -> (Pair, SyncReport) {
    let mut pair = Pair::new();
    let ids: Vec<ManifestId> = (0..4).map(|_| pair.back_up()).collect();
    pair.sync();
    ids[..3].iter().for_each(|id| pair.forget(*id));
    for _ in 0..3 {
        pair.back_up();
        pair.maintain();
    }
    let report = pair.sync();
    (pair, report)
}

#[test]
fn leftovers_stay_until_they_are_asked_to_go() {
    let (pair, report) = with_leftovers();
    let packs = |blobs: &Blobs| blobs.list("packs/").unwrap().len();
    assert!(packs(&pair.target) > packs(&pair.source) && report.stale_bytes() > 0);
    pair.assert_copied();
    let removed = remove(&pair, &report);
    assert_eq!(removed.kept, 0);
    assert!(removed.blobs > 0 && removed.bytes > 0);
    let (source, mut target) = (all(&pair.source), all(&pair.target));
    target.remove(&marker());
    target.retain(|name, _| !source.contains_key(name));
    // Nothing but catalogs that stand in for a damaged one.
    assert!(target.keys().all(|name| name.as_str().starts_with("catalog/")), "{:?}", target.keys());
    pair.assert_copied();
    assert_eq!(pair.sync().copied, 0, "nothing comes back");
}

#[test]
fn a_key_that_was_dropped_opens_the_copy_until_leftovers_go() {
    let mut pair = Pair::new();
    pair.back_up();
    let second = Secret::key_file(&[9; 64]).unwrap();
    let slot = pair.repository.add_slot(&second, "second", KdfCost::DEFAULT).unwrap();
    pair.sync();
    pair.repository.drop_slot(&slot).unwrap();
    let report = pair.sync();
    assert!(report.stale.iter().any(|(blob, _)| *blob == BlobId::Slot(slot)));
    let opens = || Repository::open(pair.target.clone(), &second, OpenOptions::default()).is_ok();
    assert!(opens());
    remove(&pair, &report);
    assert!(!opens());
    pair.assert_copied();
}

#[test]
fn what_the_source_has_lost_and_its_state_needs_is_kept() {
    for prefix in ["packs/data/", "packs/meta/", "segments/", "log/"] {
        let mut pair = Pair::new();
        pair.back_up();
        pair.back_up();
        pair.sync();
        let name = match prefix {
            "log/" => BlobId::Record(2).name(),
            _ => first(&pair.source, prefix),
        };
        pair.source.delete(&name).unwrap();
        let report = pair.sync();
        assert_eq!(report.stale.len(), 1, "{:?}", report.stale);
        let removed = remove(&pair, &report);
        assert_eq!((removed.blobs, removed.kept), (0, 1), "{name}");
        pair.assert_copied();
    }
}

#[test]
fn nothing_goes_from_a_copy_that_is_promoted_or_older_than_the_run() {
    let (pair, report) = with_leftovers();
    let before = all(&pair.target);
    let copy = pair.copy();
    let later = SyncReport { revision: report.revision + 1, ..report.clone() };
    let error = remove_stale(&copy, &pair.target, &later, &Stop::default()).unwrap_err();
    assert!(matches!(error, SyncError::Unknown { .. }), "{error:?}");
    let bytes = pair.target.get(&marker()).unwrap();
    pair.target.delete(&marker()).unwrap();
    let error = remove_stale(&copy, &pair.target, &report, &Stop::default()).unwrap_err();
    assert!(matches!(error, SyncError::Promoted { .. }), "{error:?}");
    pair.target.put_new(&marker(), bytes).unwrap();
    assert_eq!(all(&pair.target), before);
    assert!(report.stale.iter().any(|(blob, _)| matches!(blob, BlobId::Pack(PackKind::Data, _))));
}
