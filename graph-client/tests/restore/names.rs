//! Names that a drive does not take, and names that two items have.

use std::collections::BTreeMap;
use std::time::Duration;

use graph_client::ingest::restore::RestoreTarget;
use graph_sim::model::truth::TrueKind;
use repo_format::codec::ContentId;
use repo_format::content::WriterOptions;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::engine::source::{Child, ItemError, ItemReader, Listing, Source};
use repo_format::engine::{BackupOptions, backup};
use repo_format::log::SourceInfo;
use repo_format::tree::{Entry, EntryKind, Meta, TimeNs, TreeKey};

use crate::bench::{Bench, TARGET, profile};

/// 2020-09-13 12:26:40, and some.
const TIME_NS: i64 = 1_600_000_000_123_456_789;

/// Names, discriminators and contents; `None` is a folder with the file `inside`.
struct Made(Vec<(&'static [u8], &'static str, Option<&'static str>)>);

#[derive(Clone, Copy)]
enum Handle {
    Root,
    Folder,
    File(&'static str),
}

struct Text(&'static str, bool);

impl ItemReader for Text {
    fn read(&mut self, buf: &mut Vec<u8>, _limit: usize) -> Result<usize, ItemError> {
        if std::mem::replace(&mut self.1, true) {
            return Ok(0);
        }
        buf.extend_from_slice(self.0.as_bytes());
        Ok(self.0.len())
    }
}

fn folder() -> Entry {
    Entry { kind: EntryKind::Folder(ContentId::ZERO), size: 0, meta: Meta::default(), items: 0 }
}

fn child(name: &[u8], id: &str, content: Option<&'static str>) -> Child<Handle> {
    let key = TreeKey { name: name.to_vec(), discriminator: id.as_bytes().to_vec() };
    match content {
        None => Child { key, entry: folder(), handle: Handle::Folder },
        Some(text) => {
            let meta = Meta { mtime_ns: Some(TIME_NS), ..Meta::default() };
            let entry = Entry { kind: EntryKind::File(None), size: text.len() as u64, meta, items: 0 };
            Child { key, entry, handle: Handle::File(text) }
        }
    }
}

impl Source for Made {
    type Handle = Handle;

    fn root(&self) -> Result<(Entry, Handle), ItemError> {
        Ok((folder(), Handle::Root))
    }

    fn list(&self, at: &Handle) -> Listing<Handle> {
        let mut children: Vec<_> = match at {
            Handle::Root => self.0.iter().map(|(name, id, content)| child(name, id, *content)).collect(),
            _ => vec![child(b"inside", "", Some("inside"))],
        };
        children.sort_by_key(|child| child.key.to_bytes().unwrap());
        Listing { children, failed: Vec::new() }
    }

    fn open(&self, file: &Handle) -> Result<Box<dyn ItemReader>, ItemError> {
        let Handle::File(text) = file else { panic!("only files are opened") };
        Ok(Box::new(Text(text, false)))
    }

    fn reuse(&self, _base: &Entry, _base_begun_ns: TimeNs, _now: &mut Entry) -> bool {
        false
    }
}

fn bench_with(made: Made) -> Bench {
    let mut bench = Bench::new(profile(10));
    let options = BackupOptions {
        source: SourceInfo { service: "made".into(), ..SourceInfo::default() },
        tags: Default::default(),
        checkpoint_interval: Duration::from_secs(60),
        threads: 2,
        fail_fast: false,
        ignore_bases: true,
        writer: WriterOptions::default(),
    };
    let (progress, stop) = (Progress::default(), Stop::default());
    let report = backup(&bench.repository(), &made, &options, &progress, &stop).unwrap();
    bench.snapshot = report.id.unwrap();
    bench
}

/// Contents by path of what is in the destination.
fn contents(bench: &Bench) -> BTreeMap<String, String> {
    let files = bench.sim.state().true_state(TARGET).into_iter().filter(|item| item.kind == TrueKind::File);
    let text = |id: &str| String::from_utf8(bench.sim.state().content(TARGET, id).unwrap()).unwrap();
    files.map(|item| (item.path, text(&item.id))).collect()
}

fn into_root(bench: &Bench) -> RestoreTarget {
    RestoreTarget { path: Some("/".into()), ..bench.target() }
}

#[test]
fn names_that_no_drive_takes_are_mended_and_told() {
    let made = Made(vec![
        (b"a:b?.txt", "", Some("colon")),
        (b" leading", "", Some("leading")),
        (b"trailing. ", "", Some("trailing")),
        (b"NUL", "", Some("reserved")),
        (b"tab\there", "", Some("tab")),
        (b"not \xff text", "", Some("bytes")),
        (b"~tilde", "", None),
        (b"100% fine #1.txt", "", Some("fine")),
        (b"empty", "", Some("")),
    ]);
    let bench = bench_with(made);
    let report = bench.run(&into_root(&bench));
    assert_eq!((report.failed, report.files), (0, 9), "{report:?}");
    let found = contents(&bench);
    let wanted = [
        ("/100% fine #1.txt", "fine"),
        ("/NUL_", "reserved"),
        ("/a：b？.txt", "colon"),
        ("/empty", ""),
        ("/not \u{fffd} text", "bytes"),
        ("/tab␉here", "tab"),
        ("/trailing.␠", "trailing"),
        ("/␠leading", "leading"),
        ("/～tilde/inside", "inside"),
    ];
    let wanted: BTreeMap<_, _> = wanted.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
    assert_eq!(found, wanted);
    assert_eq!(report.warned, 6, "{:?}", report.warnings);
    let items = bench.sim.state().true_state(TARGET);
    for item in items.iter().filter(|item| item.kind == TrueKind::File) {
        assert_eq!(item.modified, 1_600_000_000, "{} has its time, empty or not", item.path);
    }
    bench.assert_good_behaviour();
}

#[test]
fn two_items_of_one_name_are_both_restored_whatever_the_case() {
    let made = Made(vec![
        (b"same.txt", "01A", Some("first")),
        (b"same.txt", "01B", Some("second")),
        (b"SAME.txt", "01C", Some("loud")),
        (b"both", "01D", Some("a file")),
        (b"both", "01E", None),
        (b"pair", "01F", None),
        (b"pair", "01G", None),
    ]);
    let bench = bench_with(made);
    let report = bench.run(&into_root(&bench));
    assert_eq!((report.failed, report.skipped, report.files, report.folders), (0, 0, 7, 3), "{report:?}");
    let found = contents(&bench);
    let wanted = [
        ("/SAME.txt", "loud"),
        ("/both", "a file"),
        ("/both (2)/inside", "inside"),
        ("/pair/inside", "inside"),
        ("/pair (2)/inside", "inside"),
        ("/same (2).txt", "first"),
        ("/same (3).txt", "second"),
    ];
    let wanted: BTreeMap<_, _> = wanted.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
    assert_eq!(found, wanted);
    assert_eq!(report.warned, 4, "{:?}", report.warnings);
}
