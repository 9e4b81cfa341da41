//! The `Retry-After` header, in all the forms that have been seen.

use std::time::{Duration, SystemTime};

/// The longest wait that is believed.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads how long to wait: `120`, `2.128`, or an HTTP date, from which `now` is taken.
///
/// A date that has passed gives zero; more than a day counts as a day. `None` if it is neither: then
/// the header counts as absent.
pub fn parse(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = match value.parse::<f64>() {
        Ok(seconds) if seconds >= 0.0 => Duration::try_from_secs_f64(seconds).unwrap_or(WAIT_MAX),
        Ok(_) => return None,
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(value: &str) -> Option<f64> {
        parse(value, SystemTime::UNIX_EPOCH).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(seconds("120"), Some(120.0));
        assert_eq!(seconds(" 0 "), Some(0.0));
        assert_eq!(seconds("2.128"), Some(2.128));
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:10 GMT"), Some(10.0));
        assert_eq!(seconds("Thursday, 01-Jan-70 00:00:10 GMT"), Some(10.0));
        assert_eq!(seconds("1e300"), Some(86_400.0));
        assert_eq!(seconds("inf"), Some(86_400.0));
    }

    #[test]
    fn what_is_none_counts_as_absent() {
        for value in ["", "soon", "-1", "NaN", "12 s", "Thu, 01 Jan 1970"] {
            assert_eq!(seconds(value), None, "{value:?}");
        }
    }

    #[test]
    fn a_date_that_has_passed_is_no_wait() {
        let later = SystemTime::UNIX_EPOCH + Duration::from_secs(60);
        assert_eq!(parse("Thu, 01 Jan 1970 00:00:10 GMT", later), Some(Duration::ZERO));
    }

    proptest! {
        #[test]
        fn anything_gives_no_more_than_a_day(value in ".{0,40}", now in 0..4_000_000_000_u64) {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(now);
            prop_assert!(parse(&value, now).unwrap_or_default() <= WAIT_MAX);
        }

        #[test]
        fn numbers_and_dates_mean_what_they_say(wait in 0..80_000_u64, now in 0..4_000_000_000_u64) {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(now);
            let wait = Duration::from_secs(wait);
            prop_assert_eq!(parse(&wait.as_secs().to_string(), now), Some(wait));
            prop_assert_eq!(parse(&format!("{}.5", wait.as_secs()), now), Some(wait + Duration::from_millis(500)));
            prop_assert_eq!(parse(&httpdate::fmt_http_date(now + wait), now), Some(wait));
        }
    }
}
