//! A store whose listings lag, as those of no storage may that Corso writes to (STO-4).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::system::Mutex;

/// Leaves names out of its listings; whoever asks for such a blob by its name gets it all the same.
/// Clones share the names.
#[derive(Debug, Clone)]
pub struct LaggingStore {
    inner: Arc<dyn ObjectStore>,
    unlisted: Arc<Mutex<BTreeSet<String>>>,
}

impl LaggingStore {
    /// One that lists everything so far.
    pub fn new(inner: Arc<dyn ObjectStore>) -> LaggingStore {
        LaggingStore { inner, unlisted: Arc::default() }
    }

    /// Leaves `name` out of listings from now on.
    pub fn hide(&self, name: &str) {
        self.unlisted.lock().insert(name.to_owned());
    }
}

impl fmt::Display for LaggingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lagging {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for LaggingStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let unlisted = self.unlisted.lock().clone();
        let listing = self.inner.list(prefix);
        listing.try_filter(move |meta| std::future::ready(!unlisted.contains(meta.location.as_ref()))).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut listing = self.inner.list_with_delimiter(prefix).await?;
        listing.objects.retain(|meta| !self.unlisted.lock().contains(meta.location.as_ref()));
        Ok(listing)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
