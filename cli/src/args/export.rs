//! `corso export …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{BackupArg, ItemArgs, OverwriteArg, values};

/// Of which service.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Files and folders of a user's OneDrive
    #[command(
        after_help = "Example:\n  corso export onedrive --backup latest --user adele@example.com /tmp/out --archive"
    )]
    Onedrive(ExportArgs),
}

/// Options of `corso export SERVICE`.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// The folder to write to; made if it is not there
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    #[command(flatten)]
    pub backup: BackupArg,
    #[command(flatten)]
    pub items: ItemArgs,
    /// Write one zip file into the folder
    #[arg(long)]
    pub archive: bool,
    /// What becomes of files that are there
    #[arg(long, value_name = "WHEN", default_value = "never")]
    pub overwrite: OverwriteArg,
    /// Say what would be exported, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Threads that fetch, decrypt and write [default: as many as the machine has cores]
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub threads: Option<usize>,
}
