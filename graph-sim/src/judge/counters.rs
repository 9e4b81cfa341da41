//! How much was asked and given.

use std::collections::{BTreeMap, HashMap, HashSet};

use parking_lot::Mutex;
use serde::Serialize;

use crate::api::Call;
use crate::limit::Bucket;

/// What was asked and given since the start, or since it was last cleared.
#[derive(Clone, Default, Debug, Serialize)]
pub struct Totals {
    /// Connections taken, on both ports.
    pub connections: u64,
    /// Requests by kind of call.
    pub calls: BTreeMap<Call, u64>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Resource units of SharePoint and OneDrive, refused calls included.
    pub resource_units: u64,
    /// Resource units of the directory.
    pub directory_units: u64,
    /// Those of the resource units that a client would have needed which asks for nothing in vain, of a
    /// service without faults.
    pub optimum_units: u64,
    /// The same of the directory.
    pub optimum_directory_units: u64,
    /// Calls that the throttle engine refused.
    pub throttled: u64,
    /// Bytes of file content given.
    pub content_bytes: u64,
    /// Bytes of JSON given, before they are compressed.
    pub json_bytes: u64,
    /// Bytes of content taken.
    pub uploaded_bytes: u64,
    /// Faults by the name of their rule.
    pub faults: BTreeMap<String, u64>,
}

impl Totals {
    /// Resource units that were spent in vain: the verdict on a client's thrift.
    pub fn units_over_optimum(&self) -> u64 {
        self.resource_units.saturating_sub(self.optimum_units)
    }
}

/// How often an item's content was asked for.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize)]
pub struct DownloadCount {
    /// From its first byte.
    pub starts: u32,
    /// From a later byte.
    pub resumes: u32,
    /// Bytes that were promised in all.
    pub bytes: u64,
}

/// The counters of a simulator.
#[derive(Default)]
pub struct Counters {
    totals: Mutex<Totals>,
    downloads: Mutex<HashMap<(u32, u32), DownloadCount>>,
    /// What was had, so that it is needed no more.
    had: Mutex<HashSet<u64>>,
}

impl Counters {
    /// Changes the totals.
    pub fn add(&self, change: impl FnOnce(&mut Totals)) {
        change(&mut self.totals.lock());
    }

    /// Counts what is needed once.
    pub fn needed(&self, bucket: Bucket, what: u64, units: u64) {
        if self.had.lock().insert(what) {
            self.made(bucket, units);
        }
    }

    /// Counts what is needed each time.
    pub fn made(&self, bucket: Bucket, units: u64) {
        self.add(|totals| match bucket {
            Bucket::SharePoint => totals.optimum_units += units,
            Bucket::Directory => totals.optimum_directory_units += units,
            Bucket::Login => {}
        });
    }

    /// Counts one request for content.
    pub fn download(&self, drive: u32, item: u32, from: u64, bytes: u64) {
        let mut downloads = self.downloads.lock();
        let count = downloads.entry((drive, item)).or_default();
        if from == 0 {
            count.starts += 1;
        } else {
            count.resumes += 1;
        }
        count.bytes += bytes;
    }

    pub fn totals(&self) -> Totals {
        self.totals.lock().clone()
    }

    /// Counts by (drive, item).
    pub fn downloads(&self) -> HashMap<(u32, u32), DownloadCount> {
        self.downloads.lock().clone()
    }

    /// Sets all to nothing.
    pub fn clear(&self) {
        *self.totals.lock() = Totals::default();
        self.downloads.lock().clear();
        self.had.lock().clear();
    }
}
