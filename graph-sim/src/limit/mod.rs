//! The throttle engine: windows of resource units per licence tier, and fences.

mod fence;
mod flight;
mod window;

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use fence::Fences;
pub use fence::{Bucket, Caller, Inside};
pub use flight::Flight;
use flight::Flights;
use window::Window;

/// How many licences the tenant has, which sets its limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ThrottleTier {
    /// Up to 1,000 licences: 1,250 units a minute, 1.2 million a day.
    UpTo1k,
    UpTo5k,
    UpTo15k,
    UpTo50k,
    Above50k,
}

impl ThrottleTier {
    /// Units a minute, a day, and in 5 minutes for all apps of the tenant.
    fn units(self) -> (u64, u64, u64) {
        match self {
            ThrottleTier::UpTo1k => (1_250, 1_200_000, 18_750),
            ThrottleTier::UpTo5k => (2_500, 2_400_000, 37_500),
            ThrottleTier::UpTo15k => (3_750, 3_600_000, 56_250),
            ThrottleTier::UpTo50k => (5_000, 4_800_000, 75_000),
            ThrottleTier::Above50k => (6_250, 6_000_000, 93_750),
        }
    }

    /// The directory's units in 10 seconds.
    fn directory(self) -> u64 {
        match self {
            ThrottleTier::UpTo1k => 3_500,
            _ => 8_000,
        }
    }
}

/// What the engine says of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It may pass; what `RateLimit-*` says, once 80 % are used.
    Pass(Option<RateLimit>),
    /// It came too soon or too often.
    Refuse {
        /// 429, or 503 for who will not listen.
        status: u16,
        retry_after_s: u64,
        limit: Option<RateLimit>,
        /// Set when a fence was up.
        inside: Option<Inside>,
    },
}

/// What the `RateLimit-*` headers say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimit {
    pub limit: u64,
    pub remaining: u64,
    pub reset_s: u64,
}

/// What the engine keeps to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `None`: there are no windows.
    pub tier: Option<ThrottleTier>,
    /// Multiplies each limit of the tier.
    pub factor: f64,
    /// The part of the tenant's 5 minutes that other apps use up.
    pub other_app: f64,
    /// Requests in flight in each bucket.
    pub in_flight_max: Option<u32>,
    /// Of the wall's time: within it a call may have been on its way when a fence went up.
    pub grace_ms: u64,
}

/// The engine. It always keeps fences; it has windows only where a tier is set.
pub struct Throttle {
    in_flight_max: Option<u32>,
    flights: Flights,
    grace: Duration,
    state: Mutex<State>,
}

struct State {
    fences: Fences,
    sharepoint: Vec<Window>,
    directory: Vec<Window>,
}

impl Throttle {
    pub fn new(limits: Limits) -> Self {
        let scaled = |units: u64| ((units as f64 * limits.factor) as u64).max(1);
        let (mut sharepoint, mut directory) = (Vec::new(), Vec::new());
        if let Some(tier) = limits.tier {
            let (minute, day, five) = tier.units();
            sharepoint.push(Window::new(60_000, scaled(minute)));
            sharepoint.push(Window::new(300_000, scaled(five)).shared_with(limits.other_app));
            sharepoint.push(Window::new(86_400_000, scaled(day)));
            directory.push(Window::new(10_000, scaled(tier.directory())));
        }
        Throttle {
            in_flight_max: limits.in_flight_max,
            flights: Flights::default(),
            grace: Duration::from_millis(limits.grace_ms),
            state: Mutex::new(State { fences: Fences::default(), sharepoint, directory }),
        }
    }

    /// Counts a call as in flight; `None` if there are too many.
    pub fn enter(&self, bucket: Bucket) -> Option<Flight> {
        self.flights.enter(bucket, self.in_flight_max)
    }

    /// Judges a call of `price` units; refused calls are charged, too.
    pub fn admit(&self, bucket: Bucket, caller: Caller, price: u64, now_ms: i64) -> Verdict {
        let mut state = self.state.lock();
        let State { fences, sharepoint, directory } = &mut *state;
        let windows = match bucket {
            Bucket::SharePoint => sharepoint,
            Bucket::Directory => directory,
            Bucket::Login => &mut Vec::new(),
        };
        let mut wait_ms = 0;
        for window in windows.iter_mut() {
            wait_ms = wait_ms.max(window.charge(price, now_ms));
        }
        // The headers tell of the shortest window only.
        let limit = windows.first().and_then(|window| window.limit(now_ms));
        if let Some(inside) = fences.check(bucket, caller, now_ms, self.grace) {
            let status = if inside.blocked { 503 } else { 429 };
            let retry_after_s = (inside.left_ms as u64).div_ceil(1000).max(1);
            return Verdict::Refuse { status, retry_after_s, limit, inside: Some(inside) };
        }
        if wait_ms > 0 {
            let retry_after_s = (wait_ms as u64).div_ceil(1000);
            fences.raise(bucket, caller.key, now_ms + retry_after_s as i64 * 1000, Instant::now());
            return Verdict::Refuse { status: 429, retry_after_s, limit, inside: None };
        }
        Verdict::Pass(limit)
    }

    /// Raises a fence for the whole bucket, as a 429 with `Retry-After` does. `known` is when that
    /// answer goes out.
    pub fn fence(&self, bucket: Bucket, key: u64, until_ms: i64, known: Instant) {
        self.state.lock().fences.raise(bucket, key, until_ms, known);
    }

    /// Raises a fence for one request, as a 503 with `Retry-After` does.
    pub fn fence_request(&self, key: u64, until_ms: i64, known: Instant) {
        self.state.lock().fences.raise_for(key, until_ms, known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(tier: Option<ThrottleTier>, grace_ms: u64) -> Throttle {
        Throttle::new(Limits { tier, factor: 1.0, other_app: 0.0, in_flight_max: None, grace_ms })
    }

    fn by(key: u64) -> Caller {
        Caller { key, arrived: Instant::now() }
    }

    #[test]
    fn the_minute_is_spent_then_fenced_then_new() {
        let throttle = throttle(Some(ThrottleTier::UpTo1k), 0);
        let passes = (0..2000)
            .filter(|n| matches!(throttle.admit(Bucket::SharePoint, by(*n), 1, 1_000), Verdict::Pass(_)));
        assert_eq!(passes.count(), 1250);
        let refused = throttle.admit(Bucket::SharePoint, by(5), 1, 31_000);
        let Verdict::Refuse { status: 503, inside: Some(_), .. } = refused else {
            panic!("750 early calls are a block: {refused:?}");
        };
    }

    #[test]
    fn headers_appear_at_four_fifths() {
        let throttle = throttle(Some(ThrottleTier::UpTo1k), 0);
        assert_eq!(throttle.admit(Bucket::SharePoint, by(1), 900, 0), Verdict::Pass(None));
        let Verdict::Pass(Some(limit)) = throttle.admit(Bucket::SharePoint, by(2), 100, 10_000) else {
            panic!()
        };
        assert_eq!(limit, RateLimit { limit: 1250, remaining: 250, reset_s: 50 });
        let Verdict::Refuse { status, retry_after_s, .. } =
            throttle.admit(Bucket::SharePoint, by(3), 300, 10_000)
        else {
            panic!()
        };
        assert_eq!((status, retry_after_s), (429, 50));
        assert!(matches!(throttle.admit(Bucket::SharePoint, by(3), 1, 60_001), Verdict::Pass(_)));
    }

    #[test]
    fn a_fence_of_one_request_leaves_others() {
        let throttle = throttle(None, 0);
        throttle.fence_request(7, 5_000, Instant::now());
        assert!(matches!(throttle.admit(Bucket::SharePoint, by(8), 1, 1_000), Verdict::Pass(_)));
        assert!(matches!(throttle.admit(Bucket::SharePoint, by(7), 1, 1_000), Verdict::Refuse { .. }));
        assert!(matches!(throttle.admit(Bucket::SharePoint, by(7), 1, 5_000), Verdict::Pass(_)));
    }

    fn inside(verdict: Verdict) -> Option<Inside> {
        match verdict {
            Verdict::Refuse { inside, .. } => inside,
            Verdict::Pass(_) => None,
        }
    }

    #[test]
    fn who_waited_as_told_is_not_early_where_another_moved_the_fence() {
        let throttle = throttle(None, 60_000);
        let admit = |key, now_ms| inside(throttle.admit(Bucket::SharePoint, by(key), 1, now_ms));
        throttle.fence(Bucket::SharePoint, 1, 2_000, Instant::now());
        throttle.fence(Bucket::SharePoint, 2, 5_000, Instant::now());
        assert!(!admit(1, 2_100).unwrap().violation, "it was told of two seconds");
        assert!(admit(1, 2_200).unwrap().violation, "now it was told of five");
        assert!(admit(2, 4_900).unwrap().violation);
        assert_eq!(admit(2, 5_000), None);
    }

    #[test]
    fn what_arrived_before_the_answer_went_out_was_on_its_way() {
        let throttle = throttle(None, 0);
        let early = by(1);
        let known = Instant::now() + Duration::from_secs(60);
        throttle.fence(Bucket::SharePoint, 1, 5_000, known);
        throttle.fence_request(7, 5_000, known);
        // Of another caller with the same words, whose body was long, or whose turn came late.
        assert!(!inside(throttle.admit(Bucket::SharePoint, early, 1, 1_000)).unwrap().violation);
        assert!(!inside(throttle.admit(Bucket::SharePoint, by(7), 1, 1_000)).unwrap().violation);
        let told = inside(throttle.admit(Bucket::SharePoint, by(1), 1, 1_000)).unwrap();
        assert!(told.violation && told.told, "{told:?}");
    }

    #[test]
    fn the_grace_is_for_others_than_those_who_were_told() {
        let throttle = throttle(None, 60_000);
        throttle.fence(Bucket::SharePoint, 1, 5_000, Instant::now());
        let admit = |key| inside(throttle.admit(Bucket::SharePoint, by(key), 1, 1_000)).unwrap();
        assert!(admit(1).violation);
        assert!(!admit(2).violation && admit(2).violation);
    }

    #[test]
    fn another_app_leaves_its_part_of_the_tenants_five_minutes() {
        let tier = Some(ThrottleTier::UpTo1k);
        let limits = |other_app| Limits { tier, factor: 1.0, other_app, in_flight_max: None, grace_ms: 0 };
        // 1,250 units at the beginning of each minute: ours are 6,250 of the tenant's 18,750.
        let first_refusal = |other_app| {
            let throttle = Throttle::new(limits(other_app));
            let is_refused = |minute: &i64| {
                let verdict = throttle.admit(Bucket::SharePoint, by(1), 1_250, minute * 60_000);
                matches!(verdict, Verdict::Refuse { status: 429, retry_after_s: 60, .. })
            };
            (0..5).find(is_refused)
        };
        assert_eq!(first_refusal(0.0), None);
        assert_eq!(first_refusal(0.6), None);
        // At 240 s it has used 15,000; 6,250 of ours are too many for what is left of the window.
        assert_eq!(first_refusal(1.0), Some(4));
        assert_eq!(first_refusal(1.0), Some(4), "each time at the same time");
    }
}
