//! What a person may type: the command tree, its options, and where else their values come from.
//!
//! Owns shapes and their parsing; does nothing. A value comes from a flag, else from the
//! environment ([`sources`]), else from the configuration file's settings.

mod backup;
mod doctor;
mod export;
mod global;
mod graph;
mod health;
mod items;
mod maintenance;
mod policy;
mod repo;
mod restore;
mod snapshot;
pub mod sources;
pub mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use backup::{
    BackupCommand, BackupCreateArgs, BackupCreateCommand, BackupDeleteArgs, BackupDeleteCommand,
    BackupDetailsArgs, BackupDetailsCommand, BackupListArgs, BackupListCommand,
};
pub use doctor::{DoctorCommand, DoctorGraphArgs, PurposeArg};
pub use export::{ExportArgs, ExportCommand};
pub use global::{GlobalArgs, LogFormat, SecretArgs};
pub use graph::{CloudArg, GraphArgs};
pub use health::HealthArgs;
pub use items::{BackupArg, ItemArgs};
pub use maintenance::{MaintenanceCommand, MaintenanceExplainArgs, MaintenanceRunArgs, ReclaimArgs};
pub use policy::{FieldArgs, PolicyCommand, PolicyRemoveArgs, PolicySetArgs, PolicyShowArgs, RuleArgs};
pub use repo::{
    ConnectArgs, InitArgs, KdfArgs, KeyCommand, LevelArg, LocationCommand, NewSecretArgs, PromoteArgs,
    RepairArgs, RepairCommand, RepairLogArgs, RepoCommand, RetentionArgs, RetentionChange, RetentionLeast,
    RetentionModeArg, SyncArgs, VerifyArgs,
};
pub use restore::{CollisionsArg, RestoreCommand, RestoreDriveArgs};
pub use snapshot::{
    CatArgs, CompressionArg, CreateArgs, DiffArgs, FindArgs, ForgetArgs, ListArgs, LsArgs, OverwriteArg,
    RecallArgs, RestoreArgs, ShowArgs, SnapshotCommand, WritingArgs,
};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "corso",
    version,
    about = "Backs up folders and Microsoft 365 into an encrypted, deduplicated, versioned repository",
    after_help = "Start with `corso demo`: it backs up a simulated OneDrive, is killed, goes on, verifies, \
                  exports and restores, all on this machine.\n\nExample:\n  corso repo init filesystem --path /mnt/disk/backup\n  \
                  corso snapshot create ~/documents\n  corso snapshot restore latest --target /tmp/back",
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Command,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make, connect, inspect and verify repositories
    #[command(subcommand)]
    Repo(RepoCommand),
    /// Make, list, browse, compare, restore, forget and recall snapshots
    #[command(subcommand, visible_alias = "snap")]
    Snapshot(SnapshotCommand),
    /// Say which snapshots stay, how contents are compressed, and what is left out
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Make, list, look into and delete backups of Microsoft 365
    #[command(subcommand)]
    Backup(BackupCommand),
    /// Put what a backup holds back into Microsoft 365
    #[command(subcommand)]
    Restore(RestoreCommand),
    /// Write what a backup holds to this machine; needs no Microsoft account
    #[command(subcommand)]
    Export(ExportCommand),
    /// Give space back, keep index and log short, and tell why something is still there
    #[command(subcommand)]
    Maintenance(MaintenanceCommand),
    /// Tell in seconds whether backups and verification are up to date; for cron
    #[command(after_help = "\
Reads the log and no data: a handful of requests, however large the repository is. Ends with 0 if
all is well, 3 if something is overdue, 30 if damage is known (docs/health.md).

Example:
  corso health
  corso health --max-age 8d --max-unverified-age 90d --json")]
    Health(HealthArgs),
    /// Check that a service can be used
    #[command(subcommand)]
    Doctor(DoctorCommand),
    /// Back up a simulated OneDrive, kill, resume, verify, export and restore; all on this machine
    #[command(
        after_help = "Example:\n  corso demo\n  corso demo folder",
        args_conflicts_with_subcommands = true
    )]
    Demo(DemoArgs),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  corso completions bash > ~/.local/share/bash-completion/completions/corso"
    )]
    Completions {
        /// The shell to complete for
        shell: clap_complete::Shell,
    },
    /// Write a manual page per command into a folder
    #[command(after_help = "Example:\n  corso man ~/.local/share/man/man1")]
    Man {
        /// The folder; made if it is not there
        dir: PathBuf,
    },
}

impl Command {
    /// The options for Microsoft Graph, if the command uses it.
    pub fn graph_mut(&mut self) -> Option<&mut GraphArgs> {
        match self {
            Command::Doctor(DoctorCommand::Graph(args)) => Some(&mut args.graph),
            Command::Backup(BackupCommand::Create(BackupCreateCommand::Onedrive(args))) => {
                Some(&mut args.graph)
            }
            Command::Restore(RestoreCommand::Onedrive(args)) => Some(&mut args.graph),
            _ => None,
        }
    }
}

/// What is shown.
#[derive(Debug, Args)]
pub struct DemoArgs {
    #[command(subcommand)]
    pub what: Option<DemoCommand>,
    #[command(flatten)]
    pub drive: DemoDriveArgs,
}

/// What else is shown.
#[derive(Debug, Subcommand)]
pub enum DemoCommand {
    /// Back up, change, verify and restore generated data in a temporary folder
    #[command(after_help = "Example:\n  corso demo folder --size 1GiB")]
    Folder(DemoFolderArgs),
}

/// Options of `corso demo`.
#[derive(Debug, Args)]
pub struct DemoDriveArgs {
    /// Users of the simulated tenant who have a drive
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub users: u32,
    /// Items in each drive
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(20..=100_000))]
    pub items: u32,
    /// Keep the folder with the repository and the exports
    #[arg(long)]
    pub keep: bool,
}

/// Options of `corso demo folder`.
#[derive(Debug, Args)]
pub struct DemoFolderArgs {
    /// How much data to generate
    #[arg(long, value_name = "SIZE", default_value = "32MiB", value_parser = values::size)]
    pub size: u64,
    /// Keep the folder with the data and the repository
    #[arg(long)]
    pub keep: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn each(command: &clap::Command, visit: &mut dyn FnMut(&clap::Command)) {
        visit(command);
        command.get_subcommands().for_each(|inner| each(inner, visit));
    }

    #[test]
    fn the_command_tree_is_sound() {
        sources::with_environment(Cli::command()).debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        each(&Cli::command(), &mut |command| {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let group = command.has_subcommands() && command.get_name() != "corso";
            assert!(group || help.contains("Example"), "{}", command.get_name());
        });
    }

    #[test]
    fn no_option_takes_a_secret_as_its_value() {
        each(&Cli::command(), &mut |command| {
            for long in command.get_arguments().filter_map(|arg| arg.get_long()) {
                let secret = ["passphrase", "password", "secret", "token", "key", "access-key"];
                assert!(!secret.contains(&long), "--{long}");
            }
        });
    }
}
