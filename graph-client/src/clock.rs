//! Time as an argument: what the client reads and waits by.
//!
//! Tests give a clock that runs faster, and a `Retry-After` of two minutes then costs them nothing.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime};

/// A wait.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A source of time.
pub trait Clock: Debug + Send + Sync {
    /// Time since some moment that stays the same; never runs backwards.
    fn now(&self) -> Duration;
    /// What the calendar says.
    fn wall(&self) -> SystemTime;
    /// Ends after `duration` of this clock.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// The time of this machine, or a faster one.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Instant,
    start_wall: SystemTime,
    factor: u32,
}

impl SystemClock {
    /// Runs as all clocks do.
    pub fn new() -> Self {
        Self::faster(1)
    }

    /// Runs `factor` times as fast from now on; 0 counts as 1.
    pub fn faster(factor: u32) -> Self {
        Self { start: Instant::now(), start_wall: SystemTime::now(), factor: factor.max(1) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed().saturating_mul(self.factor)
    }

    fn wall(&self) -> SystemTime {
        if self.factor == 1 { SystemTime::now() } else { self.start_wall + self.now() }
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration / self.factor))
    }
}

/// Nothing came in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedOut;

/// Gives `work` so much time of `clock`.
///
/// # Errors
///
/// `TimedOut` if it needs more; the work is dropped.
pub async fn within<T>(
    clock: &dyn Clock,
    time: Duration,
    work: impl Future<Output = T>,
) -> Result<T, TimedOut> {
    tokio::select! {
        biased;
        done = work => Ok(done),
        () = clock.sleep(time) => Err(TimedOut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_faster_clock_waits_shorter() {
        let clock = SystemClock::faster(10_000);
        let start = Instant::now();
        clock.sleep(Duration::from_secs(60)).await;
        assert!(start.elapsed() < Duration::from_secs(30));
        assert!(clock.now() >= Duration::from_secs(60));
        let never = within(&clock, Duration::from_secs(1), std::future::pending::<()>()).await;
        assert_eq!(never, Err(TimedOut));
    }
}
