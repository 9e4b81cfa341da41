//! What the simulator saw that a good client would not have done, and how much it was asked.

mod counters;

pub use counters::{Counters, DownloadCount, Totals};

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;
use serde::Serialize;

/// Entries that are kept; older ones are only counted.
const KEPT: usize = 10_000;

/// A rule that a client broke.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ViolationKind {
    /// A call to a bucket before its `Retry-After` was over.
    InsideFence,
    /// More requests in flight than were agreed on.
    OverConcurrency,
    /// `Authorization` on a pre-authenticated URL.
    AuthorizationOnPreauth,
    /// A call to the API whose `User-Agent` does not begin with `ISV|`.
    UndecoratedUserAgent,
    /// A call to the API without `client-request-id`.
    MissingRequestId,
    /// A next or delta link that was not used as it was given.
    AlteredLink,
    /// A pre-authenticated URL past its end.
    ExpiredUrl,
    /// Permissions asked of an item that has none of its own.
    NeedlessPermissions,
    /// An invitation that would have sent mail.
    SentInvitation,
    /// `Range` on `/content`.
    RangeOnContent,
    /// An upload that is not in the rules: order, multiples of 320 KiB, 60 MiB.
    BadUploadRange,
}

/// One broken rule.
#[derive(Clone, Debug, Serialize)]
pub struct Violation {
    pub kind: ViolationKind,
    /// Simulated time, milliseconds since 1970.
    pub at_ms: i64,
    /// Method and route; no names and no secrets.
    pub call: String,
    /// What it was judged by, where that is not plain.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// The violations so far.
#[derive(Default)]
pub struct Ledger(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    counts: BTreeMap<ViolationKind, u64>,
    kept: VecDeque<Violation>,
}

impl Ledger {
    /// Writes one down.
    pub fn record(&self, kind: ViolationKind, at_ms: i64, call: impl Into<String>) {
        self.record_with(kind, at_ms, call, String::new());
    }

    /// Writes one down with what it was judged by.
    pub fn record_with(&self, kind: ViolationKind, at_ms: i64, call: impl Into<String>, detail: String) {
        let violation = Violation { kind, at_ms, call: call.into(), detail };
        tracing::warn!(kind = ?kind, call = violation.call, detail = violation.detail, "violation");
        let mut entries = self.0.lock();
        *entries.counts.entry(kind).or_default() += 1;
        if entries.kept.len() == KEPT {
            entries.kept.pop_front();
        }
        entries.kept.push_back(violation);
    }

    /// The newest ones, oldest first.
    pub fn entries(&self) -> Vec<Violation> {
        self.0.lock().kept.iter().cloned().collect()
    }

    /// How often each rule was broken; rules that were kept are absent.
    pub fn counts(&self) -> BTreeMap<ViolationKind, u64> {
        self.0.lock().counts.clone()
    }

    /// Forgets all.
    pub fn clear(&self) {
        *self.0.lock() = Entries::default();
    }
}
