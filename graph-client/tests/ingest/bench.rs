//! A simulated tenant, a repository in memory, and what they are compared by.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use graph_client::ingest::drive::{DriveError, DriveOptions, DriveReport, backup_drive};
use graph_client::ingest::{Cursor, DriveLedger, Facts};
use graph_client::model::DriveId;
use graph_client::{Graph, Pace};
use graph_sim::model::drive::{Content, Drive};
use graph_sim::model::edit::Conflict;
use graph_sim::model::pool::Recipe;
use graph_sim::{Sim, SimConfig, TenantProfile};
use repo_format::cbor;
use repo_format::codec::{ManifestId, SplitterSizes};
use repo_format::content::WriterOptions;
use repo_format::engine::BackupOptions;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::log::SourceInfo;
use repo_format::object::ObjectReader;
use repo_format::repository::{InitOptions, OpenOptions, Repository};
use repo_format::snapshot::Manifest;
use repo_format::storage::{Blobs, Storage};
use repo_format::tree::{EntryKind, Tree};
use repo_format::verify::{VerifyOptions, verify};
use tokio::runtime::Runtime;

use crate::tenant::{client, start};

/// How many times as fast as ours the service's time runs, and the client's with it.
const TIME_SCALE: f64 = 20.0;
/// The drive that is backed up.
pub const DRIVE: u32 = 0;

pub struct Bench {
    pub runtime: Runtime,
    pub sim: Sim,
    pub storage: Storage,
    pub options: DriveOptions,
}

/// What a backup or the drive has of an item: its folder, its name, its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub parent: String,
    pub name: String,
    /// `None`: it is a folder or a pointer; `Some(None)`: it could not be stored.
    pub content: Option<Option<Vec<u8>>>,
}

pub type State = BTreeMap<String, Found>;

pub fn profile(items: u32) -> TenantProfile {
    TenantProfile { users: 1, items_per_drive: items, size_max: 200_000, ..TenantProfile::default() }
}

impl Bench {
    pub fn new(tenant: TenantProfile) -> Bench {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().unwrap();
        let config = SimConfig { tenant, ..SimConfig::default() };
        let sim = runtime.block_on(start(config, TIME_SCALE));
        let storage = Storage::memory();
        let init = InitOptions {
            secret: secret(),
            label: "test".into(),
            cost: KdfCost::DEFAULT,
            recovery_key: false,
            retention: None,
            splitter: SplitterSizes::DEFAULT,
            open: OpenOptions::default(),
        };
        Repository::init(Blobs::new(storage.clone(), runtime.handle().clone()), init).unwrap();
        let source = SourceInfo {
            service: "onedrive".into(),
            resource: Some(sim.state().drive_id(DRIVE).into_bytes()),
            ..SourceInfo::default()
        };
        let backup = BackupOptions {
            source,
            tags: Default::default(),
            checkpoint_interval: Duration::from_secs(60),
            threads: 4,
            fail_fast: false,
            ignore_bases: false,
            writer: WriterOptions::default(),
        };
        Bench { runtime, sim, storage, options: DriveOptions::new(backup) }
    }

    pub fn drive(&self) -> DriveId {
        DriveId::from(self.sim.state().drive_id(DRIVE))
    }

    pub fn graph(&self) -> Graph {
        client(&self.sim, Pace::unlimited())
    }

    pub fn open(&self, storage: &Storage) -> Repository {
        let blobs = Blobs::new(storage.clone(), self.runtime.handle().clone());
        Repository::open(blobs, &secret(), OpenOptions::default()).unwrap()
    }

    pub fn run_in(
        &self,
        storage: &Storage,
        progress: &Progress,
        stop: &Stop,
    ) -> Result<DriveReport, DriveError> {
        let (graph, repository) = (self.graph(), self.open(storage));
        let handle = self.runtime.handle();
        backup_drive(&graph, &self.drive(), &repository, &self.options, handle, progress, stop)
    }

    pub fn run(&self) -> DriveReport {
        self.run_in(&self.storage, &Progress::default(), &Stop::default()).unwrap()
    }

    /// Puts a file of `size` bytes into the drive's root; gives its ID.
    pub fn put_file(&self, name: &str, seed: u64, size: u64) -> String {
        let (state, recipe) = (self.sim.state(), Recipe { seed, size, text: false });
        let now = state.now_ms();
        let put = |drive: &mut Drive| {
            let (index, _) =
                drive.put_file(0, name, Content::Recipe(recipe), Conflict::Replace, now).unwrap();
            drive.id(index)
        };
        state.change_drive(DRIVE, put).unwrap()
    }

    /// What the drive holds.
    pub fn truth(&self) -> State {
        use graph_sim::model::truth::TrueKind;
        let items = self.sim.state().true_state(DRIVE);
        let found = items.into_iter().filter(|item| item.kind != TrueKind::Root).map(|item| {
            let content = (item.kind == TrueKind::File)
                .then(|| Some(self.sim.state().content(DRIVE, &item.id).unwrap_or_default()));
            (item.id, Found { parent: item.parent_id.unwrap_or_default(), name: item.name, content })
        });
        found.collect()
    }

    /// What a snapshot holds.
    pub fn snapshot(&self, storage: &Storage, id: &ManifestId) -> State {
        let repository = self.open(storage);
        let manifest = repository.manifest(id).unwrap();
        let root = service(manifest.root.meta.service.as_deref()).id;
        let (mut state, mut folders) = (State::new(), vec![(root, manifest.tree())]);
        while let Some((parent, tree)) = folders.pop() {
            for child in Tree::open(repository.contents(), &tree).unwrap().children() {
                let (key, entry) = child.unwrap();
                if key.discriminator.is_empty() {
                    panic!("{:?} is in the tree", String::from_utf8_lossy(&key.name));
                }
                let facts = service(entry.meta.service.as_deref());
                assert_eq!(key.discriminator, facts.id.as_bytes());
                let content = match entry.kind {
                    EntryKind::File(object) => Some(object.map(|object| {
                        let reader = ObjectReader::open(repository.contents(), object).unwrap();
                        reader.read_at(0, usize::MAX).unwrap()
                    })),
                    EntryKind::Folder(tree) => {
                        folders.push((facts.id.clone(), tree));
                        None
                    }
                    _ => None,
                };
                assert_eq!(facts.parent, parent, "the tree has it where the service has it");
                let found = Found { parent: parent.clone(), name: facts.name, content };
                assert!(state.insert(facts.id, found).is_none(), "once in the tree");
            }
        }
        state
    }

    /// IDs of items whose contents were asked for since the books were cleared.
    pub fn downloaded(&self) -> BTreeSet<String> {
        let downloads = self.sim.state().downloads();
        downloads.into_iter().filter(|((drive, _), _)| *drive == DRIVE).map(|((_, id), _)| id).collect()
    }

    /// The newest manifest, checkpoints included.
    pub fn newest(&self, storage: &Storage) -> Manifest {
        let repository = self.open(storage);
        let row = repository.snapshots().unwrap().pop().unwrap();
        repository.manifest(&row.id).unwrap()
    }

    /// IDs that a manifest's ledger marks as stored.
    pub fn marked(&self, storage: &Storage, manifest: &Manifest) -> BTreeSet<String> {
        let repository = self.open(storage);
        let writer = repository.writer(WriterOptions::default()).unwrap();
        let cursor = Cursor::decode(manifest.cursor.as_deref().unwrap()).unwrap();
        let (contents, store) = (repository.contents(), repository.map_store(&writer));
        let floor = usize::try_from(cursor.floor).unwrap();
        let ledger = DriveLedger::open(contents, store, &manifest.ledger, floor).unwrap();
        ledger.stored().unwrap().into_iter().map(|item| item.known.facts.id).collect()
    }

    /// IDs of files whose contents a manifest's tree has, wherever they are in it.
    pub fn in_tree(&self, storage: &Storage, manifest: &Manifest) -> BTreeSet<String> {
        let repository = self.open(storage);
        let (mut ids, mut folders) = (BTreeSet::new(), vec![manifest.tree()]);
        while let Some(tree) = folders.pop() {
            for child in Tree::open(repository.contents(), &tree).unwrap().children() {
                let (key, entry) = child.unwrap();
                match entry.kind {
                    EntryKind::File(Some(_)) => {
                        ids.insert(String::from_utf8(key.discriminator).unwrap());
                    }
                    EntryKind::Folder(tree) => folders.push(tree),
                    _ => {}
                }
            }
        }
        ids
    }

    /// Deletes all blobs below a prefix.
    pub fn lose(&self, prefix: &str) {
        let blobs = Blobs::new(self.storage.clone(), self.runtime.handle().clone());
        blobs.list(prefix).unwrap().iter().for_each(|blob| blobs.delete(&blob.name).unwrap());
    }

    pub fn verifies(&self, storage: &Storage) {
        let repository = self.open(storage);
        let report =
            verify(&repository, &VerifyOptions::default(), &Progress::default(), &Stop::default()).unwrap();
        assert!(report.is_clean(), "{:?}", report.findings);
    }
}

fn service(data: Option<&[u8]>) -> Facts {
    cbor::decode(data.expect("entries keep what the service says")).unwrap()
}

fn secret() -> Secret {
    Secret::key_file(&[7; 64]).unwrap()
}

/// Fails with what differs, and not with whole contents.
pub fn assert_same(found: &State, truth: &State) {
    for (id, item) in truth {
        match found.get(id) {
            None => panic!("{id} {} is missing", item.name),
            Some(other) => {
                assert_eq!((&other.parent, &other.name), (&item.parent, &item.name), "{id}");
                assert!(other.content == item.content, "{id} {}: another content", item.name);
            }
        }
    }
    let gone = found.keys().find(|id| !truth.contains_key(*id));
    assert_eq!(gone, None, "it is there though it is gone");
}
