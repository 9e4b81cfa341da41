//! Admission to a bucket: who goes next, when there are many.
//!
//! First come first served within a resource, the resources in turn, so that one fat drive does not
//! starve the others. Pages go before contents: they are few, and say what there is to do.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::bucket::{Admission, Advice, Bucket, Limits};
use super::day::{Day, DaySpent, MINUTES_A_DAY};
use super::retries::RetryBudget;
use super::seats::{Seat, Seats};
use crate::clock::{Clock, within};

/// What goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Pages, items, sign-in.
    Page = 0,
    /// Contents. Each takes a [`Seat`].
    Content = 1,
}

/// The way into a bucket.
#[derive(Debug)]
pub struct Gate {
    state: Mutex<State>,
    changed: Notify,
    retries: Mutex<RetryBudget>,
    /// A retry has been earned.
    earned: Notify,
    clock: Arc<dyn Clock>,
    /// Units a day, at least; infinite where the service counts no days.
    units_per_day: f64,
}

#[derive(Debug)]
struct State {
    bucket: Bucket,
    lines: [Line; 2],
    next_ticket: u64,
    seats: Seats,
    day: Day,
    /// What the service told last.
    told: Option<Advice>,
}

/// How a budget stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Units a minute that are allowed at present.
    pub units_per_minute: f64,
    /// Units spent today (UTC), here and by whoever else told us.
    pub spent_today: u64,
    /// Units that a day has, as far as is known; infinite if nobody counts days.
    pub units_per_day: f64,
    /// What the service told last of its limit, if it did.
    pub told: Option<Advice>,
}

/// Those who wait, by resource. The first of the first resource is next.
#[derive(Debug, Default)]
struct Line {
    resources: VecDeque<(Arc<str>, VecDeque<u64>)>,
}

impl Line {
    fn join(&mut self, resource: &Arc<str>, ticket: u64) {
        match self.resources.iter_mut().find(|(known, _)| known == resource) {
            Some((_, tickets)) => tickets.push_back(ticket),
            None => self.resources.push_back((resource.clone(), VecDeque::from([ticket]))),
        }
    }

    fn first(&self) -> Option<u64> {
        self.resources.front().and_then(|(_, tickets)| tickets.front()).copied()
    }

    /// The first one goes, and its resource to the end.
    fn advance(&mut self) {
        if let Some((resource, mut tickets)) = self.resources.pop_front() {
            tickets.pop_front();
            if !tickets.is_empty() {
                self.resources.push_back((resource, tickets));
            }
        }
    }

    fn leave(&mut self, ticket: u64) {
        for (_, tickets) in &mut self.resources {
            tickets.retain(|waiting| *waiting != ticket);
        }
        self.resources.retain(|(_, tickets)| !tickets.is_empty());
    }
}

/// Leaves the line if the wait is given up.
struct InLine<'a> {
    gate: &'a Gate,
    priority: Priority,
    ticket: u64,
    admitted: bool,
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if !self.admitted {
            self.gate.state.lock().lines[self.priority as usize].leave(self.ticket);
            self.gate.changed.notify_waiters();
        }
    }
}

/// A call that goes. It counts as going until this is dropped.
#[derive(Debug)]
pub struct Permit {
    gate: Arc<Gate>,
    correction: f64,
    seat: Option<Seat>,
}

impl Permit {
    /// The call cost so much more than its price (less, if negative).
    pub fn correct(&mut self, units: f64) {
        self.correction = units;
    }

    /// A content's first byte came after so long. Its seat is given on for the rest of it.
    pub fn first_byte(&mut self, after: Duration) -> Option<Seat> {
        let now = self.gate.clock.now();
        self.gate.state.lock().seats.first_byte(after, now);
        self.seat.take()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let (now, wall) = (self.gate.clock.now(), self.gate.clock.wall());
        let mut state = self.gate.state.lock();
        state.bucket.end(self.correction, now);
        state.day.spend(self.correction, wall);
        drop(state);
        self.gate.changed.notify_waiters();
    }
}

impl Gate {
    /// A gate before a bucket of these limits, of which a day has so many units at least; infinitely many
    /// if the service counts no days.
    pub fn new(limits: Limits, units_per_day: f64, clock: Arc<dyn Clock>) -> Arc<Self> {
        let now = clock.now();
        let state = State {
            bucket: Bucket::new(limits, now),
            lines: [Line::default(), Line::default()],
            next_ticket: 0,
            seats: Seats::new(limits.concurrency, now),
            day: Day::default(),
            told: None,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            changed: Notify::new(),
            retries: Mutex::default(),
            earned: Notify::new(),
            clock,
            units_per_day,
        })
    }

    /// Waits until a call of `price` units on behalf of `resource` may go.
    pub async fn admit(self: &Arc<Self>, price: u32, priority: Priority, resource: &Arc<str>) -> Permit {
        let mut in_line = self.join(priority, resource);
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.try_admit(price, &in_line) {
                Some(Admission::Now) => {
                    in_line.admitted = true;
                    self.changed.notify_waiters();
                    self.earn();
                    let is_content = priority == Priority::Content;
                    let seat = is_content.then(|| Seat::new(self.clone()));
                    return Permit { gate: self.clone(), correction: 0.0, seat };
                }
                Some(Admission::At(time)) => {
                    let wait = time.saturating_sub(self.clock.now());
                    tokio::select! {
                        () = changed => {}
                        () = self.clock.sleep(wait) => {}
                    }
                }
                // Another is first, or none may go: either ends with a change.
                Some(Admission::Full) | None => changed.await,
            }
        }
    }

    /// Waits until a call that failed may be made again: at once while the share of retries lasts, else
    /// until other requests have earned one, but no longer than `patience`. Says how long it waited.
    pub async fn admit_retry(&self, patience: Duration) -> Duration {
        let start = self.clock.now();
        let earned = async {
            while !self.retries.lock().take() {
                self.earned.notified().await;
            }
        };
        // Who has waited long enough goes in any case: the service may be well again.
        let _in_time = within(self.clock.as_ref(), patience, earned).await;
        self.clock.now().saturating_sub(start)
    }

    /// A request goes, which earns its share of a retry.
    fn earn(&self) {
        let has_one = {
            let mut retries = self.retries.lock();
            retries.earn();
            retries.has_one()
        };
        if has_one {
            self.earned.notify_one();
        }
    }

    /// The service refused a call; see [`Bucket::refuse`].
    pub fn refuse(&self, wait: Duration) -> Duration {
        let now = self.clock.now();
        self.state.lock().bucket.refuse(wait, now)
    }

    /// Nothing goes for so long: somebody else who has the same budget was refused.
    pub fn quiet(&self, wait: Duration) {
        let now = self.clock.now();
        self.state.lock().bucket.quiet(now + wait);
    }

    /// The service told what is left; see [`Bucket::advise`].
    pub fn advise(&self, advice: Advice) {
        let now = self.clock.now();
        let mut state = self.state.lock();
        state.bucket.advise(advice, now);
        state.told = Some(advice);
    }

    /// What was spent here today.
    pub fn spent_today(&self) -> DaySpent {
        self.state.lock().day.here(self.clock.wall())
    }

    /// What others spent today, who have the same budget: it replaces what was known of them.
    pub fn spent_elsewhere(&self, spent: DaySpent) {
        self.state.lock().day.elsewhere(spent, self.clock.wall());
    }

    /// How the budget stands.
    pub fn standing(&self) -> Standing {
        let mut state = self.state.lock();
        self.spread(&mut state);
        Standing {
            units_per_minute: state.bucket.pace_at(self.clock.now()) * 60.0,
            spent_today: state.day.spent(self.clock.wall()),
            units_per_day: self.granted_per_day(&state),
            told: state.told,
        }
    }

    fn granted_per_day(&self, state: &State) -> f64 {
        let by_minute = state.bucket.granted_per_minute() * MINUTES_A_DAY;
        match state.bucket.is_told() {
            _ if self.units_per_day.is_infinite() => f64::INFINITY,
            true => by_minute,
            // Whoever bears more than the smallest tenant's minute has more of a day, too.
            false => by_minute.max(self.units_per_day),
        }
    }

    /// Lowers the pace if little is left of the day.
    fn spread(&self, state: &mut State) {
        let granted = self.granted_per_day(state);
        let pace = state.day.pace(granted, self.clock.wall());
        state.bucket.spread(pace, self.clock.now());
    }

    /// How long nothing may go, from now on.
    pub fn fenced_for(&self) -> Duration {
        let now = self.clock.now();
        self.state.lock().bucket.fence().saturating_sub(now)
    }

    /// Units a second, at present.
    pub fn rate(&self) -> f64 {
        self.state.lock().bucket.rate()
    }

    /// A content's seat is given back.
    pub(super) fn give_back_seat(&self) {
        let now = self.clock.now();
        self.state.lock().seats.give_back(now);
        self.changed.notify_waiters();
    }

    fn join(&self, priority: Priority, resource: &Arc<str>) -> InLine<'_> {
        let mut state = self.state.lock();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.lines[priority as usize].join(resource, ticket);
        InLine { gate: self, priority, ticket, admitted: false }
    }

    /// `None` if it is another's turn.
    fn try_admit(&self, price: u32, who: &InLine<'_>) -> Option<Admission> {
        let mut state = self.state.lock();
        let line = state.lines.iter().position(|line| line.first().is_some())?;
        let is_first = line == who.priority as usize && state.lines[line].first() == Some(who.ticket);
        if !is_first {
            return None;
        }
        let now = self.clock.now();
        let is_content = who.priority == Priority::Content;
        if is_content && let Some(stuck_at) = state.seats.taken_until(now) {
            return Some(Admission::At(stuck_at));
        }
        self.spread(&mut state);
        let admission = state.bucket.admit(f64::from(price), now);
        if admission == Admission::Now {
            state.lines[line].advance();
            state.day.spend(f64::from(price), self.clock.wall());
            if is_content {
                state.seats.take(now);
            }
        }
        Some(admission)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn resources_take_turns() {
        let (fat, thin): (Arc<str>, Arc<str>) = ("fat".into(), "thin".into());
        let mut line = Line::default();
        for ticket in 0..4 {
            line.join(&fat, ticket);
        }
        line.join(&thin, 9);
        let mut order = Vec::new();
        while let Some(first) = line.first() {
            order.push(first);
            line.advance();
        }
        assert_eq!(order, [0, 9, 1, 2, 3]);
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_line_to_the_next() {
        let limits = Limits { rate: 100.0, rate_max: 100.0, burst: 1.0, concurrency: 1 };
        let gate = Gate::new(limits, f64::INFINITY, Arc::new(SystemClock::new()));
        let resource: Arc<str> = "r".into();
        let first = gate.admit(1, Priority::Page, &resource).await;
        let given_up = gate.admit(1, Priority::Page, &resource);
        assert!(tokio::time::timeout(Duration::from_millis(20), given_up).await.is_err());
        let next = gate.admit(1, Priority::Content, &resource);
        drop(first);
        tokio::time::timeout(Duration::from_secs(5), next).await.unwrap();
    }

    #[tokio::test]
    async fn a_day_that_is_nearly_spent_lowers_the_pace() {
        let limits = Limits { rate: 20.0, rate_max: 100.0, burst: 10.0, concurrency: 1 };
        let gate = Gate::new(limits, 1_200_000.0, Arc::new(SystemClock::new()));
        let resource: Arc<str> = "r".into();
        gate.admit(3, Priority::Page, &resource).await.correct(-1.0);
        let here = gate.spent_today();
        assert_eq!(here.units, 2);
        let standing = gate.standing();
        assert_eq!((standing.spent_today, standing.units_per_minute), (2, 1200.0));
        assert_eq!((standing.units_per_day, standing.told), (1_200_000.0, None));
        gate.spent_elsewhere(DaySpent { units: 1_170_000, ..here });
        let standing = gate.standing();
        assert_eq!(standing.spent_today, 1_170_002);
        assert!(standing.units_per_minute < 1200.0 && gate.spent_today() == here);
        // A larger tenant has a longer day.
        gate.advise(Advice { limit: Some(6250.0), remaining: 5000.0, reset: Duration::from_secs(1) });
        let standing = gate.standing();
        assert!((standing.units_per_day - 6_000_000.0).abs() < 1.0);
        assert!(standing.units_per_minute > 5000.0, "{}", standing.units_per_minute);
    }

    #[tokio::test]
    async fn a_retry_over_the_share_waits_until_one_is_earned() {
        let limits = Limits { rate: 1e6, rate_max: 1e6, burst: 1e6, concurrency: 100 };
        let gate = Gate::new(limits, f64::INFINITY, Arc::new(SystemClock::faster(100)));
        for _ in 0..20 {
            assert!(gate.admit_retry(Duration::from_secs(60)).await < Duration::from_secs(5));
        }
        assert!(gate.admit_retry(Duration::from_secs(60)).await >= Duration::from_secs(60), "none is left");
        let resource: Arc<str> = "r".into();
        let requests = async {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_millis(2)).await;
                gate.admit(1, Priority::Page, &resource).await;
            }
        };
        let (waited, ()) = tokio::join!(gate.admit_retry(Duration::from_secs(10_000)), requests);
        assert!(waited < Duration::from_secs(1_000), "ten requests earned it: {waited:?}");
    }
}
