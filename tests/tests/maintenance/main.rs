//! Space comes back, and nothing that a snapshot needs goes with it.

mod requests;
mod tallies;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use corso_tests::plain::{Files, PlainFile, PlainSource, files_of, flat};
use corso_tests::{assert_clean, at_once, backup_options, chain, init, noise, open, runtime, tell};
use repo_format::codec::{ManifestId, PackId};
use repo_format::engine::progress::{Progress, Stop};
use repo_format::engine::{BackupOptions, BackupReport, backup};
use repo_format::format::names::{BlobId, PackKind};
use repo_format::maintenance::{
    MaintenanceError, MaintenanceOptions, MaintenanceReport, NeededBy, PackFate, explain, run,
};
use repo_format::repair;
use repo_format::repository::{OpenOptions, Repository};
use repo_format::storage::{Blobs, Storage};
use tokio::runtime::Runtime;

fn maintain(repository: &Repository, options: &MaintenanceOptions) -> MaintenanceReport {
    run(repository, options, &Progress::default(), &Stop::default()).expect("maintains")
}

/// Small packs, so that there are many.
fn options(source: &str) -> BackupOptions {
    let mut options = backup_options(source.as_ref());
    options.writer.data_pack_size = 256 << 10;
    options.writer.data_frame_size = 64 << 10;
    options.writer.meta_pack_size = 32 << 10;
    options.writer.meta_frame_size = 8 << 10;
    options
}

fn back_up(repository: &Repository, source: &str, files: &Files) -> BackupReport {
    let source_of = PlainSource::new(files);
    backup(repository, &source_of, &options(source), &Progress::default(), &Stop::default())
        .expect("backs up")
}

/// Files of noise; every `step`th is new in each `round`.
fn churn(files: &mut Files, round: u64, step: u64) {
    for number in (0..60).filter(|number| round == 0 || (number + round).is_multiple_of(step)) {
        let folder = files.entry(format!("folder {}", number % 5)).or_default();
        let bytes = Arc::new(noise(1 + round * 1000 + number, 10_000 + 700 * number as usize));
        folder.insert(format!("file {number}"), PlainFile { version: round + 1, bytes });
    }
}

fn sizes(blobs: &Blobs, prefix: &str) -> u64 {
    blobs.list(prefix).expect("lists").iter().map(|blob| blob.size).sum()
}

fn assert_holds(repository: &Repository, wanted: &BTreeMap<ManifestId, BTreeMap<String, Vec<u8>>>) {
    let rows = repository.snapshots().expect("lists");
    assert_eq!(rows.len(), wanted.len());
    for row in rows {
        assert_eq!(files_of(repository, &row.id).expect("reads"), wanted[&row.id], "snapshot {}", row.id);
    }
}

#[test]
fn what_nobody_needs_goes_and_the_rest_fits_a_fresh_repository() {
    let (runtime, storage) = (runtime(), Storage::memory());
    let blobs = Blobs::new(storage.clone(), runtime.handle().clone());
    let repository = init(&runtime, storage.clone(), OpenOptions::default());
    let (mut files, mut wanted) = (Files::new(), BTreeMap::new());
    let mut states = Vec::new();
    for round in 0..12 {
        churn(&mut files, round, 4);
        let id = back_up(&repository, "source", &files).id.unwrap();
        wanted.insert(id, flat(&files));
        states.push((id, files.clone()));
    }
    let kept: Vec<(ManifestId, Files)> = states.into_iter().skip(4).step_by(7).collect();
    let gone: Vec<ManifestId> =
        wanted.keys().filter(|id| kept.iter().all(|(kept, _)| kept != *id)).copied().collect();
    repository.forget(&gone).unwrap();
    wanted.retain(|id, _| !gone.contains(id));

    let before = sizes(&blobs, "");
    let report = maintain(&repository, &at_once());
    assert!(report.deleted > 0 && report.rewritten > 0, "{report:?}");
    assert_holds(&repository, &wanted);
    assert_clean(&repository, "afterwards");
    // Whoever comes later finds the same.
    let repository = open(&runtime, storage.clone(), OpenOptions::default());
    assert_holds(&repository, &wanted);
    assert!(repository.take_warnings().is_empty());

    let fresh_storage = Storage::memory();
    let fresh = init(&runtime, fresh_storage.clone(), OpenOptions::default());
    for (_, files) in &kept {
        back_up(&fresh, "source", files);
    }
    let fresh_blobs = Blobs::new(fresh_storage, runtime.handle().clone());
    for prefix in ["packs/data/", "packs/meta/"] {
        let (left, least) = (sizes(&blobs, prefix), sizes(&fresh_blobs, prefix));
        // Small packs are padded and hold what they can; large repositories keep within 3 %.
        assert!(left as f64 <= least as f64 * 1.10 + 65536.0, "{prefix}: {left} bytes, {least} if made anew");
    }
    assert!(sizes(&blobs, "") < before);

    // Nothing is left to do, and a further backup finds all that it needs.
    let again = maintain(&repository, &at_once());
    assert_eq!(
        (again.rewritten, again.space.unneeded_packs, again.space.unknown_packs),
        (0, 0, 0),
        "{again:?}"
    );
    let report = back_up(&repository, "source", &kept.last().unwrap().1);
    assert!(report.statistics.bytes_read == 0, "what is unchanged is not read: {:?}", report.statistics);
}

#[test]
fn grace_keeps_blobs_and_condemned_packs_are_not_relied_on() {
    let (runtime, storage) = (runtime(), Storage::memory());
    let blobs = Blobs::new(storage.clone(), runtime.handle().clone());
    let repository = init(&runtime, storage.clone(), OpenOptions::default());
    let mut files = Files::new();
    churn(&mut files, 0, 4);
    let first = back_up(&repository, "source", &files).id.unwrap();
    let other = Files::from([("other".to_owned(), BTreeMap::new())]);
    back_up(&repository, "elsewhere", &other);
    repository.forget(&[first]).unwrap();

    let graceful = MaintenanceOptions { grace: Duration::from_secs(3600), ..at_once() };
    let packs = blobs.list("packs/").unwrap().len();
    let report = maintain(&repository, &graceful);
    assert!(report.condemned > 0 && report.deleted == 0, "{report:?}");
    assert!(blobs.list("packs/").unwrap().len() >= packs);
    let waiting = maintain(&repository, &graceful);
    assert!(waiting.condemned == 0 && waiting.waiting >= report.condemned && waiting.next_due_ns.is_some());
    let (progress, stop) = (Progress::default(), Stop::default());
    let explained = explain(&repository, &graceful, &progress, &stop).expect("explains");
    assert!(
        explained.packs.iter().any(|pack| matches!(pack.fate, PackFate::Condemned { due_ns: Some(_), .. }))
    );

    // A backup of the same files does not rely on what is on its way out.
    let stored = back_up(&repository, "source", &files);
    assert!(stored.statistics.new_content_bytes >= 60 * 10_000);
    let report = maintain(&repository, &at_once());
    assert!(report.deleted >= waiting.waiting);
    let wanted = BTreeMap::from([(stored.id.unwrap(), flat(&files))]);
    let rows = repository.snapshots().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(files_of(&repository, &stored.id.unwrap()).unwrap(), wanted[&stored.id.unwrap()]);
    assert_clean(&repository, "afterwards");
}

#[test]
fn explain_names_the_snapshots_and_paths_that_keep_a_pack() {
    let (runtime, storage) = (runtime(), Storage::memory());
    let repository = init(&runtime, storage, OpenOptions::default());
    // More than one content may have, so that wherever the repository's key has it cut there are two packs.
    let letter = PlainFile { version: 1, bytes: Arc::new(noise(9_999, 1_300_000)) };
    let early = Files::from([("early".to_owned(), BTreeMap::from([("letter".to_owned(), letter)]))]);
    let alone = back_up(&repository, "elsewhere", &early).id.unwrap();
    let mut files = Files::new();
    churn(&mut files, 0, 4);
    let seven: Vec<ManifestId> = (0..7).map(|_| back_up(&repository, "source", &files).id.unwrap()).collect();

    let (options, progress, stop) = (MaintenanceOptions::default(), Progress::default(), Stop::default());
    let explained = explain(&repository, &options, &progress, &stop).expect("explains");
    let packs: Vec<PackId> = explained.packs.iter().map(|pack| pack.pack).collect();
    let needed = explained.needed_by(&packs, &stop).expect("searches");
    let (mut of_one, mut places) = (0, 0);
    for (pack, needed) in explained.packs.iter().zip(&needed) {
        let ids: Vec<ManifestId> = needed.snapshots.iter().map(|snapshot| snapshot.id).collect();
        assert!(pack.live_contents > 0 && !ids.is_empty(), "{pack:?} {needed:?}");
        if pack.kind == PackKind::Meta {
            continue;
        }
        if ids[0] == alone {
            of_one += 1;
            assert_eq!((needed.snapshot_count, needed.snapshots.len()), (1, 1));
            assert_eq!(
                (&needed.snapshots[0].paths[..], needed.snapshots[0].path_count),
                (&[b"early/letter".to_vec()][..], 1)
            );
            continue;
        }
        // The five oldest are named.
        assert_eq!((needed.snapshot_count, &ids[..]), (7, &seven[..5]));
        for snapshot in &needed.snapshots {
            let paths = snapshot.paths.iter().map(|path| str::from_utf8(path).unwrap());
            assert!(paths.into_iter().all(|path| flat(&files).contains_key(path)), "{snapshot:?}");
            assert_eq!(snapshot.paths.len() as u64, snapshot.path_count.min(2));
            assert_eq!(snapshot.path_count, needed.snapshots[0].path_count);
        }
        places += needed.snapshots[0].path_count;
    }
    assert!(of_one >= 2, "1,300,000 bytes of noise in packs of 256 KiB");
    assert!(places >= 60, "{places} places for 60 files");

    // Once it is forgotten nobody keeps them.
    repository.forget(&[alone]).unwrap();
    let explained = explain(&repository, &options, &progress, &stop).expect("explains");
    let free = explained.packs.iter().filter(|pack| pack.live_contents == 0).map(|pack| pack.pack);
    let free: Vec<PackId> = free.collect();
    assert!(free.len() >= of_one);
    let nobody = explained.needed_by(&free, &stop).expect("searches");
    assert!(nobody.iter().all(|needed| *needed == NeededBy::default()), "{nobody:?}");
}

/// Runs a backup, and in the middle of it something else.
fn interrupted_by(
    runtime: &Runtime,
    storage: &Storage,
    files: &Files,
    at: u64,
    what: impl Fn() + Send + Sync + 'static,
) -> BackupReport {
    let repository = open(runtime, storage.clone(), OpenOptions::default());
    let opened = AtomicU64::new(0);
    let source = PlainSource::with_hook(files, move |_| {
        if opened.fetch_add(1, Ordering::SeqCst) == at {
            what();
        }
    });
    let options = BackupOptions { threads: 1, ..options("source") };
    backup(&repository, &source, &options, &Progress::default(), &Stop::default()).expect("backs up")
}

#[test]
fn a_writer_that_slept_through_a_whole_maintenance_stores_again_what_is_gone() {
    let runtime = Arc::new(runtime());
    for (at, forget) in [(1, true), (20, true), (59, true), (40, false)] {
        let storage = Storage::memory();
        let repository = init(&runtime, storage.clone(), OpenOptions::default());
        let mut files = Files::new();
        churn(&mut files, 0, 4);
        let base = back_up(&repository, "source", &files).id.unwrap();
        // New versions, old bytes: every file is read again, and found in the packs of the base.
        for (number, file) in files.values_mut().flat_map(BTreeMap::values_mut).enumerate() {
            file.version += 1;
            if number % 3 == 0 {
                file.bytes = Arc::new(noise(5000 + number as u64, 30_000));
            }
        }
        let (other_runtime, other) = (runtime.clone(), storage.clone());
        let report = interrupted_by(&runtime, &storage, &files, at, move || {
            let repository = open(&other_runtime, other.clone(), OpenOptions::default());
            if forget {
                repository.forget(&[base]).unwrap();
            }
            // So much happens that the writer finds records trimmed that it did not read.
            for _ in 0..3 {
                maintain(&repository, &at_once());
            }
        });
        let repository = open(&runtime, storage.clone(), OpenOptions::default());
        assert_eq!(files_of(&repository, &report.id.unwrap()).unwrap(), flat(&files), "stopped at {at}");
        assert_clean(&repository, "afterwards");
    }
}

#[test]
fn maintenance_ends_beside_four_busy_writers_and_harms_none() {
    let (runtime, storage) = (runtime(), Storage::memory());
    init(&runtime, storage.clone(), OpenOptions::default());
    let (writers_left, runs, deleted) = (AtomicU64::new(4), AtomicU64::new(0), AtomicU64::new(0));
    // A second: short enough that packs go while writers work, long enough that they can commit.
    let grace = Duration::from_secs(1);
    let options = MaintenanceOptions { grace, grace_unknown: grace, ..at_once() };
    let deadline = Instant::now() + Duration::from_secs(120);
    let kept: Vec<(ManifestId, BTreeMap<String, Vec<u8>>)> = thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (runtime, storage, writers_left) = (&runtime, storage.clone(), &writers_left);
                scope.spawn(move || {
                    let name = format!("writer {writer}");
                    let mut files = Files::new();
                    let mut kept: Vec<(ManifestId, BTreeMap<String, Vec<u8>>)> = Vec::new();
                    for round in 0..25 {
                        churn(&mut files, round, 6);
                        thread::sleep(Duration::from_millis(100));
                        let repository = open(runtime, storage.clone(), OpenOptions::default());
                        let id = back_up(&repository, &name, &files).id.unwrap();
                        kept.push((id, flat(&files)));
                        if kept.len() > 3 {
                            repository.forget(&[kept.remove(0).0]).unwrap();
                        }
                    }
                    writers_left.fetch_sub(1, Ordering::SeqCst);
                    kept
                })
            })
            .collect();
        for _ in 0..2 {
            let (runtime, storage, writers_left) = (&runtime, storage.clone(), &writers_left);
            let (runs, options, deleted) = (&runs, &options, &deleted);
            scope.spawn(move || {
                while writers_left.load(Ordering::SeqCst) > 0 && Instant::now() < deadline {
                    let repository = open(runtime, storage.clone(), OpenOptions::default());
                    match run(&repository, options, &Progress::default(), &Stop::default()) {
                        Ok(report) => {
                            runs.fetch_add(1, Ordering::SeqCst);
                            deleted.fetch_add(report.deleted, Ordering::SeqCst);
                        }
                        // Two keep outdating each other's marks now and then.
                        Err(MaintenanceError::Overtaken { .. }) => {}
                        Err(error) => panic!("{}", chain(&error)),
                    }
                }
            });
        }
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    let (runs, deleted) = (runs.into_inner(), deleted.into_inner());
    tell(&format!("{runs} maintenance runs beside the writers deleted {deleted} blobs"));
    assert!(runs > 0 && deleted > 0);
    let repository = open(&runtime, storage.clone(), OpenOptions::default());
    maintain(&repository, &at_once());
    assert_holds(&repository, &kept.into_iter().collect());
    assert_clean(&repository, "afterwards");
}

#[test]
fn nothing_goes_while_a_snapshot_cannot_be_read() {
    let (runtime, storage) = (runtime(), Storage::memory());
    let blobs = Blobs::new(storage.clone(), runtime.handle().clone());
    let repository = init(&runtime, storage.clone(), OpenOptions::default());
    let mut files = Files::new();
    let mut ids = Vec::new();
    for round in 0..3 {
        churn(&mut files, round, 2);
        ids.push(back_up(&repository, "source", &files).id.unwrap());
    }
    repository.forget(&ids[..1]).unwrap();
    let needed = repository.snapshots().unwrap().pop().unwrap().pack;
    blobs.delete(&BlobId::Pack(PackKind::Meta, needed).name()).unwrap();
    let before = blobs.list("").unwrap();
    let repository = open(&runtime, storage.clone(), OpenOptions::default());
    let error = run(&repository, &at_once(), &Progress::default(), &Stop::default()).unwrap_err();
    assert!(matches!(error, MaintenanceError::Unreadable(_)), "{}", chain(&error));
    assert_eq!(blobs.list("").unwrap(), before);
}

#[test]
fn another_repositorys_segment_goes_from_the_place_of_one_of_ours() {
    let (runtime, storage) = (runtime(), Storage::memory());
    let blobs = Blobs::new(storage.clone(), runtime.handle().clone());
    let repository = init(&runtime, storage.clone(), OpenOptions::default());
    let other = init(&runtime, Storage::memory(), OpenOptions::default());
    let mut files = Files::new();
    churn(&mut files, 0, 2);
    let id = back_up(&repository, "source", &files).id.unwrap();
    back_up(&other, "source", &files);
    let segment = |of: &Repository| BlobId::Segment(*of.state().segments.keys().next().unwrap()).name();
    let (ours, theirs) = (segment(&repository), segment(&other));
    let bytes = other.blobs().get(&theirs).unwrap();
    blobs.delete(&ours).unwrap();
    blobs.put_new(&ours, bytes.clone()).unwrap();
    blobs.put_new(&theirs, bytes).unwrap();

    let repository = open(&runtime, storage.clone(), OpenOptions::default());
    repair::index(&repository, false, &Progress::default(), &Stop::default()).unwrap();
    maintain(&repository, &at_once());
    assert_eq!(blobs.size(&ours).unwrap(), None);
    assert!(blobs.size(&theirs).unwrap().is_some(), "what is under its own name is another repository's");
    assert_holds(&repository, &BTreeMap::from([(id, flat(&files))]));
    assert_clean(&repository, "the segment was made again");
}

#[test]
fn records_are_trimmed_and_old_clients_still_find_their_way() {
    let (runtime, storage) = (runtime(), Storage::memory());
    let blobs = Blobs::new(storage.clone(), runtime.handle().clone());
    let state = tempfile::tempdir().unwrap();
    let remembering = || OpenOptions { state: Some(state.path().to_owned()), ..OpenOptions::default() };
    let repository = init(&runtime, storage.clone(), remembering());
    let sleeper = open(&runtime, storage.clone(), OpenOptions::default());
    let mut files = Files::new();
    let mut wanted = BTreeMap::new();
    for round in 0..90 {
        churn(&mut files, round, 30);
        let id = back_up(&repository, "source", &files).id.unwrap();
        wanted.insert(id, flat(&files));
        if wanted.len() > 2 {
            let gone = wanted.keys().find(|old| **old != id).copied().unwrap();
            wanted.remove(&gone);
            repository.forget(&[gone]).unwrap();
        }
        if round % 30 == 29 {
            let report = maintain(&repository, &at_once());
            assert!(report.trimmed.records > 0 || round < 60, "{report:?}");
        }
    }
    let records = blobs.list("log/").unwrap().len();
    assert!(records < 80, "{records} records are left");
    assert!(blobs.list("catalog/").unwrap().len() <= 4);
    sleeper.refresh().unwrap();
    assert_holds(&sleeper, &wanted);
    let repository = open(&runtime, storage.clone(), remembering());
    assert_holds(&repository, &wanted);
    assert_clean(&repository, "afterwards");
}

#[test]
fn a_run_that_is_stopped_anywhere_leaves_all_to_the_next() {
    let (runtime, storage) = (runtime(), Storage::memory());
    let repository = init(&runtime, storage.clone(), OpenOptions::default());
    let (mut files, mut wanted) = (Files::new(), BTreeMap::new());
    for round in 0..6 {
        churn(&mut files, round, 3);
        let id = back_up(&repository, "source", &files).id.unwrap();
        wanted.insert(id, flat(&files));
        if round > 0 && round % 2 == 0 {
            let gone = wanted.keys().find(|old| **old != id).copied().unwrap();
            wanted.remove(&gone);
            repository.forget(&[gone]).unwrap();
        }
        let stopping = AtomicBool::new(true);
        for delay in 0..20 {
            let stop = Stop::default();
            thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(Duration::from_micros(300 * delay));
                    if stopping.load(Ordering::Relaxed) {
                        stop.request();
                    }
                });
                let report = run(&repository, &at_once(), &Progress::default(), &stop).expect("stops");
                stopping.store(report.interrupted, Ordering::Relaxed);
            });
            assert_holds(&repository, &wanted);
        }
    }
    assert_clean(&repository, "afterwards");
}
