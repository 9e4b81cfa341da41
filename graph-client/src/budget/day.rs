//! How much of a day's units is spent, and how fast the rest of it may be.
//!
//! Besides its minute the service counts a day: as many units as 960 of its minutes have. Who spends at
//! the full rate has spent the day after sixteen hours, and is refused from then on. So most of a day is
//! spent as fast as the minute allows, for runs that end; what is left then is spread over the hours
//! that the day still has. Days are UTC's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A day has as many units as so many minutes.
pub const MINUTES_A_DAY: f64 = 960.0;
/// Seconds of a day.
const SECONDS: u64 = 24 * 60 * 60;
/// The share of a day's units that is spread.
const SPREAD: f64 = 0.25;
/// Kept back: other machines may spend, too, and the service's day may begin at another time.
const MARGIN: f64 = 0.02;
/// No slower than so many units a second: the service may grant more than we know, and says if not.
const LEAST: f64 = 1.0;

/// Units spent in one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DaySpent {
    /// Days since 1970-01-01, UTC.
    pub day: u64,
    pub units: u64,
}

/// What was spent today, here and elsewhere.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Day {
    day: u64,
    here: f64,
    elsewhere: f64,
}

impl Day {
    /// Units were spent here. Negative ones were counted too many.
    pub fn spend(&mut self, units: f64, wall: SystemTime) {
        self.begin(wall);
        self.here = (self.here + units).max(0.0);
    }

    /// What others spent: it replaces what was known of them. Of another day than today it is nothing.
    pub fn elsewhere(&mut self, spent: DaySpent, wall: SystemTime) {
        self.begin(wall);
        self.elsewhere = if spent.day == self.day { spent.units as f64 } else { 0.0 };
    }

    /// What was spent here today.
    pub fn here(&mut self, wall: SystemTime) -> DaySpent {
        self.begin(wall);
        DaySpent { day: self.day, units: whole(self.here) }
    }

    /// What was spent today, here and elsewhere.
    pub fn spent(&mut self, wall: SystemTime) -> u64 {
        self.begin(wall);
        whole(self.here + self.elsewhere)
    }

    /// Units a second that are left for the rest of the day, of which `granted` are in all; `None` while
    /// they need not be spread.
    pub fn pace(&mut self, granted: f64, wall: SystemTime) -> Option<f64> {
        let second = self.begin(wall);
        let left = granted * (1.0 - MARGIN) - self.here - self.elsewhere;
        if !left.is_finite() || left > granted * SPREAD {
            return None;
        }
        let seconds = (SECONDS - second) as f64;
        Some((left / seconds).max(LEAST))
    }

    /// Begins another day if it is one, and gives the second of the day.
    fn begin(&mut self, wall: SystemTime) -> u64 {
        let seconds = wall.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        if seconds / SECONDS != self.day {
            *self = Self { day: seconds / SECONDS, ..Self::default() };
        }
        seconds % SECONDS
    }
}

fn whole(units: f64) -> u64 {
    // Neither negative nor near a number that is no integer any more.
    units.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRANTED: f64 = 1_200_000.0;

    fn at(day: u64, hour: f64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(day * SECONDS) + Duration::from_secs_f64(hour * 3600.0)
    }

    #[test]
    fn a_day_begins_with_nothing_spent() {
        let mut day = Day::default();
        day.spend(5.0, at(10, 23.9));
        day.elsewhere(DaySpent { day: 10, units: 7 }, at(10, 23.9));
        assert_eq!((day.here(at(10, 23.9)), day.spent(at(10, 23.9))), (DaySpent { day: 10, units: 5 }, 12));
        assert_eq!((day.here(at(11, 0.0)), day.spent(at(11, 0.0))), (DaySpent { day: 11, units: 0 }, 0));
        day.elsewhere(DaySpent { day: 10, units: 7 }, at(11, 0.1));
        assert_eq!(day.spent(at(11, 0.1)), 0, "what was spent yesterday");
    }

    #[test]
    fn most_of_a_day_goes_as_fast_as_it_can_and_the_rest_is_spread() {
        let mut day = Day::default();
        day.spend(800_000.0, at(1, 9.0));
        assert_eq!(day.pace(GRANTED, at(1, 9.0)), None);
        day.elsewhere(DaySpent { day: 1, units: 100_000 }, at(1, 12.0));
        let pace = day.pace(GRANTED, at(1, 12.0)).unwrap();
        assert!((pace - 276_000.0 / 43_200.0).abs() < 1e-6, "{pace}");
        assert_eq!(day.pace(GRANTED, at(2, 0.0)), None, "another day");
        assert_eq!(day.pace(f64::INFINITY, at(1, 12.0)), None);
    }

    #[test]
    fn who_is_over_still_asks_now_and_then() {
        let mut day = Day::default();
        day.spend(2.0 * GRANTED, at(1, 12.0));
        assert_eq!(day.pace(GRANTED, at(1, 12.0)), Some(1.0));
    }

    /// A run through a whole day at 16.6 units a second ends the day with all but the margin spent.
    #[test]
    fn a_day_is_used_up_and_not_overrun() {
        let mut day = Day::default();
        for second in 0..SECONDS {
            let wall = UNIX_EPOCH + Duration::from_secs(second);
            let rate = day.pace(GRANTED, wall).map_or(16.6, |pace| pace.min(16.6));
            day.spend(rate, wall);
        }
        let spent = day.spent(at(0, 23.999)) as f64;
        assert!((0.97 * GRANTED..=GRANTED).contains(&spent), "{spent}");
    }
}
