//! The state of one budget: units, fence and concurrency, as a pure function of time.
//!
//! Time is a [`Duration`] since some moment that stays the same. The rate begins below what the
//! smallest tenant is granted and is found upwards: it grows with every clean minute and is cut by a
//! refusal, after which it soon comes near the rate that was too much, and passes it slowly. If the
//! service tells its limit, then that counts.

use std::time::Duration;

/// After so long without a refusal the rate grows.
const CLEAN: Duration = Duration::from_secs(60);
/// What is added to the rate then, as a share of the first one.
const GROWTH: f64 = 0.05;
/// The same, near the rate that was refused last.
const GROWTH_NEAR: f64 = 0.01;
/// How near the rate that was refused last a clean minute leads at once.
const NEAR: f64 = 0.95;
/// What is left of the rate after a refusal.
const RATE_CUT: f64 = 0.7;
/// What is left of the concurrency after a refusal.
const CONCURRENCY_CUT: f64 = 0.5;
/// How much of a limit that the service tells is used: its minute and ours do not begin together.
const OF_TOLD: f64 = 0.97;
/// The longest wait that advice may ask for.
const ADVICE_MAX: Duration = Duration::from_secs(600);

/// Where a bucket begins, and where it ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Resource units a second, at first.
    pub rate: f64,
    /// Resource units a second, at most.
    pub rate_max: f64,
    /// Units that may be spent at once.
    pub burst: f64,
    /// Calls at a time.
    pub concurrency: usize,
}

/// What the `RateLimit-*` headers say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Advice {
    /// Units a minute.
    pub limit: Option<f64>,
    /// Units left until the reset.
    pub remaining: f64,
    /// From now on.
    pub reset: Duration,
}

/// Whether a call may go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Admission {
    /// Now; it is counted.
    Now,
    /// Not before this time.
    At(Duration),
    /// Not before another call ends.
    Full,
}

/// One budget.
#[derive(Debug, Clone)]
pub struct Bucket {
    limits: Limits,
    rate: f64,
    /// The rate that was refused last.
    too_much: Option<f64>,
    /// Units a minute that the service told, per second.
    told: Option<f64>,
    /// A pace that advice set, and until when.
    pace: Option<(f64, Duration)>,
    /// A pace that spreads what is left of the day.
    day_pace: Option<f64>,
    units: f64,
    filled_at: Duration,
    fence: Duration,
    in_flight: usize,
    concurrency: f64,
    clean_since: Duration,
    /// Whether the rate has held anybody up since `clean_since`.
    binding: bool,
}

impl Bucket {
    /// A bucket with its burst full, at time `now`.
    pub fn new(limits: Limits, now: Duration) -> Self {
        let concurrency = limits.concurrency.max(1) as f64;
        Self {
            limits,
            rate: limits.rate,
            too_much: None,
            told: None,
            pace: None,
            day_pace: None,
            units: limits.burst,
            filled_at: now,
            fence: now,
            in_flight: 0,
            concurrency,
            clean_since: now,
            binding: false,
        }
    }

    /// Admits a call of `price` units if it may go at `now`.
    pub fn admit(&mut self, price: f64, now: Duration) -> Admission {
        if now < self.fence {
            return Admission::At(self.fence);
        }
        if self.in_flight >= self.slots() {
            return Admission::Full;
        }
        self.fill(now);
        // What costs more than the burst goes when the bucket is full.
        let missing = price.min(self.limits.burst) - self.units;
        if missing > 0.0 {
            self.binding = true;
            let wait = Duration::try_from_secs_f64(missing / self.pace_at(now)).unwrap_or(ADVICE_MAX);
            return Admission::At(now + wait.max(Duration::from_millis(1)));
        }
        self.units -= price;
        self.in_flight += 1;
        Admission::Now
    }

    /// A call has ended. `correction` is what it cost beyond its price, as the service tells.
    pub fn end(&mut self, correction: f64, now: Duration) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.units -= correction;
        if now.saturating_sub(self.clean_since) >= CLEAN {
            if self.binding {
                self.rate = self.grown().min(self.ceiling());
            }
            self.concurrency = (self.concurrency + 1.0).min(self.limits.concurrency.max(1) as f64);
            self.clean_since = now;
            self.binding = false;
        }
    }

    /// The service refused: nothing goes before `now + wait`. Says by how much the fence moved.
    ///
    /// Refusals of calls that went before the fence was known move it, and cut nothing once more.
    pub fn refuse(&mut self, wait: Duration, now: Duration) -> Duration {
        let until = now + wait;
        let moved = until.saturating_sub(self.fence.max(now));
        if now >= self.fence {
            self.too_much = Some(self.rate);
            self.rate = (self.rate * RATE_CUT).max(self.limits.rate * GROWTH);
            self.concurrency = (self.concurrency * CONCURRENCY_CUT).max(1.0);
        }
        self.quiet(until);
        moved
    }

    /// Nothing goes before `until`: the service refused somebody else who has the same budget.
    pub fn quiet(&mut self, until: Duration) {
        self.fence = self.fence.max(until);
        // All who waited go at the rate, not at once.
        self.units = self.units.min(0.0);
        self.filled_at = self.fence;
        self.clean_since = self.fence;
    }

    /// The service tells how much is left: it is spread over the time until the reset.
    pub fn advise(&mut self, advice: Advice, now: Duration) {
        let told = advice.limit.filter(|limit| *limit >= 1.0);
        if let Some(limit) = told {
            self.told = Some(limit / 60.0 * OF_TOLD);
            self.rate = self.ceiling();
        }
        self.fill(now);
        let until = now + advice.reset.min(ADVICE_MAX);
        let left = advice.remaining - self.in_flight as f64;
        let seconds = advice.reset.as_secs_f64().max(1.0);
        if left < 1.0 {
            self.pace = Some((1.0 / seconds, until));
            self.units = self.units.min(0.0);
        } else {
            self.pace = Some((left / seconds, until));
            self.units = self.units.min(left);
        }
    }

    /// What is left of the day is spread at this pace; `None` while it need not be.
    pub fn spread(&mut self, day_pace: Option<f64>, now: Duration) {
        // What passed until now was at the old one.
        self.fill(now);
        self.day_pace = day_pace;
    }

    /// Units a minute that are granted, as far as is known: what the service told, else the rate, which
    /// was found to be borne.
    pub fn granted_per_minute(&self) -> f64 {
        self.told.map_or(self.rate, |told| told / OF_TOLD) * 60.0
    }

    /// Whether the service told its limit.
    pub fn is_told(&self) -> bool {
        self.told.is_some()
    }

    /// Before this time nothing goes.
    pub fn fence(&self) -> Duration {
        self.fence
    }

    /// Units a second, at present.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    fn grown(&self) -> f64 {
        match self.too_much.map(|rate| rate * NEAR) {
            Some(near) if self.rate < near => near,
            Some(_) => self.rate + GROWTH_NEAR * self.limits.rate,
            None => self.rate + GROWTH * self.limits.rate,
        }
    }

    fn slots(&self) -> usize {
        // At least 1 and at most a `usize` that was given.
        self.concurrency as usize
    }

    fn ceiling(&self) -> f64 {
        self.told.unwrap_or(self.limits.rate_max)
    }

    /// Units a second at this time, of which the rate is one bound.
    pub fn pace_at(&self, now: Duration) -> f64 {
        let advised = self.pace.filter(|(_, until)| now < *until).map(|(pace, _)| pace);
        [advised, self.day_pace].into_iter().flatten().fold(self.rate, f64::min)
    }

    fn fill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.filled_at).as_secs_f64();
        self.units = (self.units + passed * self.pace_at(self.filled_at)).min(self.limits.burst);
        self.filled_at = self.filled_at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { rate: 10.0, rate_max: 100.0, burst: 20.0, concurrency: 4 };

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// How many calls of `price` get through between two times, one after the other.
    fn passed(bucket: &mut Bucket, price: f64, from: f64, to: f64) -> usize {
        let (mut now, mut count) = (at(from), 0);
        while now < at(to) {
            match bucket.admit(price, now) {
                Admission::Now => {
                    bucket.end(0.0, now);
                    count += 1;
                }
                Admission::At(time) => {
                    assert!(time > now, "a wait ends later than now");
                    now = time;
                }
                Admission::Full => panic!("calls end at once here"),
            }
        }
        count
    }

    #[test]
    fn the_burst_goes_at_once_and_the_rest_at_the_rate() {
        let mut bucket = Bucket::new(LIMITS, at(0.0));
        assert_eq!(passed(&mut bucket, 1.0, 0.0, 0.01), 20);
        let count = passed(&mut bucket, 2.0, 0.01, 10.0);
        assert!((49..=50).contains(&count), "{count} calls of 2 units in 10 s at 10 units a second");
    }

    #[test]
    fn nothing_goes_before_the_fence_and_no_crowd_after_it() {
        let mut bucket = Bucket::new(LIMITS, at(0.0));
        assert_eq!(bucket.refuse(at(30.0), at(1.0)), at(30.0));
        assert_eq!(bucket.admit(1.0, at(30.9)), Admission::At(at(31.0)));
        let count = passed(&mut bucket, 1.0, 31.0, 32.0);
        assert!((6..=7).contains(&count), "{count} calls in a second at 0.7 of 10");
    }

    #[test]
    fn refusals_of_one_crowd_cut_the_rate_once() {
        let mut bucket = Bucket::new(LIMITS, at(0.0));
        bucket.refuse(at(10.0), at(0.0));
        assert_eq!(bucket.refuse(at(12.0), at(1.0)), at(3.0));
        assert!((bucket.rate() - 7.0).abs() < 1e-9);
        assert_eq!(bucket.fence(), at(13.0));
    }

    #[test]
    fn a_clean_minute_that_was_used_up_raises_the_rate() {
        let mut bucket = Bucket::new(LIMITS, at(0.0));
        passed(&mut bucket, 1.0, 0.0, 61.0);
        assert!((bucket.rate() - 10.5).abs() < 1e-9);
        let mut idle = Bucket::new(LIMITS, at(0.0));
        assert_eq!(idle.admit(1.0, at(100.0)), Admission::Now);
        idle.end(0.0, at(100.0));
        assert!((idle.rate() - 10.0).abs() < 1e-9);
    }

    #[test]
    fn advice_spreads_what_is_left() {
        let mut bucket = Bucket::new(LIMITS, at(0.0));
        bucket.advise(Advice { limit: Some(1200.0), remaining: 30.0, reset: at(30.0) }, at(0.0));
        let count = passed(&mut bucket, 1.0, 0.0, 30.0);
        assert!((40..=51).contains(&count), "{count}: the burst in hand, then one a second");
        assert!((bucket.rate() - 19.4).abs() < 1e-9, "the told limit counts");
        bucket.advise(Advice { limit: None, remaining: 0.0, reset: at(10.0) }, at(31.0));
        assert!(passed(&mut bucket, 1.0, 31.0, 40.9) <= 1);
    }

    #[test]
    fn what_is_left_of_a_day_is_spread() {
        let mut bucket = Bucket::new(LIMITS, at(0.0));
        assert_eq!(passed(&mut bucket, 1.0, 0.0, 0.01), 20);
        bucket.spread(Some(2.0), at(0.01));
        let count = passed(&mut bucket, 1.0, 0.01, 10.0);
        assert!((19..=20).contains(&count), "{count} in 10 s at 2 a second");
        bucket.spread(Some(50.0), at(10.0));
        assert_eq!(bucket.pace_at(at(10.0)), 10.0, "no faster than the rate");
        bucket.spread(None, at(10.0));
        assert_eq!(bucket.pace_at(at(10.0)), 10.0);
        assert_eq!((bucket.granted_per_minute(), bucket.is_told()), (600.0, false));
        bucket.advise(Advice { limit: Some(1250.0), remaining: 9.0, reset: at(1.0) }, at(10.0));
        assert!((bucket.granted_per_minute() - 1250.0).abs() < 1e-6 && bucket.is_told());
    }

    #[test]
    fn concurrency_is_bounded_and_halved() {
        let mut bucket = Bucket::new(LIMITS, at(0.0));
        for _ in 0..4 {
            assert_eq!(bucket.admit(1.0, at(0.0)), Admission::Now);
        }
        assert_eq!(bucket.admit(1.0, at(0.0)), Admission::Full);
        bucket.refuse(at(1.0), at(0.0));
        for _ in 0..3 {
            bucket.end(0.0, at(2.0));
        }
        assert_eq!(bucket.admit(1.0, at(3.0)), Admission::Now);
        assert_eq!(bucket.admit(1.0, at(3.0)), Admission::Full);
    }

    #[test]
    fn a_price_over_the_burst_is_paid_in_the_end() {
        let mut bucket = Bucket::new(LIMITS, at(0.0));
        assert_eq!(passed(&mut bucket, 40.0, 0.0, 3.9), 1);
    }
}
