//! Simulated time, which may run faster than the wall's and can be shared with a client.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// A clock that starts at a chosen moment and runs `scale` times as fast as the wall's.
///
/// Clones share one time. At scale 1,000 a `Retry-After: 120` costs 0.12 s. All times are
/// milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Debug)]
pub struct SimClock(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pace: Mutex<Pace>,
    changed: Notify,
}

/// Simulated time as a line: what it was at a moment of the wall's, and its slope.
#[derive(Debug)]
struct Pace {
    since: Instant,
    at_ms: f64,
    scale: f64,
}

impl Pace {
    fn now_ms(&self) -> f64 {
        self.at_ms + self.since.elapsed().as_secs_f64() * 1000.0 * self.scale
    }

    fn rebase(&mut self) {
        self.at_ms = self.now_ms();
        self.since = Instant::now();
    }
}

impl Default for SimClock {
    /// The wall's time at its own pace.
    fn default() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        SimClock::new(wall.as_millis() as i64, 1.0)
    }
}

impl SimClock {
    /// A clock that shows `start_ms` now.
    pub fn new(start_ms: i64, scale: f64) -> Self {
        let pace = Pace { since: Instant::now(), at_ms: start_ms as f64, scale };
        SimClock(Arc::new(Shared { pace: Mutex::new(pace), changed: Notify::new() }))
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.0.pace.lock().now_ms() as i64
    }

    /// The same, as the standard library's type.
    pub fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.now_ms().max(0) as u64)
    }

    /// How many simulated seconds pass in one of the wall's.
    pub fn scale(&self) -> f64 {
        self.0.pace.lock().scale
    }

    /// Changes the pace from now on; sleepers are told.
    pub fn set_scale(&self, scale: f64) {
        let mut pace = self.0.pace.lock();
        pace.rebase();
        pace.scale = scale.max(0.001);
        drop(pace);
        self.0.changed.notify_waiters();
    }

    /// Lets time jump ahead; whoever sleeps up to then wakes.
    pub fn advance(&self, by: Duration) {
        let mut pace = self.0.pace.lock();
        pace.rebase();
        pace.at_ms += by.as_secs_f64() * 1000.0;
        drop(pace);
        self.0.changed.notify_waiters();
    }

    /// Sleeps for a span of simulated time.
    pub async fn sleep(&self, span: Duration) {
        let target_ms = self.now_ms() + i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 2);
        self.sleep_until_ms(target_ms).await;
    }

    /// Sleeps until the clock shows `at`; returns at once when it has.
    pub async fn sleep_until(&self, at: SystemTime) {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.sleep_until_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX / 2)).await;
    }

    /// Sleeps until the clock shows `at_ms`.
    pub async fn sleep_until_ms(&self, at_ms: i64) {
        loop {
            // Asked for before the time is read, so that a change in between is not missed.
            let changed = self.0.changed.notified();
            let (now, scale) = {
                let pace = self.0.pace.lock();
                (pace.now_ms(), pace.scale)
            };
            if now >= at_ms as f64 {
                return;
            }
            let wall =
                Duration::from_secs_f64(((at_ms as f64 - now) / 1000.0 / scale).clamp(0.000_1, 86_400.0));
            tokio::select! {
                () = tokio::time::sleep(wall) => {}
                () = changed => {}
            }
        }
    }
}
