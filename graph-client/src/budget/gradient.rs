//! How many contents to fetch at a time: fewer while the service answers late, one more while it does not.
//!
//! A service with too much to do lets answers wait before it refuses any. So the time to the first byte
//! is compared with the least that was seen: where half of some answers take over twice as long, a
//! quarter of the places is given up; where they do not, one is taken back.

use std::time::Duration;

/// Answers that are judged together, at least: more if more are under way.
const WINDOW: usize = 16;
/// By this factor of the least time an answer is late…
const LATE: u32 = 2;
/// …unless the difference is less than this: it is then nothing that a service feels.
const NOTHING: Duration = Duration::from_millis(50);
/// What is kept when answers are late.
const KEPT: f64 = 0.75;
/// Places that are never given up.
const LEAST: usize = 2;
/// The least time is forgotten after this and at most twice this: the way to the service may change.
const AGE: Duration = Duration::from_secs(5 * 60);

/// Places for contents that are fetched.
#[derive(Debug, Clone)]
pub struct Gradient {
    most: usize,
    places: usize,
    window: Vec<Duration>,
    minimum: Minimum,
}

/// The least that was seen lately: in this span of time, and in the one before.
#[derive(Debug, Clone)]
struct Minimum {
    since: Duration,
    now: Option<Duration>,
    before: Option<Duration>,
}

impl Minimum {
    fn see(&mut self, time: Duration, now: Duration) -> Duration {
        if now.saturating_sub(self.since) >= AGE {
            self.before = self.now.take().filter(|_| now.saturating_sub(self.since) < 2 * AGE);
            self.since = now;
        }
        let least = self.now.map_or(time, |least| least.min(time));
        self.now = Some(least);
        self.before.map_or(least, |before| before.min(least))
    }
}

impl Gradient {
    /// All places free, at time `now`.
    pub fn new(most: usize, now: Duration) -> Self {
        let most = most.max(1);
        let minimum = Minimum { since: now, now: None, before: None };
        Self { most, places: most, window: Vec::new(), minimum }
    }

    /// How many contents may be on their way.
    pub fn places(&self) -> usize {
        self.places
    }

    /// A first byte came at `now`, after so long.
    pub fn first_byte(&mut self, after: Duration, now: Duration) {
        let least = self.minimum.see(after, now);
        self.window.push(after);
        if self.window.len() < WINDOW.max(self.places) {
            return;
        }
        let middle = self.window.len() / 2;
        let (_, median, _) = self.window.select_nth_unstable(middle);
        let late = *median > least * LATE && *median - least >= NOTHING;
        self.window.clear();
        self.places = if late { self.fewer() } else { (self.places + 1).min(self.most) };
    }

    fn fewer(&self) -> usize {
        // Less than a `usize` that was given.
        let kept = (self.places as f64 * KEPT) as usize;
        kept.max(LEAST).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// So many windows of answers, each after what `answer` says of the places, a second apart.
    fn run(gradient: &mut Gradient, from: u64, seconds: u64, answer: impl Fn(usize, u64) -> u64) {
        for second in from..from + seconds {
            let after = ms(answer(gradient.places(), second));
            gradient.first_byte(after, Duration::from_secs(second));
        }
    }

    #[test]
    fn a_service_that_keeps_pace_is_given_all() {
        let mut gradient = Gradient::new(32, ms(0));
        run(&mut gradient, 0, 1000, |_, second| 100 + second % 90);
        assert_eq!(gradient.places(), 32);
    }

    #[test]
    fn answers_that_wait_in_line_find_the_width_of_the_service() {
        // Eight at a time are served in 100 ms; more wait for each other.
        let mut gradient = Gradient::new(64, ms(0));
        run(&mut gradient, 0, 16, |_, _| 100);
        run(&mut gradient, 16, 280, |places, _| 100 * (places as u64).div_ceil(8));
        assert!((6..=18).contains(&gradient.places()), "{} places", gradient.places());
    }

    #[test]
    fn it_recovers_one_by_one() {
        let mut gradient = Gradient::new(16, ms(0));
        run(&mut gradient, 0, 16, |_, _| 100);
        run(&mut gradient, 16, 160, |_, _| 900);
        assert_eq!(gradient.places(), 2, "some are always left");
        run(&mut gradient, 176, 32, |_, _| 110);
        assert_eq!(gradient.places(), 4, "one for each window");
        run(&mut gradient, 208, 16 * 20, |_, _| 110);
        assert_eq!(gradient.places(), 16, "and no more than at first");
    }

    #[test]
    fn what_no_service_feels_is_nothing() {
        let mut gradient = Gradient::new(8, ms(0));
        run(&mut gradient, 0, 500, |_, second| if second % 16 == 0 { 0 } else { 49 });
        assert_eq!(gradient.places(), 8);
    }

    #[test]
    fn the_least_time_ages_out() {
        let mut gradient = Gradient::new(8, ms(0));
        run(&mut gradient, 0, 16, |_, _| 50);
        // The way to the service is longer from now on.
        run(&mut gradient, 16, 200, |_, _| 400);
        assert_eq!(gradient.places(), 2);
        run(&mut gradient, 216, 1000, |_, _| 400);
        assert_eq!(gradient.places(), 8);
    }

    #[test]
    fn one_place_stays_one() {
        let mut gradient = Gradient::new(1, ms(0));
        run(&mut gradient, 0, 16, |_, _| 1);
        run(&mut gradient, 16, 64, |_, _| 5000);
        assert_eq!(gradient.places(), 1);
    }
}
