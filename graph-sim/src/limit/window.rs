//! A fixed window of units.

use super::RateLimit;

/// So many units in so many milliseconds, counted from the first call on.
#[derive(Debug)]
pub struct Window {
    length_ms: i64,
    limit: u64,
    start_ms: i64,
    used: u64,
    /// The part of the limit that others use up, evenly, from one end of the window to the other.
    others: f64,
}

impl Window {
    pub fn new(length_ms: i64, limit: u64) -> Self {
        Window { length_ms, limit, start_ms: i64::MIN / 2, used: 0, others: 0.0 }
    }

    /// The same window, of which others use up a part.
    pub fn shared_with(self, others: f64) -> Self {
        Window { others: others.clamp(0.0, 1.0), ..self }
    }

    /// Units that others have used so far.
    fn of_others(&self, now_ms: i64) -> u64 {
        let passed = (now_ms - self.start_ms).clamp(0, self.length_ms) as f64 / self.length_ms as f64;
        (self.others * self.limit as f64 * passed) as u64
    }

    /// Counts `price` units; answers how long to wait if they were too many, or 0.
    pub fn charge(&mut self, price: u64, now_ms: i64) -> i64 {
        if now_ms >= self.start_ms + self.length_ms {
            self.start_ms = now_ms;
            self.used = 0;
        }
        self.used = self.used.saturating_add(price);
        if self.used.saturating_add(self.of_others(now_ms)) > self.limit {
            self.start_ms + self.length_ms - now_ms
        } else {
            0
        }
    }

    /// What the headers say; `None` while under 80 % are used.
    pub fn limit(&self, now_ms: i64) -> Option<RateLimit> {
        (self.used * 5 >= self.limit * 4).then(|| RateLimit {
            limit: self.limit,
            remaining: self.limit.saturating_sub(self.used),
            reset_s: ((self.start_ms + self.length_ms - now_ms).max(0) as u64).div_ceil(1000),
        })
    }
}
