//! What a maintenance run found and did.

use std::time::Duration;

use super::mark::PackUse;
use super::plan::{Reason, unused_of};
use crate::log::{Locked, Trimmed};
use crate::retention::Extended;

/// Where the bytes of packs and segments are, as the plan saw them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Space {
    /// Packs with something that is needed, and the bytes that what is needed takes in them.
    pub live_packs: u64,
    pub live_bytes: u64,
    /// Bytes of these packs that nobody needs.
    pub unused_bytes: u64,
    /// Packs of which nothing is needed.
    pub unneeded_packs: u64,
    pub unneeded_bytes: u64,
    /// Packs that no record knows.
    pub unknown_packs: u64,
    pub unknown_bytes: u64,
    /// Segments that are named, and those that others took the place of.
    pub segment_bytes: u64,
    pub replaced_bytes: u64,
    /// Blobs that are doomed and still there.
    pub doomed_bytes: u64,
}

impl Space {
    pub(super) fn live(&mut self, size: u64, used: &PackUse) {
        let unused = unused_of(size, used);
        self.live_packs += 1;
        self.live_bytes += size - unused;
        self.unused_bytes += unused;
    }

    pub(super) fn unneeded(&mut self, size: u64, reason: Reason) {
        match reason {
            Reason::Unneeded => {
                self.unneeded_packs += 1;
                self.unneeded_bytes += size;
            }
            Reason::Unknown => {
                self.unknown_packs += 1;
                self.unknown_bytes += size;
            }
            Reason::Replaced => self.replaced_bytes += size,
        }
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.live_bytes
            + self.unused_bytes
            + self.unneeded_bytes
            + self.unknown_bytes
            + self.segment_bytes
            + self.replaced_bytes
            + self.doomed_bytes
    }
}

/// What a run came to; in a dry run, what it would have come to.
#[derive(Debug, Clone, Default)]
pub struct MaintenanceReport {
    /// The revision that was marked at; 0 in a quick run.
    pub marked: u64,
    pub space: Space,
    /// Blobs condemned now, and their bytes.
    pub condemned: u64,
    pub condemned_bytes: u64,
    /// Blobs that wait for their grace period, and when the first and the last of them are due, in
    /// nanoseconds since 1970 UTC.
    pub waiting: u64,
    pub waiting_bytes: u64,
    pub next_due_ns: Option<i64>,
    pub last_due_ns: Option<i64>,
    /// Blobs that are too new to tell whether a run under way will name them.
    pub fresh: u64,
    /// Packs rewritten, their bytes, and the bytes of the packs written for them.
    pub rewritten: u64,
    pub rewritten_bytes: u64,
    pub written_bytes: u64,
    /// Why packs were not rewritten although they should be, if that was so.
    pub not_rewritten: Option<String>,
    /// Blobs doomed now.
    pub doomed: u64,
    /// Blobs that were used again in the last moment.
    pub spared: u64,
    /// Blobs deleted, and their bytes.
    pub deleted: u64,
    pub deleted_bytes: u64,
    /// Doomed blobs, records and catalogs that stay until they are locked no longer.
    pub locked: Locked,
    /// What became of the locks of what is needed; `None` if there are to be none, or this was not their turn.
    pub extended: Option<Extended>,
    /// Index segments before and after.
    pub segments_before: u64,
    pub segments_after: u64,
    pub trimmed: Trimmed,
    /// Staging files removed that crashed writers left.
    pub staging: u64,
    /// How often it was marked anew because another maintainer was faster.
    pub overtaken: u64,
    /// Told to stop before the end; the next run goes on.
    pub interrupted: bool,
    pub dry_run: bool,
    pub duration: Duration,
}
