//! Memory whose blobs can be locked, as those of a bucket with object lock.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::storage::lock::{LockedUntil, ObjectLock, Protection};
use crate::system::Mutex;

/// Takes a lock with a put, and refuses to delete what is locked by its clock. Clones share everything.
#[derive(Debug, Clone)]
pub struct LockingStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    memory: InMemory,
    locks: Mutex<BTreeMap<String, LockedUntil>>,
    clock: fn() -> i64,
    /// Keys that begin so cannot be extended.
    unextendable: Mutex<Option<&'static str>>,
    refused: AtomicU64,
}

impl LockingStore {
    /// An empty one. `clock` gives nanoseconds since 1970 UTC.
    pub fn new(clock: fn() -> i64) -> LockingStore {
        let (memory, locks, refused) = (InMemory::new(), Mutex::default(), AtomicU64::new(0));
        LockingStore(Arc::new(Inner { memory, locks, clock, unextendable: Mutex::default(), refused }))
    }

    /// Deletions that were refused.
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// Fails to extend what begins so, from now on; or nothing any more.
    pub fn fail_to_extend(&self, prefix: Option<&'static str>) {
        *self.0.unextendable.lock() = prefix;
    }

    fn denied(path: &str) -> Error {
        Error::PermissionDenied { path: path.to_owned(), source: "it is locked".into() }
    }

    fn check_unlocked(&self, key: &str) -> Result<()> {
        let lock = self.0.locks.lock().get(key).copied();
        match lock.is_some_and(|lock| lock.until_ns > (self.0.clock)()) {
            true => {
                self.0.refused.fetch_add(1, Ordering::Relaxed);
                Err(LockingStore::denied(key))
            }
            false => Ok(()),
        }
    }
}

impl fmt::Display for LockingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("locking memory")
    }
}

#[async_trait]
impl ObjectStore for LockingStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let lock = options.extensions.get::<LockedUntil>().copied();
        let put = self.0.memory.put_opts(path, payload, options).await?;
        if let Some(lock) = lock {
            self.0.locks.lock().insert(path.to_string(), lock);
        }
        Ok(put)
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.memory.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.memory.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let checked = paths.map(move |path| {
            let path = path?;
            store.check_unlocked(path.as_ref()).map(|()| path)
        });
        self.0.memory.delete_stream(checked.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.memory.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.memory.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.memory.copy_opts(from, to, options).await
    }
}

#[async_trait]
impl ObjectLock for LockingStore {
    async fn is_enabled(&self) -> Result<bool> {
        Ok(true)
    }

    async fn protection(&self, key: &str, _: Option<&str>) -> Result<Protection> {
        self.0.memory.head(&Path::from(key)).await?;
        Ok(Protection { retention: self.0.locks.lock().get(key).copied(), legal_hold: false })
    }

    async fn extend(&self, key: &str, lock: LockedUntil) -> Result<()> {
        self.0.memory.head(&Path::from(key)).await?;
        if self.0.unextendable.lock().is_some_and(|prefix| key.starts_with(prefix)) {
            return Err(LockingStore::denied(key));
        }
        let mut locks = self.0.locks.lock();
        match locks.get(key) {
            // As servers do that are not asked to lift anything.
            Some(there) if there.until_ns > lock.until_ns || there.mode != lock.mode => {
                Err(LockingStore::denied(key))
            }
            _ => {
                locks.insert(key.to_owned(), lock);
                Ok(())
            }
        }
    }

    async fn versions(&self, key: &str) -> Result<Vec<String>> {
        match self.0.memory.head(&Path::from(key)).await {
            Ok(_) => Ok(vec!["1".to_owned()]),
            Err(Error::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn delete_version(&self, key: &str, _: &str) -> Result<()> {
        self.check_unlocked(key)?;
        self.0.memory.delete(&Path::from(key)).await
    }
}
