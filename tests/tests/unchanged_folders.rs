//! A folder that is as the last snapshot has it is taken over whole: the snapshot is the same as if it had
//! been built anew.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use corso_tests::plain::PlainReader;
use corso_tests::{backup_options, init, runtime};
use proptest::prelude::*;
use repo_format::codec::ContentId;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::engine::source::{Child, ItemError, ItemReader, Listing, Source};
use repo_format::engine::{BackupOptions, BackupReport, backup};
use repo_format::repository::{OpenOptions, Repository};
use repo_format::snapshot::Statistics;
use repo_format::storage::Storage;
use repo_format::tree::{Entry, EntryKind, Meta, TimeNs, TreeKey};
use tokio::runtime::Runtime;

/// A tree in memory. A version is the time of its last change.
#[derive(Debug, Clone)]
enum Node {
    Folder { version: u8, children: BTreeMap<String, Node> },
    File { version: u8 },
    Link { version: u8 },
}

impl Node {
    fn folder(version: u8) -> Node {
        Node::Folder { version, children: BTreeMap::new() }
    }

    /// Puts a node at a path below, and folders on the way to it; `None` removes.
    fn set(&mut self, path: &[u8], node: Option<Node>) {
        let Node::Folder { children, .. } = self else { return };
        let Some((first, rest)) = path.split_first() else { return };
        let name = format!("n{first}");
        match (rest, node) {
            ([], Some(node)) => drop(children.insert(name, node)),
            ([], None) => drop(children.remove(&name)),
            (rest, node) => children.entry(name).or_insert_with(|| Node::folder(0)).set(rest, node),
        }
    }

    fn entry(&self) -> Entry {
        let (version, kind, size) = match self {
            Node::Folder { version, .. } => (version, EntryKind::Folder(ContentId::ZERO), 0),
            Node::File { version } => (version, EntryKind::File(None), content(*version).len() as u64),
            Node::Link { version } => (version, EntryKind::Symlink(vec![b'l', *version]), 0),
        };
        let meta =
            Meta { mtime_ns: Some(i64::from(*version)), user: Some(b"ada"[..].into()), ..Meta::default() };
        Entry { kind, size, meta, items: 0 }
    }
}

fn content(version: u8) -> Vec<u8> {
    vec![version; usize::from(version) * 7]
}

struct Forest(Arc<Node>);

#[derive(Clone)]
struct Place(Arc<Node>);

impl Source for Forest {
    type Handle = Place;

    fn root(&self) -> Result<(Entry, Place), ItemError> {
        Ok((self.0.entry(), Place(self.0.clone())))
    }

    fn list(&self, folder: &Place) -> Listing<Place> {
        let Node::Folder { children, .. } = &*folder.0 else { unreachable!("only folders are listed") };
        let child = |(name, node): (&String, &Node)| Child {
            key: TreeKey::of_name(name.as_str()),
            entry: node.entry(),
            handle: Place(Arc::new(node.clone())),
        };
        Listing { children: children.iter().map(child).collect(), failed: Vec::new() }
    }

    fn open(&self, file: &Place) -> Result<Box<dyn ItemReader>, ItemError> {
        let Node::File { version } = *file.0 else { unreachable!("only files are opened") };
        Ok(Box::new(PlainReader::new(Arc::new(content(version)))))
    }

    fn reuse(&self, base: &Entry, _base_begun_ns: TimeNs, now: &mut Entry) -> bool {
        base.meta.mtime_ns == now.meta.mtime_ns
    }
}

fn run(repository: &Repository, tree: &Node, options: &BackupOptions) -> BackupReport {
    let source = Forest(Arc::new(tree.clone()));
    backup(repository, &source, options, &Progress::default(), &Stop::default()).expect("backs up")
}

fn root(repository: &Repository, report: &BackupReport) -> Entry {
    repository.manifest(&report.id.expect("committed")).expect("reads").root
}

/// What of the counts does not depend on where the run began.
fn counts(report: &BackupReport) -> [u64; 4] {
    let Statistics { files, folders, others, bytes, .. } = report.statistics;
    [files, folders, others, bytes]
}

/// Backs `now` up after `before`, and again without a look at what was before; gives the first of the two.
fn same_with_and_without_bases(runtime: &Runtime, before: &Node, now: &Node) -> BackupReport {
    let options = backup_options(Path::new("/forest"));
    let repository = init(runtime, Storage::memory(), OpenOptions::default());
    run(&repository, before, &options);
    let based = run(&repository, now, &options);
    let anew = run(&repository, now, &BackupOptions { ignore_bases: true, ..options });
    assert_eq!(root(&repository, &based), root(&repository, &anew));
    assert_eq!(counts(&based), counts(&anew));
    assert_eq!(anew.statistics.new_contents, 1, "nothing but the manifest is missing");
    based
}

fn any_node() -> impl Strategy<Value = Option<Node>> {
    let version = 1..4_u8;
    prop_oneof![
        1 => Just(None),
        1 => version.clone().prop_map(|version| Some(Node::folder(version))),
        5 => version.clone().prop_map(|version| Some(Node::File { version })),
        1 => version.prop_map(|version| Some(Node::Link { version })),
    ]
}

fn any_changes(most: usize) -> impl Strategy<Value = Vec<(Vec<u8>, Option<Node>)>> {
    prop::collection::vec((prop::collection::vec(0..4_u8, 1..5), any_node()), 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_snapshot_is_the_same_with_and_without_a_base(before in any_changes(60), changes in any_changes(4)) {
        let runtime = runtime();
        let mut tree = Node::folder(1);
        before.into_iter().for_each(|(path, node)| tree.set(&path, node));
        let old = tree.clone();
        changes.into_iter().for_each(|(path, node)| tree.set(&path, node));
        same_with_and_without_bases(&runtime, &old, &tree);
    }
}

#[test]
fn folders_of_more_children_than_are_kept_back_are_built_anew() {
    let runtime = runtime();
    let mut tree = Node::folder(1);
    for (folder, count) in [(1, 3000), (2, 5000), (3, 10)] {
        for n in 0..count {
            tree.set(&[folder, (n % 256) as u8, (n / 256) as u8], Some(Node::File { version: 1 }));
            if let Node::Folder { children, .. } = &mut tree {
                let Some(Node::Folder { children, .. }) = children.get_mut(&format!("n{folder}")) else {
                    panic!()
                };
                children.insert(format!("wide {n}"), Node::File { version: 2 });
            }
        }
    }
    let same = same_with_and_without_bases(&runtime, &tree, &tree);
    assert_eq!((same.statistics.unchanged_files, same.statistics.bytes_read), (2 * 8010, 0));
    assert_eq!(same.statistics.new_contents, 1);

    let mut changed = tree.clone();
    changed.set(&[3, 9, 0], Some(Node::File { version: 3 }));
    let report = same_with_and_without_bases(&runtime, &tree, &changed);
    assert_eq!((report.statistics.unchanged_files, report.statistics.changed_files), (2 * 8010 - 1, 1));
}
