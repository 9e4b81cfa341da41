//! A bounded number of open descriptors, however deep the tree and however many files in work.
//!
//! Whoever needs a descriptor again asks its [`PooledFd`]; if the pool let it go meanwhile, the
//! owner opens it anew.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Keeps the descriptors opened last.
pub(crate) struct FdPool {
    ring: Mutex<VecDeque<Arc<OwnedFd>>>,
    capacity: usize,
}

impl FdPool {
    pub fn new(capacity: usize) -> Self {
        FdPool { ring: Mutex::new(VecDeque::with_capacity(capacity)), capacity }
    }

    /// Keeps `fd` open until `capacity` others were opened after it, and remembers it in `slot`.
    pub fn keep(&self, fd: OwnedFd, slot: &PooledFd) -> Arc<OwnedFd> {
        let fd = Arc::new(fd);
        slot.set(&fd);
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = if ring.len() >= self.capacity { ring.pop_front() } else { None };
        ring.push_back(Arc::clone(&fd));
        drop(ring);
        // Closing may wait for the disk; nobody else should.
        drop(oldest);
        fd
    }
}

/// A descriptor that the pool may close at any time between two uses.
#[derive(Debug, Default)]
pub(crate) struct PooledFd(Mutex<Weak<OwnedFd>>);

impl PooledFd {
    /// The descriptor, if it is still open; it stays so while the answer is held.
    pub fn get(&self) -> Option<Arc<OwnedFd>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    fn set(&self, fd: &Arc<OwnedFd>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(fd);
    }
}
