//! Verification without keys: damage to any blob is found by its hash, and nothing is claimed beyond that.

use bytes::Bytes;
use corso_tests::plain::{Files, PlainFile, PlainSource};
use corso_tests::{at_once, backup_options, init, noise, open, runtime};
use repo_format::engine::backup;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::names::BlobId;
use repo_format::maintenance;
use repo_format::repository::{OpenOptions, RepositoryError};
use repo_format::storage::{BlobName, Blobs, Storage};
use repo_format::verify::{FindingKind, VerifyError, VerifyOptions, VerifyReport, verify_keyless};
use std::sync::Arc;
use tokio::runtime::Runtime;

struct Case {
    runtime: Runtime,
    storage: Storage,
    blobs: Blobs,
}

impl Case {
    /// A repository with some records and a catalog.
    fn new() -> Case {
        let (runtime, storage) = (runtime(), Storage::memory());
        let blobs = Blobs::new(storage.clone(), runtime.handle().clone());
        let repository = init(&runtime, storage.clone(), OpenOptions::default());
        for round in 0..3 {
            let file = PlainFile { version: round, bytes: Arc::new(noise(round, 20_000)) };
            let files = Files::from([("folder".to_owned(), [(format!("{round}"), file)].into())]);
            let (options, source) = (backup_options("source".as_ref()), PlainSource::new(&files));
            backup(&repository, &source, &options, &Progress::default(), &Stop::default()).expect("backs up");
            if round == 1 {
                repository.log().write_catalog().expect("writes");
            }
        }
        Case { runtime, storage, blobs }
    }

    fn verify(&self) -> VerifyReport {
        let options = VerifyOptions { threads: 2, ..VerifyOptions::default() };
        verify_keyless(&self.blobs, &options, &Progress::default(), &Stop::default()).expect("lists")
    }

    fn names(&self) -> Vec<BlobName> {
        self.blobs.list("").expect("lists").into_iter().map(|info| info.name).collect()
    }

    fn set(&self, name: &BlobName, bytes: Bytes) {
        self.blobs.delete(name).expect("deletes");
        self.blobs.put_new(name, bytes).expect("puts");
    }
}

#[test]
fn a_sound_repository_is_clean_and_nothing_is_written() {
    let case = Case::new();
    let before = case.names();
    let report = case.verify();
    assert_eq!(report.findings, []);
    let covered = report.covered;
    assert_eq!((covered.blobs_read, covered.records, covered.slots), (before.len() as u64, 4, 1));
    assert!(covered.packs >= 6 && covered.segments >= 3 && covered.catalogs == 1, "{covered:?}");
    // What takes keys was not looked at, and is not told.
    assert_eq!((report.revision, covered.snapshots, covered.packs_decoded), (None, 0, 0));
    assert_eq!(case.names(), before);
}

#[test]
fn every_blob_that_is_changed_cut_or_swapped_is_named_and_no_other() {
    let case = Case::new();
    let names = case.names();
    let whole: Vec<Bytes> = names.iter().map(|name| case.blobs.get(name).expect("reads")).collect();
    for (place, name) in names.iter().enumerate() {
        let bytes = &whole[place];
        let mut flipped = bytes.to_vec();
        flipped[bytes.len() / 2] ^= 1;
        let longer = [bytes, &b"x"[..]].concat();
        let other = whole[(place + 1) % whole.len()].clone();
        let cut = bytes.slice(..bytes.len() - 1);
        for forged in [flipped.into(), longer.into(), cut, Bytes::new(), other] {
            case.set(name, forged);
            let report = case.verify();
            let found: Vec<_> = report.findings.iter().filter(|finding| finding.kind.is_damage()).collect();
            let blobs: Vec<_> = found.iter().filter_map(|finding| finding.blob.clone()).collect();
            let is_neighbour = |blob: &BlobName| matches!(BlobId::parse(blob), Some(BlobId::Record(_)));
            // One whole record under the name of another is not told from it without keys.
            let swapped_record = is_neighbour(name) && found.is_empty();
            assert!(swapped_record || blobs == [name.clone()], "{name}: {found:?}");
        }
        case.set(name, bytes.clone());
    }
    assert_eq!(case.verify().findings, []);
}

#[test]
fn what_is_gone_is_told_as_far_as_names_tell() {
    let case = Case::new();
    for name in case.names() {
        let bytes = case.blobs.get(&name).expect("reads");
        case.blobs.delete(&name).expect("deletes");
        let found = case.verify().findings;
        let missing: Vec<_> = found.iter().filter(|finding| finding.kind == FindingKind::Missing).collect();
        match BlobId::parse(&name).expect("a blob of ours") {
            // The newest record, and one that a catalog stands for, could have been trimmed or never made.
            BlobId::Record(revision @ (1 | 4)) => assert_eq!(found, [], "record {revision}"),
            BlobId::Record(_) | BlobId::Format => assert_eq!(missing[0].blob, Some(name.clone())),
            BlobId::CopyMarker | BlobId::Promoted => panic!("this is no copy"),
            BlobId::Slot(_) => assert_eq!(missing[0].blob, None, "there is no slot left"),
            BlobId::Catalog(_) | BlobId::Pack(..) | BlobId::Segment(_) => assert_eq!(found, [], "{name}"),
        }
        assert_eq!(found.len(), missing.len());
        case.blobs.put_new(&name, bytes).expect("puts");
    }
    // Without a catalog the first record must be there.
    for name in case.names().into_iter().filter(|name| name.as_str().starts_with("catalog/")) {
        case.blobs.delete(&name).expect("deletes");
    }
    case.blobs.delete(&BlobId::Record(1).name()).expect("deletes");
    assert_eq!(case.verify().findings[0].blob, Some(BlobId::Record(1).name()));
}

#[test]
fn a_log_that_was_trimmed_has_no_gap_and_an_empty_place_no_repository() {
    let case = Case::new();
    let repository = open(&case.runtime, case.storage.clone(), OpenOptions::default());
    for _ in 0..3 {
        maintenance::run(&repository, &at_once(), &Progress::default(), &Stop::default()).expect("maintains");
    }
    assert!(!case.names().contains(&BlobId::Record(1).name()), "it was trimmed");
    assert_eq!(case.verify().findings, []);

    let empty = Blobs::new(Storage::memory(), case.runtime.handle().clone());
    let refused = verify_keyless(&empty, &VerifyOptions::default(), &Progress::default(), &Stop::default());
    assert!(matches!(refused, Err(VerifyError::Repository(RepositoryError::NotThere { .. }))));
}
