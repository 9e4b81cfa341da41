//! Threads, and tasks beside them.

use std::cell::RefCell;
use std::thread;

use tokio::runtime::Handle;

use super::process::me;
use crate::system::real;

/// Where threads may be begun that end before it does.
pub(crate) struct Scope<'scope, 'env: 'scope> {
    inner: &'scope thread::Scope<'scope, 'env>,
    /// Those that were begun as threads of a process.
    begun: RefCell<Vec<u64>>,
}

/// A thread that can be waited for.
pub(crate) struct Joining<'scope, T> {
    inner: thread::ScopedJoinHandle<'scope, T>,
    number: Option<u64>,
}

/// See [`thread::scope`].
pub(crate) fn scope<'env, T>(body: impl for<'scope> FnOnce(&Scope<'scope, 'env>) -> T) -> T {
    thread::scope(|inner| {
        let scope = Scope { inner, begun: RefCell::default() };
        body(&scope)
    })
}

impl<'scope> Scope<'scope, '_> {
    pub fn spawn<T: Send + 'scope>(&self, body: impl FnOnce() -> T + Send + 'scope) -> Joining<'scope, T> {
        let Some(thread) = me().map(|me| me.beside()) else {
            return Joining { inner: self.inner.spawn(body), number: None };
        };
        let number = thread.number();
        self.begun.borrow_mut().push(number);
        Joining { inner: self.inner.spawn(move || thread.live(body)), number: Some(number) }
    }
}

impl Drop for Scope<'_, '_> {
    /// The system's own scope waits right behind this, where a thread that has the baton may not.
    fn drop(&mut self) {
        if let Some(me) = me() {
            self.begun.borrow().iter().for_each(|number| me.wait_for(*number));
        }
    }
}

impl<T> Joining<'_, T> {
    pub fn join(self) -> thread::Result<T> {
        if let (Some(me), Some(number)) = (me(), self.number) {
            me.wait_for(number);
        }
        self.inner.join()
    }
}

/// See [`real::begin`].
pub(crate) fn begin(runtime: &Handle, task: impl Future<Output = ()> + Send + 'static) {
    let Some(me) = me() else { return real::begin(runtime, task) };
    let (thread, runtime) = (me.beside(), runtime.clone());
    thread::spawn(move || thread.live(|| runtime.block_on(task)));
}
