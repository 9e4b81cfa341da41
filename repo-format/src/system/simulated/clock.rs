//! The time of simulated processes.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// So long a look at the clock takes: nothing happens at the same time twice.
const LOOK: Duration = Duration::from_millis(1);

/// Time as the processes of a world have it. Only one thread of a world runs at a time, so that it passes in
/// the same steps each time.
#[derive(Debug)]
pub struct Clock {
    /// What the steady one counts from.
    begun: Instant,
    steady_ns: AtomicU64,
    wall_ns: AtomicI64,
}

impl Clock {
    /// A clock that shows `wall_ns` nanoseconds since 1970 UTC.
    pub fn new(wall_ns: i64) -> Clock {
        let (steady_ns, wall_ns) = (AtomicU64::new(0), AtomicI64::new(wall_ns));
        Clock { begun: Instant::now(), steady_ns, wall_ns }
    }

    /// Time passes.
    pub fn pass(&self, time: Duration) {
        let ns = time.as_nanos();
        self.steady_ns.fetch_add(u64::try_from(ns).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.jump(i64::try_from(ns).unwrap_or(i64::MAX));
    }

    /// Somebody sets the clock, forward or back; no time passes.
    pub fn jump(&self, by_ns: i64) {
        self.wall_ns.fetch_add(by_ns, Ordering::Relaxed);
    }

    /// How much time has passed, whatever the clock shows.
    pub fn passed(&self) -> Duration {
        Duration::from_nanos(self.steady_ns.load(Ordering::Relaxed))
    }

    /// Nanoseconds since 1970 UTC.
    pub(super) fn time_ns(&self) -> i64 {
        self.pass(LOOK);
        self.wall_ns.load(Ordering::Relaxed)
    }

    /// The steady time.
    pub(super) fn now(&self) -> Instant {
        self.pass(LOOK);
        self.peek()
    }

    /// The steady time, without spending any.
    pub(super) fn peek(&self) -> Instant {
        self.begun + self.passed()
    }
}
