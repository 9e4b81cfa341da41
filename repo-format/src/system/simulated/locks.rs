//! Locks and conditions.

use std::time::Instant;

use parking_lot::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};

use super::baton::Place;
use super::process::{me, now};

/// So often in vain means that nobody will give the lock back.
const TRIES_MAX: u32 = 1 << 20;

/// A lock for one.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(parking_lot::Mutex<T>);

impl<T> Mutex<T> {
    pub fn new(value: T) -> Mutex<T> {
        Mutex(parking_lot::Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        get(|| self.0.try_lock(), || self.0.lock())
    }

    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock()
    }

    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

/// A lock for one who writes or many who read.
#[derive(Debug, Default)]
pub(crate) struct RwLock<T>(parking_lot::RwLock<T>);

impl<T> RwLock<T> {
    pub fn new(value: T) -> RwLock<T> {
        RwLock(parking_lot::RwLock::new(value))
    }

    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        get(|| self.0.try_read(), || self.0.read())
    }

    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        get(|| self.0.try_write(), || self.0.write())
    }
}

/// Takes a lock: a thread of a process may not sleep at it while it has the baton.
fn get<G>(attempt: impl Fn() -> Option<G>, wait: impl FnOnce() -> G) -> G {
    let Some(me) = me() else { return wait() };
    me.pause_rarely();
    for _ in 0..TRIES_MAX {
        if let Some(guard) = attempt() {
            return guard;
        }
        me.give_way();
    }
    panic!("a lock is never given back")
}

/// What several wait for.
#[derive(Debug, Default)]
pub(crate) struct Condvar(parking_lot::Condvar);

impl Condvar {
    pub fn new() -> Condvar {
        Condvar(parking_lot::Condvar::new())
    }

    pub fn notify_all(&self) {
        match me() {
            None => {
                self.0.notify_all();
            }
            Some(me) => me.call(self.place()),
        }
    }

    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        self.wait_until(guard, None);
    }

    pub fn wait_while<T>(&self, guard: &mut MutexGuard<'_, T>, mut condition: impl FnMut(&mut T) -> bool) {
        while condition(guard) {
            self.wait_until(guard, None);
        }
    }

    pub fn wait_while_until<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        mut condition: impl FnMut(&mut T) -> bool,
        deadline: Instant,
    ) {
        while condition(guard) && now() < deadline {
            self.wait_until(guard, Some(deadline));
        }
    }

    fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, until: Option<Instant>) {
        let Some(me) = me() else {
            match until {
                None => self.0.wait(guard),
                Some(until) => {
                    self.0.wait_until(guard, until);
                }
            }
            return;
        };
        let mutex = MutexGuard::mutex(guard);
        MutexGuard::unlocked(guard, || {
            me.wait(self.place(), until);
            // It is locked again right behind this, where the thread may not sleep.
            while mutex.is_locked() {
                me.give_way();
            }
        });
    }

    fn place(&self) -> Place {
        Place::At(std::ptr::from_ref(self).addr())
    }
}
