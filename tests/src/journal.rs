//! A store that writes down every change, and the states that a crash may leave of it.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What changes a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Put(Path, Bytes),
    Delete(Path),
}

/// What was written down, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// The change of this number was asked for.
    Asked(usize),
    /// It was carried out and answered.
    Answered(usize),
    /// It was refused, and changed nothing.
    Refused(usize),
}

#[derive(Debug, Default)]
struct Journal {
    changes: Vec<Change>,
    events: Vec<Event>,
    read_only: bool,
}

/// Keeps blobs in memory, and a journal of all changes.
#[derive(Debug, Clone, Default)]
pub struct JournalStore {
    inner: Arc<InMemory>,
    journal: Arc<Mutex<Journal>>,
}

/// A state that a crash may leave.
pub struct Image {
    /// Events that had happened: marks up to this one were reached.
    pub events: usize,
    pub store: InMemory,
    /// For messages.
    pub what: String,
}

impl JournalStore {
    /// How many events there were so far: what was promised before is owed by later images.
    pub fn now(&self) -> usize {
        self.lock().events.len()
    }

    /// Refuses all changes from now on, as a bucket does to keys that may only read; or takes them again.
    pub fn set_read_only(&self, read_only: bool) {
        self.lock().read_only = read_only;
    }

    /// The changes that were carried out, in their order.
    pub fn answered(&self) -> Vec<Change> {
        let journal = self.lock();
        let answered = journal.events.iter().filter_map(|event| match event {
            Event::Answered(change) => Some(journal.changes[*change].clone()),
            _ => None,
        });
        answered.collect()
    }

    /// Mutating requests so far.
    pub fn changes_count(&self) -> usize {
        self.lock().changes.len()
    }

    /// Calls `check` with every state that a crash between the events `from` and the last may leave:
    /// all that was answered, and each subset of what was under way. Equal states come once.
    pub fn images(&self, from: usize, mut check: impl FnMut(Image)) {
        let (changes, events) = {
            let journal = self.lock();
            (journal.changes.clone(), journal.events.clone())
        };
        let refused: HashSet<usize> = (events.iter())
            .filter_map(|event| match event {
                Event::Refused(change) => Some(*change),
                _ => None,
            })
            .collect();
        let (mut done, mut under_way) = (BTreeSet::new(), BTreeSet::new());
        let mut seen: HashSet<Vec<usize>> = HashSet::new();
        for (place, event) in [None].into_iter().chain(events.iter().map(Some)).enumerate() {
            match event {
                None | Some(Event::Refused(_)) => {}
                Some(Event::Asked(change)) if refused.contains(change) => {}
                Some(Event::Asked(change)) => drop(under_way.insert(*change)),
                Some(Event::Answered(change)) => {
                    under_way.remove(change);
                    done.insert(*change);
                }
            }
            if place < from {
                continue;
            }
            let open: Vec<usize> = under_way.iter().copied().collect();
            for subset in 0u32..1 << open.len().min(6) {
                let landed = (0..open.len()).filter(|bit| subset & (1 << bit) != 0).map(|bit| open[bit]);
                let mut all: Vec<usize> = done.iter().copied().chain(landed).collect();
                all.sort_unstable();
                if seen.insert(all.clone()) {
                    let what = format!("{place} events, {} of {} changes", all.len(), changes.len());
                    check(Image { events: place, store: build(&changes, &all), what });
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn noted<T>(&self, change: Change, request: impl Future<Output = Result<T>>) -> Result<T> {
        let number = {
            let mut journal = self.lock();
            if journal.read_only {
                let (Change::Put(path, _) | Change::Delete(path)) = change;
                let source = "these keys may only read".into();
                return Err(object_store::Error::PermissionDenied { path: path.to_string(), source });
            }
            let number = journal.changes.len();
            journal.changes.push(change);
            journal.events.push(Event::Asked(number));
            number
        };
        // Lets what else is under way come between: both orders are then among the images.
        tokio::task::yield_now().await;
        // Under the lock, so that what somebody does because of a change is written down behind it.
        let mut journal = self.lock();
        let answer = request.now_or_never().expect("memory answers at once");
        journal.events.push(match answer {
            Ok(_) => Event::Answered(number),
            Err(_) => Event::Refused(number),
        });
        answer
    }
}

/// A store with the changes of these numbers.
fn build(changes: &[Change], numbers: &[usize]) -> InMemory {
    let store = InMemory::new();
    futures::executor::block_on(async {
        for number in numbers {
            match &changes[*number] {
                Change::Put(path, bytes) => {
                    store.put(path, bytes.clone().into()).await.expect("memory takes it");
                }
                // A crash may leave the deletion and not the put before it, if that was never answered.
                Change::Delete(path) => drop(store.delete(path).await),
            }
        }
    });
    store
}

impl fmt::Display for JournalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "journal of {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for JournalStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let change = Change::Put(path.clone(), payload.clone().into());
        self.noted(change, self.inner.put_opts(path, payload, options)).await
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
        let store = self.clone();
        paths
            .and_then(move |path| {
                let store = store.clone();
                async move {
                    store.noted(Change::Delete(path.clone()), store.inner.delete(&path)).await.map(|()| path)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
