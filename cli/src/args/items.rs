//! Which backup is meant, and what of it.

use clap::Args;
use folder::{SelectError, Selector, Terms};

/// One backup.
#[derive(Debug, Clone, Args)]
pub struct BackupArg {
    /// The backup's ID, the beginning of it, or `latest`
    #[arg(long, value_name = "ID")]
    pub backup: String,
    /// Whose backup `latest` means: an ID or a user principal name
    #[arg(long = "user", value_name = "USER", value_delimiter = ',')]
    pub users: Vec<String>,
}

/// What of a backup is meant. Without any of these, all of it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Selection (docs/selection.md)")]
pub struct ItemArgs {
    /// Files of this name or pattern, with a slash of this path; several with commas
    #[arg(long = "file", value_name = "PATTERN")]
    pub files: Vec<String>,
    /// All in folders of this name or pattern, with a slash in front from the root on
    #[arg(long = "folder", value_name = "PATTERN")]
    pub folders: Vec<String>,
    /// Files created after this date or moment
    #[arg(long, value_name = "TIME")]
    pub file_created_after: Option<String>,
    /// Files created before this date or moment
    #[arg(long, value_name = "TIME")]
    pub file_created_before: Option<String>,
    /// Files modified after this date or moment
    #[arg(long, value_name = "TIME")]
    pub file_modified_after: Option<String>,
    /// Files modified before this date or moment
    #[arg(long, value_name = "TIME")]
    pub file_modified_before: Option<String>,
}

impl ItemArgs {
    /// The selection.
    ///
    /// # Errors
    /// [`SelectError`] names the option that is wrong.
    pub fn selector(&self) -> Result<Selector, SelectError> {
        Selector::parse(&Terms {
            files: self.files.clone(),
            folders: self.folders.clone(),
            file_created_after: self.file_created_after.clone(),
            file_created_before: self.file_created_before.clone(),
            file_modified_after: self.file_modified_after.clone(),
            file_modified_before: self.file_modified_before.clone(),
        })
    }
}
