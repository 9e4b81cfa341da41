//! A source that is backed up, forgotten from and maintained without any grace while it is copied.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use repo_format::verify::{Level, VerifyOptions, verify};

use super::*;

/// Backs up and forgets, over and over.
fn work(runtime: &Runtime, storage: Storage, number: u64, held: &Mutex<Held>, stop: &AtomicBool) -> u64 {
    let repository = open(runtime, storage, OpenOptions::default());
    let mut files = Files::new();
    let (mut mine, mut rounds) = (Vec::new(), 0);
    while !stop.load(Ordering::Relaxed) {
        rounds += 1;
        for file in 0..4 {
            let folder = files.entry(format!("worker {number}")).or_default();
            let bytes = Arc::new(noise(number << 32 | rounds << 8 | file, 5_000));
            folder.insert(format!("file {}", (file * rounds) % 11), PlainFile { version: rounds, bytes });
        }
        let mut options = backup_options(format!("worker {number}").as_ref());
        options.writer.data_pack_size = 16 << 10;
        options.writer.data_frame_size = 8 << 10;
        let source = PlainSource::new(&files);
        // What maintenance without grace takes from under a run is read again by the next.
        let Ok(report) = backup(&repository, &source, &options, &Progress::default(), &Stop::default())
        else {
            continue;
        };
        let Some(id) = report.id else { continue };
        held.lock().insert(id, flat(&files));
        mine.push(id);
        // Its own state may be too old to be read to the end; then the next round forgets.
        if mine.len() > 3 && repository.forget(&mine[..1]).is_ok() {
            mine.remove(0);
        }
    }
    rounds
}

#[test]
fn after_each_run_a_copy_gives_back_every_snapshot_that_it_lists() {
    let pair = Pair::new();
    let (held, stop) = (Mutex::new(Held::new()), AtomicBool::new(false));
    let maintained = AtomicU64::new(0);
    let storage = || pair.source.storage().clone();
    let seconds = std::env::var("CORSO_TEST_SECONDS").ok().and_then(|n| n.parse().ok()).unwrap_or(8);
    let until = Instant::now() + Duration::from_secs(seconds);
    let (mut runs, mut vanished, mut snapshots, mut rounds) = (0, 0, 0, 0);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|number| {
                let (pair, held, stop) = (&pair, &held, &stop);
                scope.spawn(move || work(&pair.runtime, pair.source.storage().clone(), number, held, stop))
            })
            .collect();
        scope.spawn(|| {
            let repository = open(&pair.runtime, storage(), OpenOptions::default());
            while !stop.load(Ordering::Relaxed) {
                // Another commit may overtake it; the next run goes on.
                if run(&repository, &at_once(), &Progress::default(), &Stop::default()).is_ok() {
                    maintained.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let check = || {
            let report = pair.sync();
            assert!(report.is_clean(), "{:?}", report.damaged);
            let copy = pair.copy();
            assert!(copy.log().broken().is_none());
            assert_eq!(copy.state().revision, report.revision);
            let options = VerifyOptions { level: Level::Blobs, threads: 2, ..VerifyOptions::default() };
            let found = verify(&copy, &options, &Progress::default(), &Stop::default()).unwrap();
            assert!(found.is_clean(), "{:#?}", found.findings);
            let rows = copy.snapshots().unwrap();
            for row in &rows {
                let files = files_of(&copy, &row.id).unwrap();
                // One that was committed and not yet noted by its worker is only read.
                if let Some(wanted) = held.lock().get(&row.id) {
                    assert_eq!(files, *wanted, "snapshot {}", row.id);
                }
            }
            (report.vanished, rows.len())
        };
        // Whoever panics ends the others, too.
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            while Instant::now() < until {
                let (gone, rows) = check();
                runs += 1;
                vanished += gone;
                snapshots += rows;
            }
        }));
        stop.store(true, Ordering::Relaxed);
        rounds = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
        checked.unwrap();
    });
    let maintained = maintained.load(Ordering::Relaxed);
    println!(
        "{runs} runs beside {rounds} backups and {maintained} maintenance runs; {snapshots} snapshots read, \
         {vanished} blobs vanished in mid-copy"
    );
    assert!(runs > 3 && maintained > 3 && rounds > 10 && snapshots > 0);
    let left = pair.sync();
    assert!(left.is_clean());
    let copy = pair.copy();
    let newest = open(&pair.runtime, storage(), OpenOptions::default());
    let ids = |repository: &Repository| -> Vec<ManifestId> {
        repository.snapshots().unwrap().iter().map(|row| row.id).collect()
    };
    assert_eq!(ids(&copy), ids(&newest));
    assert_clean(&copy, "the last copy");
}
