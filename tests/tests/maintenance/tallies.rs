//! What is told of packs is what is in them.

use std::fs;
use std::path::{Path, PathBuf};

use corso_tests::change_blob;
use repo_format::content::{ContentKind, WriteContent, WriterOptions};
use repo_format::maintenance::{Explained, status};
use repo_format::storage::{Location, StorageOptions};

use super::*;

const KEPT: usize = 40_000;
const GONE: usize = 20_000;

/// One file more than the last snapshot needs, both in one pack.
fn two_of_which_one_is_needed(runtime: &Runtime, storage: Storage) -> (Repository, [ManifestId; 2]) {
    let repository = init(runtime, storage, OpenOptions::default());
    let file = |seed, length| PlainFile { version: 1, bytes: Arc::new(noise(seed, length)) };
    let mut folder = BTreeMap::from([("gone".to_owned(), file(1, GONE)), ("kept".to_owned(), file(2, KEPT))]);
    let both = back_up(&repository, "source", &Files::from([("folder".to_owned(), folder.clone())]));
    folder.remove("gone");
    let one = back_up(&repository, "source", &Files::from([("folder".to_owned(), folder)]));
    (repository, [both.id.unwrap(), one.id.unwrap()])
}

/// The packs of contents as they are told, and how many contents were counted on the way.
fn told(repository: &Repository, options: &MaintenanceOptions) -> (Vec<Explained>, u64) {
    let (progress, stop) = (Progress::default(), Stop::default());
    let explained = explain(repository, options, &progress, &stop).expect("explains");
    let live: u64 = explained.packs.iter().map(|pack| pack.live_contents).sum();
    let counted = progress.items_done.load(Ordering::Relaxed);
    assert_eq!(counted, live, "each content that is needed is counted once");
    (explained.packs.into_iter().filter(|pack| pack.kind == PackKind::Data).collect(), counted)
}

fn sparing(unused_percent: f64) -> MaintenanceOptions {
    MaintenanceOptions { unused_percent, small_pack: 0, ..MaintenanceOptions::default() }
}

#[test]
fn what_is_needed_of_a_pack_is_told_to_the_byte_and_alone_copied() {
    let (runtime, storage) = (runtime(), Storage::memory());
    let (repository, [both, one]) = two_of_which_one_is_needed(&runtime, storage);
    let tally = |pack: &Explained| (pack.contents, pack.live_contents, pack.unused, pack.fate);
    let (packs, all) = told(&repository, &sparing(0.0));
    assert_eq!(packs.iter().map(tally).collect::<Vec<_>>(), [(2, 2, 0, PackFate::Needed)]);

    repository.forget(&[both]).unwrap();
    for (percent, fate) in [(49.0, PackFate::Thin), (51.0, PackFate::Needed)] {
        // A third of the pack is half of what is needed; there is little else.
        let (packs, left) = told(&repository, &sparing(percent));
        let unused = packs[0].size * GONE as u64 / (GONE + KEPT) as u64;
        assert_eq!(packs.iter().map(tally).collect::<Vec<_>>(), [(2, 1, unused, fate)], "{percent} %");
        assert!(left < all);
    }
    let report = maintain(&repository, &MaintenanceOptions { unused_percent: 0.0, ..at_once() });
    assert!(report.rewritten > 0, "{report:?}");
    let (packs, _) = told(&repository, &sparing(0.0));
    assert_eq!(packs.iter().map(tally).collect::<Vec<_>>(), [(1, 1, 0, PackFate::Needed)]);
    let rows = repository.index().rows().map(|row| row.expect("reads"));
    let lengths: Vec<u32> =
        rows.filter(|row| row.at.kind == ContentKind::Data).map(|row| row.at.content_len).collect();
    assert_eq!(lengths, [KEPT as u32], "what nobody needs was not copied");

    repository.forget(&[one]).unwrap();
    let (packs, _) = told(&repository, &sparing(0.0));
    assert_eq!(packs.iter().map(tally).collect::<Vec<_>>(), [(1, 0, packs[0].size, PackFate::Unneeded)]);
}

#[test]
fn packs_that_are_not_trusted_and_those_that_nobody_knows_are_told_apart() {
    let (runtime, storage) = (runtime(), Storage::memory());
    let blobs = Blobs::new(storage.clone(), runtime.handle().clone());
    let (repository, _) = two_of_which_one_is_needed(&runtime, storage.clone());
    let damaged = blobs.list("packs/data/").expect("lists").remove(0).name;
    // A writer that dies before its commit.
    let writer = repository.writer(WriterOptions::default()).expect("begins");
    writer.put(ContentKind::Data, &noise(3, 30_000)).expect("puts");
    writer.flush().expect("flushes");
    let (packs, _) = told(&repository, &sparing(0.0));
    assert_eq!(packs.len(), 2);
    let fresh = packs.iter().find(|pack| pack.fate == PackFate::Fresh).expect("a pack nobody knows");
    assert_eq!((fresh.contents, fresh.live_contents, fresh.unused), (0, 0, fresh.size));

    // All of it, so that nothing can be copied out of it.
    change_blob(&blobs, &damaged, |bytes| {
        let half = bytes.len() / 2;
        bytes[..half].iter_mut().for_each(|byte| *byte ^= 0xff);
    });
    let (progress, stop) = (Progress::default(), Stop::default());
    repair::packs(&repository, false, &progress, &stop).expect("repairs");
    let (packs, _) = told(&open(&runtime, storage, OpenOptions::default()), &sparing(0.0));
    let name = |pack: &Explained| BlobId::Pack(pack.kind, pack.pack).name();
    let quarantined =
        packs.iter().find(|pack| pack.fate == PackFate::Quarantined).expect("a quarantined pack");
    assert_eq!((name(quarantined), quarantined.live_contents), (damaged, 2));
}

/// Stored again because a pack is gone: what the index still has there is no place that anything is needed in.
#[test]
fn a_content_is_needed_where_it_is_there() {
    let (runtime, storage) = (runtime(), Storage::memory());
    let blobs = Blobs::new(storage.clone(), runtime.handle().clone());
    let repository = init(&runtime, storage.clone(), OpenOptions::default());
    let mut files = Files::new();
    churn(&mut files, 0, 1);
    let lost = back_up(&repository, "source", &files).id.unwrap();
    let gone = blobs.list("packs/data/").expect("lists");
    gone.iter().for_each(|pack| blobs.delete(&pack.name).expect("deletes"));
    let healed =
        back_up(&open(&runtime, storage.clone(), OpenOptions::default()), "source", &files).id.unwrap();
    let (packs, _) = told(&open(&runtime, storage, OpenOptions::default()), &sparing(0.0));
    assert!(packs.len() >= 2 && gone.len() >= 2);
    assert!(packs.iter().all(|pack| pack.live_contents == pack.contents && pack.contents > 0), "{packs:?}");
    maintain(&repository, &at_once());
    assert_holds(&repository, &BTreeMap::from([(lost, flat(&files)), (healed, flat(&files))]));
}

/// Every file of a folder, and how large it is.
fn files_in(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let entries = fs::read_dir(folder).expect("is a folder").map(|entry| entry.expect("reads"));
    let of = |entry: fs::DirEntry| match entry.metadata().expect("is there") {
        metadata if metadata.is_dir() => files_in(&entry.path()),
        metadata => BTreeMap::from([(entry.path(), metadata.len())]),
    };
    entries.flat_map(of).collect()
}

#[test]
fn a_dry_run_writes_nothing_and_says_what_a_run_then_does() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().unwrap());
    let location = Location::Folder { path: folder.path().to_owned() };
    let storage = Storage::open(&location, &StorageOptions::default()).expect("opens");
    let repository = init(&runtime, storage, OpenOptions::default());
    let (mut files, mut made) = (Files::new(), Vec::new());
    for round in 0..5 {
        churn(&mut files, round, 3);
        made.push(back_up(&repository, "source", &files).id.unwrap());
    }
    repository.forget(&made[..4]).unwrap();
    // Room for a full disk, which a run keeps when it is done.
    let reserve = folder.path().join("RESERVE");
    let records = || fs::read_dir(folder.path().join("log")).expect("is a folder").count() as u64;
    let told = || status(&repository).expect("tells");

    let before = files_in(folder.path());
    let dry = maintain(&repository, &MaintenanceOptions { dry_run: true, ..at_once() });
    assert_eq!(files_in(folder.path()), before);
    assert!(dry.dry_run && dry.condemned > 0 && dry.rewritten > 0 && dry.deleted == 0, "{dry:?}");
    assert_eq!((told().records, told().condemned), (records(), 0));

    let quick = maintain(&repository, &MaintenanceOptions { quick: true, ..at_once() });
    assert!(quick.segments_after < quick.segments_before, "{quick:?}");
    assert_eq!(quick.condemned, 0, "{quick:?}");
    assert!(reserve.exists(), "a run keeps room for the next one");
    assert_eq!(told().records, records());

    let run = maintain(&repository, &at_once());
    assert_eq!((run.rewritten, run.rewritten_bytes), (dry.rewritten, dry.rewritten_bytes));
    assert!(run.condemned >= dry.condemned && run.deleted > 0 && run.written_bytes > 0, "{run:?}");
    let space = maintain(&repository, &MaintenanceOptions { dry_run: true, ..at_once() }).space;
    let bytes = |name| files_in(&folder.path().join(name)).values().sum::<u64>();
    assert_eq!(space.total(), bytes("packs") + bytes("segments"));
    assert!(space.unneeded_bytes == 0 && space.doomed_bytes == 0, "{space:?}");
}
