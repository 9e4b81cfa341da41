//! What an export came to.

use std::fmt;

use serde::Serialize;

use super::{Count, Escaped, Size};

/// What was written to this machine, or would have been.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct ExportSummary {
    pub snapshot_id: String,
    /// The folder, or the archive.
    pub target: String,
    pub archive: bool,
    pub files: u64,
    pub folders: u64,
    pub bytes: u64,
    /// What was there already and stayed.
    pub skipped: u64,
    pub failed: u64,
    /// Metadata that could not be set.
    pub warnings: u64,
    pub dry_run: bool,
    pub interrupted: bool,
    pub seconds: f64,
}

impl fmt::Display for ExportSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.dry_run { "Would export" } else { "Exported" };
        let (files, folders) = (Count(self.files, "file"), Count(self.folders, "folder"));
        write!(f, "{verb} {files}, {folders}, {}", Size(self.bytes))?;
        write!(f, " to {} in {:.1} s", Escaped(self.target.as_bytes()), self.seconds)?;
        if self.skipped + self.failed + self.warnings > 0 {
            write!(f, "\n{} skipped, {} failed, ", self.skipped, self.failed)?;
            write!(f, "{} about metadata", Count(self.warnings, "warning"))?;
        }
        if self.interrupted { f.write_str("\nInterrupted.") } else { Ok(()) }
    }
}
