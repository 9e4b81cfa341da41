//! The storage itself, and how one is opened.

use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::list::PaginatedListStore;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use tokio::sync::Semaphore;

use super::backoff::Backoff;
use super::counters::{Counters, Meter};
use super::error::StorageError;
use super::folder::{FolderError, FolderStore, Swept};
use super::location::Location;
use super::lock::{ObjectLock, Retain};
use super::name::BlobName;
use super::network;
use super::options::StorageOptions;
use crate::system::RwLock;

/// Bytes that a folder gives in the time of a call.
const NEAR_REQUEST_BYTES: u64 = 64 << 10;

/// A place for blobs. Clones are cheap and share connections, counters and the request bound.
#[derive(Debug, Clone)]
pub struct Storage(Arc<Inner>);

struct Inner {
    store: Arc<dyn ObjectStore>,
    /// Set for stores that list page by page.
    pages: Option<Arc<dyn PaginatedListStore>>,
    /// Set for a folder, which has staging files.
    folder: Option<FolderStore>,
    /// Set for stores whose blobs can be locked.
    object_lock: Option<Arc<dyn ObjectLock>>,
    /// What every put gets, if anything.
    retained: RwLock<Option<Retain>>,
    location: Location,
    /// What stands before every name: empty, or ends in `/`.
    prefix: String,
    options: StorageOptions,
    permits: Semaphore,
    meter: Meter,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.location)
    }
}

/// A store of object_store's, seen both ways.
pub(super) struct Opened {
    pub store: Arc<dyn ObjectStore>,
    pub pages: Option<Arc<dyn PaginatedListStore>>,
    pub folder: Option<FolderStore>,
    pub object_lock: Option<Arc<dyn ObjectLock>>,
}

impl Opened {
    /// A store behind a network, which lists by pages.
    pub fn paged<S: ObjectStore + PaginatedListStore>(store: S) -> Opened {
        let store = Arc::new(store);
        Opened { store: store.clone(), pages: Some(store), folder: None, object_lock: None }
    }

    /// The same store, whose blobs can be locked.
    pub fn with_object_lock(self, lock: impl ObjectLock + 'static) -> Opened {
        Opened { object_lock: Some(Arc::new(lock)), ..self }
    }

    fn folder(store: FolderStore) -> Opened {
        Opened { store: Arc::new(store.clone()), pages: None, folder: Some(store), object_lock: None }
    }
}

impl Storage {
    /// A storage in memory, for tests. It goes when its last clone goes.
    pub fn memory() -> Storage {
        let options = StorageOptions::default();
        Storage::from_object_store(Arc::new(InMemory::new()), Location::Memory, options)
    }

    /// Wraps any object store: the seam at which tests put faults between a storage and its
    /// blobs. `location` is what messages call it.
    pub fn from_object_store(
        store: Arc<dyn ObjectStore>,
        location: Location,
        options: StorageOptions,
    ) -> Storage {
        let opened = Opened { store, pages: None, folder: None, object_lock: None };
        Storage::assemble(opened, location, options)
    }

    /// A storage in memory whose blobs can be locked, for tests.
    #[cfg(any(test, feature = "testing"))]
    pub fn lockable(store: super::testing::LockingStore) -> Storage {
        let opened = Opened { store: Arc::new(store.clone()), pages: None, folder: None, object_lock: None };
        Storage::assemble(opened.with_object_lock(store), Location::Memory, StorageOptions::default())
    }

    /// Opens what is there. A folder must exist; of a bucket nothing is asked yet.
    ///
    /// # Errors
    ///
    /// `LocationMissing` for a folder that is not there, `Location` and `Setup` for what can never
    /// work, such as a certificate file that does not parse.
    pub fn open(location: &Location, options: &StorageOptions) -> Result<Storage, StorageError> {
        let opened = match location {
            Location::Folder { path } => Opened::folder(open_folder(path, FolderStore::open)?),
            Location::Memory => return Ok(Storage::memory()),
            remote => network::open(remote, options)?,
        };
        Ok(Storage::assemble(opened, location.clone(), options.clone()))
    }

    /// Opens a location for a repository that is to be made: a missing folder is created, with
    /// access for its owner alone. Buckets and containers must be there.
    ///
    /// # Errors
    ///
    /// As for [`Storage::open`], and what keeps a folder from being made.
    pub fn create(location: &Location, options: &StorageOptions) -> Result<Storage, StorageError> {
        if let Location::Folder { path } = location {
            open_folder(path, FolderStore::create)?;
        }
        Storage::open(location, options)
    }

    fn assemble(opened: Opened, location: Location, options: StorageOptions) -> Storage {
        let prefix = match location.prefix() {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        Storage(Arc::new(Inner {
            store: opened.store,
            pages: opened.pages,
            folder: opened.folder,
            object_lock: opened.object_lock,
            retained: RwLock::default(),
            permits: Semaphore::new(options.concurrency_max.max(1)),
            meter: Meter::default(),
            location,
            prefix,
            options,
        }))
    }

    /// Where this storage is.
    pub fn location(&self) -> &Location {
        &self.0.location
    }

    /// Whether a request is no more than a call into the system: this is a folder.
    pub fn is_near(&self) -> bool {
        self.0.folder.is_some()
    }

    /// Bytes that come in about the time that a request takes by itself.
    pub fn request_bytes(&self) -> u64 {
        if self.is_near() { NEAR_REQUEST_BYTES } else { self.0.options.request_bytes }
    }

    /// What this storage and its clones did so far.
    pub fn counters(&self) -> Counters {
        self.0.meter.snapshot()
    }

    /// Removes the staging files that crashed writers left in a folder, and none that is being
    /// written. Other storages have none.
    ///
    /// # Errors
    ///
    /// `Denied` or `Io` if a folder cannot be read.
    pub async fn sweep_staging(&self) -> Result<Swept, StorageError> {
        let Some(folder) = self.0.folder.clone() else {
            return Ok(Swept::default());
        };
        let sweeping = async { Ok(tokio::task::spawn_blocking(move || folder.sweep()).await??) };
        self.attempt("staging files", 0, sweeping).await
    }

    /// Keeps some room of a folder's disk for maintenance, unless it does so already. Other storages
    /// need none.
    ///
    /// # Errors
    ///
    /// `Full` if there is no such room, and as for any write.
    pub async fn fill_reserve(&self) -> Result<(), StorageError> {
        let Some(folder) = self.0.folder.clone() else { return Ok(()) };
        let filling = async { Ok(tokio::task::spawn_blocking(move || folder.fill_reserve()).await??) };
        self.attempt("the reserve", 0, filling).await
    }

    /// Gives back the room that [`Storage::fill_reserve`] keeps; says whether there was any.
    ///
    /// # Errors
    ///
    /// As for a deletion.
    pub async fn free_reserve(&self) -> Result<bool, StorageError> {
        let Some(folder) = self.0.folder.clone() else { return Ok(false) };
        let freeing = async { Ok(tokio::task::spawn_blocking(move || folder.free_reserve()).await??) };
        self.attempt("the reserve", 0, freeing).await
    }

    /// Makes attempts until one succeeds, or fails for a reason that does not pass.
    ///
    /// # Errors
    ///
    /// The last attempt's.
    pub(super) async fn retried<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, StorageError>
    where
        F: Future<Output = Result<T, StorageError>>,
    {
        let mut backoff = Backoff::new(self.options());
        loop {
            match attempt().await {
                Err(error) => backoff.pause(error).await?,
                done => return done,
            }
        }
    }

    /// Runs one attempt of a request about `name` that moves about `bytes`: waits for a permit,
    /// bounds its time, and sorts its failure.
    pub(super) async fn attempt<T>(
        &self,
        name: &str,
        bytes: u64,
        request: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, StorageError> {
        // The semaphore is never closed; running without a permit would be its only trace.
        let _permit = self.0.permits.acquire().await.ok();
        let outcome = if self.0.folder.is_some() {
            // A write to a disk cannot be called off, so it is not given up either.
            request.await
        } else {
            let after = self.0.options.timeout_for(bytes);
            let timed = tokio::time::timeout(after, request).await;
            timed.map_err(|_| StorageError::TimedOut { name: name.to_string(), after })?
        };
        outcome.map_err(|error| StorageError::from_store(&self.0.location, name, error))
    }

    pub(super) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.0.store
    }

    pub(super) fn pages(&self) -> Option<&Arc<dyn PaginatedListStore>> {
        self.0.pages.as_ref()
    }

    pub(super) fn object_lock(&self) -> Option<&Arc<dyn ObjectLock>> {
        self.0.object_lock.as_ref()
    }

    pub(super) fn retained(&self) -> &RwLock<Option<Retain>> {
        &self.0.retained
    }

    pub(super) fn options(&self) -> &StorageOptions {
        &self.0.options
    }

    pub(super) fn meter(&self) -> &Meter {
        &self.0.meter
    }

    /// The key of a blob below the location's prefix.
    pub(super) fn key(&self, name: &BlobName) -> Key {
        Key::from(self.key_text(name.as_str()))
    }

    pub(super) fn key_text(&self, name: &str) -> String {
        format!("{}{name}", self.0.prefix)
    }

    /// The reverse of `key`; nothing for keys outside the prefix.
    pub(super) fn name_of<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(&self.0.prefix)
    }
}

fn open_folder(
    path: &Path,
    open: fn(&Path) -> std::io::Result<FolderStore>,
) -> Result<FolderStore, StorageError> {
    open(path).map_err(|source| {
        let name = path.display().to_string();
        if source.kind() == std::io::ErrorKind::NotFound {
            return StorageError::LocationMissing { location: name, source: Some(source.into()) };
        }
        let source = FolderError::Io { path: path.to_path_buf(), source };
        let location = Location::Folder { path: path.to_path_buf() };
        StorageError::from_store(&location, &name, source.into())
    })
}
