//! A copy that is read, or whose making is killed, at any moment.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use corso_tests::journal::JournalStore;
use corso_tests::{is_missing_record, storage};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parking_lot::Mutex;
use repo_format::repair::{self, LogRepairOptions};
use repo_format::repository::BrokenLog;
use repo_format::storage::BlobInfo;
use repo_format::verify::{Finding, Level, VerifyOptions, verify};

use super::on_put::OnPut;
use super::*;

/// Opens what a kill may have left: not finished, or whole at some revision that the source has had.
fn judge(pair: &Pair, store: Storage, may_jump: bool, what: &str) -> u64 {
    let blobs = Blobs::new(store, pair.runtime.handle().clone());
    let before = all(&blobs);
    let copy = match Repository::open(blobs.clone(), &secret(), OpenOptions::default()) {
        Ok(copy) => copy,
        Err(RepositoryError::CopyUnfinished { .. } | RepositoryError::NotThere { .. }) => return 0,
        Err(error) => panic!("{what}: {error:?}"),
    };
    assert!(copy.log().broken().is_none(), "{what}");
    let revision = copy.state().revision;
    assert_holds(&copy, &pair.wanted_at(revision));
    let options = VerifyOptions { level: Level::Data, threads: 2, ..VerifyOptions::default() };
    let found = verify(&copy, &options, &Progress::default(), &Stop::default()).unwrap().findings;
    let damage: Vec<&Finding> = found.iter().filter(|finding| finding.kind.is_damage()).collect();
    assert!(damage.iter().all(|finding| may_jump && is_missing_record(finding)), "{what}: {damage:#?}");
    assert_eq!(all(&blobs), before, "{what}: reading has changed something");
    revision
}

#[test]
fn at_every_moment_a_copy_reads_as_a_state_that_its_source_had() {
    let journal = JournalStore::default();
    let mut pair = Pair::with_target(storage(journal.clone()));
    let two_at_once = SyncOptions { threads: 2, ..SyncOptions::default() };
    let (quick, thorough) = (MaintenanceOptions { quick: true, ..at_once() }, at_once());
    let mut marks = Vec::new();
    // First some records and no catalog, then more of them, then catalogs; and at last records that were
    // trimmed before the copy has seen them.
    for round in 0..5 {
        let id = pair.back_up();
        if round >= 2 {
            pair.back_up();
            pair.back_up();
            pair.forget(id);
            maintain(&pair.repository, if round == 3 { &quick } else { &thorough });
        }
        if round == 4 {
            let Some(BlobId::Record(lowest)) = BlobId::parse(&first(&pair.source, "log/")) else { panic!() };
            let known = marks.last().map_or(0, |(_, head)| *head);
            assert!(lowest > known + 1, "nothing was trimmed that the copy has not seen: {lowest}, {known}");
        }
        if round != 3 {
            pair.try_sync(two_at_once).unwrap();
            marks.push((journal.now(), pair.repository.state().revision));
        }
    }
    let (mut seen, mut checked) = (BTreeSet::new(), 0);
    journal.images(0, |image| {
        // Where records were trimmed that the copy has not seen: not before maintenance ran, and never when
        // a run has ended.
        let is_end = marks.iter().any(|(mark, _)| *mark == image.events);
        let may_jump = image.events > marks[1].0 && !is_end;
        let revision = judge(&pair, storage(image.store), may_jump, &image.what);
        // What was there when a run had ended is not lost by what comes later.
        let owed = marks.iter().rev().find(|(mark, _)| *mark <= image.events).map_or(0, |(_, head)| *head);
        assert!(revision >= owed, "{}: at {revision}, and was at {owed}", image.what);
        seen.insert(revision);
        checked += 1;
    });
    assert!(seen.len() > 5 && checked > 50, "{checked} moments, {} states", seen.len());
}

#[test]
fn a_first_run_over_a_trimmed_log_is_unfinished_until_it_is_whole() {
    let journal = JournalStore::default();
    let mut pair = Pair::with_target(storage(journal.clone()));
    for _ in 0..4 {
        let id = pair.back_up();
        pair.back_up();
        pair.forget(id);
        pair.maintain();
    }
    assert!(!pair.source.list("catalog/").unwrap().is_empty());
    assert_ne!(first(&pair.source, "log/"), BlobId::Record(1).name());
    pair.sync();
    let head = pair.repository.state().revision;
    let catalog = first(&pair.source, "catalog/");
    let Some(BlobId::Catalog(newest)) = BlobId::parse(&catalog) else { panic!("{catalog}") };
    let mut seen = BTreeSet::new();
    journal.images(0, |image| {
        seen.insert(judge(&pair, storage(image.store), true, &image.what));
    });
    assert!(seen.range(1..newest).next().is_none() && seen.contains(&head), "{seen:?}");
    pair.assert_copied();
}

/// Lets the source go on until every record that the copy has was trimmed. Gives the last of these, and bytes
/// that a writer may have left under such a name that was too late, and has yet to find that out: whole, and
/// of no use.
fn trim_what_was_copied(pair: &mut Pair) -> (u64, Vec<u8>) {
    let known = pair.copy().state().revision;
    for _ in 0..4 {
        let id = pair.back_up();
        pair.back_up();
        pair.forget(id);
        pair.maintain();
    }
    let lowest = first(&pair.source, "log/");
    assert!(lowest > BlobId::Record(known + 2).name(), "{lowest} is kept, and the copy has {known}");
    (known, pair.source.get(&lowest).unwrap().to_vec())
}

/// A copy, and its source long after.
fn trimmed() -> (Pair, u64, Vec<u8>) {
    let mut pair = Pair::new();
    pair.back_up();
    pair.back_up();
    pair.sync();
    let (known, late) = trim_what_was_copied(&mut pair);
    (pair, known, late)
}

#[test]
fn a_trimmed_record_that_was_created_once_more_is_not_taken_for_one() {
    // One such writer, or two, of which the second was a little less late.
    for made in [&[0][..], &[1], &[-1, 0], &[0, 1]] {
        let (pair, known, late) = trimmed();
        let names = || made.iter().map(|behind| BlobId::Record(known.strict_add_signed(*behind)).name());
        let sizes = || names().map(|name| pair.target.size(&name).unwrap()).collect::<Vec<_>>();
        let before = sizes();
        for name in names() {
            pair.source.put_new(&name, late.clone().into()).unwrap();
        }
        let report = pair.sync();
        assert!(report.is_clean() && report.revision == pair.repository.state().revision);
        for name in names() {
            let copied = pair.target.get(&name).ok();
            assert!(copied.is_none_or(|bytes| bytes != late), "{name} was copied");
        }
        assert_eq!(sizes(), before);
        pair.assert_copied();
    }
}

#[test]
fn what_was_copied_after_it_was_created_once_more_does_not_lead_on() {
    // The copy took the first for the record that its catalog stands for; the second comes behind it.
    let (pair, known, late) = trimmed();
    let Some(BlobId::Catalog(newest)) = BlobId::parse(&first(&pair.source, "catalog/")) else { panic!() };
    let catalog = pair.source.get(&BlobId::Catalog(newest).name()).unwrap();
    pair.target.put_new(&BlobId::Catalog(known).name(), catalog).unwrap();
    overwrite(&pair.target, &BlobId::Record(known).name(), late.clone());
    for revision in [known, known + 1] {
        pair.source.put_new(&BlobId::Record(revision).name(), late.clone().into()).unwrap();
    }
    assert_eq!(pair.sync().revision, pair.repository.state().revision);
    assert_eq!(pair.target.size(&BlobId::Record(known + 1).name()).unwrap(), None);
}

#[test]
fn a_record_that_was_created_once_more_with_its_own_bytes_does_not_lead_on() {
    // By a writer whose answer was lost, and which asked again long after; the next one is of a writer that
    // then found out that it lost.
    let (pair, known, late) = trimmed();
    let own = pair.target.get(&BlobId::Record(known).name()).unwrap();
    for (revision, bytes) in [(known, own), (known + 1, late.into())] {
        pair.source.put_new(&BlobId::Record(revision).name(), bytes).unwrap();
    }
    assert_eq!(pair.sync().revision, pair.repository.state().revision);
    assert_eq!(pair.target.size(&BlobId::Record(known + 1).name()).unwrap(), None);
    pair.assert_copied();
}

#[test]
fn records_behind_a_log_that_began_anew_are_copied() {
    let mut pair = Pair::new();
    pair.back_up();
    for prefix in ["log/", "catalog/"] {
        pair.source.list(prefix).unwrap().iter().for_each(|blob| pair.source.delete(&blob.name).unwrap());
    }
    let broken = BrokenLog::unlock(pair.source.clone(), &secret(), OpenOptions::default()).unwrap();
    let (progress, stop) = (Progress::default(), Stop::default());
    repair::log(&broken, &LogRepairOptions::default(), &progress, &stop).unwrap();
    let mut catalogs = pair.source.list("catalog/").unwrap();
    let Some(BlobId::Catalog(begins)) = BlobId::parse(&catalogs.pop().unwrap().name) else { panic!() };
    let take = |listed: Vec<BlobInfo>| -> Vec<(BlobName, Bytes)> {
        let take = |name: BlobName| {
            let bytes = pair.source.get(&name).unwrap();
            pair.source.delete(&name).unwrap();
            (name, bytes)
        };
        listed.into_iter().map(|blob| take(blob.name)).collect()
    };
    let put = |taken: Vec<(BlobName, Bytes)>| {
        taken.into_iter().for_each(|(name, bytes)| drop(pair.source.put_new(&name, bytes).unwrap()));
    };
    // There is no record at the first catalog. The copying meets it before there is any behind it; a later
    // catalog would lead on by itself.
    let (records, catalogs) = (take(pair.source.list("log/").unwrap()), take(catalogs));
    assert_eq!(pair.sync().revision, begins);
    let head = begins + records.len() as u64;
    assert_eq!(records[0].0, BlobId::Record(begins + 1).name());
    put(records);
    assert_eq!(pair.sync().revision, head);
    put(catalogs);
    assert_eq!(pair.sync().revision, head);
    pair.assert_copied();
}

#[test]
fn a_source_that_was_put_back_and_went_on_is_another_history_though_a_catalog_came() {
    let mut pair = Pair::new();
    pair.back_up();
    let before = all(&pair.source);
    pair.back_up();
    pair.sync();
    for (name, _) in all(&pair.source) {
        if !before.contains_key(&name) {
            pair.source.delete(&name).unwrap();
        }
    }
    pair.repository = open(&pair.runtime, pair.source.storage().clone(), OpenOptions::default());
    for _ in 0..3 {
        pair.back_up();
    }
    maintain(&pair.repository, &MaintenanceOptions { quick: true, ..at_once() });
    assert!(!pair.source.list("catalog/").unwrap().is_empty());
    let error = pair.try_sync(SyncOptions::default()).unwrap_err();
    assert!(matches!(error, SyncError::Diverged { .. }), "{error:?}");
}

#[test]
fn a_record_that_is_trimmed_and_created_once_more_in_mid_copy_is_no_other_history() {
    let mut pair = Pair::new();
    pair.back_up();
    pair.back_up();
    pair.sync();
    pair.back_up();
    let seen = all(&pair.source);
    let (known, late) = trim_what_was_copied(&mut pair);
    pair.source.put_new(&BlobId::Record(known).name(), late.into()).unwrap();
    // The same source, which is as it was when it is looked at, and as it is now once a pack is copied.
    let (source, now) = (Arc::new(InMemory::new()), all(&pair.source));
    let become_like = |source: &InMemory, blobs: &BTreeMap<BlobName, Vec<u8>>| {
        let path = |name: &BlobName| Path::from(name.as_str());
        let gone = futures::executor::block_on(
            source.list(None).map_ok(|blob| blob.location).try_collect::<Vec<_>>(),
        );
        for path in gone.unwrap() {
            futures::executor::block_on(source.delete(&path)).unwrap();
        }
        for (name, bytes) in blobs {
            futures::executor::block_on(source.put(&path(name), bytes.clone().into())).unwrap();
        }
    };
    become_like(&source, &seen);
    let (changing, is_due) = (source.clone(), AtomicUsize::new(1));
    let hook = move |_: &InMemory, name: &str| {
        if name.starts_with("packs/") && is_due.swap(0, Ordering::Relaxed) == 1 {
            become_like(&changing, &now);
        }
    };
    let copied = Arc::new(InMemory::new());
    become_like(&copied, &all(&pair.target));
    let blobs = |store: Storage| Blobs::new(store, pair.runtime.handle().clone());
    let hooked = blobs(storage(OnPut { inner: copied.clone(), hook }));
    let (progress, stop) = (Progress::default(), Stop::default());
    let report = sync(&blobs(storage(source)), &hooked, &SyncOptions::default(), &progress, &stop).unwrap();
    assert!(report.is_clean() && report.rounds > 1, "{report:?}");
    assert_eq!(report.revision, pair.repository.state().revision);
    pair.target = blobs(storage(copied));
    pair.assert_copied();
}

#[test]
fn a_stopped_run_is_gone_on_with_and_nothing_is_fetched_twice() {
    let mut pair = Pair::new();
    for _ in 0..3 {
        pair.back_up();
    }
    let total: u64 = pair.source.list("").unwrap().iter().map(|blob| blob.size).sum();
    let packs = pair.source.list("packs/").unwrap().len() as u64;
    // Each third blob asks the run to stop.
    let stop = Arc::new(Mutex::new(Stop::default()));
    let (asked, puts) = (stop.clone(), AtomicUsize::new(0));
    let hook = move |_: &InMemory, _: &str| {
        if puts.fetch_add(1, Ordering::Relaxed) % 3 == 2 {
            asked.lock().request();
        }
    };
    let store = storage(OnPut { inner: Arc::default(), hook });
    pair.target = Blobs::new(store, pair.runtime.handle().clone());
    let (mut copied, mut runs) = (0, 0);
    let before = pair.source.storage().counters().bytes_down;
    loop {
        let options = SyncOptions { threads: 1, ..SyncOptions::default() };
        let now = Stop::default();
        *stop.lock() = now.clone();
        let report = sync(&pair.source, &pair.target, &options, &Progress::default(), &now).unwrap();
        copied += report.copied_bytes;
        runs += 1;
        if !report.interrupted {
            break;
        }
        assert!(runs < 1000);
    }
    assert!(runs > packs / 3, "{runs} runs for {packs} packs");
    let format = pair.source.size(&BlobId::Format.name()).unwrap().unwrap();
    assert!(copied <= total - format, "{copied} of {total} bytes");
    let down = pair.source.storage().counters().bytes_down - before;
    // Each run reads the format blob twice and compares a record.
    assert!(down <= total + runs * 2000, "{down} of {total} bytes in {runs} runs");
    assert_eq!(pair.sync().copied, 0);
    pair.assert_copied();
}

#[test]
fn a_copy_that_is_not_finished_says_so_and_no_init_is_completed_there() {
    let mut pair = Pair::new();
    pair.back_up();
    pair.sync();
    for prefix in ["log/", "catalog/"] {
        pair.target.list(prefix).unwrap().iter().for_each(|blob| pair.target.delete(&blob.name).unwrap());
    }
    let before = all(&pair.target);
    assert!(matches!(opened(&pair), Err(RepositoryError::CopyUnfinished { .. })));
    // Nor while records come without the first.
    let second = BlobId::Record(2).name();
    pair.target.put_new(&second, pair.source.get(&second).unwrap()).unwrap();
    assert!(matches!(opened(&pair), Err(RepositoryError::CopyUnfinished { .. })));
    pair.target.delete(&second).unwrap();
    // Nor while there are no slots.
    let slot = first(&pair.target, "keys/");
    pair.target.delete(&slot).unwrap();
    assert!(matches!(opened(&pair), Err(RepositoryError::CopyUnfinished { .. })));
    assert_eq!(all(&pair.target).len(), before.len() - 1);
    assert!(pair.target.size(&slot).unwrap().is_none());
    pair.sync();
    pair.assert_copied();
}
