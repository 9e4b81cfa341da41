//! What a large drive costs without network and contents: memory, processor, and bytes stored.
//!
//! `cargo run --release -p graph-client --example large_drive -- 1000000` lists a made-up drive of so
//! many items into a repository in a temporary folder, then runs again with 100 changes.

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use graph_client::ingest::{
    ChangeKind, Cursor, DriveLedger, ItemChange, Mark, Past, Phase, Scope, apply, finish_enumeration, settle,
    update_tree,
};
use repo_format::codec::{ContentId, SplitterSizes};
use repo_format::content::WriterOptions;
use repo_format::engine::BackupOptions;
use repo_format::engine::feed::{FeedRun, FeedState};
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::log::SourceInfo;
use repo_format::object::ObjectRef;
use repo_format::repository::{InitOptions, OpenOptions, Repository};
use repo_format::snapshot::Statistics;
use repo_format::storage::{Blobs, Location, Storage, StorageOptions};
use repo_format::tree::{Entry, EntryKind, Meta, TreeBuilder};

type Outcome<T> = Result<T, Box<dyn Error>>;

const PAGE: u64 = 1000;
const PENDING_BYTES_MAX: usize = 48 << 20;

fn main() -> Outcome<()> {
    let count: u64 = std::env::args().nth(1).unwrap_or("1000000".into()).parse()?;
    let (runtime, folder) = (tokio::runtime::Runtime::new()?, tempfile::tempdir()?);
    let secret = || Secret::key_file(&[7; 64]).ok_or("a key file has 32 bytes");
    let location = Location::Folder { path: folder.path().join("repository") };
    fs::create_dir(folder.path().join("repository"))?;
    let storage = Storage::open(&location, &StorageOptions::default())?;
    let blobs = Blobs::new(storage, runtime.handle().clone());
    let open = || OpenOptions { cache: Some(folder.path().join("cache")), ..OpenOptions::default() };
    let options = InitOptions {
        secret: secret()?,
        label: "example".into(),
        cost: KdfCost::DEFAULT,
        recovery_key: false,
        retention: None,
        splitter: SplitterSizes::DEFAULT,
        open: open(),
    };
    Repository::init(blobs.clone(), options)?;
    println!(
        "{:28} {:>8} {:>8} {:>9} {:>10} {:>9}",
        "", "wall s", "CPU s", "peak MiB", "stored MB", "contents"
    );
    for (what, ids) in [("everything", 0..count), ("100 changes", 0..100), ("nothing", 0..0)] {
        let repository = Repository::open(blobs.clone(), &secret()?, open())?;
        let (begun, cpu) = (Instant::now(), cpu_seconds());
        let numbers = ids.map(|n| if what == "everything" { n } else { 1 + n * (count / 101) });
        let statistics = run(&repository, numbers, count, what != "everything")?;
        println!(
            "{what:28} {:8.1} {:8.1} {:9} {:10.1} {:9}",
            begun.elapsed().as_secs_f64(),
            cpu_seconds() - cpu,
            peak_mib(),
            statistics.bytes_stored as f64 / 1e6,
            statistics.new_contents,
        );
    }
    Ok(())
}

/// One run: pages of `numbers`, each content marked as stored.
fn run(
    repository: &Repository,
    numbers: impl Iterator<Item = u64>,
    count: u64,
    edited: bool,
) -> Outcome<Statistics> {
    let options = BackupOptions {
        source: SourceInfo { service: "onedrive".into(), ..SourceInfo::default() },
        tags: Default::default(),
        checkpoint_interval: Duration::from_secs(60),
        threads: 1,
        fail_fast: false,
        ignore_bases: false,
        writer: WriterOptions::default(),
    };
    let (progress, stop) = (Progress::default(), Stop::default());
    let writer = repository.writer(options.writer.clone())?;
    let run = FeedRun::begin(repository, &writer, &options, &progress, &stop)?;
    let (mut cursor, roots, base) = match run.base() {
        Some(manifest) => {
            let cursor = Cursor::decode(manifest.cursor.as_deref().unwrap_or_default())?;
            (cursor, manifest.ledger.clone(), Some(manifest.root.clone()))
        }
        None => (Cursor::default(), Vec::new(), None),
    };
    let floor = usize::try_from(cursor.floor)?;
    let mut ledger = DriveLedger::open(run.contents(), run.map_store(), &roots, floor)?;
    if cursor.phase != Phase::Following {
        ledger.remember_ids()?;
    }
    let past_root = base.clone().map(|root| (cursor.root.clone(), root));
    let mut past = Past::new(run.contents(), ledger.base(), past_root);
    let mut numbers = numbers.peekable();
    while numbers.peek().is_some() {
        let page: Vec<ItemChange> =
            numbers.by_ref().take(PAGE as usize).map(|n| change(n, count, edited)).collect();
        for id in apply(&mut ledger, &mut cursor, &page)?.fetch {
            if let Some(mut item) = ledger.item(&id)? {
                item.object = item.known.facts.hash.map(|hash| {
                    let mut content = [1; 32];
                    content[..20].copy_from_slice(&hash);
                    ObjectRef { depth: 0, content: ContentId(content), size: item.known.facts.size }
                });
                item.known.mark = Mark::Stored;
                ledger.put(&item);
                ledger.satisfy(&id);
            }
        }
        cursor.link = Some("https://graph.microsoft.com/v1.0/drives/x/root/delta?token=y".into());
        if run.is_due() || ledger.pending_bytes() > PENDING_BYTES_MAX {
            let layers = ledger.save()?;
            let root = match &base {
                Some(root) => root.clone(),
                None => empty(&run)?,
            };
            run.checkpoint(&state(root, layers.clone(), &cursor))?;
            ledger.settle(&layers)?;
        }
    }
    finish_enumeration(&mut ledger, &mut cursor)?;
    settle(&mut ledger, &cursor, &mut past)?;
    let updated =
        update_tree(&mut ledger, &cursor, &mut past, &Scope::default(), run.contents(), run.map_store())?;
    cursor.floor = 1;
    cursor.counts = updated.counts;
    let layer = ledger.fold()?;
    Ok(run.finish(&state(updated.root, vec![layer], &cursor), false)?.statistics)
}

fn state(root: Entry, ledger: Vec<ContentId>, cursor: &Cursor) -> FeedState {
    let (failures, statistics) = Default::default();
    FeedState { root, ledger, cursor: cursor.encode(), failures, statistics }
}

fn empty(run: &FeedRun<'_>) -> Outcome<Entry> {
    let (tree, totals) = TreeBuilder::new(run.map_store()).finish()?;
    let folder = Entry { kind: EntryKind::Folder(tree), size: 0, meta: Meta::default(), items: 0 };
    Ok(totals.folder_entry(tree, folder))
}

/// Item 0 is the root; every 16th a folder, in a folder of a sixteenth of its number.
fn change(number: u64, count: u64, edited: bool) -> ItemChange {
    let hash = |n: u64| -> [u8; 20] {
        let mut bytes = [0; 20];
        let (a, b) =
            (n.wrapping_mul(0x9e37_79b9_7f4a_7c15), n.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (n << 7));
        bytes[..8].copy_from_slice(&a.to_le_bytes());
        bytes[8..16].copy_from_slice(&b.to_le_bytes());
        bytes[16..].copy_from_slice(&(a ^ b).to_le_bytes()[..4]);
        bytes
    };
    // 34 letters and digits that do not ascend, as the service's do not.
    let id = |n: u64| {
        let bytes = hash(n ^ count);
        format!("01{:032X}", bytes[..16].iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte)))
    };
    let kind = match number {
        0 => ChangeKind::Root,
        n if n.is_multiple_of(16) => ChangeKind::Folder,
        _ => ChangeKind::File,
    };
    let is_file = kind == ChangeKind::File;
    let folder = if number < 16 { 0 } else { number / 256 * 16 };
    let folder = if folder == number { 0 } else { folder };
    ItemChange {
        parent: (number > 0).then(|| id(folder)),
        name: Some(format!("Report of the week number {number}.docx")),
        size: is_file.then_some(60_000 + number % 5000),
        hash: is_file.then(|| hash(number ^ u64::from(edited) << 40)),
        e_tag: Some(format!("\"{{{}}},{}\"", id(number), 1 + u64::from(edited))),
        modified_ns: Some(1_700_000_000_000_000_000 + number as i64 * 1_000_000_000),
        created_ns: Some(1_700_000_000_000_000_000),
        mime: is_file.then(|| "application/vnd.openxmlformats".into()),
        ..ItemChange::new(id(number), kind)
    }
}

fn cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks =
        |at: usize| after.split_whitespace().nth(at).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn peak_mib() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}
