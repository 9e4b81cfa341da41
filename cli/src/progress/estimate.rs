//! How long it will still take.

use std::time::Duration;

use crate::report::message::Status;

/// Fills in the time since the start and, where totals are known, the time left at the mean rate.
pub fn with_times(mut status: Status, elapsed: Duration) -> Status {
    let seconds = elapsed.as_secs_f64();
    let left = |done: u64, total: Option<u64>| {
        let total = total.filter(|total| done > 0 && *total >= done)?;
        Some(seconds * (total - done) as f64 / done as f64)
    };
    status.seconds_elapsed = seconds;
    status.seconds_remaining = left(status.bytes_done, status.bytes_total)
        .or_else(|| left(status.items_done, status.items_total))
        .or_else(|| left(status.users_done.unwrap_or(0), status.users_total));
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_way_takes_as_long_again() {
        let status = Status { bytes_done: 50, bytes_total: Some(100), ..Status::default() };
        assert_eq!(with_times(status, Duration::from_secs(7)).seconds_remaining, Some(7.0));
    }

    #[test]
    fn without_a_total_nothing_is_promised() {
        let status = Status { bytes_done: 50, ..Status::default() };
        assert_eq!(with_times(status, Duration::from_secs(7)).seconds_remaining, None);
        let none = Status { bytes_total: Some(10), ..Status::default() };
        assert_eq!(with_times(none, Duration::from_secs(7)).seconds_remaining, None);
    }
}
