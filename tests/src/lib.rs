//! What the end-to-end suites share: a repository in memory or a folder, and trees to back up.

pub mod damage;
pub mod faults;
pub mod journal;
pub mod living;
pub mod plain;
pub mod simulation;

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use repo_format::codec::SplitterSizes;
use repo_format::content::WriterOptions;
use repo_format::engine::BackupOptions;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::names::BlobId;
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::log::SourceInfo;
use repo_format::maintenance::MaintenanceOptions;
use repo_format::repository::{InitOptions, OpenOptions, Repository};
use repo_format::storage::{BlobName, Blobs, Location, Storage, StorageOptions};
use repo_format::verify::{Finding, FindingKind, Level, VerifyOptions, verify};
use tokio::runtime::Runtime;

/// A runtime for storages, which must outlive their repositories.
pub fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("the system gives threads")
}

/// The secret that opens the suites' repositories; a key file, so that no time goes into deriving.
pub fn secret() -> Secret {
    Secret::key_file(&[7; 64]).expect("long enough")
}

/// A new repository that [`secret`] opens.
pub fn init_options(open: OpenOptions) -> InitOptions {
    InitOptions {
        secret: secret(),
        label: "test".into(),
        cost: KdfCost::DEFAULT,
        recovery_key: false,
        retention: None,
        splitter: SplitterSizes::DEFAULT,
        open,
    }
}

/// A new repository in `storage`.
pub fn init(runtime: &Runtime, storage: Storage, open: OpenOptions) -> Repository {
    let blobs = Blobs::new(storage, runtime.handle().clone());
    Repository::init(blobs, init_options(open)).expect("inits").repository
}

/// A number that a long run may be given in a variable.
pub fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().expect("a number"))
}

/// The repository in `storage`.
pub fn open(runtime: &Runtime, storage: Storage, open: OpenOptions) -> Repository {
    Repository::open(Blobs::new(storage, runtime.handle().clone()), &secret(), open).expect("opens")
}

/// A backup of `path` with everything at its default.
pub fn backup_options(path: &Path) -> BackupOptions {
    BackupOptions {
        source: SourceInfo {
            service: "folder".into(),
            paths: vec![path.as_os_str().as_encoded_bytes().to_vec()],
            ..SourceInfo::default()
        },
        tags: Default::default(),
        checkpoint_interval: Duration::from_secs(60),
        threads: 2,
        fail_fast: false,
        ignore_bases: false,
        writer: WriterOptions::default(),
    }
}

/// The same in packs of a few kilobytes, read by one thread: much happens with little.
pub fn tiny_packs(source: &str) -> BackupOptions {
    let mut options = backup_options(source.as_ref());
    options.writer.data_pack_size = 8 << 10;
    options.writer.data_frame_size = 3 << 10;
    options.writer.meta_pack_size = 6 << 10;
    options.writer.meta_frame_size = 2 << 10;
    options.threads = 1;
    options
}

/// An error and what it came from, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// A storage of any store that tests put in front of blobs.
pub fn storage(store: impl ObjectStore) -> Storage {
    storage_with(store, StorageOptions::default())
}

/// The same, with another patience.
pub fn storage_with(store: impl ObjectStore, options: StorageOptions) -> Storage {
    Storage::from_object_store(Arc::new(store), Location::Memory, options)
}

/// Maintenance without a grace period, as nobody should run it: what that may break breaks here.
pub fn at_once() -> MaintenanceOptions {
    MaintenanceOptions {
        grace: Duration::ZERO,
        grace_unknown: Duration::ZERO,
        records_kept: 3,
        threads: 2,
        ..MaintenanceOptions::default()
    }
}

/// Every content decrypted and hashed, and no damage. Blobs that nothing knows are none.
pub fn assert_clean(repository: &Repository, place: &str) {
    let options = VerifyOptions { level: Level::Data, threads: 2, ..VerifyOptions::default() };
    let report = verify(repository, &options, &Progress::default(), &Stop::default()).expect(place);
    assert!(report.is_clean(), "{place}: {:#?}", report.findings);
}

/// Whether it is that a record is missing: in a copy, one that comes behind the catalog that stands for it (COPY-6).
pub fn is_missing_record(finding: &Finding) -> bool {
    let blob = finding.blob.as_ref().and_then(BlobId::parse);
    finding.kind == FindingKind::Missing && matches!(blob, Some(BlobId::Record(_)))
}

/// Says what a proof counted, past the capture of what tests print: figures are of use when all is well.
pub fn tell(line: &str) {
    // A log that cannot be written is nothing to fail for.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Puts other bytes in a blob's place.
pub fn change_blob(blobs: &Blobs, name: &BlobName, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = blobs.get(name).expect("is there").to_vec();
    change(&mut bytes);
    blobs.delete(name).expect("deletes");
    blobs.put_new(name, bytes.into()).expect("puts");
}

/// Changes one bit in the middle of a blob.
pub fn damage_blob(blobs: &Blobs, name: &BlobName) {
    change_blob(blobs, name, |bytes| flip_in_the_middle(bytes));
}

/// Changes one bit in the middle.
pub fn flip_in_the_middle(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
}

/// Bytes that do not repeat.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}
