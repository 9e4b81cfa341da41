//! A store that spoils the requests of one kind in one way.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use repo_format::storage::testing::server_answer;

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    Put,
    Get,
    List,
    Delete,
    /// A put or a deletion.
    Change,
}

/// How a request is spoilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoil {
    /// The medium fails.
    Io,
    /// No room is left.
    NoSpace,
    ReadOnly,
    /// The file system refuses.
    Permission,
    TimedOut,
    /// The server refuses, throttles or fails, and nothing has happened.
    Status(u16),
    /// It is carried out, and the server says that it failed.
    StatusAfter(u16),
    /// It is carried out, and answered as if somebody else had been faster: 409 and 412 for our own write.
    ConflictAfter,
    PreconditionAfter,
    /// The answer ends early.
    Short,
    /// A byte of the answer is another one.
    WrongByte,
    /// The end of the list is left out.
    Truncated,
}

/// Which of the requests that fit are spoilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    First,
    Third,
    Forever,
    /// All but so many: a process that dies.
    After(u64),
}

/// One rule: what is spoilt, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub request: Request,
    /// Names, or prefixes of lists, that begin with this.
    pub place: &'static str,
    pub spoil: Spoil,
    pub when: When,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rule { request, place, spoil, when } = self;
        write!(f, "{request:?} {place} {spoil:?} {when:?}")
    }
}

/// Passes requests on, except those of its rule.
#[derive(Debug, Clone)]
pub struct SpoiltStore {
    inner: Arc<InMemory>,
    rule: Rule,
    fitting: Arc<AtomicU64>,
    spoilt: Arc<AtomicU64>,
}

impl SpoiltStore {
    pub fn new(inner: Arc<InMemory>, rule: Rule) -> SpoiltStore {
        SpoiltStore { inner, rule, fitting: Arc::default(), spoilt: Arc::default() }
    }

    /// Requests that were spoilt so far.
    pub fn spoilt(&self) -> u64 {
        self.spoilt.load(Ordering::SeqCst)
    }

    fn hit(&self, request: Request, place: &str) -> Option<Spoil> {
        let fits = match self.rule.request {
            Request::Change => matches!(request, Request::Put | Request::Delete),
            wanted => wanted == request,
        };
        if !fits || !place.starts_with(self.rule.place) {
            return None;
        }
        let number = self.fitting.fetch_add(1, Ordering::SeqCst);
        let hit = match self.rule.when {
            When::First => number == 0,
            When::Third => number == 2,
            When::Forever => true,
            When::After(count) => number >= count,
        };
        self.spoilt.fetch_add(u64::from(hit), Ordering::SeqCst);
        hit.then_some(self.rule.spoil)
    }

    async fn pass<T>(
        &self,
        request: Request,
        place: &str,
        carried_out: impl Future<Output = Result<T>> + Send,
        spoil_answer: impl FnOnce(Spoil, T) -> T + Send,
    ) -> Result<T> {
        let Some(spoil) = self.hit(request, place) else { return carried_out.await };
        let path = || place.to_owned();
        let source = || "spoilt".into();
        match spoil {
            Spoil::Io => Err(local(io::ErrorKind::Other)),
            Spoil::NoSpace => Err(local(io::ErrorKind::StorageFull)),
            Spoil::ReadOnly => Err(local(io::ErrorKind::ReadOnlyFilesystem)),
            Spoil::Permission => Err(local(io::ErrorKind::PermissionDenied)),
            Spoil::TimedOut => Err(local(io::ErrorKind::TimedOut)),
            Spoil::Status(status) => Err(server_answer(status)),
            Spoil::StatusAfter(status) => carried_out.await.and_then(|_| Err(server_answer(status))),
            Spoil::ConflictAfter => {
                carried_out.await.and_then(|_| Err(Error::AlreadyExists { path: path(), source: source() }))
            }
            Spoil::PreconditionAfter => {
                carried_out.await.and_then(|_| Err(Error::Precondition { path: path(), source: source() }))
            }
            Spoil::Short | Spoil::WrongByte | Spoil::Truncated => {
                carried_out.await.map(|answer| spoil_answer(spoil, answer))
            }
        }
    }
}

fn local(kind: io::ErrorKind) -> Error {
    Error::Generic { store: "spoilt", source: Box::new(io::Error::from(kind)) }
}

fn spoil_bytes(spoil: Spoil, answer: GetResult) -> GetResult {
    let (meta, range, attributes, extensions) =
        (answer.meta.clone(), answer.range.clone(), answer.attributes.clone(), answer.extensions.clone());
    let bytes = async move {
        let mut bytes = answer.bytes().await?.to_vec();
        match spoil {
            Spoil::Short => bytes.truncate(bytes.len() / 2),
            _ => {
                let middle = bytes.len() / 2;
                bytes.iter_mut().skip(middle).take(1).for_each(|byte| *byte ^= 0x20);
            }
        }
        Ok(Bytes::from(bytes))
    };
    let payload = GetResultPayload::Stream(bytes.into_stream().boxed());
    GetResult { payload, meta, range, attributes, extensions }
}

impl fmt::Display for SpoiltStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spoilt {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for SpoiltStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let request = self.inner.put_opts(path, payload, options);
        self.pass(Request::Put, path.as_ref(), request, |_, answer| answer).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let request = self.inner.get_opts(path, options);
        self.pass(Request::Get, path.as_ref(), request, spoil_bytes).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        paths
            .and_then(move |path| {
                let store = store.clone();
                async move {
                    let request = store.inner.delete(&path);
                    let deleted = store.pass(Request::Delete, path.as_ref(), request, |_, answer| answer);
                    deleted.await.map(|()| path)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.clone(), prefix.cloned());
        let listing = async move {
            let place = prefix.as_ref().map(ToString::to_string).unwrap_or_default();
            let all = store.inner.list(prefix.as_ref()).try_collect::<Vec<_>>();
            let truncated = |_, mut all: Vec<ObjectMeta>| {
                all.sort_by(|a, b| a.location.cmp(&b.location));
                all.truncate(all.len() / 2);
                all
            };
            store.pass(Request::List, &place, all, truncated).await
        };
        listing.map_ok(|all| futures::stream::iter(all).map(Ok)).into_stream().try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
