//! A value that one thread will set and others wait for.

use std::time::Instant;

use crate::system::{Condvar, Mutex};

/// Set once, read by all who wait.
pub(super) struct Promise<T> {
    value: Mutex<Option<T>>,
    set: Condvar,
}

impl<T: Clone> Promise<T> {
    pub fn new() -> Promise<T> {
        Promise { value: Mutex::new(None), set: Condvar::new() }
    }

    /// Sets the value and wakes all who wait.
    pub fn set(&self, value: T) {
        *self.value.lock() = Some(value);
        self.set.notify_all();
    }

    /// The value, or `None` if it is not set by `deadline`.
    pub fn wait_until(&self, deadline: Instant) -> Option<T> {
        let mut value = self.value.lock();
        self.set.wait_while_until(&mut value, |value| value.is_none(), deadline);
        value.clone()
    }
}
