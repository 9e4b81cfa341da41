//! Restoring: what comes back, what damage costs, and where the limits are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use corso_tests::{backup_options, init, noise, open, runtime, setting};
use folder::{CompareOptions, FolderSink, FolderSource, SinkOptions, SourceOptions, compare};
use repo_format::codec::ManifestId;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::engine::restore::Limits;
use repo_format::engine::select::{FolderSelection, Pick, Selection};
use repo_format::engine::{
    RestoreError, RestoreOptions, RestoreReport, backup, cat, restore, restore_selected,
};
use repo_format::format::names::{BlobId, PACKS, PackKind};
use repo_format::repository::{OpenOptions, Repository};
use repo_format::storage::{BlobInfo, Storage};
use repo_format::tree::{Entry, EntryKind, Tree, TreeError, TreeKey};
use tempfile::TempDir;
use tokio::runtime::Runtime;

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("below something")).expect("makes");
    fs::write(path, bytes).expect("writes");
}

/// Small and large files, links of both kinds, empty files and folders, depth.
fn sample(root: &Path) {
    for n in 0..400 {
        write(&root.join(format!("small/{}/{n}", n % 7)), noise(n, (n as usize * 37) % 3000));
    }
    write(&root.join("large/first"), noise(1000, 5_000_000));
    // The same pieces again, in a file of their own and twice in one.
    write(&root.join("large/second"), noise(1000, 5_000_000));
    write(&root.join("large/twice"), noise(1000, 5_000_000).repeat(2));
    write(&root.join("large/zeros"), vec![0; 3_000_000]);
    write(&root.join("empty"), b"");
    fs::create_dir(root.join("empty folder")).expect("makes");
    fs::hard_link(root.join("large/first"), root.join("small/0/link")).expect("links");
    fs::hard_link(root.join("large/first"), root.join("another link")).expect("links");
    fs::hard_link(root.join("empty"), root.join("another empty")).expect("links");
    symlink("small/1", root.join("symlink")).expect("links");
    let deep: std::path::PathBuf = (0..300).map(|_| "d").collect();
    write(&root.join(deep).join("bottom"), b"far down");
}

struct Case {
    runtime: Runtime,
    storage: Storage,
    repository: Repository,
    source: TempDir,
    id: ManifestId,
}

impl Case {
    fn of(fill: impl FnOnce(&Path), pack_size: usize) -> Case {
        let (runtime, source, storage) =
            (runtime(), tempfile::tempdir().expect("a folder"), Storage::memory());
        fill(source.path());
        let repository = init(&runtime, storage.clone(), OpenOptions::default());
        let id = run_backup(&repository, source.path(), pack_size);
        let repository = open(&runtime, storage.clone(), OpenOptions::default());
        Case { runtime, storage, repository, source, id }
    }

    fn restore(&self, path: &[Vec<u8>], target: &Path, options: &RestoreOptions) -> RestoreReport {
        let sink = FolderSink::new(target, SinkOptions::default()).expect("makes the target");
        let progress = Progress::default();
        restore(&self.repository, &self.id, path, &sink, options, &progress, &Stop::default())
            .expect("restores")
    }

    fn packs(&self, kind: PackKind) -> Vec<BlobInfo> {
        let mut packs = self.repository.blobs().list(PACKS).expect("lists");
        packs.retain(
            |pack| matches!(BlobId::parse(&pack.name), Some(BlobId::Pack(found, _)) if found == kind),
        );
        packs
    }

    /// Replaces or removes a blob behind the repository's back, and opens it anew.
    fn tamper(&mut self, pack: &BlobInfo, change: impl FnOnce(&mut Vec<u8>)) {
        let blobs = self.repository.blobs();
        let mut bytes = blobs.get(&pack.name).expect("reads").to_vec();
        change(&mut bytes);
        blobs.delete(&pack.name).expect("deletes");
        if !bytes.is_empty() {
            blobs.put_new(&pack.name, bytes.into()).expect("puts");
        }
        self.repository = open(&self.runtime, self.storage.clone(), OpenOptions::default());
    }
}

fn run_backup(repository: &Repository, source: &Path, pack_size: usize) -> ManifestId {
    let folder = FolderSource::new(&[source.to_owned()], SourceOptions::default()).expect("is there");
    let mut options = backup_options(source);
    options.writer.data_pack_size = pack_size;
    let report =
        backup(repository, &folder, &options, &Progress::default(), &Stop::default()).expect("backs up");
    report.id.expect("committed")
}

fn assert_same(source: &Path, target: &Path) {
    let differences = compare(source, target, &CompareOptions::default()).expect("compares");
    assert!(differences.is_empty(), "{differences:?}");
}

fn names(path: &str) -> Vec<Vec<u8>> {
    path.split('/').map(|name| name.as_bytes().to_vec()).collect()
}

#[test]
fn what_was_backed_up_comes_back_whatever_the_limits() {
    let case = Case::of(sample, 1 << 20);
    let tiny = Limits { batch_weight: 50, read_bytes: 1 << 20, read_gap: 0 };
    let all = [
        RestoreOptions::default(),
        RestoreOptions { threads: 1, ..RestoreOptions::default() },
        RestoreOptions { threads: 3, limits: tiny },
    ];
    for options in all {
        let target = tempfile::tempdir().expect("a folder");
        let report = case.restore(&[], target.path(), &options);
        assert_eq!((report.failed, report.skipped, report.interrupted), (0, 0, false), "{report:?}");
        assert_eq!((report.files, report.others), (400 + 4 + 1 + 3 + 1, 1));
        assert_eq!(report.warnings, []);
        assert_same(case.source.path(), target.path());
    }
}

#[test]
fn each_pack_is_read_about_once() {
    let case = Case::of(sample, 1 << 20);
    let packs = case.packs(PackKind::Data);
    let stored: u64 = packs.iter().map(|pack| pack.size).sum();
    let cost = |options: &RestoreOptions| {
        let repository = open(&case.runtime, case.storage.clone(), OpenOptions::default());
        let (before, target) = (case.storage.counters(), tempfile::tempdir().expect("a folder"));
        let sink = FolderSink::new(target.path(), SinkOptions::default()).expect("makes the target");
        let progress = Progress::default();
        restore(&repository, &case.id, &[], &sink, options, &progress, &Stop::default()).expect("restores");
        let after = case.storage.counters();
        (after.gets - before.gets, after.bytes_down - before.bytes_down)
    };
    let (gets, bytes) = cost(&RestoreOptions::default());
    assert!(bytes < stored * 5 / 4, "{bytes} of {stored} bytes were read");
    assert!(gets < 3 * packs.len() as u64 + 20, "{gets} requests for {} packs", packs.len());
    // Where requests are dear one brings a whole pack, and the trees of 300 folders come in a handful.
    let (gets, bytes) = cost(&RestoreOptions::for_storage(&case.storage));
    assert!(bytes < stored * 5 / 4, "{bytes} of {stored} bytes were read");
    assert!(gets < packs.len() as u64 + 10, "{gets} requests for {} packs", packs.len());
}

#[test]
fn a_folder_goes_right_into_the_target_and_a_file_under_its_name() {
    let case = Case::of(sample, 1 << 20);
    let target = tempfile::tempdir().expect("a folder");
    let report = case.restore(&names("small/3"), target.path(), &RestoreOptions::default());
    assert_eq!((report.files, report.folders, report.failed), (57, 1, 0));
    assert_same(&case.source.path().join("small/3"), target.path());

    let target = tempfile::tempdir().expect("a folder");
    let report = case.restore(&names("large/first"), target.path(), &RestoreOptions::default());
    assert_eq!((report.files, report.folders, report.bytes), (1, 0, 5_000_000));
    assert_eq!(fs::read(target.path().join("first")).expect("is there"), noise(1000, 5_000_000));

    let sink = FolderSink::new(target.path(), SinkOptions::default()).expect("is there");
    let nothing = restore(
        &case.repository,
        &case.id,
        &names("large/none"),
        &sink,
        &RestoreOptions::default(),
        &Progress::default(),
        &Stop::default(),
    );
    assert!(matches!(nothing, Err(RestoreError::NoSuchPath { .. })));
}

#[test]
fn a_file_is_put_out_in_order() {
    let case = Case::of(sample, 1 << 20);
    for path in ["large/twice", "small/3/3", "empty", "another link"] {
        let mut out = Vec::new();
        cat(&case.repository, &case.id, &names(path), &mut out).expect("reads");
        assert!(out == fs::read(case.source.path().join(path)).expect("is there"), "{path}");
    }
    let folder = cat(&case.repository, &case.id, &names("large"), &mut Vec::new());
    assert!(matches!(folder, Err(RestoreError::NotAFile { .. })));
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let full = cat(&case.repository, &case.id, &names("large/twice"), &mut Full);
    assert!(matches!(full, Err(RestoreError::Write(_))));
}

/// Files that restored, with their bytes.
fn found(root: &Path, source: &Path) -> BTreeMap<String, bool> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(root).expect("lists") {
        let name = entry.expect("reads").file_name().into_string().expect("UTF-8");
        let same = fs::read(root.join(&name)).expect("reads") == fs::read(source.join(&name)).expect("reads");
        found.insert(name, same);
    }
    found
}

#[test]
fn a_damaged_or_missing_pack_fails_its_files_alone() {
    let fill = |root: &Path| (0..40).for_each(|n| write(&root.join(n.to_string()), noise(n, 150_000)));
    for (truncate, wanted_failed) in [(false, true), (true, true)] {
        let mut case = Case::of(fill, 1 << 20);
        let packs = case.packs(PackKind::Data);
        assert!(packs.len() > 3);
        case.tamper(&packs[1], |bytes| match truncate {
            true => bytes.clear(),
            false => bytes[200_000] ^= 1,
        });
        let target = tempfile::tempdir().expect("a folder");
        let report = case.restore(&[], target.path(), &RestoreOptions::default());
        assert_eq!(report.failed > 0, wanted_failed);
        assert_eq!(report.failed, report.failures.len() as u64);
        assert!(report.failed <= 14, "{report:?}");
        assert_eq!(report.files + report.failed, 40);
        let found = found(target.path(), case.source.path());
        assert!(found.values().all(|same| *same));
        assert_eq!(found.len() as u64, report.files, "nothing half-written is left");
        let first = report.failures[0].error.to_string();
        let BlobId::Pack(_, id) = BlobId::parse(&packs[1].name).expect("a pack") else { panic!() };
        assert!(first.contains(&id.to_string()) && first.contains("lost"), "{first}");
    }
}

#[test]
fn what_is_damaged_in_one_pack_comes_from_another() {
    let fill = |root: &Path| (0..20).for_each(|n| write(&root.join(n.to_string()), noise(n, 100_000)));
    let mut case = Case::of(fill, 64 << 20);
    let first = case.packs(PackKind::Data);
    assert_eq!(first.len(), 1);
    // A backup that knows the pack to be missing stores everything once more.
    let bytes = case.repository.blobs().get(&first[0].name).expect("reads");
    case.tamper(&first[0], Vec::clear);
    run_backup(&case.repository, case.source.path(), 1 << 20);
    case.repository.blobs().put_new(&first[0].name, bytes).expect("puts");
    case.tamper(&first[0], |bytes| bytes.iter_mut().for_each(|byte| *byte ^= 0x55));
    let target = tempfile::tempdir().expect("a folder");
    let report = case.restore(&[], target.path(), &RestoreOptions::default());
    assert_eq!((report.files, report.failed), (20, 0));
    assert_same(case.source.path(), target.path());
}

#[test]
fn hard_links_survive_the_loss_of_the_first_name() {
    let case = Case::of(sample, 1 << 20);
    let target = tempfile::tempdir().expect("a folder");
    // With the first name taken, it is left alone, and the others are a file of their own.
    write(&target.path().join("another link"), b"somebody else's");
    let report = case.restore(&[], target.path(), &RestoreOptions::default());
    assert_eq!((report.skipped, report.failed), (1, 0));
    assert_eq!(fs::read(target.path().join("another link")).expect("is there"), b"somebody else's");
    let same = |path: &str| {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(target.path().join(path)).expect("is there").ino()
    };
    assert_eq!(same("large/first"), same("small/0/link"));
    assert_eq!(fs::read(target.path().join("small/0/link")).expect("is there"), noise(1000, 5_000_000));
}

#[test]
fn a_run_that_is_stopped_leaves_no_half_written_file() {
    let case = Case::of(sample, 1 << 20);
    let target = tempfile::tempdir().expect("a folder");
    let sink = FolderSink::new(target.path(), SinkOptions::default()).expect("is there");
    let limits = Limits { batch_weight: 12, ..Limits::default() };
    let options = RestoreOptions { threads: 2, limits };
    let (progress, stop) = (Progress::default(), Stop::default());
    let report = std::thread::scope(|scope| {
        scope.spawn(|| {
            while progress.bytes_done.load(std::sync::atomic::Ordering::Relaxed) < 2_000_000 {
                std::thread::yield_now();
            }
            stop.request();
        });
        restore(&case.repository, &case.id, &[], &sink, &options, &progress, &stop).expect("returns")
    });
    assert!(report.interrupted);
    let large = target.path().join("large");
    if large.exists() {
        let mut names = fs::read_dir(large).expect("lists").map(|entry| entry.expect("reads").file_name());
        assert!(names.all(|name| !name.to_string_lossy().starts_with(".corso-")));
    }
}

/// Throws for every path whether it is wanted; the same each time.
struct Dice(u64);

/// The folder at a path that ends in `/`, or is empty.
struct DiceIn<'a>(&'a Dice, Vec<u8>);

impl Dice {
    fn pick(&self, path: &[u8], is_folder: bool, name: &[u8]) -> Pick {
        let mut hasher = DefaultHasher::new();
        (self.0, path).hash(&mut hasher);
        match (hasher.finish() % 5, is_folder) {
            (0, _) | (1, false) => Pick::Pass,
            (1, true) => Pick::Look(name.to_vec()),
            _ => Pick::Take(name.to_vec()),
        }
    }

    /// Adds what is wanted below `path` to `all`; says whether anything is.
    fn wanted(&self, root: &Path, path: &Path, all: &mut BTreeSet<PathBuf>) -> bool {
        let mut any = false;
        for entry in fs::read_dir(root.join(path)).expect("lists").map(|entry| entry.expect("lists")) {
            let (name, is_folder) = (entry.file_name(), entry.file_type().expect("has one").is_dir());
            let path = path.join(&name);
            let pick = self.pick(path.as_os_str().as_encoded_bytes(), is_folder, name.as_encoded_bytes());
            let below = pick != Pick::Pass && is_folder && self.wanted(root, &path, all);
            if matches!(pick, Pick::Take(_)) || below {
                all.insert(path);
                any = true;
            }
        }
        any
    }
}

impl Selection for Dice {
    fn folder<'a>(
        &'a self,
        path: &[TreeKey],
        _: &Tree<'_>,
    ) -> Result<Box<dyn FolderSelection + 'a>, TreeError> {
        let path = path.iter().flat_map(|key| key.name.iter().copied().chain([b'/'])).collect();
        Ok(Box::new(DiceIn(self, path)))
    }
}

impl FolderSelection for DiceIn<'_> {
    fn pick(&self, key: &TreeKey, entry: &Entry) -> Pick {
        let path = [&self.1[..], &key.name].concat();
        self.0.pick(&path, matches!(entry.kind, EntryKind::Folder(_)), &key.name)
    }
}

/// Every path below `root`.
fn paths(root: &Path, path: &Path, all: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(root.join(path)).expect("lists").map(|entry| entry.expect("lists")) {
        let path = path.join(entry.file_name());
        if entry.file_type().expect("has one").is_dir() {
            paths(root, &path, all);
        }
        all.insert(path);
    }
}

#[test]
fn any_part_of_a_snapshot_comes_back_as_it_was_and_nothing_else() {
    let case = Case::of(sample, 1 << 20);
    let mut sizes = BTreeSet::new();
    for seed in 0..setting("CORSO_TEST_PARTS", 24) {
        let dice = Dice(seed);
        let (mut wanted, mut found) = (BTreeSet::new(), BTreeSet::new());
        dice.wanted(case.source.path(), Path::new(""), &mut wanted);
        let target = tempfile::tempdir().expect("a folder");
        let sink = FolderSink::new(target.path(), SinkOptions::default()).expect("makes the target");
        let (options, progress) = (RestoreOptions::default(), Progress::default());
        let report =
            restore_selected(&case.repository, &case.id, &dice, &sink, &options, &progress, &Stop::default());
        assert_eq!(report.expect("restores").failed, 0, "seed {seed}");
        paths(target.path(), Path::new(""), &mut found);
        assert_eq!(found, wanted, "seed {seed}");
        for path in &wanted {
            let (from, to) = (case.source.path().join(path), target.path().join(path));
            let is_file = from.symlink_metadata().expect("is there").is_file();
            assert!(!is_file || fs::read(&from).unwrap() == fs::read(&to).unwrap(), "seed {seed}: {path:?}");
        }
        sizes.insert(wanted.len());
    }
    assert!(sizes.len() > 4, "parts of many sizes: {sizes:?}");
}
