//! Moments, to the nanosecond.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};

/// Nanoseconds since 1970 UTC. In JSON RFC 3339 in UTC with nine digits after the point; as text in
/// local time, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub i64);

impl Time {
    fn timestamp(self) -> Timestamp {
        // Every i64 of nanoseconds lies between the years 1677 and 2262, well inside jiff's range.
        Timestamp::from_nanosecond(self.0.into()).expect("jiff holds 20,000 years")
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.9}", self.timestamp()))
    }
}

#[cfg(test)]
impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let time = Timestamp::deserialize(deserializer)?;
        i64::try_from(time.as_nanosecond()).map(Time).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.timestamp().to_zoned(TimeZone::system());
        f.pad(&local.strftime("%Y-%m-%d %H:%M:%S").to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_every_nanosecond() {
        let shown = |ns| serde_json::to_string(&Time(ns)).unwrap();
        assert_eq!(shown(1_700_000_000_000_000_001), "\"2023-11-14T22:13:20.000000001Z\"");
        assert_eq!(shown(0), "\"1970-01-01T00:00:00.000000000Z\"");
        for ns in [i64::MIN, -1, i64::MAX] {
            assert_eq!(serde_json::from_str::<Time>(&shown(ns)).unwrap(), Time(ns));
        }
    }
}
