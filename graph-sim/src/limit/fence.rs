//! Fences: until when a bucket, or one request, was told to keep quiet.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// What is throttled together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Bucket {
    /// All drives of the tenant, and their contents.
    SharePoint,
    Directory,
    Login,
}

/// A call that met a fence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inside {
    /// It cannot have been on its way when the fence went up.
    pub violation: bool,
    /// The client is blocked for having come too often.
    pub blocked: bool,
    pub left_ms: i64,
    /// The same request was told of a wait that is not over.
    pub told: bool,
    /// Milliseconds of the wall's time from when the fence could be known to when the request came.
    pub after_ms: u64,
}

/// Who comes, and since when.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The request without its tokens, and whose it is.
    pub key: u64,
    /// When its first bytes were here, on the wall's clock.
    pub arrived: Instant,
}

#[derive(Debug)]
struct Fence {
    until_ms: i64,
    /// When the answer that raised or moved it went out, on the wall's clock.
    known: Instant,
    /// Until when each request that was refused here was told to wait. A fence that another call
    /// moves back later is news to it.
    told: HashMap<u64, Told>,
    strikes: u32,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    until_ms: i64,
    at: Instant,
}

impl Fence {
    fn new(until_ms: i64, known: Instant) -> Self {
        Fence { until_ms, known, told: HashMap::new(), strikes: 0 }
    }

    fn tell(&mut self, key: u64, at: Instant) {
        self.told.insert(key, Told { until_ms: self.until_ms, at });
    }

    /// Judges a call that came before the end. A request that was told is early at once; for others
    /// there is a time in which they may have been on their way.
    fn meet(&mut self, caller: Caller, now_ms: i64, grace: Duration) -> Inside {
        let told = self.told.get(&caller.key);
        let told = told.is_some_and(|told| now_ms < told.until_ms && caller.arrived >= told.at);
        let after = caller.arrived.saturating_duration_since(self.known);
        let violation = told || after > grace;
        self.tell(caller.key, Instant::now());
        Inside {
            violation,
            blocked: false,
            left_ms: self.until_ms - now_ms,
            told,
            after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// The third early call doubles what is left, the tenth blocks for five minutes. Who was told of
    /// the earlier end learns of it only now.
    fn strike(&mut self, key: u64, now_ms: i64) {
        self.strikes += 1;
        let until_ms = match self.strikes {
            3 => self.until_ms + (self.until_ms - now_ms),
            10 => self.until_ms.max(now_ms + BLOCK_MS),
            _ => return,
        };
        (self.until_ms, self.known) = (until_ms, Instant::now());
        self.tell(key, self.known);
    }
}

/// The fences that are up.
#[derive(Default, Debug)]
pub struct Fences {
    buckets: HashMap<Bucket, Fence>,
    requests: HashMap<u64, Fence>,
}

const BLOCK_MS: i64 = 300_000;

impl Fences {
    /// Whether a fence stands before this call: its request's own, or its bucket's.
    pub fn check(&mut self, bucket: Bucket, caller: Caller, now_ms: i64, grace: Duration) -> Option<Inside> {
        if let Some(fence) = self.requests.get_mut(&caller.key) {
            if now_ms < fence.until_ms {
                return Some(fence.meet(caller, now_ms, grace));
            }
            self.requests.remove(&caller.key);
        }
        let fence = self.buckets.get_mut(&bucket)?;
        if now_ms >= fence.until_ms {
            self.buckets.remove(&bucket);
            return None;
        }
        let inside = fence.meet(caller, now_ms, grace);
        if inside.violation {
            fence.strike(caller.key, now_ms);
        }
        Some(Inside { blocked: fence.strikes >= 10, left_ms: fence.until_ms - now_ms, ..inside })
    }

    /// Puts one up for a bucket, or moves it back. `known` is when the answer that says so goes out.
    pub fn raise(&mut self, bucket: Bucket, key: u64, until_ms: i64, known: Instant) {
        let fence = self.buckets.entry(bucket).or_insert_with(|| Fence::new(until_ms, known));
        fence.told.insert(key, Told { until_ms, at: known });
        if until_ms >= fence.until_ms {
            (fence.until_ms, fence.known) = (until_ms, fence.known.max(known));
        }
    }

    /// Puts one up for one request.
    pub fn raise_for(&mut self, key: u64, until_ms: i64, known: Instant) {
        let mut fence = Fence::new(until_ms, known);
        fence.tell(key, known);
        self.requests.insert(key, fence);
    }
}
