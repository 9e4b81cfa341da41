//! What a restore into a service came to.

use std::fmt;

use serde::Serialize;

use super::{Count, Escaped, Size};

/// What was restored into a drive, or would be.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct DriveRestoreSummary {
    pub snapshot_id: String,
    /// Whose drive it went into.
    pub user: String,
    /// Where in the drive; empty for its root.
    pub folder: String,
    pub dry_run: bool,
    /// An earlier run was gone on with.
    pub resumed: bool,
    pub interrupted: bool,
    /// By this run; folders that were there are not counted.
    pub files: u64,
    pub folders: u64,
    pub bytes: u64,
    /// Files that an earlier run restored.
    pub earlier: u64,
    pub skipped: u64,
    pub failed: u64,
    /// Items that were restored, with something that is not as it was.
    pub warnings: u64,
    pub seconds: f64,
}

impl fmt::Display for DriveRestoreSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.dry_run { "Would restore" } else { "Restored" };
        let (files, folders) = (Count(self.files, "file"), Count(self.folders, "folder"));
        let place = if self.folder.is_empty() { "the root" } else { &self.folder };
        write!(f, "{verb} {files}, {folders}, {}", Size(self.bytes))?;
        write!(f, " to {} of {}", Escaped(place.as_bytes()), Escaped(self.user.as_bytes()))?;
        write!(f, " in {:.1} s", self.seconds)?;
        if self.resumed {
            write!(f, "\nWent on with an earlier run, which had restored {}", Count(self.earlier, "file"))?;
        }
        if self.skipped + self.failed + self.warnings > 0 {
            write!(f, "\n{} skipped, {} failed, ", self.skipped, self.failed)?;
            write!(f, "{}", Count(self.warnings, "warning"))?;
        }
        if self.interrupted {
            f.write_str("\nInterrupted: the same command goes on from here.")
        } else {
            Ok(())
        }
    }
}
