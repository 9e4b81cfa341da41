//! The same work for many items, several at a time.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::progress::Stop;
use crate::system;

/// Does `work` for every item on up to `threads` threads, until all is done or `stop` says so.
pub(crate) fn each<T: Sync>(items: &[T], threads: usize, stop: &Stop, work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let worker = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed))
            && !stop.is_requested()
        {
            work(item);
        }
    };
    system::scope(|scope| {
        (0..threads.clamp(1, items.len().max(1))).for_each(|_| drop(scope.spawn(worker)));
    });
}
