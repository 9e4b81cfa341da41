//! The storage of one process.

use std::fmt;
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use parking_lot::MutexGuard;
use repo_format::storage::testing::Random;
use repo_format::system::simulated::{Process, pause};

use super::turns::{Fate, Kind, Turns};
use super::{BEGIN_NS, Simulation};

/// What one process sees of a shared store.
#[derive(Clone)]
pub struct ProcessStore {
    world: Simulation,
    process: usize,
    is_copy: bool,
}

impl ProcessStore {
    pub(super) fn new(world: Simulation, process: usize) -> ProcessStore {
        ProcessStore { world, process, is_copy: false }
    }

    /// What the same process sees of the copy.
    pub fn of_copy(&self) -> ProcessStore {
        ProcessStore { is_copy: true, ..self.clone() }
    }

    fn store(&self) -> &InMemory {
        if self.is_copy { &self.world.0.copy } else { &self.world.0.store }
    }

    /// What a name is called among those of both stores.
    fn told_name(&self, name: &str) -> String {
        if self.is_copy { format!("copy:{name}") } else { name.to_owned() }
    }

    /// The process itself.
    pub(super) fn begin(&self) -> Process {
        let mut random = Random(self.world.0.seed ^ (self.process as u64 + 1) << 48);
        Process::new(random.number(), self.world.0.clock.clone())
    }

    /// Waits until it is this process's turn.
    pub(super) fn wait(&self) {
        self.wait_in(&mut self.world.0.turns.lock());
    }

    fn wait_in(&self, turns: &mut MutexGuard<'_, Turns>) {
        let turn = turns.turn_of(self.process);
        turn.wait_while(turns, |turns| !turns.is_running(self.process));
    }

    /// Decides about a request, once it is this process's turn.
    fn ask(&self, kind: Kind, name: &str) -> Fate {
        let mut turns = self.world.0.turns.lock();
        turns.switch(self.process);
        self.wait_in(&mut turns);
        turns.request(self.process, kind, &self.told_name(name))
    }

    pub(super) fn end(&self) {
        self.world.0.turns.lock().end(self.process);
    }

    /// Plays a request. The thread that makes it sleeps in here while others have their turn: nothing else
    /// of its process goes on meanwhile, and a simulated one has no other work on its thread.
    async fn step<T>(
        &self,
        kind: Kind,
        name: &str,
        request: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        pause();
        let fate = self.ask(kind, name);
        let answer = match fate {
            Fate::Done | Fate::ReplyLost | Fate::KilledAfter => {
                let answer = request.await;
                self.note(kind);
                answer
            }
            Fate::Refused => Err(failure(io::ErrorKind::TimedOut)),
            Fate::Full => Err(failure(io::ErrorKind::StorageFull)),
            Fate::KilledBefore | Fate::Dead => Err(failure(io::ErrorKind::Other)),
        };
        pause();
        match fate {
            Fate::ReplyLost => Err(failure(io::ErrorKind::ConnectionReset)),
            Fate::KilledAfter => Err(failure(io::ErrorKind::Other)),
            _ => answer,
        }
    }

    /// What the storage says of a listing: it may lag, and has times by its own clock, which nobody sets.
    fn told(&self, prefix: &str, mut listing: Vec<ObjectMeta>) -> Vec<ObjectMeta> {
        let mut turns = self.world.0.turns.lock();
        turns.lag(&self.told_name(prefix), &mut listing);
        for meta in &mut listing {
            let made = turns.made(&self.told_name(meta.location.as_ref()));
            let since_1970 = Duration::from_nanos(BEGIN_NS as u64) + made;
            meta.last_modified = Default::default();
            meta.last_modified += since_1970;
        }
        listing
    }

    /// A change took effect. Only the source's listings may lag.
    fn changed(&self, path: &Path, deleted: Option<ObjectMeta>) {
        if !self.is_copy {
            self.world.0.turns.lock().changed(path.as_ref(), deleted);
        }
    }

    /// Takes an image now and then.
    fn note(&self, kind: Kind) {
        let mut turns = self.world.0.turns.lock();
        if kind.changes() && turns.wants_image() {
            let image = self.world.0.image(turns.steps());
            turns.images.push(image);
        }
    }
}

fn failure(kind: io::ErrorKind) -> Error {
    Error::Generic { store: "simulated", source: Box::new(io::Error::from(kind)) }
}

impl fmt::Debug for ProcessStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}{}", self.process, if self.is_copy { ", copy" } else { "" })
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
        let request = async {
            let answer = self.store().put_opts(path, payload, options).await;
            if answer.is_ok() {
                self.changed(path, None);
            }
            answer
        };
        self.step(Kind::Put, path.as_ref(), request).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.store().put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let request = self.store().get_opts(path, options);
        self.step(Kind::Get, path.as_ref(), request).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let process = self.clone();
        paths
            .and_then(move |path| {
                let process = process.clone();
                async move {
                    let request = async {
                        let gone = process.store().head(&path).await.ok();
                        let answer = process.store().delete(&path).await;
                        process.changed(&path, gone);
                        answer
                    };
                    process.step(Kind::Delete, path.as_ref(), request).await.map(|()| path)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (process, prefix) = (self.clone(), prefix.cloned());
        let listing = async move {
            let place = prefix.as_ref().map(ToString::to_string).unwrap_or_default();
            let all = process.store().list(prefix.as_ref()).try_collect::<Vec<_>>();
            let listing = process.step(Kind::List, &place, all).await;
            listing.map(|listing| futures::stream::iter(process.told(&place, listing)).map(Ok))
        };
        listing.into_stream().try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let place = prefix.map(ToString::to_string).unwrap_or_default();
        self.step(Kind::List, &place, self.store().list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store().copy_opts(from, to, options).await
    }
}
