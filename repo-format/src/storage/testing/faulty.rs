//! A store in front of another that fails by a seeded or written plan.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::Random;
use crate::system::Mutex;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is carried out and answered.
    None,
    /// It fails and changes nothing.
    Before,
    /// It is carried out, and the reply is lost.
    After,
}

/// Passes requests on, except those that its plan spoils with a reset connection.
#[derive(Debug, Clone)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug)]
struct Plan {
    script: VecDeque<Fault>,
    random: Random,
    per_thousand: u64,
}

impl FaultyStore {
    /// Spoils the first requests as written, and none after.
    pub fn scripted(inner: Arc<dyn ObjectStore>, script: impl IntoIterator<Item = Fault>) -> FaultyStore {
        let plan = Plan { script: script.into_iter().collect(), random: Random(0), per_thousand: 0 };
        FaultyStore { inner, plan: Arc::new(Mutex::new(plan)) }
    }

    /// Spoils about `per_thousand` of a thousand requests, half of them after the effect. Equal
    /// seeds and equal requests in equal order give equal faults.
    pub fn seeded(inner: Arc<dyn ObjectStore>, seed: u64, per_thousand: u64) -> FaultyStore {
        let plan = Plan { script: VecDeque::new(), random: Random(seed), per_thousand };
        FaultyStore { inner, plan: Arc::new(Mutex::new(plan)) }
    }

    async fn spoil<T>(&self, request: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let fault = self.plan.lock().next();
        match fault {
            Fault::None => {}
            Fault::Before => return Err(reset()),
            Fault::After => return request.await.and_then(|_| Err(reset())),
        }
        request.await
    }
}

impl Plan {
    fn next(&mut self) -> Fault {
        if let Some(fault) = self.script.pop_front() {
            return fault;
        }
        let random = self.random.number();
        match random % 1000 < self.per_thousand {
            false => Fault::None,
            true if random >> 63 == 0 => Fault::Before,
            true => Fault::After,
        }
    }
}

fn reset() -> Error {
    let source = Box::new(io::Error::from(io::ErrorKind::ConnectionReset));
    Error::Generic { store: "faulty", source }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faulty {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.spoil(self.inner.put_opts(path, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.spoil(self.inner.get_opts(path, options)).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        paths
            .and_then(move |path| {
                let store = store.clone();
                async move { store.spoil(store.inner.delete(&path)).await.map(|()| path) }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.clone(), prefix.cloned());
        let listing = async move {
            let all = store.inner.list(prefix.as_ref()).try_collect::<Vec<_>>();
            store.spoil(all).await
        };
        listing.map_ok(|all| futures::stream::iter(all).map(Ok)).into_stream().try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.spoil(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
