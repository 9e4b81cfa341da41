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
}

#[derive(Debug)]
struct Fence {
    until_ms: i64,
    /// On the wall's clock.
    raised: Instant,
    /// The requests whose answer raised it: for them there is no doubt that it was seen.
    told: Vec<u64>,
    strikes: u32,
}

/// The fences that are up.
#[derive(Default, Debug)]
pub struct Fences {
    buckets: HashMap<Bucket, Fence>,
    requests: HashMap<u64, i64>,
}

const BLOCK_MS: i64 = 300_000;

impl Fences {
    /// Whether a fence stands before this call. The third early call of a fence doubles what is left
    /// of it, the tenth blocks the client for five minutes.
    pub fn check(&mut self, bucket: Bucket, key: u64, now_ms: i64, grace_ms: u64) -> Option<Inside> {
        if let Some(until_ms) = self.requests.get(&key).copied() {
            if now_ms < until_ms {
                return Some(Inside { violation: true, blocked: false, left_ms: until_ms - now_ms });
            }
            self.requests.remove(&key);
        }
        let fence = self.buckets.get_mut(&bucket)?;
        if now_ms >= fence.until_ms {
            self.buckets.remove(&bucket);
            return None;
        }
        let on_its_way = fence.raised.elapsed() <= Duration::from_millis(grace_ms);
        let violation = !on_its_way || fence.told.contains(&key);
        if violation {
            fence.strikes += 1;
            match fence.strikes {
                3 => fence.until_ms += fence.until_ms - now_ms,
                10 => fence.until_ms = fence.until_ms.max(now_ms + BLOCK_MS),
                _ => {}
            }
        } else {
            fence.told.push(key);
        }
        Some(Inside { violation, blocked: fence.strikes >= 10, left_ms: fence.until_ms - now_ms })
    }

    /// Puts one up for a bucket, or moves it back.
    pub fn raise(&mut self, bucket: Bucket, key: u64, until_ms: i64) {
        let new = || Fence { until_ms, raised: Instant::now(), told: Vec::new(), strikes: 0 };
        let fence = self.buckets.entry(bucket).or_insert_with(new);
        fence.until_ms = fence.until_ms.max(until_ms);
        fence.raised = Instant::now();
        fence.told.push(key);
    }

    /// Puts one up for one request.
    pub fn raise_for(&mut self, key: u64, until_ms: i64) {
        self.requests.insert(key, until_ms);
    }
}
