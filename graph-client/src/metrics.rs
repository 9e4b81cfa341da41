//! What the client counts: calls, retries, waits, units and bytes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::budget::Workload;

/// The running counts.
#[derive(Debug, Default)]
pub struct Counters {
    requests: AtomicU64,
    retries: AtomicU64,
    refused: AtomicU64,
    throttled_ms: AtomicU64,
    units: [AtomicU64; Workload::ALL.len()],
    bytes_down: AtomicU64,
    bytes_up: AtomicU64,
    skew_ms: AtomicI64,
}

/// The counts at one time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    /// Requests sent, retries included.
    pub requests: u64,
    /// How many of them were sent because another had failed.
    pub retries: u64,
    /// How many were answered by a request to wait.
    pub refused: u64,
    /// For how long some budget was fenced off; two budgets at once count twice.
    pub throttled_seconds: f64,
    /// Resource units spent, by the budget's name.
    pub units: BTreeMap<&'static str, u64>,
    /// Bytes of bodies received, as they came over the network or decompressed.
    pub bytes_down: u64,
    /// Bytes of bodies sent.
    pub bytes_up: u64,
}

impl Counters {
    pub fn request(&self, workload: Workload, price: u32, is_retry: bool) {
        self.requests.fetch_add(1, Relaxed);
        self.retries.fetch_add(u64::from(is_retry), Relaxed);
        if let Some(units) = self.units.get(workload as usize) {
            units.fetch_add(u64::from(price), Relaxed);
        }
    }

    pub fn refusal(&self, fence_moved: Duration) {
        self.refused.fetch_add(1, Relaxed);
        let ms = u64::try_from(fence_moved.as_millis()).unwrap_or(u64::MAX);
        self.throttled_ms.fetch_add(ms, Relaxed);
    }

    pub fn down(&self, bytes: usize) {
        self.bytes_down.fetch_add(bytes as u64, Relaxed);
    }

    pub fn up(&self, bytes: usize) {
        self.bytes_up.fetch_add(bytes as u64, Relaxed);
    }

    /// The service's clock is ahead of ours by so many milliseconds.
    pub fn skew(&self, ms: i64) {
        self.skew_ms.store(ms, Relaxed);
    }

    pub fn skew_ms(&self) -> i64 {
        self.skew_ms.load(Relaxed)
    }

    pub fn snapshot(&self) -> Metrics {
        let units = Workload::ALL.iter().zip(&self.units);
        Metrics {
            requests: self.requests.load(Relaxed),
            retries: self.retries.load(Relaxed),
            refused: self.refused.load(Relaxed),
            throttled_seconds: Duration::from_millis(self.throttled_ms.load(Relaxed)).as_secs_f64(),
            units: units.map(|(workload, units)| (workload.name(), units.load(Relaxed))).collect(),
            bytes_down: self.bytes_down.load(Relaxed),
            bytes_up: self.bytes_up.load(Relaxed),
        }
    }
}
