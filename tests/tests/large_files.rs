//! A large file is read, cut and put by several threads at once; what is stored is the same.

use std::path::Path;

use corso_tests::{backup_options, init, runtime};
use repo_format::codec::ContentId;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::engine::source::{Child, ItemCause, ItemError, ItemReader, Listing, Source};
use repo_format::engine::{BackupReport, backup};
use repo_format::log::SnapshotState;
use repo_format::repository::{OpenOptions, Repository};
use repo_format::storage::Storage;
use repo_format::tree::{Entry, EntryKind, Meta, TimeNs, TreeKey, find};

/// Larger than what is stored by one thread.
const LARGE: u64 = 80 << 20;

/// One file, listed with a size that need not be its own.
#[derive(Clone)]
struct One {
    listed: u64,
    size: u64,
    /// Where reading fails.
    fails_at: Option<u64>,
}

impl One {
    fn whole(listed: u64) -> One {
        One { listed, size: LARGE, fails_at: None }
    }
}

impl Source for One {
    type Handle = ();

    fn root(&self) -> Result<(Entry, ()), ItemError> {
        let kind = EntryKind::Folder(ContentId::ZERO);
        Ok((Entry { kind, size: 0, meta: Meta::default(), items: 0 }, ()))
    }

    fn list(&self, _root: &()) -> Listing<()> {
        let meta = Meta::default();
        let entry = Entry { kind: EntryKind::File(None), size: self.listed, meta, items: 0 };
        let child = Child { key: TreeKey::of_name("file"), entry, handle: () };
        Listing { children: vec![child], failed: Vec::new() }
    }

    fn open(&self, _file: &()) -> Result<Box<dyn ItemReader>, ItemError> {
        Ok(Box::new(Reader { one: self.clone(), place: 0 }))
    }

    fn reuse(&self, _base: &Entry, _base_begun_ns: TimeNs, _now: &mut Entry) -> bool {
        false
    }
}

struct Reader {
    one: One,
    place: u64,
}

impl ItemReader for Reader {
    fn read(&mut self, buf: &mut Vec<u8>, limit: usize) -> Result<usize, ItemError> {
        if self.one.fails_at.is_some_and(|place| place <= self.place) {
            return Err(ItemError { cause: ItemCause::Io, message: "bad sector".into(), attempts: 1 });
        }
        // Never as much as is asked for, some of it noise and some the same again and again.
        let count = (limit as u64 / 2).min(self.one.size - self.place).min(999_983);
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

fn run(repository: &Repository, source: &One) -> BackupReport {
    let options = backup_options(Path::new("/one"));
    backup(repository, source, &options, &Progress::default(), &Stop::default()).expect("backs up")
}

fn stored(repository: &Repository, report: &BackupReport) -> EntryKind {
    let tree = repository.manifest(&report.id.expect("committed")).expect("reads").tree();
    find(repository.contents(), &tree, &[b"file"]).expect("reads").remove(0).1.kind
}

#[test]
fn several_threads_store_what_one_does() {
    let runtime = runtime();
    let repository = init(&runtime, Storage::memory(), OpenOptions::default());
    let by_one = run(&repository, &One::whole(0));
    let by_several = run(&repository, &One::whole(LARGE));
    assert!(matches!(stored(&repository, &by_one), EntryKind::File(Some(object)) if object.size == LARGE));
    assert_eq!(stored(&repository, &by_one), stored(&repository, &by_several));
    assert_eq!((by_several.state, by_several.statistics.bytes_read), (SnapshotState::Complete, LARGE));
    assert_eq!(by_several.statistics.new_contents, 1, "the manifest alone is new");
}

#[test]
fn a_large_file_that_breaks_off_fails_alone() {
    let runtime = runtime();
    for fails_at in [0, 30 << 20, LARGE] {
        let repository = init(&runtime, Storage::memory(), OpenOptions::default());
        let report = run(&repository, &One { fails_at: Some(fails_at), ..One::whole(LARGE) });
        assert_eq!((report.state, report.failures.len()), (SnapshotState::Partial, 1));
        assert_eq!(report.failures[0].error.message, "bad sector");
        assert!(report.statistics.bytes_read >= fails_at);
        assert_eq!(stored(&repository, &report), EntryKind::File(None));
    }
}
