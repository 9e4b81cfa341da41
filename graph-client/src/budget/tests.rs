//! A bucket against a service of the smallest tenant: how much of the budget is used, how often refused.

use std::collections::VecDeque;
use std::time::Duration;

use super::bucket::{Admission, Advice, Bucket};
use crate::config::Pace;

/// Units a minute of the smallest tenant.
const LIMIT: f64 = 1250.0;
const LATENCY: Duration = Duration::from_millis(300);
const MINUTE: u64 = 60;

/// Counts units by the minute, and refuses what is over.
struct Service {
    minute: u64,
    used: f64,
    tells: bool,
    taken: u64,
    refused: u64,
}

impl Service {
    /// `Err` is a wait until the minute ends; advice comes from four fifths of the limit on.
    fn ask(&mut self, now: Duration) -> Result<Option<Advice>, Duration> {
        if now.as_secs() / MINUTE != self.minute {
            (self.minute, self.used) = (now.as_secs() / MINUTE, 0.0);
        }
        let reset = Duration::from_secs((self.minute + 1) * MINUTE) - now;
        // Refused calls count, too.
        self.used += 1.0;
        if self.used > LIMIT {
            self.refused += 1;
            return Err(reset);
        }
        self.taken += 1;
        let tells = self.tells && self.used >= 0.8 * LIMIT;
        let advice = Advice { limit: Some(LIMIT), remaining: LIMIT - self.used, reset };
        Ok(tells.then_some(advice))
    }
}

/// As many calls as the bucket admits for so many minutes. Gives the share of the budget that was used
/// and the share of calls that were refused.
fn run(tells: bool, minutes: u64) -> (f64, f64) {
    let mut bucket = Bucket::new(Pace::default().files, Duration::ZERO);
    let mut service = Service { minute: 0, used: 0.0, tells, taken: 0, refused: 0 };
    let mut in_flight: VecDeque<(Duration, Result<Option<Advice>, Duration>)> = VecDeque::new();
    let (mut now, end) = (Duration::ZERO, Duration::from_secs(minutes * MINUTE));
    while now < end {
        let wake = match bucket.admit(1.0, now) {
            Admission::Now => {
                in_flight.push_back((now + LATENCY, service.ask(now)));
                continue;
            }
            Admission::At(time) => time,
            Admission::Full => end,
        };
        assert!(wake > now, "a wait ends later than now");
        now = in_flight.front().map_or(wake, |(time, _)| wake.min(*time));
        while in_flight.front().is_some_and(|(time, _)| *time <= now) {
            let Some((_, answer)) = in_flight.pop_front() else { break };
            bucket.end(0.0, now);
            match answer {
                Ok(Some(advice)) => bucket.advise(advice, now),
                Ok(None) => {}
                Err(wait) => {
                    bucket.refuse(wait, now);
                }
            }
        }
    }
    let budget = LIMIT * minutes as f64;
    (service.taken as f64 / budget, service.refused as f64 / (service.taken + service.refused) as f64)
}

#[test]
fn a_service_that_tells_its_limit_is_used_up_and_not_overrun() {
    let (used, refused) = run(true, 30);
    assert!(used >= 0.9 && refused <= 0.01, "used {used:.3}, refused {refused:.4}");
}

#[test]
fn a_service_that_tells_nothing_is_found_out() {
    let (used, refused) = run(false, 120);
    assert!(used >= 0.9 && refused <= 0.01, "used {used:.3}, refused {refused:.4}");
}
