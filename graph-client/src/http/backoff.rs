//! How long to wait when the service does not say.

use std::time::Duration;

use uuid::Uuid;

/// The longest wait of our own.
const WAIT_MAX: Duration = Duration::from_secs(120);
/// The shortest.
const WAIT_MIN: Duration = Duration::from_millis(100);

/// A wait after `failures` failures in a row: up to 1 s, 2 s, 4 s, … 120 s, of which `share` (0 to 1).
pub fn wait(failures: u32, share: f64) -> Duration {
    most(failures).mul_f64(share.clamp(0.0, 1.0)).max(WAIT_MIN)
}

/// How much longer a retry waits, at most, where too many calls fail: up to 8 s, 16 s, 32 s, … 120 s.
pub fn patience(failures: u32) -> Duration {
    most(failures.saturating_add(3))
}

fn most(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.saturating_sub(1).min(7)).min(WAIT_MAX)
}

/// A wait after `failures` failures in a row, by chance.
pub fn wait_after(failures: u32) -> Duration {
    wait(failures, chance())
}

/// What the service asked for and up to a tenth more, so that not all come back at one moment. Never less.
pub fn after_fence(asked: Duration, share: f64) -> Duration {
    asked + asked.mul_f64(0.1 * share.clamp(0.0, 1.0))
}

/// A number from 0 up to 1, by chance.
pub fn chance() -> f64 {
    let [high, low, ..] = *Uuid::new_v4().as_bytes();
    f64::from(u16::from_be_bytes([high, low])) / 65_536.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound() {
        let most = |failures| wait(failures, 1.0).as_secs();
        assert_eq!([most(1), most(2), most(5), most(8), most(100)], [1, 2, 16, 120, 120]);
        assert_eq!(wait(5, 0.0), WAIT_MIN);
        assert_eq!([1, 2, 5, 100].map(|failures| patience(failures).as_secs()), [8, 16, 120, 120]);
        let asked = Duration::from_secs(10);
        assert_eq!((after_fence(asked, 0.0), after_fence(asked, 1.0)), (asked, Duration::from_secs(11)));
        assert!((0..100).all(|_| (0.0..1.0).contains(&chance())));
    }
}
