//! What a restore came to, counted while it runs.

use std::time::Duration;

use crate::engine::progress::{ItemEvent, Progress};
use crate::engine::sink::MetaWarning;
use crate::engine::source::{ItemCause, ItemError};
use crate::system::Mutex;

/// Failures and warnings that a report lists; more are only counted.
const LISTED_MAX: usize = 10_000;

/// What a restore came to.
#[derive(Debug, Clone, Default)]
pub struct RestoreReport {
    /// Files restored, further hard links included.
    pub files: u64,
    pub folders: u64,
    /// Links, devices and so on.
    pub others: u64,
    /// Bytes of the contents of restored files; those of hard links count once.
    pub bytes: u64,
    /// Entries that the sink left as they were, or that the backup had passed over for cause. What is inside a skipped folder is not counted.
    pub skipped: u64,
    pub failed: u64,
    /// Those of the failed that the repository cannot give any more: damage.
    pub lost: u64,
    /// Entries that failed, in the order of their failing; at most 10,000.
    pub failures: Vec<ItemEvent>,
    pub warned: u64,
    /// Metadata that could not be set; at most 10,000.
    pub warnings: Vec<ItemWarning>,
    /// Told to stop before the end.
    pub interrupted: bool,
    pub duration: Duration,
}

/// Something about an entry that was restored that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemWarning {
    /// Names joined by `/`.
    pub path: Vec<u8>,
    pub what: String,
}

/// The report in the making. Shared between threads.
pub(super) struct Tally<'p> {
    report: Mutex<RestoreReport>,
    progress: &'p Progress,
}

/// What was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Restored {
    File { bytes: u64 },
    Folder,
    Other,
}

impl<'p> Tally<'p> {
    pub fn new(progress: &'p Progress) -> Tally<'p> {
        Tally { report: Mutex::default(), progress }
    }

    pub fn restored(&self, what: Restored, path: &[Vec<u8>], warnings: Vec<MetaWarning>) {
        self.progress.done(1, 0);
        let mut report = self.report.lock();
        match what {
            Restored::File { bytes } => {
                report.files += 1;
                report.bytes += bytes;
            }
            Restored::Folder => report.folders += 1,
            Restored::Other => report.others += 1,
        }
        report.warn(path, warnings.into_iter().map(|warning| warning.what));
    }

    pub fn warn(&self, path: &[Vec<u8>], what: String) {
        self.report.lock().warn(path, [what]);
    }

    /// `items` counts what is inside a skipped folder, for the progress.
    pub fn skipped(&self, items: u64, bytes: u64) {
        self.progress.done(items, bytes);
        self.progress.skipped.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.report.lock().skipped += 1;
    }

    /// An entry failed; `items` as for [`Tally::skipped`].
    ///
    /// One whose cause is no failure counts as skipped, and is listed as well.
    pub fn failed(&self, path: &[Vec<u8>], error: ItemError, items: u64) {
        self.progress.done(items, 0);
        let is_lost = error.cause == ItemCause::Lost;
        let is_failure = error.cause.is_failure();
        let event = ItemEvent { path: path.join(&b'/'), error };
        self.progress.report(event.clone());
        let mut report = self.report.lock();
        match is_failure {
            true => report.failed += 1,
            false => report.skipped += 1,
        }
        report.lost += u64::from(is_lost);
        if report.failures.len() < LISTED_MAX {
            report.failures.push(event);
        }
    }

    pub fn into_report(self) -> RestoreReport {
        self.report.into_inner()
    }
}

impl RestoreReport {
    fn warn(&mut self, path: &[Vec<u8>], warnings: impl IntoIterator<Item = String>) {
        for what in warnings {
            self.warned += 1;
            if self.warnings.len() < LISTED_MAX {
                self.warnings.push(ItemWarning { path: path.join(&b'/'), what });
            }
        }
    }
}
