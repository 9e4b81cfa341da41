//! Seats of contents: how many may be on their way, and who has one.
//!
//! A content keeps its seat until its last byte has come; pages need none. How many there are follows
//! from how late answers come, see [`Gradient`].

use std::sync::Arc;
use std::time::Duration;

use super::gate::Gate;
use super::gradient::Gradient;

/// If no content came or went for so long, then whoever has the seats may be waiting for something else
/// than the service: another goes all the same.
const STUCK: Duration = Duration::from_secs(5 * 60);

/// A content on its way. It counts as such until this is dropped, also after its head has come.
#[derive(Debug)]
pub struct Seat {
    gate: Arc<Gate>,
}

impl Seat {
    /// The seat that a content took behind this gate.
    pub(super) fn new(gate: Arc<Gate>) -> Seat {
        Seat { gate }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.gate.give_back_seat();
    }
}

/// The seats behind a gate.
#[derive(Debug)]
pub struct Seats {
    gradient: Gradient,
    /// Contents on their way.
    seated: usize,
    /// When one of them came or went.
    moved_at: Duration,
}

impl Seats {
    /// So many at most, all of them free at time `now`.
    pub fn new(most: usize, now: Duration) -> Self {
        Self { gradient: Gradient::new(most, now), seated: 0, moved_at: now }
    }

    /// Until when the next content has to wait if none is given back; `None` if it may go.
    pub fn taken_until(&self, now: Duration) -> Option<Duration> {
        let stuck_at = self.moved_at + STUCK;
        (self.seated >= self.gradient.places() && now < stuck_at).then_some(stuck_at)
    }

    /// A content goes.
    pub fn take(&mut self, now: Duration) {
        self.seated += 1;
        self.moved_at = now;
    }

    /// A content has come, or was given up.
    pub fn give_back(&mut self, now: Duration) {
        self.seated = self.seated.saturating_sub(1);
        self.moved_at = now;
    }

    /// A first byte came at `now`, after so long.
    pub fn first_byte(&mut self, after: Duration, now: Duration) {
        self.gradient.first_byte(after, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Limits, Priority};
    use crate::clock::{Clock, SystemClock};

    #[tokio::test]
    async fn contents_keep_their_seats_and_late_answers_leave_fewer() {
        let limits = Limits { rate: 1e6, rate_max: 1e6, burst: 1e6, concurrency: 4 };
        let gate = Gate::new(limits, f64::INFINITY, Arc::new(SystemClock::new()));
        let resource: Arc<str> = "r".into();
        let soon = Duration::from_millis(20);
        let content = || tokio::time::timeout(soon, gate.admit(1, Priority::Content, &resource));
        for after in [100; 16].into_iter().chain([900; 16]) {
            let mut permit = content().await.unwrap();
            drop(permit.first_byte(Duration::from_millis(after)));
        }
        // Three are left of four.
        let mut seats = Vec::new();
        for _ in 0..3 {
            let mut permit = content().await.unwrap();
            seats.push(permit.first_byte(Duration::from_millis(900)));
        }
        assert!(content().await.is_err(), "their bodies are on the way");
        let page = tokio::time::timeout(soon, gate.admit(1, Priority::Page, &resource)).await;
        assert!(page.is_ok(), "pages need no seat");
        seats.pop();
        assert!(content().await.is_ok());
    }

    #[tokio::test]
    async fn who_keeps_a_seat_and_does_nothing_stops_nobody_for_ever() {
        let limits = Limits { rate: 1e6, rate_max: 1e6, burst: 1e6, concurrency: 1 };
        let clock = Arc::new(SystemClock::faster(10_000));
        let gate = Gate::new(limits, f64::INFINITY, clock.clone());
        let resource: Arc<str> = "r".into();
        let _seat = gate.admit(1, Priority::Content, &resource).await.first_byte(Duration::ZERO);
        let start = clock.now();
        gate.admit(1, Priority::Content, &resource).await;
        assert!(clock.now() - start >= STUCK);
    }
}
