//! What is lost or damaged is put right as far as redundancy goes, and maintenance can work again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use corso_tests::plain::{Files, PlainFile, PlainSource, files_of, flat};
use corso_tests::{assert_clean, at_once, backup_options, damage_blob, init, noise, open, runtime};
use repo_format::codec::ManifestId;
use repo_format::engine::backup;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::names::{BlobId, PackKind};
use repo_format::log::SnapshotState;
use repo_format::maintenance::{self, MaintenanceError};
use repo_format::repair;
use repo_format::repository::{OpenOptions, Repository};
use repo_format::snapshot::{Failure, read_by_path};
use repo_format::storage::{BlobInfo, Blobs, Storage};
use repo_format::verify::{Level, VerifyOptions, VerifyReport, verify};
use tokio::runtime::Runtime;

struct World {
    runtime: Runtime,
    storage: Storage,
    blobs: Blobs,
    files: Files,
    wanted: BTreeMap<ManifestId, BTreeMap<String, Vec<u8>>>,
}

impl World {
    /// Three snapshots, in many small packs.
    fn new() -> World {
        let (runtime, storage) = (runtime(), Storage::memory());
        let blobs = Blobs::new(storage.clone(), runtime.handle().clone());
        init(&runtime, storage.clone(), OpenOptions::default());
        let (files, wanted) = (Files::new(), BTreeMap::new());
        let mut world = World { runtime, storage, blobs, files, wanted };
        for round in 0..3 {
            for number in (0..30).filter(|number| round == 0 || number % 5 == round) {
                let folder = world.files.entry(format!("folder {}", number % 4)).or_default();
                let bytes = Arc::new(noise(1 + round * 100 + number, 20_000));
                folder.insert(format!("file {number}"), PlainFile { version: round + 1, bytes });
            }
            world.back_up();
        }
        world
    }

    /// Without a cache, so that what is gone is gone.
    fn open(&self) -> Repository {
        open(&self.runtime, self.storage.clone(), OpenOptions::default())
    }

    fn back_up(&mut self) -> ManifestId {
        let mut options = backup_options("source".as_ref());
        options.writer.data_pack_size = 100 << 10;
        options.writer.data_frame_size = 50 << 10;
        options.writer.meta_pack_size = 20 << 10;
        options.writer.meta_frame_size = 8 << 10;
        let source = PlainSource::new(&self.files);
        let report = backup(&self.open(), &source, &options, &Progress::default(), &Stop::default())
            .expect("backs up");
        self.wanted.insert(report.id.unwrap(), flat(&self.files));
        report.id.unwrap()
    }

    fn verify(&self) -> VerifyReport {
        let options = VerifyOptions { level: Level::Data, ..VerifyOptions::default() };
        verify(&self.open(), &options, &Progress::default(), &Stop::default()).expect("verifies")
    }

    fn assert_whole(&self) {
        let repository = self.open();
        for (id, files) in &self.wanted {
            assert_eq!(&files_of(&repository, id).expect("reads"), files);
        }
        assert_clean(&repository, "repaired");
    }

    fn maintain(&self) -> Result<maintenance::MaintenanceReport, MaintenanceError> {
        maintenance::run(&self.open(), &at_once(), &Progress::default(), &Stop::default())
    }

    fn damage(&self, blob: &BlobInfo) {
        damage_blob(&self.blobs, &blob.name);
    }
}

#[test]
fn segments_are_made_again_from_what_packs_say() {
    for is_damaged in [true, false] {
        let world = World::new();
        for segment in world.blobs.list("segments/").unwrap() {
            match is_damaged {
                true => world.damage(&segment),
                false => world.blobs.delete(&segment.name).unwrap(),
            }
        }
        assert!(!world.verify().is_clean());
        let dry = repair::index(&world.open(), true, &Progress::default(), &Stop::default()).unwrap();
        assert!(dry.broken_segments.len() >= 3 && dry.contents_missing > 50, "{dry:?}");
        assert!(!world.verify().is_clean(), "a dry run changes nothing");

        let done = repair::index(&world.open(), false, &Progress::default(), &Stop::default()).unwrap();
        assert_eq!(done, repair::IndexRepair { segments_added: done.segments_added, ..dry });
        assert!(done.segments_added > 0);
        if !is_damaged {
            // Damaged ones are in the way of nobody, but still there.
            world.assert_whole();
        }
        let again = repair::index(&world.open(), false, &Progress::default(), &Stop::default()).unwrap();
        assert!(again.is_clean(), "{again:?}");
        world.maintain().expect("maintenance works again");
        world.assert_whole();
    }
}

#[test]
fn one_segment_of_several_is_made_again_and_killed_runs_become_known() {
    let world = World::new();
    let lost = world.blobs.list("segments/").unwrap().pop().unwrap();
    world.blobs.delete(&lost.name).unwrap();
    let done = repair::index(&world.open(), false, &Progress::default(), &Stop::default()).unwrap();
    assert_eq!(done.broken_segments.len(), 1);
    world.assert_whole();
}

#[test]
fn a_damaged_pack_is_kept_away_from_and_healed_by_the_source() {
    let mut world = World::new();
    let damaged: Vec<BlobInfo> = world.blobs.list("packs/data/").unwrap().into_iter().step_by(2).collect();
    damaged.iter().for_each(|pack| world.damage(pack));
    let done = repair::packs(&world.open(), false, &Progress::default(), &Stop::default()).unwrap();
    assert_eq!(done.damaged.len(), damaged.len());
    assert_eq!(world.open().state().quarantined.len(), damaged.len());

    // The source has everything of its last state, and some of the older ones.
    let healed = world.back_up();
    assert_eq!(files_of(&world.open(), &healed).unwrap(), flat(&world.files));
    let lost = repair::snapshots(&world.open(), false, &Progress::default(), &Stop::default()).unwrap();
    assert!(lost.unreadable.is_empty());
    let rows = world.open().snapshots().unwrap();
    let newest = rows.iter().find(|row| row.id == healed).unwrap();
    assert!(lost.repaired.iter().all(|repaired| repaired.snapshot != newest.id));
    let old: Vec<ManifestId> = lost.repaired.iter().map(|repaired| repaired.snapshot).collect();
    assert!(!old.is_empty());
    world.open().forget(&old).unwrap();
    world.wanted.retain(|id, _| !old.contains(id));

    world.maintain().expect("nothing unreadable is left");
    world.assert_whole();
    assert!(world.open().state().quarantined.is_empty(), "quarantined packs are gone");
}

#[test]
fn packs_that_were_put_back_are_trusted_again() {
    let world = World::new();
    let pack = world.blobs.list("packs/data/").unwrap().pop().unwrap();
    let good = world.blobs.get(&pack.name).unwrap();
    world.damage(&pack);
    repair::packs(&world.open(), false, &Progress::default(), &Stop::default()).unwrap();
    world.blobs.delete(&pack.name).unwrap();
    world.blobs.put_new(&pack.name, good).unwrap();
    let done = repair::packs(&world.open(), false, &Progress::default(), &Stop::default()).unwrap();
    assert_eq!((done.healed.len(), done.damaged.len(), done.still), (1, 0, 0));
    assert!(world.open().state().quarantined.is_empty());
    world.assert_whole();
}

#[test]
fn snapshots_that_need_what_is_nowhere_get_successors() {
    for kind in [PackKind::Data, PackKind::Meta] {
        let mut world = World::new();
        let manifests: Vec<_> = world.open().snapshots().unwrap().iter().map(|row| row.pack).collect();
        let prefix = if kind == PackKind::Data { "packs/data/" } else { "packs/meta/" };
        let spare = |blob: &BlobInfo| match BlobId::parse(&blob.name) {
            Some(BlobId::Pack(_, id)) => !manifests.contains(&id),
            _ => false,
        };
        let Some(lost) = world.blobs.list(prefix).unwrap().into_iter().rfind(spare) else {
            assert_eq!(kind, PackKind::Meta);
            continue;
        };
        world.blobs.delete(&lost.name).unwrap();
        assert!(matches!(world.maintain(), Err(MaintenanceError::Unreadable(_))));

        let dry = repair::snapshots(&world.open(), true, &Progress::default(), &Stop::default()).unwrap();
        assert!(!dry.repaired.is_empty());
        assert_eq!(world.open().snapshots().unwrap().len(), 3);
        let done = repair::snapshots(&world.open(), false, &Progress::default(), &Stop::default()).unwrap();
        let repository = world.open();
        for repaired in &done.repaired {
            let id = repaired.successor.expect("a successor");
            let row = repository.snapshots().unwrap().into_iter().find(|row| row.id == id).unwrap();
            assert_eq!(row.state, SnapshotState::Partial);
            assert_eq!(row.tags["corso.repaired-from"], repaired.snapshot.to_string());
            let manifest = repository.manifest(&id).unwrap();
            let failures = read_by_path::<Failure>(repository.contents(), &manifest.failures.unwrap());
            let failed: Vec<_> = failures.unwrap().map(|failure| failure.unwrap()).collect();
            assert!(failed.iter().all(|(_, failure)| failure.cause == "lost" && failure.is_failure));
            assert_eq!(failed.len() as u64, repaired.lost_count);
        }
        let again = repair::snapshots(&world.open(), false, &Progress::default(), &Stop::default()).unwrap();
        assert_eq!((again.repaired.len(), again.replaced), (0, done.repaired.len() as u64));

        let old: Vec<ManifestId> = done.repaired.iter().map(|repaired| repaired.snapshot).collect();
        repository.forget(&old).unwrap();
        world.wanted.retain(|id, _| !old.contains(id));
        world.maintain().expect("nothing unreadable is left");
        world.assert_whole();
    }
}

/// A pack that is lost with all that names it is missing to nobody: a base that needs it would be relied on unseen.
#[test]
fn after_a_segment_was_lost_the_next_backup_looks_at_what_it_takes_over() {
    let mut world = World::new();
    let doubted = || world.open().state().doubted();
    assert_eq!(doubted(), 0);
    let segments = world.blobs.list("segments/").unwrap();
    let packs = world.blobs.list("packs/data/").unwrap().into_iter().step_by(2);
    segments.into_iter().chain(packs).for_each(|blob| world.blobs.delete(&blob.name).unwrap());
    repair::index(&world.open(), false, &Progress::default(), &Stop::default()).unwrap();
    let repaired_at = doubted();
    assert_eq!(repaired_at, world.open().state().revision);

    // Nothing has changed since the base.
    let healed = world.back_up();
    let repository = world.open();
    assert_eq!(files_of(&repository, &healed).unwrap(), flat(&world.files));
    assert!(repository.manifest(&healed).unwrap().prepared_on >= repaired_at, "it can be relied on");
    let old = repair::snapshots(&repository, false, &Progress::default(), &Stop::default()).unwrap();
    assert!(old.unreadable.is_empty() && old.repaired.iter().all(|old| old.snapshot != healed), "{old:?}");
}

#[test]
fn an_index_made_beside_a_backup_that_goes_on_is_no_damage() {
    let mut world = World::new();
    for number in 0..40 {
        let bytes = Arc::new(noise(9_000 + number, 20_000));
        let file = PlainFile { version: 9, bytes };
        world.files.entry("new".into()).or_default().insert(format!("file {number}"), file);
    }
    let (beside, opened) = (world.open(), AtomicU64::new(0));
    let added = Arc::new(AtomicU64::new(0));
    let told = added.clone();
    let source = PlainSource::with_hook(&world.files, move |_| {
        // Some packs are there by now, and no record knows them.
        if opened.fetch_add(1, Ordering::SeqCst) == 35 {
            let repair = repair::index(&beside, false, &Progress::default(), &Stop::default()).unwrap();
            told.fetch_add(repair.segments_added, Ordering::SeqCst);
        }
    });
    let mut options = backup_options("source".as_ref());
    (options.writer.data_pack_size, options.writer.data_frame_size) = (100 << 10, 50 << 10);
    let id =
        backup(&world.open(), &source, &options, &Progress::default(), &Stop::default()).unwrap().id.unwrap();
    assert!(added.load(Ordering::SeqCst) > 0, "the repair found packs");
    let repository = world.open();
    assert_eq!(files_of(&repository, &id).unwrap(), flat(&world.files));
    assert_clean(&repository, "rows are there twice");
    maintenance::run(&repository, &at_once(), &Progress::default(), &Stop::default()).unwrap();
    assert_clean(&repository, "merged");
}
