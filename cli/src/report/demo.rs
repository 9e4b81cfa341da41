//! What the demonstrations did.

use std::fmt;

use serde::Serialize;

use super::{Count, Escaped, Size};

/// What the demonstration of OneDrive did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct DriveDemoSummary {
    pub users: u64,
    pub files: u64,
    pub bytes: u64,
    /// Contents that were fetched until the backup was killed, and by the one that went on.
    pub fetched_before_kill: u64,
    pub fetched_after_kill: u64,
    /// Of those, how many had been fetched before: they were under way at the kill.
    pub fetched_twice: u64,
    /// By the backups that went to their end.
    pub requests: u64,
    /// What went wrong: contents that were not theirs, addresses that had expired, pages out of order.
    pub faults: u64,
    /// Items that could not be had, each named.
    pub left_out: u64,
    pub stored: u64,
    /// Changes made to the drives, and contents fetched for them by the next backup.
    pub changes: u64,
    pub fetched_for_changes: u64,
    /// Damage that a verification of everything found.
    pub damage: u64,
    /// What differs between the drives and their exports, or between a drive and what was restored of it.
    pub differences: u64,
    /// Rules of Microsoft's that were broken.
    pub violations: u64,
    pub seconds: f64,
    /// The folder, if it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

impl fmt::Display for DriveDemoSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.differences {
            0 => f.write_str("What came back equals the drives: ")?,
            found => write!(f, "{} between the drives and what came back: ", Count(found, "difference"))?,
        }
        write!(f, "{}, {}", Count(self.users, "user"), Count(self.files, "file"))?;
        writeln!(f, ", {}; stored {}.", Size(self.bytes), Size(self.stored))?;
        write!(f, "Killed after {}", Count(self.fetched_before_kill, "file"))?;
        write!(f, ", gone on with {}", Count(self.fetched_after_kill, "file"))?;
        writeln!(f, "; {} fetched twice.", self.fetched_twice)?;
        write!(f, "{}, {}", Count(self.requests, "request"), Count(self.faults, "fault"))?;
        writeln!(f, "; {} that could not be had, named.", Count(self.left_out, "item"))?;
        write!(f, "{} cost {}", Count(self.changes, "change"), Count(self.fetched_for_changes, "file"))?;
        match (self.damage, self.violations) {
            (0, 0) => f.write_str("; no damage, no rule broken")?,
            (damage, broken) => write!(f, "; damage in {damage} places, {broken} rules broken")?,
        }
        write!(f, "; {:.1} s in all.", self.seconds)?;
        match &self.folder {
            Some(folder) => write!(f, "\nIt is all in {}", Escaped(folder.as_bytes())),
            None => Ok(()),
        }
    }
}

/// What the demonstration of a folder did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct FolderDemoSummary {
    pub files: u64,
    pub bytes: u64,
    /// Bytes that the first and the second backup stored.
    pub stored_first: u64,
    pub stored_second: u64,
    /// What differs between the two snapshots.
    pub changes: u64,
    /// Damage that a verification of everything found.
    pub damage: u64,
    /// What differs between the source and its restored copy.
    pub differences: u64,
    pub seconds: f64,
    /// The folder, if it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

impl fmt::Display for FolderDemoSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.differences {
            0 => write!(f, "The restored copy equals its source: ")?,
            found => write!(f, "{} between source and restored copy: ", Count(found, "difference"))?,
        }
        if self.damage > 0 {
            write!(f, "damage in {}: ", Count(self.damage, "place"))?;
        }
        write!(f, "{}, {}", Count(self.files, "file"), Size(self.bytes))?;
        write!(f, "; stored {} and then {}", Size(self.stored_first), Size(self.stored_second))?;
        write!(f, "; {:.1} s in all.", self.seconds)?;
        match &self.folder {
            Some(folder) => write!(f, "\nIt is all in {}", Escaped(folder.as_bytes())),
            None => Ok(()),
        }
    }
}
