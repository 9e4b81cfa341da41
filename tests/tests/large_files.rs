//! A large file is read, cut and put by several threads at once, where it is the only one; what is stored is the same.

use std::path::Path;

use corso_tests::plain::folder_entry;
use corso_tests::{backup_options, init, runtime};
use repo_format::engine::progress::{Progress, Stop};
use repo_format::engine::source::{Child, ItemCause, ItemError, ItemReader, Listing, Source};
use repo_format::engine::{BackupReport, backup};
use repo_format::log::SnapshotState;
use repo_format::repository::{OpenOptions, Repository};
use repo_format::storage::Storage;
use repo_format::tree::{Entry, EntryKind, Meta, TimeNs, TreeKey, find};

/// Larger than what is stored by one thread.
const LARGE: u64 = 80 << 20;

/// Files of the same bytes, listed with a size that need not be their own.
#[derive(Clone)]
struct Same {
    files: usize,
    listed: u64,
    size: u64,
    /// Where reading fails.
    fails_at: Option<u64>,
}

impl Same {
    fn whole(listed: u64) -> Same {
        Same { files: 1, listed, size: LARGE, fails_at: None }
    }
}

impl Source for Same {
    type Handle = ();

    fn root(&self) -> Result<(Entry, ()), ItemError> {
        Ok((folder_entry(), ()))
    }

    fn list(&self, _root: &()) -> Listing<()> {
        let meta = Meta::default();
        let entry = Entry { kind: EntryKind::File(None), size: self.listed, meta, items: 0 };
        let child = |number: usize| Child {
            key: TreeKey::of_name(format!("file {number}")),
            entry: entry.clone(),
            handle: (),
        };
        Listing { children: (0..self.files).map(child).collect(), failed: Vec::new() }
    }

    fn open(&self, _file: &()) -> Result<Box<dyn ItemReader>, ItemError> {
        Ok(Box::new(Reader { file: self.clone(), place: 0 }))
    }

    fn reuse(&self, _base: &Entry, _base_begun_ns: TimeNs, _now: &mut Entry) -> bool {
        false
    }
}

struct Reader {
    file: Same,
    place: u64,
}

impl ItemReader for Reader {
    fn read(&mut self, buf: &mut Vec<u8>, limit: usize) -> Result<usize, ItemError> {
        if self.file.fails_at.is_some_and(|place| place <= self.place) {
            return Err(ItemError { cause: ItemCause::Io, message: "bad sector".into(), attempts: 1 });
        }
        // Never as much as is asked for, some of it noise and some the same again and again.
        let count = (limit as u64 / 2).min(self.file.size - self.place).min(999_983);
        let start = buf.len();
        buf.resize(start + count as usize, 0);
        if !(self.place / (8 << 20)).is_multiple_of(3) {
            let mut noise = self.place % (40 << 20) + 1;
            for byte in &mut buf[start..] {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = (noise >> 56) as u8;
            }
        }
        self.place += count;
        Ok(count as usize)
    }
}

fn run(repository: &Repository, source: &Same) -> BackupReport {
    let options = backup_options(Path::new("/one"));
    backup(repository, source, &options, &Progress::default(), &Stop::default()).expect("backs up")
}

/// What became of the file with this number.
fn stored(repository: &Repository, report: &BackupReport, number: usize) -> EntryKind {
    let tree = repository.manifest(&report.id.expect("committed")).expect("reads").tree();
    let name = format!("file {number}");
    find(repository.contents(), &tree, &[name.as_bytes()]).expect("reads").remove(0).1.kind
}

#[test]
fn several_threads_store_what_one_does() {
    let runtime = runtime();
    let repository = init(&runtime, Storage::memory(), OpenOptions::default());
    let by_one = run(&repository, &Same::whole(0));
    let by_several = run(&repository, &Same::whole(LARGE));
    let object = stored(&repository, &by_one, 0);
    assert!(matches!(object, EntryKind::File(Some(object)) if object.size == LARGE));
    assert_eq!(object, stored(&repository, &by_several, 0));
    assert_eq!((by_several.state, by_several.statistics.bytes_read), (SnapshotState::Complete, LARGE));
    assert_eq!(by_several.statistics.new_contents, 1, "the manifest alone is new");

    let at_once = run(&repository, &Same { files: 5, ..Same::whole(LARGE) });
    assert_eq!(at_once.statistics.bytes_read, 5 * LARGE);
    (0..5).for_each(|number| assert_eq!(object, stored(&repository, &at_once, number)));
}

#[test]
fn a_large_file_that_breaks_off_fails_alone() {
    let runtime = runtime();
    for fails_at in [0, 30 << 20, LARGE] {
        let repository = init(&runtime, Storage::memory(), OpenOptions::default());
        let report = run(&repository, &Same { fails_at: Some(fails_at), ..Same::whole(LARGE) });
        assert_eq!((report.state, report.failures.len()), (SnapshotState::Partial, 1));
        assert_eq!(report.failures[0].error.message, "bad sector");
        assert!(report.statistics.bytes_read >= fails_at);
        assert_eq!(stored(&repository, &report, 0), EntryKind::File(None));
    }
}
