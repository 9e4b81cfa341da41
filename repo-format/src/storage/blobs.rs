//! A storage as code that may block sees it.

use std::ops::Range;

use bytes::Bytes;
use futures::StreamExt;
use tokio::runtime::Handle;

use super::{
    BLOB_SIZE_BYTES_MAX, BlobInfo, BlobName, LockedUntil, Protection, Put, Reclaimed, Retain, RetentionMode,
    Storage, StorageError, Swept,
};
use crate::system;

/// Requests that are in flight at once behind a network, where each is a wait and no work. The storage's own bound
/// holds as well.
const REQUESTS_AT_ONCE: usize = 16;
/// Bytes that are read at once, as they were listed, unless one blob alone has more.
const BYTES_AT_ONCE: u64 = 16 << 20;

/// How many of the next blobs, which have these sizes, are read at once: at least one, also if there is none. It bounds memory whatever
/// a storage holds, and however much of it.
pub(crate) fn at_once(sizes: impl IntoIterator<Item = u64>) -> usize {
    let mut bytes = 0_u64;
    let fits = |size: &u64| {
        bytes = bytes.saturating_add(*size);
        bytes <= BYTES_AT_ONCE
    };
    sizes.into_iter().take(REQUESTS_AT_ONCE).take_while(fits).count().max(1)
}

/// A [`Storage`] whose calls return when they are done.
///
/// Clones are cheap and share connections, counters and bounds. Everything above the storage is
/// plain blocking code on threads of its own; the runtime belongs to the caller, outlives every
/// clone, and drives the requests.
///
/// # Panics
///
/// Every call panics on a thread that drives asynchronous tasks. From async code, go through
/// `tokio::task::spawn_blocking`.
#[derive(Debug, Clone)]
pub struct Blobs {
    storage: Storage,
    runtime: Handle,
    for_reading: bool,
}

impl Blobs {
    /// Sees `storage` through `runtime`.
    pub fn new(storage: Storage, runtime: Handle) -> Blobs {
        Blobs { storage, runtime, for_reading: false }
    }

    /// The same storage, for reading only: whatever would change it is refused before it is asked.
    pub fn for_reading(self) -> Blobs {
        Blobs { for_reading: true, ..self }
    }

    /// Whether this one refuses changes.
    pub fn is_for_reading(&self) -> bool {
        self.for_reading
    }

    /// The storage itself.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// How many requests that carry next to nothing a task with some threads makes at once: behind a network each
    /// waits for its answer and for nothing else.
    pub(crate) fn requests_at_once(&self, threads: usize) -> usize {
        if self.storage.is_near() { threads } else { threads.max(REQUESTS_AT_ONCE) }
    }

    /// Asks two things of the storage: at once, but for a folder, which answers before a thread begins.
    pub(crate) fn both<A: Send, B>(
        &self,
        first: impl FnOnce() -> A + Send,
        second: impl FnOnce() -> B,
    ) -> (A, B) {
        if self.storage.is_near() {
            return (first(), second());
        }
        system::scope(|scope| {
            let first = scope.spawn(first);
            let second = second();
            (first.join().expect("a question does not panic"), second)
        })
    }

    /// See [`Storage::probe`].
    pub fn probe(&self) -> Result<(), StorageError> {
        self.check_writable("probe/")?;
        self.runtime.block_on(self.storage.probe())
    }

    /// See [`Storage::sweep_staging`].
    pub fn sweep_staging(&self) -> Result<Swept, StorageError> {
        self.check_writable("staging files")?;
        self.runtime.block_on(self.storage.sweep_staging())
    }

    /// See [`Storage::fill_reserve`].
    pub fn fill_reserve(&self) -> Result<(), StorageError> {
        self.check_writable("the reserve")?;
        self.runtime.block_on(self.storage.fill_reserve())
    }

    /// See [`Storage::free_reserve`].
    pub fn free_reserve(&self) -> Result<bool, StorageError> {
        self.check_writable("the reserve")?;
        self.runtime.block_on(self.storage.free_reserve())
    }

    /// See [`Storage::put_new`].
    pub fn put_new(&self, name: &BlobName, bytes: Bytes) -> Result<Put, StorageError> {
        self.check_writable(name.as_str())?;
        self.runtime.block_on(self.storage.put_new(name, bytes))
    }

    /// Begins a [`Storage::put_new`] and returns at once; `done` is called with the answer, on a
    /// thread of the runtime or at once on this one, and must not block.
    pub fn start_put(
        &self,
        name: BlobName,
        bytes: Bytes,
        done: impl FnOnce(Result<Put, StorageError>) + Send + 'static,
    ) {
        if let Err(error) = self.check_writable(name.as_str()) {
            return done(Err(error));
        }
        let storage = self.storage.clone();
        system::begin(&self.runtime, async move { done(storage.put_new(&name, bytes).await) });
    }

    /// See [`Storage::get`].
    pub fn get(&self, name: &BlobName) -> Result<Bytes, StorageError> {
        self.runtime.block_on(self.storage.get(name))
    }

    /// See [`Storage::get_bounded`].
    pub fn get_bounded(&self, name: &BlobName, max_bytes: u64) -> Result<Bytes, StorageError> {
        self.runtime.block_on(self.storage.get_bounded(name, max_bytes))
    }

    /// See [`Storage::get_range`].
    pub fn get_range(&self, name: &BlobName, range: Range<u64>) -> Result<Bytes, StorageError> {
        self.runtime.block_on(self.storage.get_range(name, range))
    }

    /// See [`Storage::get_within`].
    pub fn get_within(&self, name: &BlobName, range: Range<u64>) -> Result<Bytes, StorageError> {
        self.runtime.block_on(self.storage.get_within(name, range))
    }

    /// Reads whole blobs that were listed with these sizes, several [`at_once`]; the answers come in their order,
    /// and more are read when those at hand are used up.
    pub(crate) fn get_listed<'b>(
        &'b self,
        listed: &'b [(BlobName, u64)],
    ) -> impl Iterator<Item = Result<Bytes, StorageError>> + 'b {
        let (mut left, mut ready) = (listed, Vec::new().into_iter());
        listed.iter().map(move |(name, _)| {
            if ready.len() == 0 {
                let (some, later) = left.split_at(at_once(left.iter().map(|(_, size)| *size)));
                (left, ready) = (later, self.get_many_bounded(some).into_iter());
            }
            match ready.next() {
                // It has become larger since. One at a time may have what a blob may have.
                Some(Err(StorageError::TooLarge { .. })) | None => {
                    self.get_bounded(name, BLOB_SIZE_BYTES_MAX)
                }
                Some(answer) => answer,
            }
        })
    }

    /// Reads whole blobs of at most so many bytes each, several at a time; the answers come in the order of
    /// `names`.
    pub fn get_many_bounded(&self, names: &[(BlobName, u64)]) -> Vec<Result<Bytes, StorageError>> {
        let reads = names.iter().map(|(name, max_bytes)| self.storage.get_bounded(name, *max_bytes));
        self.runtime.block_on(futures::stream::iter(reads).buffered(REQUESTS_AT_ONCE).collect())
    }

    /// See [`Storage::size`].
    pub fn size(&self, name: &BlobName) -> Result<Option<u64>, StorageError> {
        self.runtime.block_on(self.storage.size(name))
    }

    /// See [`Storage::list`].
    pub fn list(&self, prefix: &str) -> Result<Vec<BlobInfo>, StorageError> {
        self.runtime.block_on(self.storage.list(prefix))
    }

    /// See [`Storage::list_after`].
    pub fn list_after(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<BlobInfo>, StorageError> {
        self.runtime.block_on(self.storage.list_after(prefix, after, limit))
    }

    /// See [`Storage::delete`].
    pub fn delete(&self, name: &BlobName) -> Result<(), StorageError> {
        self.check_writable(name.as_str())?;
        self.runtime.block_on(self.storage.delete(name))
    }

    /// See [`Storage::retain`].
    pub fn retain(&self, retain: Option<Retain>) {
        self.storage.retain(retain);
    }

    /// See [`Storage::takes_locks`].
    pub fn takes_locks(&self) -> Result<bool, StorageError> {
        self.runtime.block_on(self.storage.takes_locks())
    }

    /// See [`Storage::protection`].
    pub fn protection(&self, name: &BlobName) -> Result<Option<Protection>, StorageError> {
        self.runtime.block_on(self.storage.protection(name))
    }

    /// See [`Storage::extend`].
    pub fn extend(&self, name: &BlobName, lock: LockedUntil) -> Result<RetentionMode, StorageError> {
        self.check_writable(name.as_str())?;
        self.runtime.block_on(self.storage.extend(name, lock))
    }

    /// See [`Storage::reclaim`].
    pub fn reclaim(&self, name: &BlobName, now_ns: i64) -> Result<Reclaimed, StorageError> {
        self.check_writable(name.as_str())?;
        self.runtime.block_on(self.storage.reclaim(name, now_ns))
    }

    fn check_writable(&self, name: &str) -> Result<(), StorageError> {
        match self.for_reading {
            true => Err(StorageError::ForReading { name: name.to_owned() }),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_for_reading_takes_no_change() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let blobs = Blobs::new(Storage::memory(), runtime.handle().clone());
        let (there, new) = (BlobName::new("probe/1").unwrap(), BlobName::new("probe/2").unwrap());
        blobs.put_new(&there, Bytes::from("x")).unwrap();
        let reading = blobs.clone().for_reading();
        let refused = |answer: Result<(), StorageError>| {
            assert!(matches!(answer, Err(StorageError::ForReading { .. })), "{answer:?}");
        };
        refused(reading.put_new(&new, Bytes::from("y")).map(drop));
        refused(reading.delete(&there));
        refused(reading.probe());
        refused(reading.fill_reserve());
        refused(reading.free_reserve().map(drop));
        refused(reading.sweep_staging().map(drop));
        let (tell, told) = std::sync::mpsc::channel();
        reading.start_put(new, Bytes::from("y"), move |put| tell.send(put.map(drop)).unwrap());
        refused(told.recv().unwrap());
        assert_eq!(reading.get(&there).unwrap(), "x");
        assert_eq!(blobs.list("").unwrap().len(), 1);
    }

    #[test]
    fn what_is_listed_comes_in_order_however_large_it_is_by_then() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let blobs = Blobs::new(Storage::memory(), runtime.handle().clone());
        let name = |n: usize| BlobName::new(format!("probe/{n}")).unwrap();
        (0..40).for_each(|n| drop(blobs.put_new(&name(n), Bytes::from(vec![7; 100 + n])).unwrap()));
        // One is gone, one is larger than it was, one smaller.
        let size = |n: usize| if n == 5 { 4 } else { 200 };
        let listed: Vec<_> = (0..41).map(|n| (name(n), size(n))).collect();
        let answers: Vec<_> = blobs.get_listed(&listed).collect();
        assert_eq!(answers.len(), 41);
        for (n, answer) in answers.into_iter().enumerate() {
            match n {
                40 => assert!(answer.unwrap_err().is_not_found()),
                _ => assert_eq!(answer.unwrap().len(), 100 + n),
            }
        }
        assert_eq!(blobs.get_listed(&[]).count(), 0);
    }

    #[test]
    fn what_is_read_at_once_takes_no_more_memory_than_one_large_blob() {
        let mib = |sizes: &[u64]| at_once(sizes.iter().map(|size| size << 20));
        assert_eq!([mib(&[]), mib(&[64, 1]), mib(&[1, 64]), mib(&[8, 8, 1])], [1, 1, 1, 2]);
        assert_eq!(at_once([0; 100]), 16);
        assert_eq!(at_once([u64::MAX, u64::MAX]), 1);
    }
}
