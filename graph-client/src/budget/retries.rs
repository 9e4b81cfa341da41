//! How many calls may be made again because another failed: a share of all calls.
//!
//! When a service fails, everybody's retries are what keeps it from recovering. So they are kept to a
//! tenth of the requests, some in hand at first. A refusal with a wait is no failure: the fence holds
//! it back already.

/// Retries in hand at first.
const AT_FIRST: f64 = 20.0;
/// What each request earns.
const SHARE: f64 = 0.1;
/// No more are kept: a quiet hour does not pay for a storm.
const MOST: f64 = 100.0;

/// Retries in hand.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryBudget {
    in_hand: f64,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { in_hand: AT_FIRST }
    }
}

impl RetryBudget {
    /// A request goes, of whatever kind: it earns its share of a retry.
    pub fn earn(&mut self) {
        self.in_hand = (self.in_hand + SHARE).min(MOST);
    }

    /// Whether a retry can be had.
    pub fn has_one(&self) -> bool {
        // Ten shares are one, whatever was lost in rounding.
        self.in_hand + 1e-9 >= 1.0
    }

    /// Takes a retry, if one can be had.
    pub fn take(&mut self) -> bool {
        let has_one = self.has_one();
        if has_one {
            self.in_hand = (self.in_hand - 1.0).max(0.0);
        }
        has_one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Retries that are granted when every request of so many fails, each retry a request again.
    fn granted(budget: &mut RetryBudget, requests: u32) -> u32 {
        let mut granted = 0;
        for _ in 0..requests {
            budget.earn();
            granted += u32::from(budget.take());
        }
        granted
    }

    #[test]
    fn some_are_in_hand_and_then_a_tenth_of_the_requests() {
        let mut budget = RetryBudget::default();
        assert_eq!(granted(&mut budget, 20), 20);
        assert_eq!(granted(&mut budget, 1000), 102, "what twenty requests earned, and a tenth of these");
        assert!(!budget.take());
    }

    #[test]
    fn ten_requests_earn_one() {
        let mut budget = RetryBudget::default();
        while budget.take() {}
        for _ in 0..9 {
            budget.earn();
            assert!(!budget.has_one());
        }
        budget.earn();
        assert!(budget.take() && !budget.take());
    }

    #[test]
    fn a_long_peace_does_not_pay_for_a_storm() {
        let mut budget = RetryBudget::default();
        (0..100_000).for_each(|_| budget.earn());
        assert_eq!((0..1000).filter(|_| budget.take()).count(), 100);
    }
}
