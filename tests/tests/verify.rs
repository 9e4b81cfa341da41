//! Verification: a sound repository is clean, and damage to any blob is found and named.

use std::convert::Infallible;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use corso_tests::{backup_options, init, noise, open, runtime, secret};
use folder::{FolderSource, SourceOptions};
use repo_format::codec::ManifestId;
use repo_format::engine::backup;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::names::{BlobId, PackKind};
use repo_format::log::Action;
use repo_format::repository::{OpenOptions, Repository};
use repo_format::storage::{BlobInfo, BlobName, Blobs, Storage};
use repo_format::verify::{Finding, FindingKind, Level, Sample, VerifyOptions, VerifyReport, verify};
use tempfile::TempDir;
use tokio::runtime::Runtime;

struct Case {
    runtime: Runtime,
    storage: Storage,
    blobs: Blobs,
    source: TempDir,
    ids: Vec<ManifestId>,
}

impl Case {
    /// Two snapshots; the second adds a folder to what the first has.
    fn new(first_files: usize) -> Case {
        let (runtime, source, storage) =
            (runtime(), tempfile::tempdir().expect("a folder"), Storage::memory());
        let blobs = Blobs::new(storage.clone(), runtime.handle().clone());
        let repository = init(&runtime, storage.clone(), OpenOptions::default());
        let mut case = Case { runtime, storage, blobs, source, ids: Vec::new() };
        for n in 0..first_files {
            case.write(&format!("old/{}/{n}", n % 3), noise(n as u64, 900));
        }
        case.ids.push(case.backup(&repository));
        case.write("new/a", noise(7777, 5000));
        case.write("new/b", noise(8888, 300_000));
        case.ids.push(case.backup(&repository));
        repository.log().write_catalog().expect("writes");
        case
    }

    fn write(&self, path: &str, bytes: Vec<u8>) {
        let path = self.source.path().join(path);
        fs::create_dir_all(path.parent().expect("below something")).expect("makes");
        fs::write(path, bytes).expect("writes");
    }

    fn backup(&self, repository: &Repository) -> ManifestId {
        run_backup(repository, self.source.path())
    }

    fn open(&self) -> Repository {
        open(&self.runtime, self.storage.clone(), OpenOptions::default())
    }

    fn all(&self) -> Vec<(BlobInfo, Bytes)> {
        let listed = self.blobs.list("").expect("lists").into_iter();
        listed.map(|info| (info.clone(), self.blobs.get(&info.name).expect("reads"))).collect()
    }

    fn packs(&self, kind: PackKind) -> Vec<BlobName> {
        let mut packs: Vec<_> = self.all().into_iter().map(|(info, _)| info.name).collect();
        packs.retain(|name| matches!(BlobId::parse(name), Some(BlobId::Pack(found, _)) if found == kind));
        packs
    }

    /// Puts other bytes in a blob's place, or none.
    fn set(&self, name: &BlobName, bytes: Option<Bytes>) {
        self.blobs.delete(name).expect("deletes");
        if let Some(bytes) = bytes {
            self.blobs.put_new(name, bytes).expect("puts");
        }
    }
}

fn run_backup(repository: &Repository, source: &Path) -> ManifestId {
    let folder = FolderSource::new(&[source.to_owned()], SourceOptions::default()).expect("is there");
    let options = backup_options(source);
    let report =
        backup(repository, &folder, &options, &Progress::default(), &Stop::default()).expect("backs up");
    report.id.expect("committed")
}

fn run(repository: &Repository, level: Level, sample: Option<Sample>) -> VerifyReport {
    let options = VerifyOptions { level, sample, threads: 2, ..VerifyOptions::default() };
    verify(repository, &options, &Progress::default(), &Stop::default()).expect("lists")
}

fn about<'f>(report: &'f VerifyReport, name: &BlobName) -> Vec<&'f Finding> {
    report.findings.iter().filter(|finding| finding.blob.as_ref() == Some(name)).collect()
}

#[test]
fn a_sound_repository_is_clean_and_the_report_says_what_was_looked_at() {
    let case = Case::new(60);
    let repository = case.open();
    for level in [Level::Log, Level::Blobs, Level::Data] {
        let report = run(&repository, level, None);
        assert_eq!(report.findings, [], "{level:?}");
        let covered = report.covered;
        assert_eq!((covered.records, covered.catalogs, covered.slots, covered.snapshots), (3, 1, 1, 2));
        assert!(covered.segments >= 2 && covered.entries >= 60 && covered.references >= 62, "{covered:?}");
        let blobs = case.all().len() as u64;
        assert_eq!(covered.blobs_read == blobs, level > Level::Log, "{covered:?} of {blobs}");
        assert_eq!(covered.packs_decoded, if level == Level::Data { covered.packs } else { 0 });
    }
    let report = run(&repository, Level::Log, Some(Sample::Percent(50.0)));
    // Half of the bytes may be in the pack that is drawn last: then all are decoded.
    assert!((1..=report.covered.packs).contains(&report.covered.packs_decoded), "{:?}", report.covered);
    assert!(report.is_clean());
    let report = run(&repository, Level::Log, Some(Sample::Bytes(1)));
    assert_eq!(report.covered.packs_decoded, 1, "a sample ends when it is large enough");
}

#[test]
fn catalogs_and_manifest_segments_of_a_long_log_agree() {
    let case = Case::new(3);
    let repository = case.open();
    for _ in 0..140 {
        case.backup(&repository);
    }
    repository.forget(&case.ids[..1]).expect("forgets");
    let names: Vec<_> = case.all().into_iter().map(|(info, _)| info.name.to_string()).collect();
    assert!(names.iter().filter(|name| name.starts_with("catalog/")).count() >= 3, "{names:?}");
    let repository = case.open();
    let state = repository.state();
    assert!(!state.manifest_segments.is_empty());
    let report = run(&repository, Level::Data, None);
    let damage: Vec<_> = report.findings.iter().filter(|finding| finding.kind.is_damage()).collect();
    assert!(damage.is_empty(), "{damage:?}");
    assert_eq!((report.covered.records, report.covered.snapshots), (state.revision, 141));

    let segment = BlobId::Segment(state.manifest_segments[0].id).name();
    let whole = case.blobs.get(&segment).expect("reads");
    case.set(&segment, None);
    let report = run(&repository, Level::Log, None);
    assert_eq!(about(&report, &segment)[0].kind, FindingKind::Missing);
    case.set(&segment, Some(whole));

    // Nothing may go but what the log itself gives up.
    let first = BlobId::Record(1).name();
    let whole = case.blobs.get(&first).expect("reads");
    case.set(&first, None);
    let report = run(&case.open(), Level::Log, None);
    assert_eq!(about(&report, &first)[0].kind, FindingKind::Missing);
    case.set(&first, Some(whole));
    let log = case.open().log().clone();
    log.commit::<Infallible>(|_| Ok(vec![Action::RaiseFloor(65)])).expect("commits");
    log.write_catalog().expect("writes");
    for revision in 1..=64 {
        case.set(&BlobId::Record(revision).name(), None);
    }
    let report = run(&case.open(), Level::Log, None);
    assert!(report.is_clean(), "{report:?}");
    case.set(&BlobId::Record(90).name(), None);
    let report = run(&case.open(), Level::Log, None);
    assert_eq!(about(&report, &BlobId::Record(90).name())[0].kind, FindingKind::Missing);
}

/// What becomes of one blob of several, case by case: nothing is held but the case at hand.
fn tampered(all: &[(BlobInfo, Bytes)], place: usize) -> impl Iterator<Item = (String, Option<Bytes>)> + '_ {
    let (info, bytes) = &all[place];
    let mut cases = vec![("deleted".to_owned(), None), ("emptied".into(), Some(Bytes::new()))];
    cases.push(("halved".into(), Some(bytes.slice(..bytes.len() / 2))));
    cases.push(("short by one".into(), Some(bytes.slice(..bytes.len() - 1))));
    let longer: Vec<u8> = bytes.iter().copied().chain([0]).collect();
    cases.push(("longer".into(), Some(longer.into())));
    let prefix = |name: &BlobName| name.as_str().split('/').next().map(str::to_owned);
    let swapped = all
        .iter()
        .filter(move |(other, _)| other.name != info.name && prefix(&other.name) == prefix(&info.name))
        .map(|(other, theirs)| (format!("swapped for {}", other.name), Some(theirs.clone())));
    let places = (0..bytes.len()).step_by((bytes.len() / flips()).max(1)).chain([bytes.len() - 1]);
    let flipped = places.map(|at| {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1 << (at % 8);
        (format!("flipped at {at}"), Some(flipped.into()))
    });
    cases.into_iter().chain(swapped).chain(flipped)
}

/// Bytes flipped in each blob; `CORSO_TEST_FLIPS` may ask for more, a large number for every byte.
fn flips() -> usize {
    std::env::var("CORSO_TEST_FLIPS").ok().and_then(|n| n.parse().ok()).unwrap_or(24)
}

#[test]
fn every_blob_that_is_flipped_cut_swapped_or_deleted_is_named() {
    let case = Case::new(20);
    let all = case.all();
    let watching = case.open();
    for (place, (info, whole)) in all.iter().enumerate() {
        for (what, bytes) in tampered(&all, place) {
            case.set(&info.name, bytes);
            // Deleting the newest record or catalog shows only to who has seen it.
            let report = run(&watching, Level::Data, None);
            let damage: Vec<_> = about(&report, &info.name);
            assert!(
                damage.iter().any(|finding| finding.kind.is_damage()),
                "{} {what}: {report:?}",
                info.name
            );
            let strangers = report.findings.iter().filter(|finding| {
                finding.kind.is_damage() && finding.blob.as_ref().is_some_and(|blob| *blob != info.name)
            });
            // A record that is gone leaves those behind it without a base, and no more.
            assert_eq!(strangers.count(), 0, "{} {what}: {:?}", info.name, report.findings);
            // Whoever opens the repository then either gets a state or an error, and never panics.
            let blobs = Blobs::new(case.storage.clone(), case.runtime.handle().clone());
            if let Ok(repository) = Repository::open(blobs, &secret(), OpenOptions::default()) {
                run(&repository, Level::Log, None);
            }
            case.set(&info.name, Some(whole.clone()));
        }
    }
    assert!(run(&case.open(), Level::Data, None).is_clean(), "all is as it was");
}

#[test]
fn a_lost_pack_names_the_snapshots_and_paths_that_need_it() {
    let case = Case::new(20);
    let second = case.packs(PackKind::Data);
    for level in [Level::Log, Level::Data] {
        for pack in &second {
            let whole = case.blobs.get(pack).expect("reads");
            case.set(pack, None);
            let repository = case.open();
            let report = run(&repository, level, None);
            let finding = about(&report, pack)[0];
            assert_eq!(finding.kind, FindingKind::Missing);
            let new = finding.paths.contains(&b"new/b".to_vec());
            if new {
                assert_eq!(finding.snapshots, case.ids[1..]);
                assert_eq!(
                    (&finding.paths[..], finding.path_count),
                    (&[b"new/a".to_vec(), b"new/b".to_vec()][..], 2)
                );
            } else {
                assert_eq!(finding.snapshots, case.ids);
                assert_eq!((finding.path_count, finding.paths.len()), (40, 20));
                assert_eq!(finding.contents, 20);
            }
            assert!(!repository.usable().is_whole());
            case.set(pack, Some(whole));
        }
    }
}

#[test]
fn a_lost_metadata_pack_names_what_cannot_be_listed_any_more() {
    let case = Case::new(20);
    for pack in case.packs(PackKind::Meta) {
        let whole = case.blobs.get(&pack).expect("reads");
        case.set(&pack, None);
        let report = run(&case.open(), Level::Log, None);
        let finding = about(&report, &pack)[0];
        assert!(
            finding.contents > 0 && !finding.snapshots.is_empty() && !finding.paths.is_empty(),
            "{finding:?}"
        );
        case.set(&pack, Some(whole));
    }
}

#[test]
fn a_lost_index_segment_names_what_cannot_be_found_any_more() {
    let case = Case::new(20);
    let segments: Vec<_> =
        case.open().state().segments.keys().map(|id| BlobId::Segment(*id).name()).collect();
    for segment in segments {
        let whole = case.blobs.get(&segment).expect("reads");
        case.set(&segment, None);
        let report = run(&case.open(), Level::Log, None);
        assert_eq!(about(&report, &segment)[0].kind, FindingKind::Missing);
        let nowhere: Vec<_> = report.findings.iter().filter(|finding| finding.blob.is_none()).collect();
        assert_eq!(nowhere.len(), 1, "{report:?}");
        assert!(nowhere[0].contents > 0 && nowhere[0].snapshots.contains(&case.ids[1]), "{report:?}");
        assert!(!nowhere[0].paths.is_empty());
        case.set(&segment, Some(whole));
    }
}

#[test]
fn damage_that_loses_no_content_says_so() {
    let case = Case::new(20);
    let pack = &case.packs(PackKind::Data)[0];
    let mut bytes = case.blobs.get(pack).expect("reads").to_vec();
    // The trailer is of use only when the index is rebuilt.
    *bytes.last_mut().expect("not empty") ^= 1;
    case.set(pack, Some(bytes.into()));
    let repository = case.open();
    assert!(run(&repository, Level::Log, None).is_clean());
    for level in [Level::Blobs, Level::Data] {
        let report = run(&repository, level, None);
        let finding = about(&report, pack)[0];
        assert_eq!((finding.kind, finding.contents), (FindingKind::Damaged, 0));
        assert!(finding.what.contains("no content") && finding.paths.is_empty());
    }
}

#[test]
fn what_nothing_knows_is_told_and_is_no_damage() {
    let case = Case::new(5);
    // As a run leaves it that was killed before its commit.
    let stranger = Case::new(6);
    let pack = &stranger.packs(PackKind::Data)[0];
    case.set(pack, stranger.blobs.get(pack).ok());
    let foreign = BlobName::new("no-name-of-ours").expect("a name");
    case.set(&foreign, Some(Bytes::from_static(b"?")));
    let repository = case.open();
    for level in [Level::Log, Level::Blobs] {
        let report = run(&repository, level, None);
        assert!(report.is_clean(), "{report:?}");
        for name in [pack, &foreign] {
            assert_eq!(about(&report, name)[0].kind, FindingKind::Unknown);
        }
    }
}

#[test]
fn a_verification_can_be_stopped() {
    let case = Case::new(5);
    let stop = Stop::default();
    stop.request();
    let options = VerifyOptions { level: Level::Data, ..VerifyOptions::default() };
    let report = verify(&case.open(), &options, &Progress::default(), &stop).expect("lists");
    assert!(report.interrupted);
}
