//! Moments that a person types.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use repo_format::tree::TimeNs;

/// A moment: RFC 3339, or a date (its first moment) or date and time without zone, which are in UTC.
pub(super) fn parse(text: &str) -> Option<TimeNs> {
    let text = text.trim();
    let moment = text.parse::<Timestamp>().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })?;
    // Beyond the years 1677 and 2262 no entry has a time.
    i64::try_from(moment.as_nanosecond()).ok()
}

#[test]
fn dates_and_times_are_read() {
    let day = 86_400_000_000_000;
    assert_eq!(parse("1970-01-02"), Some(day));
    assert_eq!(parse(" 1970-01-02T01:00:00 "), Some(day + day / 24));
    assert_eq!(parse("1970-01-02T00:00:00+01:00"), Some(day - day / 24));
    assert_eq!(parse("1970-01-01T00:00:00.000000001Z"), Some(1));
    for wrong in ["", "yesterday", "2026-13-01", "12:00", "9999-01-01"] {
        assert_eq!(parse(wrong), None, "{wrong}");
    }
}
