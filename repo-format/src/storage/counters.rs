//! How many requests a storage was asked, and how many bytes went each way.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a [`Storage`](super::Storage) and its clones did so far. Retries count, each as a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Attempts to create a blob.
    pub puts: u64,
    /// Reads of a whole blob or a range of it.
    pub gets: u64,
    /// Pages of listings; one for a listing of a folder or of memory.
    pub lists: u64,
    /// Deletions.
    pub deletes: u64,
    /// Questions for a blob's size.
    pub heads: u64,
    /// Bytes handed to the storage, those of failed attempts too.
    pub bytes_up: u64,
    /// Bytes of blobs received.
    pub bytes_down: u64,
}

impl Counters {
    /// All requests, of whatever kind.
    pub fn requests(&self) -> u64 {
        self.puts + self.gets + self.lists + self.deletes + self.heads
    }
}

/// The counters while they count.
#[derive(Debug, Default)]
pub(super) struct Meter {
    puts: AtomicU64,
    gets: AtomicU64,
    lists: AtomicU64,
    deletes: AtomicU64,
    heads: AtomicU64,
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
}

impl Meter {
    pub fn put(&self, bytes: usize) {
        self.puts.fetch_add(1, Ordering::Relaxed);
        self.bytes_up.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn get(&self) {
        self.gets.fetch_add(1, Ordering::Relaxed);
    }

    pub fn received(&self, bytes: usize) {
        self.bytes_down.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn list(&self) {
        self.lists.fetch_add(1, Ordering::Relaxed);
    }

    pub fn delete(&self) {
        self.deletes.fetch_add(1, Ordering::Relaxed);
    }

    pub fn head(&self) {
        self.heads.fetch_add(1, Ordering::Relaxed);
    }

    pub fn snapshot(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            puts: read(&self.puts),
            gets: read(&self.gets),
            lists: read(&self.lists),
            deletes: read(&self.deletes),
            heads: read(&self.heads),
            bytes_up: read(&self.bytes_up),
            bytes_down: read(&self.bytes_down),
        }
    }
}
