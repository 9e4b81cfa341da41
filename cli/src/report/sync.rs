//! What is said of copies.

use std::fmt;

use repo_format::sync::{Removed, SyncReport};
use serde::Serialize;

use super::{Count, Escaped, Size};

/// A copy was brought up to date, or would have been.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct SyncSummary {
    pub repository_id: String,
    pub from: String,
    pub to: String,
    pub dry_run: bool,
    /// The newest record that the copy can be read up to; 0 if it cannot be read yet.
    pub revision: u64,
    pub copied: u64,
    pub copied_bytes: u64,
    /// What the copy had before.
    pub there: u64,
    pub there_bytes: u64,
    /// What of it was read and hashed; 0 without `--check`.
    pub checked: u64,
    pub checked_bytes: u64,
    /// Blobs among those copied that were damaged at the copy.
    pub replaced: u64,
    /// Blobs that the repository does not have whole, and that were not copied.
    pub damaged: u64,
    /// Blobs that maintenance removed while they were to be copied.
    pub vanished: u64,
    /// Blobs of the copy that the repository does not have any more.
    pub stale: u64,
    pub stale_bytes: u64,
    /// What of them was removed; 0 without `--delete`.
    pub deleted: u64,
    pub deleted_bytes: u64,
    /// What of them the repository has lost: the copy's state needs it. 0 without `--delete`.
    pub lost: u64,
    pub interrupted: bool,
    pub seconds: f64,
}

impl SyncSummary {
    /// Both places are the caller's to fill in.
    pub fn new(report: &SyncReport, removed: Removed) -> SyncSummary {
        SyncSummary {
            repository_id: report.repo.to_string(),
            from: String::new(),
            to: String::new(),
            dry_run: report.dry_run,
            revision: report.revision,
            copied: report.copied,
            copied_bytes: report.copied_bytes,
            there: report.there,
            there_bytes: report.there_bytes,
            checked: report.checked,
            checked_bytes: report.checked_bytes,
            replaced: report.replaced,
            damaged: report.damaged.len() as u64,
            vanished: report.vanished,
            stale: report.stale.len() as u64,
            stale_bytes: report.stale_bytes(),
            deleted: removed.blobs,
            deleted_bytes: removed.bytes,
            lost: removed.kept,
            interrupted: report.interrupted,
            seconds: report.duration.as_secs_f64(),
        }
    }
}

impl fmt::Display for SyncSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Repository   {}", self.repository_id)?;
        writeln!(f, "Copy         {}", Escaped(self.to.as_bytes()))?;
        let verb = if self.dry_run { "To copy     " } else { "Copied      " };
        write!(f, "{verb} {}, {}", Count(self.copied, "blob"), Size(self.copied_bytes))?;
        if self.there > 0 {
            write!(f, "; {} with {} were there", Count(self.there, "blob"), Size(self.there_bytes))?;
        }
        writeln!(f)?;
        if self.checked > 0 {
            write!(f, "Checked      {}, {}", Count(self.checked, "blob"), Size(self.checked_bytes))?;
            writeln!(f, "; {} damaged, and replaced", self.replaced)?;
        }
        if self.damaged > 0 {
            let blobs = Count(self.damaged, "blob");
            writeln!(f, "Damaged      {blobs} of the repository, which were not copied")?;
        }
        let left = self.stale.saturating_sub(self.deleted);
        if self.deleted > 0 {
            writeln!(f, "Removed      {}, {}", Count(self.deleted, "blob"), Size(self.deleted_bytes))?;
        } else if left > 0 {
            let size = Size(self.stale_bytes);
            writeln!(
                f,
                "Left over    {}, {size}; --delete removes what of it nobody needs",
                Count(left, "blob")
            )?;
        }
        if self.lost > 0 {
            let blobs = Count(self.lost, "blob");
            writeln!(
                f,
                "Lost         {blobs} that the repository needs and has no more; the copy keeps them"
            )?;
        }
        writeln!(f, "Took         {:.1} s", self.seconds)?;
        match (self.dry_run, self.revision) {
            (true, _) => f.write_str("This was a dry run: nothing was written.")?,
            (false, 0) => f.write_str("There is nothing to read in the copy yet.")?,
            (false, revision) => {
                write!(f, "The copy is at revision {revision}, and read-only until `corso repo promote`.")?;
            }
        }
        if self.interrupted {
            f.write_str("\nInterrupted: the same command goes on from here.")
        } else {
            Ok(())
        }
    }
}

/// A copy became a repository of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct PromoteSummary {
    pub repository_id: String,
    pub location: String,
    pub revision: u64,
    /// What it lacks; 0 without `--force`.
    pub missing: u64,
}

impl fmt::Display for PromoteSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let location = Escaped(self.location.as_bytes());
        writeln!(f, "Promoted     repository {}", self.repository_id)?;
        writeln!(f, "at           {location}, revision {}", self.revision)?;
        if self.missing > 0 {
            let missing = Count(self.missing, "thing");
            writeln!(
                f,
                "It lacks {missing} that it needs: run `corso repo verify`, and then `corso repo repair`."
            )?;
        }
        f.write_str(
            "\nBackups can go here from now on: `corso repo connect` makes it the default. Write no more to the\n\
             repository that it was copied from: the two have one ID, and each would go on with a history of its\n\
             own. Keep that one as it is until you need nothing of it, then remove it. For a second copy again,\n\
             `corso repo sync --to` an empty place.",
        )
    }
}
