//! `corso restore …`

use clap::{Args, Subcommand, ValueEnum};

use super::{BackupArg, GraphArgs, ItemArgs, values};

/// Of which service.
#[derive(Debug, Subcommand)]
pub enum RestoreCommand {
    /// Files and folders of a user's OneDrive
    #[command(
        after_help = "Example:\n  corso restore onedrive --backup latest --user adele@example.com --folder /Reports"
    )]
    Onedrive(Box<RestoreDriveArgs>),
}

/// Options of `corso restore SERVICE`.
#[derive(Debug, Clone, Args)]
pub struct RestoreDriveArgs {
    #[command(flatten)]
    pub backup: BackupArg,
    #[command(flatten)]
    pub items: ItemArgs,
    /// A folder of the drive, or / for where things were [default: a new folder, Corso_Restore_ and the time]
    #[arg(long, value_name = "NAME|/")]
    pub destination: Option<String>,
    /// Whose drive to restore into [default: whose it was]
    #[arg(long, value_name = "USER")]
    pub to_resource: Option<String>,
    /// What happens to a file whose name is taken; folders are merged
    #[arg(long, value_name = "WHAT", default_value = "skip")]
    pub collisions: CollisionsArg,
    /// Do not give permissions back
    #[arg(long)]
    pub no_permissions: bool,
    /// Forget what an earlier run of the same restore has done, and do everything once more
    #[arg(long)]
    pub start_over: bool,
    /// Say what would be restored, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Files on their way at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = values::positive)]
    pub uploads: usize,
    #[command(flatten)]
    pub graph: GraphArgs,
}

/// What happens to a file whose name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CollisionsArg {
    /// What is there stays
    Skip,
    /// What is there stays, and the file gets a number
    Copy,
    /// The file takes its place; what was there goes to the recycle bin
    Replace,
}
