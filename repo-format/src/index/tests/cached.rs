//! The local cache: rotten, shared, unusable, pruned.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::*;

const CONTENTS: u32 = 3000;

/// Tables of about five pages each, in the storage and in a cache.
struct Setup {
    shelf: Arc<Shelf>,
    segments: Vec<SegmentRef>,
    folder: tempfile::TempDir,
}

impl Setup {
    fn new() -> Setup {
        let packs: Vec<PackContents> = (0..60)
            .map(|n| {
                let start = n * CONTENTS / 60;
                let frames: Vec<Vec<u32>> = (start..start + CONTENTS / 60).map(|n| vec![n]).collect();
                pack(n, &frames)
            })
            .collect();
        let shelf = Arc::new(Shelf::default());
        let segments = shelf.put(&build(&packs, 300_000).expect("builds"));
        assert_eq!(segments.len(), 2);
        let setup = Setup { shelf, segments, folder: tempfile::tempdir().expect("a folder") };
        setup.index().load_all().expect("loads");
        assert_eq!(setup.shelf.fetches(), 2);
        setup
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("of one repository")
    }

    fn file(&self, segment: usize) -> PathBuf {
        self.cache().join(format!("{}.idx", self.segments[segment].id))
    }

    fn index(&self) -> Index {
        open(&self.shelf, Some(self.cache()), &self.segments)
    }

    /// All hits hit, no miss does, nothing fails. Gives how many segments were fetched.
    fn check(&self, index: &Index) -> usize {
        let before = self.shelf.fetches();
        for n in 0..CONTENTS + 300 {
            let found = index.locate(&content(n).id).expect("never fails");
            assert_eq!(found.len(), usize::from(n < CONTENTS), "content {n}");
        }
        self.shelf.fetches() - before
    }
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).expect("is there").permissions().mode() & 0o777
}

#[test]
fn a_cache_is_private_marked_and_used() {
    let setup = Setup::new();
    assert_eq!(setup.check(&setup.index()), 0);
    assert_eq!((mode(&setup.cache()), mode(&setup.file(0))), (0o700, 0o600));
    let tag = fs::read_to_string(setup.cache().join("CACHEDIR.TAG")).expect("is there");
    assert!(tag.starts_with("Signature: 8a477f597d28d172789f06886806bc55"));
    assert_eq!(fs::read_dir(setup.cache()).expect("lists").count(), 3);
    fs::remove_dir_all(setup.cache()).expect("anybody may");
    assert_eq!(setup.check(&setup.index()), 2);
}

#[test]
fn a_flipped_byte_anywhere_is_healed() {
    let setup = Setup::new();
    let whole = fs::read(setup.file(0)).expect("reads");
    let footer = whole.len() - 40;
    let places = (0..footer).step_by(15_013).chain((footer - 80..whole.len()).step_by(3));
    for place in places {
        let mut rotten = whole.clone();
        rotten[place] ^= 0x20;
        fs::write(setup.file(0), &rotten).expect("writes");
        assert_eq!(setup.check(&setup.index()), 1, "byte {place}");
        assert_eq!(fs::read(setup.file(0)).expect("reads"), whole);
    }
}

#[test]
fn truncated_swapped_and_foreign_files_are_healed() {
    let setup = Setup::new();
    let whole = [0, 1].map(|segment| fs::read(setup.file(segment)).expect("reads"));
    for length in [0, 1, 39, 40, 65_536, whole[0].len() - 40, whole[0].len() - 1] {
        fs::write(setup.file(0), &whole[0][..length]).expect("writes");
        assert_eq!(setup.check(&setup.index()), 1, "{length} bytes");
    }
    fs::write(setup.file(0), &whole[1]).expect("writes");
    fs::write(setup.file(1), &whole[0]).expect("writes");
    assert_eq!(setup.check(&setup.index()), 2);
    assert_eq!([0, 1].map(|segment| fs::read(setup.file(segment)).expect("reads")), whole);

    // The file of another key: as if another repository's cache had been put there.
    let other = Arc::new(MasterKey::from_bytes([9; 32]).subkeys());
    let table = &build(&[pack(1, &[vec![4000]])], TABLE_SIZE).expect("builds")[0];
    let mut forged = Vec::new();
    mapped::write(&other, &setup.segments[0].id, table, &mut forged).expect("writes");
    fs::write(setup.file(0), &forged).expect("writes");
    assert_eq!(setup.check(&setup.index()), 1);
}

#[test]
fn rot_under_an_open_index_is_healed_too() {
    let setup = Setup::new();
    for round in 0..4 {
        let index = setup.index();
        assert_eq!(index.locate(&setup.segments[0].first).expect("reads").len(), 1);
        let mut rotten = fs::read(setup.file(0)).expect("reads");
        let end = rotten.len() - 200;
        // The last page; the look-up above saw others. In place, so that the open map sees it.
        rotten[end - 20_000..end].fill(round);
        fs::OpenOptions::new()
            .write(true)
            .open(setup.file(0))
            .and_then(|mut file| std::io::Write::write_all(&mut file, &rotten))
            .expect("writes");
        assert_eq!(setup.check(&index), 1);
        assert_eq!(setup.check(&setup.index()), 0);
    }
}

#[test]
fn an_unusable_folder_costs_memory_not_the_run() {
    let setup = Setup::new();
    let file = setup.folder.path().join("a file");
    fs::write(&file, "in the way").expect("writes");
    for folder in [file.join("below"), file] {
        let index = open(&setup.shelf, Some(folder), &setup.segments);
        assert_eq!(setup.check(&index), 2);
        assert!(index.take_warning().is_some());
        assert!(index.take_warning().is_none());
        index.prune_cache();
    }
    // A folder in place of a file.
    fs::remove_file(setup.file(0)).expect("removes");
    fs::create_dir(setup.file(0)).expect("makes");
    let index = setup.index();
    assert_eq!(setup.check(&index), 1);
    assert!(index.take_warning().is_some());
}

#[test]
fn a_read_only_folder_is_read() {
    use std::os::unix::fs::PermissionsExt;
    let setup = Setup::new();
    fs::remove_file(setup.file(0)).expect("removes");
    fs::set_permissions(setup.cache(), fs::Permissions::from_mode(0o500)).expect("sets");
    let index = setup.index();
    assert_eq!(setup.check(&index), 1);
    // Root may write there nevertheless.
    let written = setup.file(0).exists();
    assert_eq!(index.take_warning().is_some(), !written);
    fs::set_permissions(setup.cache(), fs::Permissions::from_mode(0o700)).expect("sets");
}

#[test]
fn pruning_leaves_what_is_needed_young_or_not_ours() {
    let setup = Setup::new();
    let names = ["notes.txt", ".new-killed", ".new-young"];
    for name in names {
        fs::write(setup.cache().join(name), "x").expect("writes");
    }
    let age = |path: PathBuf| {
        let long_ago = SystemTime::now() - Duration::from_secs(7200);
        fs::File::options()
            .write(true)
            .open(path)
            .and_then(|file| file.set_modified(long_ago))
            .expect("sets");
    };
    let index = setup.index();
    index.set_segments(&setup.segments[..1]);
    index.prune_cache();
    assert!(setup.file(1).exists(), "too young to go");
    let aged = [setup.file(0), setup.file(1), setup.cache().join(names[0]), setup.cache().join(names[1])];
    aged.into_iter().for_each(age);
    index.prune_cache();
    assert!(setup.file(0).exists() && !setup.file(1).exists());
    assert_eq!(names.map(|name| setup.cache().join(name).exists()), [true, false, true]);
}

#[test]
fn a_segment_just_made_is_not_fetched() {
    let setup = Setup::new();
    let table = build(&[pack(1, &[vec![1]])], TABLE_SIZE).expect("builds").remove(0);
    let segment = setup.shelf.put(std::slice::from_ref(&table))[0];
    let index = setup.index();
    index.precache(&segment, table);
    index.set_segments(&[segment]);
    assert_eq!(index.locate(&content(1).id).expect("reads").len(), 1);
    assert_eq!(setup.shelf.fetches(), 2);
}

#[test]
fn two_indexes_share_a_cache_that_is_torn_under_them() {
    let setup = Setup::new();
    let indexes = [setup.index(), setup.index()];
    std::thread::scope(|scope| {
        for index in &indexes {
            for _ in 0..2 {
                scope.spawn(|| setup.check(index));
            }
        }
        for round in 0..20 {
            let _ = fs::remove_file(setup.file(round % 2));
            setup.index().load_all().expect("loads");
            indexes[round % 2].set_segments(&setup.segments);
        }
    });
    assert!(indexes.iter().all(|index| index.take_warning().is_none()));
    assert_eq!(setup.check(&setup.index()), 0);
}
