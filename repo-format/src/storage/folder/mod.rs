//! A local folder as a storage that keeps what it says it keeps.
//!
//! object_store's own folder reads for us. It does not write: it makes files that others may read,
//! trusts folders whose names were never synced, answers "exists" about a blob that may still be lost to
//! a power cut, and stops at file systems without hard links. Nor does it list, since it looks at every
//! file three times.

mod direct;
mod durable;
mod list;
mod publish;
mod reserve;
mod staging;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

pub use staging::Swept;

use durable::Durable;

/// Why a folder did not take or give a blob.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    /// A blob of that name is there, and is durable.
    #[error("{} exists", path.display())]
    Exists { path: PathBuf },
    /// Everything else that leaves no blob behind.
    #[error("{} failed", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// The kernel could not promise to keep a file or a folder's entries.
    #[error("{} could not be synced", path.display())]
    Unsynced { path: PathBuf, source: io::Error },
    /// The file system offers neither hard links nor a rename that replaces nothing.
    #[error("{} has neither hard links nor no-replace renames", path.display())]
    NoCreateIfAbsent { path: PathBuf },
    /// A sync failed earlier; since then nothing that the kernel says about this folder counts.
    #[error("{} takes no blobs since a sync failed there", path.display())]
    Distrusted { path: PathBuf },
}

impl From<FolderError> for object_store::Error {
    fn from(error: FolderError) -> object_store::Error {
        match &error {
            FolderError::Exists { path } => object_store::Error::AlreadyExists {
                path: path.display().to_string(),
                source: Box::new(error),
            },
            _ => object_store::Error::Generic { store: "folder", source: Box::new(error) },
        }
    }
}

/// A folder whose blobs are created whole, once and durably, readable by their owner alone.
#[derive(Debug, Clone)]
pub(super) struct FolderStore {
    reader: LocalFileSystem,
    durable: Arc<Durable>,
}

impl FolderStore {
    /// Opens a folder that is there. Creates nothing.
    pub fn open(root: &Path) -> io::Result<FolderStore> {
        let root = root.canonicalize()?;
        if !root.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let reader = LocalFileSystem::new_with_prefix(&root).map_err(io::Error::other)?;
        Ok(FolderStore { reader, durable: Arc::new(Durable::new(root)) })
    }

    /// Makes the folder, and those it lies in, if they are missing.
    pub fn create(root: &Path) -> io::Result<FolderStore> {
        durable::create_root(root)?;
        FolderStore::open(root)
    }

    /// Removes what crashed writers left; see [`Swept`].
    pub fn sweep(&self) -> Result<Swept, FolderError> {
        staging::sweep(self.durable.root())
    }

    /// Keeps some room of the disk, unless it does so already.
    pub fn fill_reserve(&self) -> Result<(), FolderError> {
        let root = self.durable.root();
        reserve::fill(root).map_err(|source| FolderError::Io { path: root.to_path_buf(), source })
    }

    /// Gives that room back; says whether there was any.
    pub fn free_reserve(&self) -> Result<bool, FolderError> {
        let root = self.durable.root();
        reserve::free(root).map_err(|source| FolderError::Io { path: root.to_path_buf(), source })
    }

    fn listed(&self, prefix: Option<&Key>, after: Option<Key>) -> BoxStream<'static, Result<ObjectMeta>> {
        let root = self.durable.root().to_path_buf();
        let folder = prefix.map_or_else(|| root.clone(), |prefix| self.path_of(prefix));
        let list = move || list::list(&root, &folder, after.as_ref());
        let listed = async move { tokio::task::spawn_blocking(list).await? };
        stream::once(listed).map_ok(|found| stream::iter(found).map(Ok)).try_flatten().boxed()
    }

    fn path_of(&self, key: &Key) -> PathBuf {
        self.durable.root().join(key.as_ref())
    }
}

impl fmt::Display for FolderStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "folder {}", self.durable.root().display())
    }
}

fn not_offered(operation: &str) -> object_store::Error {
    object_store::Error::NotImplemented {
        operation: operation.to_string(),
        implementer: "folder".to_string(),
    }
}

#[async_trait]
impl ObjectStore for FolderStore {
    async fn put_opts(&self, key: &Key, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if options.mode != PutMode::Create {
            return Err(not_offered("overwriting"));
        }
        let (durable, path) = (Arc::clone(&self.durable), self.path_of(key));
        let bytes = Bytes::from(payload);
        tokio::task::spawn_blocking(move || publish::create(&durable, &path, &bytes)).await??;
        Ok(PutResult { e_tag: None, version: None, extensions: Default::default() })
    }

    async fn put_multipart_opts(&self, _: &Key, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(not_offered("multipart upload"))
    }

    async fn get_opts(&self, key: &Key, options: GetOptions) -> Result<GetResult> {
        self.reader.get_opts(key, options).await
    }

    fn delete_stream(&self, keys: BoxStream<'static, Result<Key>>) -> BoxStream<'static, Result<Key>> {
        let store = self.clone();
        keys.map(move |key| {
            let store = store.clone();
            async move {
                let key = key?;
                let path = store.path_of(&key);
                let delete = move || store.durable.delete(&path);
                tokio::task::spawn_blocking(delete).await??;
                Ok(key)
            }
        })
        .buffered(8)
        .boxed()
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, None)
    }

    fn list_with_offset(&self, prefix: Option<&Key>, offset: &Key) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, Some(offset.clone()))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Key>) -> Result<ListResult> {
        self.reader.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Key, _: &Key, _: CopyOptions) -> Result<()> {
        Err(not_offered("copying"))
    }
}
