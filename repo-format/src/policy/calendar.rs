//! Hours, days, weeks, months and years in UTC, by the Gregorian calendar.

use std::fmt;

use crate::codec::TimeNs;

const NS_PER_HOUR: i64 = 3600 * 1_000_000_000;
const HOURS_PER_DAY: i64 = 24;

/// A stretch of time that snapshots are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// Day, and hour of it.
    Hour(Date, u8),
    Day(Date),
    /// By ISO 8601: weeks begin on Monday and belong to the year that has their Thursday.
    Week {
        year: i32,
        week: u8,
    },
    Month {
        year: i32,
        month: u8,
    },
    Year(i32),
}

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: i32,
    month: u8,
    day: u8,
}

impl Period {
    pub(super) fn hour(time: TimeNs) -> Period {
        let hours = time.div_euclid(NS_PER_HOUR);
        Period::Hour(date(hours.div_euclid(HOURS_PER_DAY)), hours.rem_euclid(HOURS_PER_DAY) as u8)
    }

    pub(super) fn day(time: TimeNs) -> Period {
        Period::Day(date(days(time)))
    }

    pub(super) fn week(time: TimeNs) -> Period {
        let day = days(time);
        // 1970 began on a Thursday, the day 3 of a week that begins with 0.
        let thursday = day - (day + 3).rem_euclid(7) + 3;
        let year = date(thursday).year;
        let week = (thursday - first_of(year)) / 7 + 1;
        Period::Week { year, week: week as u8 }
    }

    pub(super) fn month(time: TimeNs) -> Period {
        let Date { year, month, .. } = date(days(time));
        Period::Month { year, month }
    }

    pub(super) fn year(time: TimeNs) -> Period {
        Period::Year(date(days(time)).year)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Period::Hour(date, hour) => write!(f, "hourly {date} {hour:02}:00"),
            Period::Day(date) => write!(f, "daily {date}"),
            Period::Week { year, week } => write!(f, "weekly {year:04}-W{week:02}"),
            Period::Month { year, month } => write!(f, "monthly {year:04}-{month:02}"),
            Period::Year(year) => write!(f, "yearly {year:04}"),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Whole days since 1970.
fn days(time: TimeNs) -> i64 {
    time.div_euclid(NS_PER_HOUR * HOURS_PER_DAY)
}

/// The date of a day since 1970. Every time that 64 bits of nanoseconds hold is in the years 1677 to
/// 2262.
fn date(day: i64) -> Date {
    // Eras of 400 years have 146,097 days; years in them begin in March, so that leap days end them.
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    Date { year: year as i32, month: month as u8, day: day as u8 }
}

/// The day since 1970 on which a year begins.
fn first_of(year: i32) -> i64 {
    let before = i64::from(year) - 1;
    before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) - 719_162
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> TimeNs {
        seconds * 1_000_000_000
    }

    #[test]
    fn periods_are_those_of_the_calendar() {
        // From `date --utc +'%F %H:00|%G-W%V'`.
        for (seconds, hour, week) in [
            (0, "1970-01-01 00:00", "1970-W01"),
            (-1, "1969-12-31 23:00", "1970-W01"),
            (951_782_400, "2000-02-29 00:00", "2000-W09"),
            (1_104_537_600, "2005-01-01 00:00", "2004-W53"),
            (1_230_768_000, "2009-01-01 00:00", "2009-W01"),
            (1_262_390_400, "2010-01-02 00:00", "2009-W53"),
            (1_767_139_200, "2025-12-31 00:00", "2026-W01"),
            (2_540_213_999, "2050-06-30 14:00", "2050-W26"),
            (4_107_542_400, "2100-03-01 00:00", "2100-W09"),
        ] {
            assert_eq!(Period::hour(at(seconds)).to_string(), format!("hourly {hour}"));
            assert_eq!(Period::week(at(seconds)).to_string(), format!("weekly {week}"));
            assert_eq!(Period::day(at(seconds)).to_string(), format!("daily {}", &hour[..10]));
            assert_eq!(Period::month(at(seconds)).to_string(), format!("monthly {}", &hour[..7]));
            assert_eq!(Period::year(at(seconds)).to_string(), format!("yearly {}", &hour[..4]));
        }
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let (first, last) = (days(i64::MIN), days(i64::MAX));
        let mut before = date(first);
        for day in first + 1..=last {
            let now = date(day);
            let next_day = (now.year, now.month, now.day) == (before.year, before.month, before.day + 1);
            assert!(next_day || now.day == 1 && now > before, "{before} is followed by {now}");
            if (now.month, now.day) == (1, 1) {
                assert_eq!(first_of(now.year), day);
            }
            before = now;
        }
    }
}
