//! A simulated tenant with a source and a destination, and a repository between them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use graph_client::auth::{Cloud, Credential};
use graph_client::clock::SystemClock;
use graph_client::ingest::drive::{DriveOptions, backup_drive};
use graph_client::ingest::restore::{
    Candidate, Choice, DriveRestoreError, DriveRestoreReport, RestoreFrom, RestoreTarget, restore_drive,
};
use graph_client::model::DriveId;
use graph_client::{Deadlines, Graph, GraphConfig, Pace};
use graph_sim::model::truth::{TrueItem, TrueKind};
use graph_sim::{CLIENT_ID, CLIENT_SECRET, Sim, SimClock, SimConfig, TENANT_ID, TenantProfile};
use repo_format::codec::{ManifestId, SplitterSizes};
use repo_format::content::WriterOptions;
use repo_format::engine::BackupOptions;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::log::SourceInfo;
use repo_format::repository::{InitOptions, OpenOptions, Repository};
use repo_format::storage::{Blobs, Location, Storage, StorageOptions};
use tempfile::TempDir;
use tokio::runtime::{Handle, Runtime};
use url::Url;

/// The drive that is backed up, and the one that is restored into.
pub const SOURCE: u32 = 0;
pub const TARGET: u32 = 1;
/// How much faster than the wall's the clocks of service and client run.
const FASTER: u32 = 50;

pub struct Bench {
    pub runtime: Runtime,
    pub sim: Sim,
    pub storage: Storage,
    /// Journals, and the repository if it is on disk.
    pub folder: TempDir,
    pub snapshot: ManifestId,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub kind: TrueKind,
    pub size: u64,
    pub hash: Option<String>,
    /// Seconds since 1970; of folders and files.
    pub times: (u32, u32),
}

/// By path below a folder, without the `/` in front.
pub type State = BTreeMap<String, Found>;

pub fn profile(items: u32) -> TenantProfile {
    TenantProfile {
        users: 2,
        items_per_drive: items,
        size_median: 8_000,
        size_max: 400_000,
        ..TenantProfile::default()
    }
}

impl Bench {
    /// A source as profiled and its snapshot, in memory; and an empty destination.
    pub fn new(tenant: TenantProfile) -> Bench {
        Bench::in_storage(tenant, |_| Storage::memory())
    }

    /// The same with the repository on disk, where another process can open it.
    pub fn on_disk(tenant: TenantProfile) -> Bench {
        Bench::in_storage(tenant, |folder| {
            Storage::create(&repository_at(folder), &StorageOptions::default()).unwrap()
        })
    }

    fn in_storage(tenant: TenantProfile, storage: impl FnOnce(&Path) -> Storage) -> Bench {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().unwrap();
        // It begins now, as the client's clock does, and runs as fast.
        let clock = SimClock::default();
        clock.set_scale(f64::from(FASTER));
        let config = SimConfig { tenant, clock, ..SimConfig::default() };
        let sim = runtime.block_on(Sim::start(config)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let storage = storage(folder.path());
        let init = InitOptions {
            secret: secret(),
            label: "test".into(),
            cost: KdfCost::DEFAULT,
            recovery_key: false,
            retention: None,
            splitter: SplitterSizes::DEFAULT,
            open: OpenOptions::default(),
        };
        let repository = Repository::init(Blobs::new(storage.clone(), runtime.handle().clone()), init);
        drop(repository.unwrap());
        let mut bench = Bench { runtime, sim, storage, folder, snapshot: ManifestId::ZERO };
        bench.empty_target();
        bench.snapshot = bench.back_up();
        bench.sim.state().clear_books();
        bench
    }

    pub fn drive(&self, number: u32) -> DriveId {
        DriveId::from(self.sim.state().drive_id(number))
    }

    pub fn graph(&self) -> Graph {
        graph(&self.sim.login_url(), &self.sim.api_url())
    }

    pub fn repository(&self) -> Repository {
        open(&self.storage, self.runtime.handle())
    }

    /// Backs the source up.
    pub fn back_up(&self) -> ManifestId {
        let source = SourceInfo {
            service: "onedrive".into(),
            resource: Some(self.drive(SOURCE).0.into_bytes()),
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
        let (progress, stop) = (Progress::default(), Stop::default());
        let (options, handle) = (DriveOptions::new(backup), self.runtime.handle());
        let repository = self.repository();
        let report =
            backup_drive(&self.graph(), &self.drive(SOURCE), &repository, &options, handle, &progress, &stop);
        report.unwrap().backup.id.unwrap()
    }

    pub fn target(&self) -> RestoreTarget {
        RestoreTarget::new(self.drive(TARGET))
    }

    pub fn run_until(
        &self,
        target: &RestoreTarget,
        stop: &Stop,
    ) -> Result<DriveRestoreReport, DriveRestoreError> {
        self.run_selected(target, stop, &|_| Choice::Take)
    }

    pub fn run_selected(
        &self,
        target: &RestoreTarget,
        stop: &Stop,
        select: &dyn Fn(&Candidate<'_>) -> Choice,
    ) -> Result<DriveRestoreReport, DriveRestoreError> {
        let repository = self.repository();
        let from = RestoreFrom { repository: &repository, snapshot: &self.snapshot, select };
        let (journals, handle) = (self.folder.path().join("journals"), self.runtime.handle());
        restore_drive(&self.graph(), from, target, &journals, handle, &Progress::default(), stop)
    }

    pub fn run(&self, target: &RestoreTarget) -> DriveRestoreReport {
        self.run_until(target, &Stop::default()).unwrap()
    }

    /// How many journals wait for another run.
    pub fn journals(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("journals")).map_or(0, Iterator::count)
    }

    /// What a drive holds below a folder.
    pub fn state(&self, drive: u32, folder: &str) -> State {
        let items = self.sim.state().true_state(drive);
        let folder = if folder.is_empty() { "/".to_owned() } else { format!("/{folder}/") };
        let below = items.iter().filter_map(|item| Some((item.path.strip_prefix(&folder)?, item)));
        let mut state = State::new();
        for (path, item) in below.filter(|(path, _)| !path.is_empty()) {
            let before = state.insert(path.to_owned(), found(item));
            assert!(before.is_none(), "{path} is there twice");
        }
        state
    }

    /// IDs by path of what a drive holds.
    pub fn ids(&self, drive: u32) -> BTreeMap<String, String> {
        let items = self.sim.state().true_state(drive);
        items.into_iter().map(|item| (item.path.trim_start_matches('/').to_owned(), item.id)).collect()
    }

    fn empty_target(&self) {
        self.sim.state().change_drive(TARGET, |drive| {
            for child in drive.children(0).to_vec() {
                drive.delete(child, true, 1_780_000_000_000).unwrap();
            }
        });
    }

    /// Shared items are shared again, and nobody was asked twice.
    pub fn assert_granted_once(&self, folder: &str) {
        let shared = |drive: u32, folder: &str| -> BTreeSet<String> {
            let items = self.sim.state().true_state(drive).into_iter();
            let shared = items.filter(|item| item.shared && item.kind != TrueKind::Root);
            shared.filter_map(|item| item.path.strip_prefix(folder).map(str::to_owned)).collect()
        };
        let wanted = shared(SOURCE, "");
        assert!(wanted.len() > 5, "some are shared");
        assert_eq!(shared(TARGET, &format!("/{folder}")), wanted);
        self.sim.state().read_drive(TARGET, |drive| {
            for index in 0..drive.rows() {
                let grants = drive.grants(index);
                let is_once = |at: usize| !grants[..at].contains(&grants[at]);
                assert!((0..grants.len()).all(is_once), "{grants:?}");
            }
        });
    }

    /// No rule of the service was broken.
    pub fn assert_good_behaviour(&self) {
        assert_eq!(self.sim.state().violations().iter().map(|v| v.kind).collect::<BTreeSet<_>>(), [].into());
    }
}

fn found(item: &TrueItem) -> Found {
    Found {
        kind: item.kind,
        size: item.size,
        hash: item.quick_xor_hash.clone(),
        times: (item.created, item.modified),
    }
}

pub fn repository_at(folder: &Path) -> Location {
    folder.join("repository").to_str().unwrap().parse().unwrap()
}

pub fn open(storage: &Storage, handle: &Handle) -> Repository {
    let blobs = Blobs::new(storage.clone(), handle.clone());
    Repository::open(blobs, &secret(), OpenOptions::default()).unwrap()
}

pub fn graph(login_url: &Url, graph_url: &Url) -> Graph {
    let cloud = Cloud::Custom { login_url: login_url.clone(), graph_url: graph_url.clone() };
    let config = GraphConfig {
        cloud,
        deadlines: Deadlines { attempts: 6, ..Deadlines::default() },
        pace: Pace::unlimited(),
        clock: Arc::new(SystemClock::faster(FASTER)),
        ..GraphConfig::new(TENANT_ID, CLIENT_ID, Credential::Secret(CLIENT_SECRET.into()))
    };
    Graph::new(config).unwrap()
}

fn secret() -> Secret {
    Secret::key_file(&[7; 64]).unwrap()
}

/// Fails with what differs.
pub fn assert_same(found: &State, wanted: &State) {
    for (path, item) in wanted {
        assert_eq!(found.get(path), Some(item), "{path}");
    }
    for path in found.keys() {
        assert!(wanted.contains_key(path), "{path} is there though nothing asked for it");
    }
}
