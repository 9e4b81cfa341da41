//! A log that lost records, or all of them, goes on: what it told of is found in the packs.

mod forgotten;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use corso_tests::journal::JournalStore;
use corso_tests::{at_once, runtime, secret, storage};
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::names::BlobId;
use repo_format::log::LogError;
use repo_format::maintenance::{MaintenanceError, MaintenanceOptions};
use repo_format::repair::{self, LogRepairOptions, REVIVED, RepairError};
use repo_format::repository::{OpenOptions, Repository, RepositoryError};
use repo_format::storage::{BlobName, Blobs};
use repo_format::verify::Level;

use crate::world::World;

#[test]
fn every_record_lost_alone() {
    let world = World::with_history();
    let records = world.names("log/");
    assert!(records.len() > 14);
    let (mut revived, mut stale) = (0, 0);
    // Without its catalogs every record counts, those of maintenance among them.
    for (catalogs, is_damaged) in [(true, true), (false, true), (false, false)] {
        for (number, record) in records.iter().enumerate() {
            // Who has not seen it cannot tell that the last one is gone.
            if !is_damaged && number + 1 == records.len() {
                continue;
            }
            let place = format!("{record}, catalogs: {catalogs}, damaged: {is_damaged}");
            let mut world = world.copy();
            if !catalogs {
                world.delete("catalog/");
            }
            match is_damaged {
                true => world.damage(record),
                false => world.blobs.delete(record).unwrap(),
            }
            let repair = world.repair(&place);
            assert_eq!(repair.lost.len() + repair.stale.len(), 1, "{place}: {repair:?}");
            revived += repair.revived.len();
            stale += repair.stale.len();
            world.assert_whole(&place, repair.hold.is_some());
        }
    }
    println!("repair log: {} records, {revived} revived, {stale} that a catalog stood for", records.len());
    assert!(revived > 8 && stale > 4);
}

#[test]
fn several_records_lost_at_once() {
    let world = World::with_history();
    let count = world.names("log/").len();
    for lost in [count - 5..count - 2, count - 2..count, count - 6..count] {
        let mut world = world.copy();
        let records = world.names("log/");
        records[lost.clone()].iter().for_each(|record| world.damage(record));
        let repair = world.repair(&format!("{lost:?}"));
        assert_eq!(repair.lost.len() + repair.stale.len(), lost.len());
        assert!(repair.revived.iter().all(|revived| revived.row.tags.contains_key(REVIVED)));
        world.assert_whole(&format!("{lost:?}"), true);
    }
}

#[test]
fn the_whole_log_lost() {
    let world = World::with_history();
    for (segments, is_damaged) in [(false, false), (true, false), (false, true)] {
        let place = format!("segments too: {segments}, damaged: {is_damaged}");
        let mut world = world.copy();
        for prefix in ["log/", "catalog/"] {
            match is_damaged {
                true => world.names(prefix).iter().for_each(|name| world.damage(name)),
                false => world.delete(prefix),
            }
        }
        if segments {
            world.delete("segments/");
        }
        if !is_damaged {
            // Nobody takes it for an init that did not end.
            let refused = Repository::open(world.blobs.clone(), &secret(), OpenOptions::default());
            assert!(matches!(refused, Err(RepositoryError::LogLost { .. })), "{place}");
        }
        let repair = world.repair(&place);
        assert!(repair.is_new && repair.begins == Some(1 << 32), "{place}: {repair:?}");
        // What was forgotten and not reclaimed is there again, too.
        assert!(repair.revived.len() > world.wanted.len(), "{place}");
        let repository = world.open();
        assert_eq!(repository.state().slots.len(), 1);
        drop(repository);
        world.assert_whole(&place, true);
    }
}

#[test]
fn damaged_segments_are_in_the_way_of_nobody() {
    let mut world = World::with_history();
    world.names("segments/").iter().for_each(|name| world.damage(name));
    ["log/", "catalog/"].iter().for_each(|prefix| world.delete(prefix));
    world.repair("segments damaged");
    assert!(matches!(world.maintain(), Err(MaintenanceError::Held(_))));
    assert!(world.settle(Level::Data).is_some());
    world.maintain().unwrap();
    world.assert_whole("segments damaged", false);
}

#[test]
fn the_list_of_snapshots_lost() {
    let mut world = World::new();
    for round in 0..70 {
        world.change_and_back_up(round);
    }
    world.open().log().write_catalog().unwrap();
    let state = world.open().state();
    let segments: Vec<BlobName> =
        state.manifest_segments.iter().map(|segment| BlobId::Segment(segment.id).name()).collect();
    assert!(!segments.is_empty());
    segments.iter().for_each(|name| world.blobs.delete(name).unwrap());
    assert!(world.open().snapshots().is_err());
    let repair = world.repair("list");
    assert_eq!((repair.segments.len(), repair.is_new), (segments.len(), false));
    world.assert_whole("list", true);
}

#[test]
fn a_log_lost_twice_begins_above_its_last_beginning() {
    let mut world = World::with_history();
    for times in 1..4u64 {
        ["log/", "catalog/"].iter().for_each(|prefix| world.delete(prefix));
        let repair = world.repair("again");
        assert_eq!(repair.begins, Some(times << 32));
        world.assert_whole("again", true);
        world.change_and_back_up(10 + times);
    }
}

#[test]
fn a_client_that_remembers_the_old_log_goes_on_with_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    for what in ["all", "last"] {
        let mut world = World::with_history();
        world.open.state = Some(folder.path().join(what));
        drop(world.open());
        match what {
            "all" => ["log/", "catalog/"].iter().for_each(|prefix| world.delete(prefix)),
            _ => world.blobs.delete(world.names("log/").last().unwrap()).unwrap(),
        }
        let refused = Repository::open(world.blobs.clone(), &secret(), world.open.clone());
        match what {
            "all" => assert!(matches!(refused, Err(RepositoryError::LogLost { .. }))),
            _ => assert!(matches!(refused, Err(RepositoryError::Log(LogError::RolledBack { .. })))),
        }
        // Another client that saw it, and that does not repair.
        let other = folder.path().join(format!("{what} elsewhere"));
        copy_folder(&folder.path().join(what), &other);
        let repair = world.repair(what);
        assert_eq!((repair.is_new, repair.lost.len()), (what == "all", usize::from(what != "all")));
        world.assert_whole(what, true);
        world.open.state = Some(other);
        let opened = world.open();
        assert!(opened.log().broken().is_none());
    }
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn catalogs_are_written_again() {
    let world = World::with_history();
    for is_damaged in [true, false] {
        let mut world = world.copy();
        // Further than a catalog is due.
        for round in 0..70 {
            world.put_policy(round);
        }
        let catalogs = world.names("catalog/");
        assert!(catalogs.len() >= 2);
        for name in &catalogs {
            match is_damaged {
                true => world.damage(name),
                false => world.blobs.delete(name).unwrap(),
            }
        }
        let repair = world.repair("catalogs");
        assert!(repair.is_log_whole() && repair.catalog_wanted);
        assert_eq!(repair.catalogs.len(), if is_damaged { catalogs.len() } else { 0 });
        assert_eq!(world.names("catalog/").len(), 1);
        world.assert_whole("catalogs", false);
    }
}

#[test]
fn the_base_lost_behind_a_trimmed_log() {
    let mut world = World::with_history();
    for round in 7..12 {
        world.change_and_back_up(round);
        world.maintain().unwrap();
    }
    world.change_and_back_up(12);
    let kept = world.names("log/").len();
    world.delete("catalog/");
    assert!(matches!(BlobId::parse(&world.names("log/")[0]), Some(BlobId::Record(first)) if first > 1));
    let repair = world.repair("base");
    assert!(!repair.is_new && repair.lost.len() > kept, "{repair:?}");
    assert!(repair.slots_added == 0 && world.open().state().slots.len() == 1);
    world.assert_whole("base", true);
}

#[test]
fn what_is_not_whole_comes_back_if_it_is_wanted() {
    for incomplete in [false, true] {
        let mut world = World::new();
        let first = world.change_and_back_up(0);
        world.change_and_back_up(1);
        // Only the first snapshot needs what was changed since.
        let repository = world.open();
        let manifest = repository.manifest(&first).unwrap();
        assert_eq!(manifest.prepared_on, 1);
        drop(repository);
        let needed: BTreeSet<BlobName> = world.names("packs/data/").into_iter().collect();
        world.forget(first);
        world.maintain().unwrap();
        let kept: BTreeSet<BlobName> = world.names("packs/data/").into_iter().collect();
        assert!(kept != needed);
        // Its manifest may be gone as well; another one is taken from under a snapshot that is live.
        let second = *world.wanted.keys().next().unwrap();
        world.blobs.delete(kept.iter().next().unwrap()).unwrap();
        ["log/", "catalog/"].iter().for_each(|prefix| world.delete(prefix));
        let options = LogRepairOptions { incomplete, ..LogRepairOptions::default() };
        let repair = world.repair_with(&options).unwrap();
        let left = repair.incomplete.iter().any(|left| left.snapshot == second);
        let back = repair.revived.iter().find(|revived| revived.row.id == second);
        assert_eq!((left, back.is_some()), (!incomplete, incomplete), "{repair:?}");
        assert!(back.is_none_or(|revived| revived.lacks.is_some()));
        assert_eq!(world.open().snapshots().unwrap().iter().any(|row| row.id == second), incomplete);
        if incomplete {
            let mended = repair::snapshots(&world.open(), false, &Progress::default(), &Stop::default());
            assert!(mended.unwrap().repaired.iter().any(|repaired| repaired.snapshot == second));
        }
    }
}

#[test]
fn a_repair_that_is_killed_anywhere_is_gone_on_with() {
    let mut images = 0;
    for what in ["middle", "last", "all"] {
        let journal = JournalStore::default();
        let mut world = World::over(storage(journal.clone()));
        for round in 0..3 {
            world.change_and_back_up(round);
        }
        let records = world.names("log/");
        match what {
            "middle" => world.blobs.delete(&records[2]).unwrap(),
            "last" => world.damage(&records[3]),
            _ => ["log/", "catalog/"].iter().for_each(|prefix| world.delete(prefix)),
        }
        let from = journal.now();
        world.repair_with(&LogRepairOptions::default()).unwrap();
        journal.images(from, |image| {
            images += 1;
            let place = format!("{what}: {}", image.what);
            let runtime = runtime();
            let mut crashed = World {
                blobs: Blobs::new(storage(image.store), runtime.handle().clone()),
                runtime,
                files: world.files.clone(),
                wanted: world.wanted.clone(),
                forgotten: BTreeMap::new(),
                open: OpenOptions::default(),
            };
            // Whatever was done so far, nothing may be reclaimed yet.
            match crashed.maintain_if_open() {
                None | Some(Err(MaintenanceError::Held(_) | MaintenanceError::Log(_))) => {}
                Some(other) => panic!("{place}: {other:?}"),
            }
            let repair = crashed.repair_with(&LogRepairOptions::default()).expect(&place);
            assert!(repair.hold.is_some_and(|hold| hold.found), "{place}: {repair:?}");
            crashed.assert_whole(&place, true);
        });
    }
    println!("repair log: {images} crash states");
    assert!(images > 20);
}

#[test]
fn an_init_that_did_not_end_is_no_lost_log() {
    let world = World::new();
    world.delete("log/");
    let refused = world.repair_with(&LogRepairOptions::default());
    assert!(matches!(refused, Err(RepairError::Log(LogError::Empty))));
    assert_eq!(world.open().state().revision, 1);
    assert!(world.repair_with(&LogRepairOptions::default()).unwrap().is_clean());
    assert!(world.runtime.metrics().num_workers() > 0);
}
