//! Which pack was verified when: every pack has its turn, whatever runs beside, ends early or is lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use corso_tests::journal::JournalStore;
use corso_tests::plain::{Files, PlainFile, PlainSource};
use corso_tests::{
    assert_clean, at_once, backup_options, change_blob, damage_blob, init, noise, open, runtime, storage,
};
use repo_format::codec::{ManifestId, PackId};
use repo_format::coverage::{Coverage, Reached};
use repo_format::engine::backup;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::names::BlobId;
use repo_format::maintenance::{self, MaintenanceError};
use repo_format::repair;
use repo_format::repository::{OpenOptions, Repository};
use repo_format::storage::{Blobs, Storage};
use repo_format::verify::{FindingKind, Level, Sample, VerifyOptions, VerifyReport, verify};
use tokio::runtime::Runtime;

/// A repository of many small packs.
struct Case {
    runtime: Runtime,
    storage: Storage,
    files: Files,
    round: u64,
}

impl Case {
    fn new(storage: Storage) -> Case {
        let runtime = runtime();
        init(&runtime, storage.clone(), OpenOptions::default());
        let mut case = Case { runtime, storage, files: Files::new(), round: 0 };
        case.back_up(60);
        case
    }

    fn open(&self) -> Repository {
        open(&self.runtime, self.storage.clone(), OpenOptions::default())
    }

    fn blobs(&self) -> Blobs {
        Blobs::new(self.storage.clone(), self.runtime.handle().clone())
    }

    /// Adds `count` files, and backs all up.
    fn back_up(&mut self, count: u64) -> ManifestId {
        self.round += 1;
        for number in 0..count {
            let bytes = Arc::new(noise(self.round * 1000 + number, 9000));
            let folder = self.files.entry(format!("round {}", self.round)).or_default();
            folder.insert(format!("{number}"), PlainFile { version: self.round, bytes });
        }
        let mut options = backup_options("source".as_ref());
        options.writer.data_pack_size = 40 << 10;
        options.writer.data_frame_size = 20 << 10;
        options.writer.meta_pack_size = 16 << 10;
        options.writer.meta_frame_size = 4 << 10;
        let source = PlainSource::new(&self.files);
        let report = backup(&self.open(), &source, &options, &Progress::default(), &Stop::default());
        report.expect("backs up").id.expect("committed")
    }

    fn packs(&self) -> BTreeSet<PackId> {
        let pack = |name| match BlobId::parse(name) {
            Some(BlobId::Pack(_, id)) => Some(id),
            _ => None,
        };
        self.blobs().list("packs/").expect("lists").iter().filter_map(|blob| pack(&blob.name)).collect()
    }

    fn coverage(&self) -> Coverage {
        self.open().coverage().expect("the map reads").coverage
    }

    fn decoded(&self) -> BTreeSet<PackId> {
        decoded(&self.coverage())
    }
}

fn decoded(coverage: &Coverage) -> BTreeSet<PackId> {
    let rows = coverage.in_order().into_iter();
    rows.filter(|(_, row)| row.reached == Reached::Decoded).map(|(place, _)| place.pack).collect()
}

/// Decodes a share, and keeps what was found at once.
fn share(percent: f64) -> VerifyOptions {
    VerifyOptions {
        level: Level::Log,
        sample: Some(Sample::Percent(percent)),
        keep_coverage: true,
        coverage_interval: Duration::ZERO,
        threads: 2,
        ..VerifyOptions::default()
    }
}

fn run(repository: &Repository, options: &VerifyOptions) -> VerifyReport {
    verify(repository, options, &Progress::default(), &Stop::default()).expect("lists")
}

/// A run that is told to stop when it has decoded a pack or two.
fn run_interrupted(repository: &Repository, options: &VerifyOptions) -> VerifyReport {
    let (progress, stop, over) = (Progress::default(), Stop::default(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let before = repository.state().revision;
            // The first commit takes packs in, the next ones tell of what was decoded.
            while !over.load(Ordering::SeqCst) && repository.state().revision < before + 3 {
                thread::yield_now();
            }
            stop.request();
        });
        let report = verify(repository, options, &progress, &stop).expect("lists");
        over.store(true, Ordering::SeqCst);
        report
    })
}

#[test]
fn each_pack_has_its_turn_although_new_ones_come_and_runs_are_interrupted() {
    let percent = 10.0;
    let mut case = Case::new(Storage::memory());
    let first = case.packs();
    assert!(first.len() >= 15, "{}", first.len());
    let mut interrupted = 0;
    for number in 0..10 {
        if number == 3 || number == 6 {
            let before = case.coverage();
            let options = VerifyOptions { threads: 1, ..share(60.0) };
            let report = run_interrupted(&case.open(), &options);
            assert!(report.interrupted);
            let gained = case.decoded().difference(&decoded(&before)).count() as u64;
            let behind =
                before.in_order().iter().take(8).any(|(at, row)| {
                    case.coverage().get(at.kind, &at.pack).is_none_or(|(_, now)| now != *row)
                });
            assert!(behind && gained + report.covered.packs_decoded > 0, "what was done is kept");
            interrupted += 1;
        }
        let before = case.coverage();
        let report = run(&case.open(), &share(percent));
        assert!(report.is_clean() && report.covered.packs_decoded >= 1, "{:?}", report.findings);
        let after = case.coverage();
        let fresh = after.in_order().into_iter().filter(|(at, row)| {
            row.reached == Reached::Decoded && before.get(at.kind, &at.pack).is_none_or(|(was, _)| was != *at)
        });
        let (decoded_bytes, share_bytes): (u64, u64) =
            (fresh.map(|(_, row)| row.size).sum(), (after.bytes_promised() as f64 * percent / 100.0) as u64);
        // The last pack may go beyond it.
        assert!(decoded_bytes < share_bytes + (64 << 10), "{decoded_bytes} of {share_bytes} bytes");
        // More comes than is decoded.
        case.back_up(12);
    }
    assert_eq!(interrupted, 2);
    let waiting: Vec<_> = first.difference(&case.decoded()).copied().collect();
    assert_eq!(waiting, [], "after 100 / {percent} runs");
    assert!(case.coverage().len() > 2 * first.len(), "and there is much more by now");
    assert_clean(&case.open(), "at the end");
}

#[test]
fn the_longest_unverified_come_first_and_a_hash_does_not_count() {
    let case = Case::new(Storage::memory());
    let half = run(&case.open(), &share(50.0));
    let order = case.coverage().in_order();
    let boundary =
        order.iter().position(|(_, row)| row.reached == Reached::Decoded).expect("some are decoded");
    assert!(
        order[boundary..].iter().all(|(_, row)| row.reached == Reached::Decoded),
        "the others come first"
    );
    assert_eq!((order.len() - boundary) as u64, half.covered.packs_decoded);

    let hashes = VerifyOptions { level: Level::Blobs, sample: None, ..share(0.0) };
    let report = run(&case.open(), &hashes);
    assert_eq!(report.covered.packs_decoded, 0);
    let now = case.coverage();
    for (place, row) in &order {
        let (at, after) = now.get(place.kind, &place.pack).expect("is there");
        assert_eq!((at, after.time_ns), (*place, row.time_ns), "places stay");
        assert_eq!(after.reached, row.reached.max(Reached::Hash));
    }

    // A whole run counts, too.
    let all = VerifyOptions { level: Level::Data, sample: None, ..share(0.0) };
    let report = run(&case.open(), &all);
    let kept = report.coverage.expect("is kept");
    assert_eq!(
        (kept.summary.decoded_packs, kept.summary.packs),
        (report.covered.packs, report.covered.packs)
    );
    assert_eq!(kept.summary.decoded_percent(), 100.0);
    // What was written for the map itself is queued by the next run.
    assert!(case.packs().is_superset(&case.decoded()));
}

#[test]
fn a_damaged_pack_keeps_its_place_and_keeps_nobody_waiting() {
    let case = Case::new(Storage::memory());
    run(&case.open(), &VerifyOptions { level: Level::Blobs, sample: None, ..share(0.0) });
    let before = case.coverage();
    // The first half of the queue.
    let order = before.in_order();
    let damaged: Vec<_> =
        order.iter().take(order.len() / 2).filter(|(at, _)| at.kind.blob_kind() as u8 == 3).collect();
    assert!(damaged.len() >= 4);
    for (at, _) in &damaged {
        damage_blob(&case.blobs(), &BlobId::Pack(at.kind, at.pack).name());
    }
    let mut whole = 0;
    for _ in 0..4 {
        let report = run(&case.open(), &share(25.0));
        whole += report.covered.packs_decoded;
        let bad = report.findings.iter().filter(|finding| finding.kind == FindingKind::Damaged).count();
        assert!(bad >= damaged.len(), "they are looked at each time: {bad}");
    }
    assert!(whole > 0);
    let now = case.coverage();
    for (at, row) in &damaged {
        assert_eq!(now.get(at.kind, &at.pack), Some((*at, *row)), "no fresh row");
    }
    let bad: BTreeSet<PackId> = damaged.iter().map(|(at, _)| at.pack).collect();
    let good = order.iter().map(|(at, _)| at.pack).filter(|pack| !bad.contains(pack));
    let left: Vec<PackId> = good.filter(|pack| !case.decoded().contains(pack)).collect();
    assert_eq!(left, [], "four times a quarter of all bytes is more than what is whole");
}

#[test]
fn verifications_at_once_lose_nothing_of_each_other() {
    let case = Case::new(Storage::memory());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let options = VerifyOptions { level: Level::Data, sample: None, ..share(0.0) };
                let report = run(&case.open(), &options);
                assert!(report.is_clean(), "{:?}", report.findings);
            });
        }
    });
    let coverage = case.coverage();
    // Each of them had listed what there was at its beginning.
    let left = coverage.in_order().iter().filter(|(_, row)| row.reached != Reached::Decoded).count();
    assert!(left <= 12, "{left} of {}: only what the others wrote", coverage.len());
    assert_clean(&case.open(), "the log, too");
}

/// Counts a thread out when it ends, by a failure, too: others wait for that.
struct Ended<'a>(&'a AtomicU64);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn beside_maintenance_without_grace_the_map_stays_whole_and_nothing_looks_damaged() {
    let mut case = Case::new(Storage::memory());
    case.back_up(10);
    let left = AtomicU64::new(2);
    let verified = AtomicU64::new(0);
    let (runtime, storage) = (&case.runtime, case.storage.clone());
    thread::scope(|scope| {
        for _ in 0..2 {
            let (left, verified, storage) = (&left, &verified, storage.clone());
            scope.spawn(move || {
                let _ended = Ended(left);
                for _ in 0..8 {
                    let report = run(&open(runtime, storage.clone(), OpenOptions::default()), &share(20.0));
                    assert!(report.is_clean(), "{:?}", report.findings);
                    verified.fetch_add(report.covered.packs_decoded, Ordering::SeqCst);
                }
            });
        }
        for _ in 0..2 {
            let (left, storage) = (&left, storage.clone());
            scope.spawn(move || {
                while left.load(Ordering::SeqCst) > 0 {
                    let repository = open(runtime, storage.clone(), OpenOptions::default());
                    let done =
                        maintenance::run(&repository, &at_once(), &Progress::default(), &Stop::default());
                    match done {
                        Ok(_) | Err(MaintenanceError::Overtaken { .. }) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
    });
    assert!(verified.load(Ordering::SeqCst) > 0);
    let coverage = case.coverage();
    assert!(!decoded(&coverage).is_empty());
    case.back_up(10);
    run(&case.open(), &VerifyOptions { level: Level::Data, sample: None, ..share(0.0) });
    let packs = case.packs();
    assert!(
        case.coverage().in_order().iter().all(|(at, _)| packs.contains(&at.pack)),
        "what is gone has no row"
    );
    assert_clean(&case.open(), "at the end");
}

#[test]
fn a_run_that_is_killed_is_gone_on_from() {
    let journal = JournalStore::default();
    let case = Case::new(storage(journal.clone()));
    let begin = journal.now();
    run(&case.open(), &VerifyOptions { threads: 1, ..share(100.0) });
    let all = case.decoded().len();
    let (mut images, mut counts) = (0, BTreeSet::new());
    journal.images(begin, |image| {
        images += 1;
        let repository = open(&case.runtime, storage(image.store), OpenOptions::default());
        let before = repository.coverage().unwrap_or_else(|error| panic!("{}: {error}", image.what)).coverage;
        let done = decoded(&before);
        counts.insert(done.len());
        if images % 9 != 0 {
            return;
        }
        // The next run takes others.
        let report = run(&repository, &share(1.0));
        assert!(report.is_clean(), "{}: {:?}", image.what, report.findings);
        let now = decoded(&repository.coverage().expect("reads").coverage);
        assert!(now.len() > done.len() || done.len() >= all, "{}: {} of {all}", image.what, done.len());
        assert!(now.is_superset(&done));
    });
    assert!(images > 20 && counts.len() > 5, "{images} images, with {counts:?} packs decoded");
}

#[test]
fn a_map_that_is_lost_is_begun_anew_and_stops_nobody() {
    let case = Case::new(Storage::memory());
    run(&case.open(), &share(30.0));
    let repository = case.open();
    let root = repository.state().verification_map.expect("there is a map");
    for place in repository.reader().locate(&root).expect("is there") {
        case.blobs().delete(&BlobId::Pack(place.pack_kind, place.pack).name()).expect("deletes");
    }
    let repository = case.open();
    assert!(repository.coverage().is_err());
    maintenance::run(&repository, &at_once(), &Progress::default(), &Stop::default()).expect("maintains");
    let repository = case.open();
    let report = run(&repository, &share(100.0));
    let warnings = repository.take_warnings();
    assert!(warnings.iter().any(|warning| warning.contains("anew")), "{warnings:?}");
    // Maintenance has put the small packs together.
    assert!(report.coverage.is_some_and(|kept| kept.summary.decoded_packs >= 2), "{report:?}");
    maintenance::run(&case.open(), &at_once(), &Progress::default(), &Stop::default()).expect("maintains");
    assert_clean(&case.open(), "what was lost was the map alone");
    assert!(!case.coverage().is_empty());
}

#[test]
fn a_damaged_pack_does_not_stay_for_the_sake_of_the_map() {
    let case = Case::new(Storage::memory());
    run(&case.open(), &share(100.0));
    let repository = case.open();
    let root = repository.state().verification_map.expect("there is a map");
    let place = repository.reader().locate(&root).expect("is there")[0];
    let name = BlobId::Pack(place.pack_kind, place.pack).name();
    change_blob(&case.blobs(), &name, |bytes| bytes[place.offset as usize + 1] ^= 0xff);

    let (progress, stop) = (Progress::default(), Stop::default());
    let repaired = repair::packs(&case.open(), false, &progress, &stop).expect("repairs");
    assert_eq!(repaired.damaged.len(), 1);
    maintenance::run(&case.open(), &at_once(), &progress, &stop).expect("maintains");
    assert_eq!(case.blobs().size(&name).expect("looks"), None);
    assert_clean(&case.open(), "nothing but the map was lost");
}

#[test]
fn a_storage_that_refuses_writes_is_verified_and_others_are_chosen_each_time() {
    let journal = JournalStore::default();
    let case = Case::new(storage(journal.clone()));
    journal.set_read_only(true);
    let changes = journal.changes_count();
    let mut bytes = BTreeSet::new();
    // Most packs are of one size, so it may take some draws to see another.
    for _ in 0..60 {
        let repository = case.open();
        let report = run(&repository, &share(10.0));
        assert!(report.is_clean() && report.coverage.is_none() && report.covered.packs_decoded >= 1);
        bytes.insert(report.covered.bytes_read);
        let warnings = repository.take_warnings();
        assert!(warnings.iter().any(|warning| warning.contains("is not kept")), "{warnings:?}");
    }
    assert!(bytes.len() > 1, "not the same packs each time");
    assert_eq!(journal.changes_count(), changes);
}

#[test]
fn daily_verification_leaves_no_more_than_maintenance_takes_back() {
    let case = Case::new(Storage::memory());
    let sizes = || -> (u64, usize) {
        let blobs = case.blobs().list("").expect("lists");
        (blobs.iter().map(|blob| blob.size).sum(), blobs.len())
    };
    let day = || {
        run(&case.open(), &share(20.0));
        maintenance::run(&case.open(), &at_once(), &Progress::default(), &Stop::default())
            .expect("maintains");
    };
    (0..8).for_each(|_| day());
    let (bytes, count) = sizes();
    (0..24).for_each(|_| day());
    let (later_bytes, later_count) = sizes();
    assert!(later_bytes < bytes + bytes / 5, "{bytes} bytes became {later_bytes}");
    assert!(later_count < count + 12, "{count} blobs became {later_count}");
    assert!(!case.decoded().is_empty());
}
