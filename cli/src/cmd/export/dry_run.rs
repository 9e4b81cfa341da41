//! What an export would do: the tree is read, no content is, and nothing is written.

use folder::export::Export;
use repo_format::engine::progress::ItemEvent;
use repo_format::engine::restore::not_stored;
use repo_format::engine::steps::{Step, Steps};
use repo_format::tree::EntryKind;

use super::Job;
use crate::cmd::snapshot::{below, gives_way};
use crate::exit::CliError;
use crate::report::export::ExportSummary;

impl Job<'_> {
    /// Counts what would be exported and what would be left as it is.
    ///
    /// # Errors
    /// If the snapshot cannot be read.
    pub(super) fn dry_run(&self) -> anyhow::Result<ExportSummary> {
        let mut summary = self.empty_summary();
        let export = Export { selector: self.selector };
        let root = self.manifest.root.clone();
        for step in Steps::new(self.repository.contents(), &export, Vec::new(), root) {
            if self.session.stop.is_requested() {
                return Err(CliError::Interrupted.into());
            }
            let (path, entry) = match step {
                Step::Enter { key, .. } => {
                    summary.folders += u64::from(key.is_some());
                    continue;
                }
                Step::Item { path, entry, .. } => (path, entry),
                Step::Absent { path, source, .. } => {
                    let (contents, failures) = (self.repository.contents(), self.manifest.failures.as_ref());
                    let error = not_stored(contents, failures, &source);
                    match error.cause.is_failure() {
                        true => summary.failed += 1,
                        false => summary.skipped += 1,
                    }
                    self.session.output.item_failure(ItemEvent { path: path.join(&b'/'), error }.into());
                    continue;
                }
                Step::Failed { error, .. } => return Err(error.into()),
                Step::Leave { .. } => continue,
            };
            let place = below(&self.args.dir, &path);
            let existing = place.symlink_metadata().ok().filter(|_| !self.args.archive);
            match entry.kind {
                _ if existing.is_some_and(|it| !gives_way(&it, &entry, self.args.overwrite)) => {
                    summary.skipped += 1;
                }
                EntryKind::File(_) => {
                    summary.files += 1;
                    summary.bytes += entry.size;
                }
                _ => summary.skipped += 1,
            }
        }
        Ok(summary)
    }
}
