//! A process, and what its threads get instead of the system's time and randomness.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::Clock;
use super::baton::{Baton, Place};
use crate::system::{Random, real};

thread_local! {
    static ME: RefCell<Option<Me>> = const { RefCell::new(None) };
}

/// A process of a world.
#[derive(Debug, Clone)]
pub struct Process(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    baton: Baton,
    clock: Arc<Clock>,
    /// Where random bytes come from. What other processes take disturbs nothing.
    bytes: Mutex<Random>,
}

/// A thread of a process.
#[derive(Debug, Clone)]
pub(super) struct Me {
    process: Process,
    number: u64,
}

impl Process {
    /// A process that a seed decides, by a clock that others may have, too.
    pub fn new(seed: u64, clock: Arc<Clock>) -> Process {
        let mut random = Random(seed);
        let bytes = Mutex::new(Random(random.number()));
        Process(Arc::new(Shared { baton: Baton::new(random.number(), Arc::clone(&clock)), clock, bytes }))
    }

    /// Does `body` as this process, on the caller's thread and those that it begins; returns when all of
    /// them have ended. Once.
    ///
    /// # Panics
    /// If `body` does, and if all its threads wait for each other.
    pub fn run<R>(&self, body: impl FnOnce() -> R) -> R {
        self.enter().live(|| {
            let _others = Others;
            body()
        })
    }

    /// A further thread.
    fn enter(&self) -> Me {
        Me { process: self.clone(), number: self.0.baton.enter() }
    }
}

/// Waits, at the end of a process, for the threads that nobody joins.
struct Others;

impl Drop for Others {
    fn drop(&mut self) {
        if let Some(me) = me() {
            while !me.baton().is_alone() {
                me.wait(Place::AnyEnd, None);
            }
        }
    }
}

/// Passes the baton on when a thread ends, however it does.
struct End(Me);

impl Drop for End {
    fn drop(&mut self) {
        ME.set(None);
        self.0.baton().leave(self.0.number);
    }
}

impl Me {
    fn baton(&self) -> &Baton {
        &self.process.0.baton
    }

    /// Another thread of the same process.
    pub fn beside(&self) -> Me {
        self.process.enter()
    }

    /// Does `body` as this thread, once it gets the baton.
    pub fn live<R>(self, body: impl FnOnce() -> R) -> R {
        self.baton().take(self.number);
        ME.set(Some(self.clone()));
        let _end = End(self);
        body()
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn wait(&self, from: Place, until: Option<Instant>) {
        self.baton().wait(self.number, from, until);
    }

    pub fn call(&self, from: Place) {
        self.baton().call(from);
    }

    /// Waits until a thread has ended.
    pub fn wait_for(&self, number: u64) {
        while self.baton().is_alive(number) {
            self.wait(Place::End(number), None);
        }
    }

    pub fn pause_rarely(&self) {
        self.baton().pause_rarely(self.number);
    }

    pub fn give_way(&self) {
        self.baton().give_way(self.number);
    }
}

/// The thread of a process that this one is.
pub(super) fn me() -> Option<Me> {
    // Not while the thread's own variables are torn down: no thread of a process gets there.
    ME.try_with(|me| me.borrow().clone()).unwrap_or_default()
}

/// Lets the seed say which thread of this process goes on: for whoever plays the storage, before and after
/// a request.
pub fn pause() {
    if let Some(me) = me() {
        me.baton().pause(me.number);
    }
}

/// See [`real::fill`].
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), getrandom::Error> {
    let Some(me) = me() else { return real::fill(bytes) };
    let mut random = me.process.0.bytes.lock();
    bytes.chunks_mut(8).for_each(|some| some.copy_from_slice(&random.number().to_le_bytes()[..some.len()]));
    Ok(())
}

/// See [`real::now`].
pub(crate) fn now() -> Instant {
    me().map_or_else(real::now, |me| me.process.0.clock.now())
}

/// See [`real::time_ns`].
pub(crate) fn time_ns() -> i64 {
    me().map_or_else(real::time_ns, |me| me.process.0.clock.time_ns())
}

/// See [`real::sleep`].
pub(crate) async fn sleep(time: Duration) {
    match me() {
        None => real::sleep(time).await,
        Some(me) => {
            me.process.0.clock.pass(time);
            pause();
        }
    }
}
