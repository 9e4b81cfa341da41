//! `corso backup …`

use clap::{Args, Subcommand};

use super::{BackupArg, GraphArgs, ItemArgs, WritingArgs, values};

/// What can be done with backups of Microsoft 365.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Back up what a service holds
    #[command(subcommand)]
    Create(BackupCreateCommand),
    /// List backups, oldest first
    #[command(subcommand)]
    List(BackupListCommand),
    /// List what is in one backup
    #[command(subcommand)]
    Details(BackupDetailsCommand),
    /// Drop backups from the repository's state
    #[command(subcommand)]
    Delete(BackupDeleteCommand),
}

/// Of which service.
#[derive(Debug, Subcommand)]
pub enum BackupCreateCommand {
    /// Users' OneDrives
    #[command(
        after_help = "Examples:\n  corso backup create onedrive --user '*' --exclude-user bo@example.com\n  corso backup create onedrive --user adele@example.com --folder Documents/Work"
    )]
    Onedrive(Box<BackupCreateArgs>),
}

/// Options of `corso backup create SERVICE`.
#[derive(Debug, Clone, Args)]
pub struct BackupCreateArgs {
    /// Whose drives: IDs or user principal names, or * for everybody
    #[arg(long = "user", required = true, value_name = "USER", value_delimiter = ',')]
    pub users: Vec<String>,
    /// Whose drives not
    #[arg(long = "exclude-user", value_name = "USER", value_delimiter = ',')]
    pub exclude_users: Vec<String>,
    /// Only this folder of each drive, by its path from the root; may be given several times
    ///
    /// The same users with other folders, or with none, are another backup, with a history of its own.
    #[arg(long = "folder", value_name = "PATH", value_parser = values::drive_folder)]
    pub folders: Vec<String>,
    /// A tag; may be given several times
    #[arg(long = "tag", value_name = "NAME=VALUE", value_parser = values::tag, value_delimiter = '\n')]
    pub tags: Vec<(String, String)>,
    /// Stop at the first item that fails, later users included
    #[arg(long)]
    pub fail_fast: bool,
    /// Users at a time; each fetches as many contents as --threads says [default of those: 8]
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = values::positive)]
    pub parallelism: usize,
    /// Do not read who may see shared items: that costs five units an item
    #[arg(long)]
    pub no_permissions: bool,
    #[command(flatten)]
    pub writing: WritingArgs,
    #[command(flatten)]
    pub graph: GraphArgs,
}

/// Of which service.
#[derive(Debug, Subcommand)]
pub enum BackupListCommand {
    /// Of users' OneDrives
    #[command(after_help = "Example:\n  corso backup list onedrive --user adele@example.com --failed-items")]
    Onedrive(BackupListArgs),
}

/// Of which service.
#[derive(Debug, Subcommand)]
pub enum BackupDetailsCommand {
    /// Of a user's OneDrive
    #[command(
        after_help = "Example:\n  corso backup details onedrive --backup latest --folder Reports --file '*.docx'"
    )]
    Onedrive(BackupDetailsArgs),
}

/// Of which service.
#[derive(Debug, Subcommand)]
pub enum BackupDeleteCommand {
    /// Of users' OneDrives
    #[command(after_help = "Example:\n  corso backup delete onedrive --backups 3f2a,77b0 --dry-run")]
    Onedrive(BackupDeleteArgs),
}

/// Options of `corso backup list SERVICE`.
#[derive(Debug, Clone, Args)]
pub struct BackupListArgs {
    /// Only of these users: IDs or user principal names
    #[arg(long = "user", value_name = "USER", value_delimiter = ',')]
    pub users: Vec<String>,
    /// Checkpoints of unfinished runs too
    #[arg(long)]
    pub all: bool,
    /// The items that each backup is without
    #[arg(long)]
    pub failed_items: bool,
    /// The items that each backup passed over for cause
    #[arg(long)]
    pub skipped_items: bool,
    /// The items that the backup before was without, and that failed no more
    #[arg(long)]
    pub recovered_errors: bool,
    /// What is in each backup and needs attention
    #[arg(long)]
    pub alerts: bool,
}

/// Options of `corso backup details SERVICE`.
#[derive(Debug, Clone, Args)]
pub struct BackupDetailsArgs {
    #[command(flatten)]
    pub backup: BackupArg,
    #[command(flatten)]
    pub items: ItemArgs,
    /// Size and time as well
    #[arg(long, short)]
    pub long: bool,
}

/// Options of `corso backup delete SERVICE`.
#[derive(Debug, Clone, Args)]
pub struct BackupDeleteArgs {
    /// The backups' IDs or the beginnings of them
    #[arg(long, required = true, value_name = "ID", value_delimiter = ',')]
    pub backups: Vec<String>,
    /// Say which, and delete none
    #[arg(long)]
    pub dry_run: bool,
}
