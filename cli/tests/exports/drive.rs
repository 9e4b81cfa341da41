//! Backups of a drive that never was, made through the engine: what listing and export start from.

use std::collections::BTreeMap;
use std::time::Duration;

use repo_format::codec::ContentId;
use repo_format::content::WriterOptions;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::engine::source::{Child, ItemCause, ItemError, ItemReader, Listing, Source};
use repo_format::engine::{BackupOptions, backup};
use repo_format::format::slot::Secret;
use repo_format::log::SourceInfo;
use repo_format::repository::{OpenOptions, Repository};
use repo_format::storage::{Blobs, Location, Storage, StorageOptions};
use repo_format::tree::{Entry, EntryKind, Meta, TreeKey};

use super::common::Place;

/// An item of the drive.
#[derive(Debug, Clone)]
pub struct Item {
    name: Vec<u8>,
    id: String,
    mtime_ns: i64,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    File(Vec<u8>),
    Folder(Vec<Item>),
    /// Cannot be fetched.
    Failing(ItemCause),
}

/// 2025-06-01T12:00:00.123456700Z, as precise as the service is.
pub const NOON_NS: i64 = 1_748_779_200_123_456_700;

/// A file; its ID is made from `id`.
pub fn file(name: impl AsRef<[u8]>, id: &str, bytes: impl Into<Vec<u8>>) -> Item {
    Item { name: name.as_ref().to_vec(), id: id.into(), mtime_ns: NOON_NS, kind: Kind::File(bytes.into()) }
}

/// A folder.
pub fn folder(name: impl AsRef<[u8]>, id: &str, children: Vec<Item>) -> Item {
    Item { kind: Kind::Folder(children), ..file(name, id, "") }
}

/// A file that the service does not give.
pub fn failing(name: &str, id: &str, cause: ItemCause) -> Item {
    Item { kind: Kind::Failing(cause), ..file(name, id, "") }
}

impl Item {
    /// The same, last modified at another time.
    pub fn modified(self, mtime_ns: i64) -> Item {
        Item { mtime_ns, ..self }
    }
}

/// Backs the drive of `user` up, and gives the snapshot's ID.
pub fn back_up(place: &Place, user: &str, items: Vec<Item>) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let repository = open(place, &runtime);
    let tags = [("m365.user", user.to_owned()), ("m365.user-id", format!("id-of-{user}"))];
    let options = BackupOptions {
        source: SourceInfo {
            service: "onedrive".into(),
            resource: Some(format!("b!{user}").into_bytes()),
            ..SourceInfo::default()
        },
        tags: tags.map(|(name, value)| (name.to_owned(), value)).into(),
        checkpoint_interval: Duration::from_secs(60),
        threads: 2,
        fail_fast: false,
        ignore_bases: false,
        writer: WriterOptions::default(),
    };
    let drive = Drive(items);
    let report = backup(&repository, &drive, &options, &Progress::default(), &Stop::default()).unwrap();
    report.id.unwrap().to_string()
}

fn open(place: &Place, runtime: &tokio::runtime::Runtime) -> Repository {
    let location = Location::Folder { path: place.path("repository") };
    let storage = Storage::open(&location, &StorageOptions::default()).unwrap();
    let secret = Secret::key_file(&[7; 64]).unwrap();
    Repository::open(Blobs::new(storage, runtime.handle().clone()), &secret, OpenOptions::default()).unwrap()
}

struct Drive(Vec<Item>);

impl Source for Drive {
    type Handle = Item;

    fn root(&self) -> Result<(Entry, Item), ItemError> {
        let root = folder("root", "root", self.0.clone());
        Ok((entry(&root), root))
    }

    fn list(&self, folder: &Item) -> Listing<Item> {
        let Kind::Folder(items) = &folder.kind else { panic!("{folder:?}") };
        let children = items.iter().map(|item| {
            let key = TreeKey { name: item.name.clone(), discriminator: item.id.clone().into_bytes() };
            (key.to_bytes().unwrap(), Child { key, entry: entry(item), handle: item.clone() })
        });
        let sorted: BTreeMap<Vec<u8>, Child<Item>> = children.collect();
        Listing { children: sorted.into_values().collect(), failed: Vec::new() }
    }

    fn open(&self, file: &Item) -> Result<Box<dyn ItemReader>, ItemError> {
        match &file.kind {
            Kind::File(bytes) => Ok(Box::new(Bytes { left: bytes.clone() })),
            Kind::Failing(cause) => {
                Err(ItemError { cause: *cause, message: "the service does not give it".into(), attempts: 8 })
            }
            Kind::Folder(_) => panic!("{file:?}"),
        }
    }

    fn reuse(&self, base: &Entry, _: i64, now: &mut Entry) -> bool {
        base.size == now.size && base.meta.mtime_ns == now.meta.mtime_ns
    }
}

fn entry(item: &Item) -> Entry {
    let (kind, size) = match &item.kind {
        Kind::File(bytes) => (EntryKind::File(None), bytes.len() as u64),
        Kind::Folder(_) => (EntryKind::Folder(ContentId::ZERO), 0),
        Kind::Failing(_) => (EntryKind::File(None), 1),
    };
    let (mtime_ns, btime_ns) = (Some(item.mtime_ns), Some(item.mtime_ns - 1_000_000_000));
    Entry { kind, size, items: 0, meta: Meta { mtime_ns, btime_ns, ..Meta::default() } }
}

struct Bytes {
    left: Vec<u8>,
}

impl ItemReader for Bytes {
    fn read(&mut self, buf: &mut Vec<u8>, limit: usize) -> Result<usize, ItemError> {
        let count = limit.min(self.left.len());
        buf.extend(self.left.drain(..count));
        Ok(count)
    }
}
