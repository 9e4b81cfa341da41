//! Runs that are killed: what their last checkpoint marked is never fetched again.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use repo_format::engine::progress::{Progress, Stop};
use repo_format::log::SnapshotState;
use repo_format::snapshot::{Part, get_by_path};
use repo_format::storage::{Blobs, Storage};
use repo_format::verify::{VerifyOptions, verify};

use crate::bench::{Bench, DRIVE, assert_same, profile};

/// The storage as a killed process would leave it at this moment: the log first, so that it names
/// nothing that is not copied.
fn frozen(bench: &Bench) -> Storage {
    let copy = Storage::memory();
    let blobs = |storage: &Storage| Blobs::new(storage.clone(), bench.runtime.handle().clone());
    let (from, to) = (blobs(&bench.storage), blobs(&copy));
    for prefix in ["log/", "catalog/", "segments/", "packs/", "keys/", ""] {
        for blob in from.list(prefix).unwrap() {
            let bytes = from.get(&blob.name).unwrap();
            to.put_new(&blob.name, bytes).unwrap();
        }
    }
    copy
}

#[test]
fn what_a_killed_run_marked_is_not_fetched_again() {
    let mut bench = Bench::new(profile(2000));
    bench.options.backup.checkpoint_interval = Duration::from_millis(40);
    bench.options.backup.threads = 2;
    let mut kills = 0;
    let mut marked = BTreeSet::new();
    for _ in 0..4 {
        let (progress, stop) = (Progress::default(), Stop::default());
        let copy = thread::scope(|scope| {
            let run = scope.spawn(|| bench.run_in(&bench.storage, &progress, &stop));
            let give_up = Instant::now() + Duration::from_secs(60);
            while progress.checkpoints.load(Ordering::Relaxed) < 2 && !run.is_finished() {
                assert!(Instant::now() < give_up, "checkpoints come");
                thread::sleep(Duration::from_millis(1));
            }
            let copy = frozen(&bench);
            stop.request();
            run.join().unwrap().unwrap();
            copy
        });
        assert!(bench.downloaded().is_disjoint(&marked), "marked items are not fetched again");
        let manifest = bench.newest(&copy);
        bench.storage = copy;
        if manifest.state != SnapshotState::Checkpoint {
            break;
        }
        kills += 1;
        let now = bench.marked(&bench.storage, &manifest);
        assert!(now.is_superset(&marked), "a mark stays: {} and then {}", marked.len(), now.len());
        marked = now;
        bench.sim.state().clear_books();
    }
    assert!(kills >= 2 && !marked.is_empty(), "{kills} kills, {} marked", marked.len());
    let report = bench.run();
    assert_eq!(report.backup.state, SnapshotState::Complete);
    assert!(bench.downloaded().is_disjoint(&marked), "marked items are not fetched again");
    assert_same(&bench.snapshot(&bench.storage, &report.backup.id.unwrap()), &bench.truth());
    let rows = bench.open(&bench.storage).snapshots().unwrap();
    assert!(rows.iter().all(|row| row.state == SnapshotState::Complete), "checkpoints are forgotten");
    bench.verifies(&bench.storage);
}

/// Bytes of a file that takes some checkpoints.
const LARGE: u64 = 400 << 20;

/// Kills a run once a checkpoint has a part of the file with this ID; gives how many bytes.
fn kill_in_the_middle(bench: &mut Bench, id: &str) -> u64 {
    bench.options.backup.checkpoint_interval = Duration::from_millis(30);
    let (progress, stop) = (Progress::default(), Stop::default());
    let (copy, covered) = thread::scope(|scope| {
        let run = scope.spawn(|| bench.run_in(&bench.storage, &progress, &stop));
        let (mut told, mut part) = (0, None);
        while part.is_none() {
            assert!(!run.is_finished(), "no checkpoint met the file in the making");
            let checkpoints = progress.checkpoints.load(Ordering::Relaxed);
            if checkpoints == told {
                thread::sleep(Duration::from_millis(1));
                continue;
            }
            told = checkpoints;
            let copy = frozen(bench);
            let covered = covered(bench, &copy, id);
            part = (covered > 8 << 20).then_some((copy, covered));
        }
        stop.request();
        run.join().unwrap().unwrap();
        part.unwrap()
    });
    bench.storage = copy;
    bench.sim.state().clear_books();
    covered
}

/// How many bytes of a file the newest checkpoint has.
fn covered(bench: &Bench, storage: &Storage, id: &str) -> u64 {
    let Some(parts) = bench.newest(storage).parts else { return 0 };
    let repository = bench.open(storage);
    let part = get_by_path::<Part>(repository.contents(), &parts, id.as_bytes()).unwrap();
    part.map_or(0, |part| part.covered)
}

#[test]
fn a_large_file_goes_on_where_a_killed_run_was() {
    let mut bench = Bench::new(profile(20));
    let id = bench.put_file("image.iso", 5, LARGE);
    let first = kill_in_the_middle(&mut bench, &id);
    // The next one goes on, and is killed as well.
    let second = kill_in_the_middle(&mut bench, &id);
    assert!(second >= first, "{second} after {first}");
    let report = bench.run();
    assert_eq!(report.backup.state, SnapshotState::Complete);
    let count = bench.sim.state().downloads()[&(DRIVE, id)];
    assert_eq!((count.starts, count.bytes), (0, LARGE - second), "only what was missing is asked for");
    assert_same(&bench.snapshot(&bench.storage, &report.backup.id.unwrap()), &bench.truth());
    bench.verifies(&bench.storage);
}

#[test]
fn what_is_stored_of_a_file_that_changed_is_of_no_use() {
    let mut bench = Bench::new(profile(20));
    let id = bench.put_file("image.iso", 5, LARGE);
    kill_in_the_middle(&mut bench, &id);
    assert_eq!(bench.put_file("image.iso", 6, LARGE), id);
    let report = bench.run();
    let count = bench.sim.state().downloads()[&(DRIVE, id)];
    assert_eq!((count.starts, count.bytes), (1, LARGE));
    assert_same(&bench.snapshot(&bench.storage, &report.backup.id.unwrap()), &bench.truth());
}

#[test]
fn a_run_that_is_asked_to_stop_leaves_a_checkpoint() {
    let bench = Bench::new(profile(600));
    let (progress, stop) = (Progress::default(), Stop::default());
    let report = thread::scope(|scope| {
        let run = scope.spawn(|| bench.run_in(&bench.storage, &progress, &stop));
        while progress.items_done.load(Ordering::Relaxed) < 50 && !run.is_finished() {
            thread::sleep(Duration::from_millis(2));
        }
        stop.request();
        run.join().unwrap().unwrap()
    });
    assert!(report.backup.interrupted);
    assert_eq!(report.backup.failures, [], "what was not reached is no failure");
    assert_eq!(report.backup.statistics.failed, 0);
    let checkpoint = bench.newest(&bench.storage);
    let marked = bench.marked(&bench.storage, &checkpoint);
    assert!(marked.len() >= 50);
    assert_eq!(bench.in_tree(&bench.storage, &checkpoint), marked, "what is stored can be browsed");
    bench.sim.state().clear_books();
    let report = bench.run();
    assert!(bench.downloaded().is_disjoint(&marked));
    assert_same(&bench.snapshot(&bench.storage, &report.backup.id.unwrap()), &bench.truth());
}

#[test]
fn verification_follows_what_only_a_ledger_names() {
    let mut bench = Bench::new(profile(1500));
    bench.options.backup.checkpoint_interval = Duration::from_millis(30);
    let (progress, stop) = (Progress::default(), Stop::default());
    bench.storage = thread::scope(|scope| {
        let run = scope.spawn(|| bench.run_in(&bench.storage, &progress, &stop));
        // Not every checkpoint has a tree of all that it marks.
        let copy = loop {
            assert!(!run.is_finished(), "every checkpoint had everything in its tree");
            thread::sleep(Duration::from_millis(5));
            if progress.checkpoints.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let copy = frozen(&bench);
            let manifest = bench.newest(&copy);
            let (marked, in_tree) = (bench.marked(&copy, &manifest), bench.in_tree(&copy, &manifest));
            assert!(marked.is_superset(&in_tree));
            if marked.len() > in_tree.len() {
                break copy;
            }
        };
        stop.request();
        run.join().unwrap().unwrap();
        copy
    });
    bench.verifies(&bench.storage);
    bench.lose("packs/data/");
    let (repository, options) = (bench.open(&bench.storage), VerifyOptions::default());
    let report = verify(&repository, &options, &Progress::default(), &Stop::default()).unwrap();
    assert!(!report.is_clean(), "what the ledger names is missing");

    // The next run fetches again what was lost, and whatever else there is.
    let report = bench.run();
    assert_same(&bench.snapshot(&bench.storage, &report.backup.id.unwrap()), &bench.truth());
}

#[test]
fn what_lost_packs_held_is_fetched_again() {
    let bench = Bench::new(profile(100));
    let first = bench.run();
    bench.lose("packs/data/");
    let healed = bench.run();
    let with_bytes =
        bench.truth().values().filter(|item| item.content.iter().flatten().any(|c| !c.is_empty())).count();
    assert_eq!(healed.fetched, with_bytes as u64);
    assert_eq!(healed.backup.statistics.files, first.backup.statistics.files);
    assert_same(&bench.snapshot(&bench.storage, &healed.backup.id.unwrap()), &bench.truth());
}
