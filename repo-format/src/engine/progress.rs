//! What a long run tells while it runs, and how it is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::source::ItemError;
use crate::system::Mutex;

/// Counters and events of a run, written by the engine, read by whoever shows them.
#[derive(Debug, Default)]
pub struct Progress {
    /// Entries dealt with.
    pub items_done: AtomicU64,
    /// Entries expected; 0 if not known.
    pub items_total: AtomicU64,
    /// Bytes of content dealt with, reused ones included.
    pub bytes_done: AtomicU64,
    /// Bytes of content expected; 0 if not known.
    pub bytes_total: AtomicU64,
    /// Bytes put into the storage.
    pub bytes_stored: AtomicU64,
    pub failed: AtomicU64,
    pub skipped: AtomicU64,
    /// Checkpoints committed.
    pub checkpoints: AtomicU64,
    current: Mutex<Option<Vec<u8>>>,
    events: Mutex<Vec<ItemEvent>>,
}

/// Something happened to one item that people want to know at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemEvent {
    /// Names joined by `/`.
    pub path: Vec<u8>,
    pub error: ItemError,
}

/// Events kept while nobody takes them.
const EVENTS_MAX: usize = 10_000;

impl Progress {
    /// The path that was begun last.
    pub fn current(&self) -> Option<Vec<u8>> {
        self.current.lock().clone()
    }

    /// The events since the last call.
    pub fn take_events(&self) -> Vec<ItemEvent> {
        std::mem::take(&mut *self.events.lock())
    }

    /// Notes what is begun.
    pub fn begin(&self, path: &[u8]) {
        // Shown a few times a second: who cannot have the lock at once may skip a name.
        if let Some(mut current) = self.current.try_lock() {
            let name = current.get_or_insert_default();
            name.clear();
            name.extend_from_slice(path);
        }
    }

    /// Counts from the beginning again: the run does.
    pub fn begin_anew(&self) {
        for counter in [&self.items_done, &self.bytes_done, &self.failed, &self.skipped] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// Counts what is dealt with.
    pub fn done(&self, items: u64, bytes: u64) {
        self.items_done.fetch_add(items, Ordering::Relaxed);
        self.bytes_done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts an item that failed or was skipped, and keeps the event for whoever asks.
    pub fn report(&self, event: ItemEvent) {
        let counter = if event.error.cause.is_failure() { &self.failed } else { &self.skipped };
        counter.fetch_add(1, Ordering::Relaxed);
        let mut events = self.events.lock();
        if events.len() < EVENTS_MAX {
            events.push(event);
        }
    }
}

/// Asks a run to end early and in order. Clones ask the same run.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks. Safe to call from a signal handler's thread, and again.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
