//! The storage of one process.

use std::fmt;
use std::io;

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::turns::{Asked, Fate, Kind, Turn};
use super::{Image, Simulation};

/// What one process sees of the shared store.
#[derive(Clone)]
pub struct ProcessStore {
    world: Simulation,
    process: usize,
}

impl ProcessStore {
    pub(super) fn new(world: Simulation, process: usize) -> ProcessStore {
        ProcessStore { world, process }
    }

    /// Waits until it is this process's turn for the first time.
    pub(super) async fn first_turn(&self) {
        loop {
            let turn = self.world.0.turns.lock().wait(self.process);
            match turn {
                None => return,
                // Whoever drops the sender has ended this process.
                Some(turn) => drop(turn.await),
            }
        }
    }

    pub(super) fn end(&self) {
        self.world.0.turns.lock().end(self.process);
    }

    async fn step<T>(
        &self,
        kind: Kind,
        place: &str,
        request: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let number = self.world.0.turns.lock().number(self.process, kind);
        let asked = Asked { process: self.process, kind, number, place: told(place) };
        let mut again = false;
        let fate = loop {
            let turn = self.world.0.turns.lock().request(&asked, again);
            match turn {
                Turn::Now(fate) => break fate,
                Turn::Later(turn) => drop(turn.await),
            }
            again = true;
        };
        match fate {
            Fate::Done => {
                let answer = request.await;
                self.note(kind);
                answer
            }
            Fate::ReplyLost => {
                drop(request.await);
                self.note(kind);
                Err(failure(io::ErrorKind::ConnectionReset))
            }
            Fate::KilledAfter => {
                drop(request.await);
                self.note(kind);
                self.die();
                Err(failure(io::ErrorKind::Other))
            }
            Fate::Refused => Err(failure(io::ErrorKind::TimedOut)),
            Fate::Full => Err(failure(io::ErrorKind::StorageFull)),
            Fate::KilledBefore => {
                self.die();
                Err(failure(io::ErrorKind::Other))
            }
            Fate::Dead => Err(failure(io::ErrorKind::Other)),
        }
    }

    /// Takes an image now and then.
    fn note(&self, kind: Kind) {
        let mut turns = self.world.0.turns.lock();
        if kind.changes() && turns.wants_image() {
            let image = Image { step: turns.steps(), store: self.world.0.store.fork() };
            turns.images.push(image);
        }
    }

    /// What is left of a killed process reaches the storage no more; its threads unwind beside the others.
    fn die(&self) {
        self.world.0.turns.lock().choose();
    }
}

/// What of a name is the same in each run of a seed.
fn told(name: &str) -> &str {
    ["packs/data", "packs/meta"]
        .into_iter()
        .find(|kind| name.starts_with(kind))
        .unwrap_or_else(|| name.split('/').next().unwrap_or_default())
}

fn failure(kind: io::ErrorKind) -> Error {
    Error::Generic { store: "simulated", source: Box::new(io::Error::from(kind)) }
}

impl fmt::Debug for ProcessStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.process)
    }
}

impl fmt::Display for ProcessStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

#[async_trait]
impl ObjectStore for ProcessStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let request = self.world.0.store.put_opts(path, payload, options);
        self.step(Kind::Put, path.as_ref(), request).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.world.0.store.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let request = self.world.0.store.get_opts(path, options);
        self.step(Kind::Get, path.as_ref(), request).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let process = self.clone();
        paths
            .and_then(move |path| {
                let process = process.clone();
                async move {
                    let request = process.world.0.store.delete(&path);
                    process.step(Kind::Delete, path.as_ref(), request).await.map(|()| path)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (process, prefix) = (self.clone(), prefix.cloned());
        let listing = async move {
            let place = prefix.as_ref().map(ToString::to_string).unwrap_or_default();
            let all = process.world.0.store.list(prefix.as_ref()).try_collect::<Vec<_>>();
            process.step(Kind::List, &place, all).await
        };
        listing.map_ok(|all| futures::stream::iter(all).map(Ok)).into_stream().try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let place = prefix.map(ToString::to_string).unwrap_or_default();
        self.step(Kind::List, &place, self.world.0.store.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.world.0.store.copy_opts(from, to, options).await
    }
}
