//! The report in the making.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use repo_format::engine::progress::{ItemEvent, Progress};
use repo_format::engine::source::{ItemCause, ItemError};

use super::report::{DriveRestoreReport, RestoredItem};

/// Items that each list of a report holds; more are only counted.
const LISTED_MAX: usize = 10_000;

/// Counts what happens. Shared between threads.
pub(super) struct Tally<'p> {
    report: Mutex<DriveRestoreReport>,
    /// Something is left to be done that no failure tells.
    unsettled: AtomicBool,
    progress: &'p Progress,
}

/// Why an item was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Skip {
    /// Something has its name.
    Exists,
    /// A file of this name and content is there; times and permissions are seen to.
    Identical,
    /// It is of a kind that cannot be restored.
    Refused,
}

impl<'p> Tally<'p> {
    pub fn new(report: DriveRestoreReport, progress: &'p Progress) -> Tally<'p> {
        Tally { report: Mutex::new(report), unsettled: AtomicBool::new(false), progress }
    }

    pub fn begin(&self, path: &str) {
        self.progress.begin(path.as_bytes());
    }

    pub fn file(&self, path: &str, bytes: u64, warnings: Vec<String>) {
        self.progress.done(1, bytes);
        let mut report = self.report.lock();
        report.files += 1;
        report.bytes += bytes;
        warnings.into_iter().for_each(|what| report.warn(path, what));
    }

    pub fn folder(&self, path: &str, is_new: bool, warning: Option<String>) {
        self.progress.done(1, 0);
        let mut report = self.report.lock();
        report.folders += u64::from(is_new);
        warning.into_iter().for_each(|what| report.warn(path, what));
    }

    pub fn earlier(&self, bytes: u64) {
        self.progress.done(1, bytes);
        self.report.lock().earlier += 1;
    }

    /// Not wanted: counted nowhere but in the progress.
    pub fn passed(&self, items: u64, bytes: u64) {
        self.progress.done(items, bytes);
    }

    pub fn warn(&self, path: &str, what: String) {
        self.report.lock().warn(path, what);
    }

    /// `items` and `bytes` count what is inside a folder, for the progress.
    pub fn skipped(&self, path: &str, skip: Skip, message: &str, (items, bytes): (u64, u64)) {
        self.progress.done(items, bytes);
        self.progress.skipped.fetch_add(1, Ordering::Relaxed);
        let cause = match skip {
            Skip::Exists => "exists",
            Skip::Identical => "identical",
            Skip::Refused => ItemCause::Refused.name(),
        };
        let mut report = self.report.lock();
        report.skipped += 1;
        push(&mut report.skipped_items, path, cause, message.to_owned(), 1);
    }

    /// `items` as for [`Tally::skipped`].
    pub fn failed(&self, path: &str, error: ItemError, items: u64) {
        self.progress.done(items, 0);
        self.progress.report(ItemEvent { path: path.as_bytes().to_vec(), error: error.clone() });
        let mut report = self.report.lock();
        report.failed += 1;
        push(&mut report.failed_items, path, error.cause.name(), error.message, error.attempts);
    }

    /// Something was warned of that another run may mend.
    pub fn unsettled(&self) {
        self.unsettled.store(true, Ordering::Relaxed);
    }

    /// Whether another run has nothing to do.
    pub fn is_flawless(&self) -> bool {
        self.report.lock().failed == 0 && !self.unsettled.load(Ordering::Relaxed)
    }

    pub fn into_report(self) -> DriveRestoreReport {
        self.report.into_inner()
    }
}

impl DriveRestoreReport {
    fn warn(&mut self, path: &str, what: String) {
        self.warned += 1;
        push(&mut self.warnings, path, "warning", what, 1);
    }
}

fn push(list: &mut Vec<RestoredItem>, path: &str, cause: &'static str, message: String, attempts: u32) {
    if list.len() < LISTED_MAX {
        list.push(RestoredItem { path: path.to_owned(), cause, message, attempts });
    }
}
