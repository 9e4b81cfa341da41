//! What lost records may have said of snapshots that were forgotten.

use std::collections::BTreeSet;

use repo_format::log::{Action, BlobRef};
use repo_format::repair::LogRepair;
use repo_format::verify::{FindingKind, Level, VerifyOptions, verify};

use super::*;

/// A repair after the `back`th record from the end was damaged.
fn repair_without(world: &World, back: usize) -> LogRepair {
    let records = world.names("log/");
    world.damage(&records[records.len() - back]);
    let repair = world.repair("forgotten");
    assert_eq!(repair.lost.len(), 1);
    repair
}

#[test]
fn what_a_lost_record_recalled_is_recalled_again() {
    // Behind the recall there may be records that everybody knows.
    for later in [0, 2] {
        let mut world = World::new();
        let gone = world.change_and_back_up(0);
        world.change_and_back_up(1);
        let files = world.wanted[&gone].clone();
        world.forget(gone);
        world.open().recall(&[gone]).unwrap();
        world.wanted.insert(gone, files);
        for round in 0..later {
            world.change_and_back_up(2 + round);
        }

        let repair = repair_without(&world, 1 + later as usize);
        let recalled: Vec<_> = repair.recalled.iter().map(|recalled| recalled.row.id).collect();
        assert_eq!((recalled, repair.revived.len()), (vec![gone], 0), "{later}");
        world.assert_whole("recalled", true);
    }
}

#[test]
fn what_was_reclaimed_is_not_recalled() {
    let mut world = World::new();
    let gone = world.change_and_back_up(0);
    world.change_and_back_up(1);
    world.forget(gone);
    let options = MaintenanceOptions { records_kept: u64::MAX, ..at_once() };
    world.maintain_with(&options).unwrap();
    world.change_and_back_up(2);
    let repair = repair_without(&world, 1);
    assert_eq!((repair.recalled.len(), repair.revived.len()), (0, 1));
    world.assert_whole("reclaimed", true);
}

/// The record that forgot a snapshot is lost, and maintenance that knew it has doomed what only that snapshot needs. Its
/// packs are still there, and whoever dooms may delete them.
#[test]
fn a_snapshot_that_needs_what_is_doomed_is_damaged() {
    let mut world = World::new();
    world.change_and_back_up(0);
    let before: BTreeSet<BlobName> = world.names("packs/").into_iter().collect();
    let gone = world.change_and_back_up(1);
    let packs = world.names("packs/").into_iter().filter(|name| !before.contains(name));
    let packs: Vec<BlobRef> = packs
        .map(|name| match BlobId::parse(&name) {
            Some(BlobId::Pack(kind, id)) => BlobRef::Pack(kind, id),
            other => panic!("{other:?} is no pack"),
        })
        .collect();
    world.forget(gone);
    let repository = world.open();
    let marked = repository.state().revision;
    let doom = Action::Doom { marked, blobs: packs };
    repository.log().commit(|_| Ok::<_, std::convert::Infallible>(vec![doom.clone()])).unwrap();
    drop(repository);

    repair_without(&world, 2);
    let repository = world.open();
    assert!(repository.snapshots().unwrap().iter().any(|row| row.id == gone), "nothing forgets it any more");
    let options = VerifyOptions { level: Level::Data, ..VerifyOptions::default() };
    let report = verify(&repository, &options, &Progress::default(), &Stop::default()).unwrap();
    let found = report.findings.iter().find(|finding| finding.kind == FindingKind::Missing);
    let found = found.expect("it may be gone at any time");
    assert!(found.what.contains("dooms") && found.snapshots == [gone], "{found:?}");
    assert!(repair::settle(&repository, &options, &report).unwrap().is_none(), "the hold goes on");
    let repair = repair::snapshots(&repository, true, &Progress::default(), &Stop::default()).unwrap();
    assert!(repair.unreadable.iter().any(|(id, _)| *id == gone), "its manifest is doomed as well");
    drop(repository);
    world.forget_what_is_not_whole();
    assert!(world.settle(Level::Data).is_some());
    world.maintain().unwrap();
    let repository = world.open();
    world.assert_rows(&repository, &repository.snapshots().unwrap(), "doomed");
}
