//! Shows that maintenance's memory does not grow with the repository.
//!
//! Makes a repository of so many contents (20,000,000 unless an argument says otherwise) in a temporary folder:
//! its index, its snapshots and their lists of contents are real, its data packs are names and sizes alone.
//! Half of the contents are needed. A process of its own then maintains it without grace, which gives the other
//! half back. Twenty million take about 6 GB of disk for some minutes.
//!
//! ```text
//! cargo run --release -p repo-format --example maintenance_memory [CONTENTS]
//! ```

mod generated;

use std::convert::Infallible;
use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use repo_format::codec::{PackId, RunId, SplitterSizes};
use repo_format::content::WriterOptions;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::names::BlobId;
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::index::{TABLE_SIZE, build};
use repo_format::log::{Action, SnapshotState, SourceInfo};
use repo_format::maintenance::{self, MaintenanceOptions};
use repo_format::object::ObjectWriter;
use repo_format::repository::{Draft, InitOptions, OpenOptions, Repository};
use repo_format::snapshot::{Manifest, Statistics};
use repo_format::storage::{Blobs, Location, Storage, StorageOptions};
use repo_format::tree::{Entry, EntryKind, Meta, TreeBuilder, TreeKey};
use tokio::runtime::Runtime;

use self::generated::{CONTENT_SIZE, content_id, hash, memory, packs};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const PACK_SIZE: u64 = 32 << 20;
/// Contents that one commit adds; each commit makes its own segments.
const COMMIT_CONTENTS: u64 = 1 << 20;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => make(20_000_000),
        [count] => make(count.parse()?),
        ["maintain", folder] => maintain(Path::new(folder)),
        _ => Err("usage: maintenance_memory [CONTENTS]".into()),
    }
}

fn secret() -> Outcome<Secret> {
    Secret::key_file(&[7; 64]).ok_or_else(|| "too short".into())
}

fn options(folder: &Path) -> OpenOptions {
    OpenOptions { cache: Some(folder.join("cache")), ..OpenOptions::default() }
}

fn make(count: u64) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let start = Instant::now();
    let runtime = Runtime::new()?;
    let place = folder.path().join("repository");
    let storage = Storage::create(&Location::Folder { path: place.clone() }, &StorageOptions::default())?;
    let init = InitOptions {
        secret: secret()?,
        label: "example".into(),
        cost: KdfCost::DEFAULT,
        recovery_key: false,
        retention: None,
        splitter: SplitterSizes::DEFAULT,
        open: options(folder.path()),
    };
    let repository = Repository::init(Blobs::new(storage, runtime.handle().clone()), init)?.repository;
    for first in (0..count).step_by(COMMIT_CONTENTS as usize) {
        add(&repository, &place, first..count.min(first + COMMIT_CONTENTS))?;
    }
    println!("{count} contents in {} segments, {:.0?}", repository.state().segments.len(), start.elapsed());
    let start = Instant::now();
    snapshot(&repository, count / 2)?;
    println!("a snapshot that needs {} of them, {:.0?}", count / 2, start.elapsed());
    drop(repository);
    let arguments = ["maintain".as_ref(), folder.path().as_os_str()];
    let status = Command::new(std::env::current_exe()?).args::<_, &OsStr>(arguments).status()?;
    if status.success() { Ok(()) } else { Err("the process failed".into()) }
}

/// Adds contents: segments, and packs without bytes.
fn add(repository: &Repository, place: &Path, contents: std::ops::Range<u64>) -> Outcome<()> {
    let packs = packs(contents.clone());
    for pack in &packs {
        let path = place.join(BlobId::Pack(pack.kind, pack.id).name().as_str());
        fs::create_dir_all(path.parent().ok_or("a pack lies in a folder")?)?;
        fs::File::create(path)?.set_len(PACK_SIZE)?;
    }
    let mut segments = Vec::new();
    for (number, table) in build(&packs, TABLE_SIZE)?.into_iter().enumerate() {
        let salt = hash(b"salt", contents.start + number as u64);
        let (blob, segment) = table.seal(repository.keys(), &repository.id(), salt);
        repository.blobs().put_new(&BlobId::Segment(blob.id).name(), blob.bytes)?;
        segments.push(segment);
    }
    repository.log().commit(|_| Ok::<_, Infallible>(vec![Action::AddSegments(segments.clone())]))?;
    Ok(())
}

/// A snapshot of files of up to 262,144 contents each.
fn snapshot(repository: &Repository, count: u64) -> Outcome<()> {
    repository.refresh()?;
    let writer = repository.writer(WriterOptions::default())?;
    let mut tree = TreeBuilder::new(repository.map_store(&writer));
    for first in (0..count).step_by(1 << 18) {
        let mut object = ObjectWriter::new(&writer, repository.splitter());
        (first..count.min(first + (1 << 18))).try_for_each(|n| object.push(content_id(n), CONTENT_SIZE))?;
        let object = object.finish()?;
        let (kind, size) = (EntryKind::File(Some(object)), object.size);
        let entry = Entry { kind, size, meta: Meta::default(), items: 0 };
        tree.push(&TreeKey::of_name(format!("{first:012}")), &entry)?;
    }
    let (root, totals) = tree.finish()?;
    let folder = Entry { kind: EntryKind::Folder(root), size: 0, meta: Meta::default(), items: 0 };
    let manifest = Manifest {
        source: SourceInfo { service: "folder".into(), ..SourceInfo::default() },
        start_ns: repository.log().now_ns(),
        end_ns: repository.log().now_ns(),
        state: SnapshotState::Complete,
        root: totals.folder_entry(root, folder),
        failures: None,
        statistics: Statistics::default(),
        based_on: Vec::new(),
        tags: Default::default(),
        prepared_on: repository.state().revision,
        run: RunId::random()?,
        splitter: repository.splitter().sizes(),
        ledger: Vec::new(),
        cursor: None,
        parts: None,
    };
    let row = manifest.row(manifest.store(&writer)?, PackId::ZERO);
    repository.publish(&writer, Draft { row, bases: Vec::new(), replaces: Vec::new() })?;
    Ok(())
}

fn maintain(folder: &Path) -> Outcome<()> {
    let runtime = Runtime::new()?;
    let place = Location::Folder { path: folder.join("repository") };
    let storage = Storage::open(&place, &StorageOptions::default())?;
    let blobs = Blobs::new(storage, runtime.handle().clone());
    let repository = Repository::open(blobs, &secret()?, options(folder))?;
    let maintenance = MaintenanceOptions {
        grace: Duration::ZERO,
        grace_unknown: Duration::ZERO,
        // Packs are names here, which nobody can put together.
        small_pack: 0,
        ..MaintenanceOptions::default()
    };
    for run in 1..=2 {
        let (done, most) = (AtomicBool::new(false), AtomicU64::new(0));
        let start = Instant::now();
        let report = thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    most.fetch_max(memory("RssAnon").unwrap_or(0), Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(20));
                }
            });
            let (progress, stop) = (Progress::default(), Stop::default());
            let report = maintenance::run(&repository, &maintenance, &progress, &stop);
            done.store(true, Ordering::Relaxed);
            report
        })?;
        println!(
            "run {run}: {} packs deleted, {:.0?}; MiB: at most {} own, {} with mapped files",
            report.deleted,
            start.elapsed(),
            most.into_inner() >> 10,
            memory("VmHWM").unwrap_or(0) >> 10,
        );
    }
    Ok(())
}
