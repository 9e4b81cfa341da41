//! `corso snapshot …`

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::RuleArgs;
use super::values::{self, Place};

/// What can be done with snapshots.
#[derive(Debug, Subcommand)]
pub enum SnapshotCommand {
    /// Back up files and folders
    #[command(
        after_help = "Example:\n  corso snapshot create ~/documents --tag kind=daily --exclude '*.tmp'"
    )]
    Create(CreateArgs),
    /// List snapshots, oldest first
    #[command(after_help = "Example:\n  corso snapshot list --tag kind=daily")]
    List(ListArgs),
    /// Show all that is known of one snapshot
    #[command(after_help = "Example:\n  corso snapshot show latest")]
    Show(ShowArgs),
    /// List what is in a snapshot or a folder of it
    #[command(after_help = "Example:\n  corso snapshot ls latest:documents --recursive --long")]
    Ls(LsArgs),
    /// Write a file of a snapshot to stdout
    #[command(after_help = "Example:\n  corso snapshot cat latest:documents/letter.txt | less")]
    Cat(CatArgs),
    /// Compare two snapshots
    #[command(after_help = "Example:\n  corso snapshot diff 3f2a latest")]
    Diff(DiffArgs),
    /// Find names in snapshots
    #[command(after_help = "Example:\n  corso snapshot find '*.odt' --snapshot latest")]
    Find(FindArgs),
    /// Write files back
    #[command(after_help = "Example:\n  corso snapshot restore latest:documents --target /tmp/back --verify")]
    Restore(RestoreArgs),
    /// Drop snapshots from the repository's state
    #[command(
        after_help = "Examples:\n  corso snapshot forget 3f2a --dry-run\n  corso snapshot forget --policy\n  corso snapshot forget --source ~/documents --keep-daily 7 --keep-weekly 4"
    )]
    Forget(ForgetArgs),
    /// Bring forgotten snapshots back, as long as nothing of them was reclaimed
    #[command(after_help = "Example:\n  corso snapshot list --forgotten\n  corso snapshot recall 3f2a")]
    Recall(RecallArgs),
}

/// Options of `corso snapshot create`.
#[derive(Debug, Clone, Args)]
pub struct CreateArgs {
    /// Files and folders to back up
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// A tag; may be given several times
    #[arg(long = "tag", value_name = "NAME=VALUE", value_parser = values::tag, value_delimiter = '\n')]
    pub tags: Vec<(String, String)>,
    /// The host to record [default: this machine's name]
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
    /// Read everything: use no earlier snapshot as base
    #[arg(long)]
    pub force: bool,
    /// Read and count, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Stop at the first item that fails
    #[arg(long)]
    pub fail_fast: bool,
    #[command(flatten)]
    pub selection: SelectionArgs,
    #[command(flatten)]
    pub writing: WritingArgs,
}

/// What is left out, and what counts as changed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectionArgs {
    /// Leave out what matches, in gitignore syntax; may be given several times [default: the policy's]
    #[arg(long, value_name = "PATTERN", value_delimiter = '\n')]
    pub exclude: Vec<String>,
    /// Read patterns from a file, one a line
    #[arg(long, value_name = "FILE", value_delimiter = '\n')]
    pub exclude_file: Vec<PathBuf>,
    /// Leave out what is in folders with a CACHEDIR.TAG
    #[arg(long)]
    pub exclude_caches: bool,
    /// Leave out larger files
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub exclude_larger_than: Option<u64>,
    /// Do not cross into other file systems
    #[arg(long)]
    pub one_file_system: bool,
    /// Files inside the tree that hold patterns for their folder; empty for none
    #[arg(long, value_name = "NAME", default_value = ".corsoignore", value_delimiter = '\n')]
    pub ignore_file: Vec<String>,
    /// Do not take a file for changed because of its ctime alone
    #[arg(long)]
    pub ignore_ctime: bool,
    /// Do not take a file for changed because of its inode alone
    #[arg(long)]
    pub ignore_inode: bool,
}

/// How a snapshot is written.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Writing")]
pub struct WritingArgs {
    /// How often what is done so far is committed; at least 10s
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::duration)]
    pub checkpoint_interval: Duration,
    /// How hard to compress [default: as the policy says, else `default`]
    #[arg(long, value_name = "LEVEL")]
    pub compression: Option<CompressionArg>,
    /// Threads that read, compress and encrypt [default: as many as the machine has cores]
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub threads: Option<usize>,
    /// Size of a data pack
    #[arg(long, value_name = "SIZE", default_value = "32MiB", value_parser = values::size)]
    pub pack_size: u64,
    /// Do not decode every pack once more before it is written
    #[arg(long)]
    pub no_extra_verify: bool,
}

/// How hard to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompressionArg {
    None,
    Fast,
    Default,
    Max,
}

/// Options of `corso snapshot list`.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// Only of this source: a path, HOST:PATH, a user, or id: and the ID of a snapshot of it
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
    /// Only with this tag; may be given several times
    #[arg(long = "tag", value_name = "NAME=VALUE", value_parser = values::tag, value_delimiter = '\n')]
    pub tags: Vec<(String, String)>,
    /// Checkpoints of unfinished runs too
    #[arg(long)]
    pub all: bool,
    /// Those that were forgotten and may still be recalled, instead of those that are there
    #[arg(long)]
    pub forgotten: bool,
}

/// Options of `corso snapshot show`.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// The snapshot's ID, the beginning of it, or `latest`
    #[arg(value_name = "ID")]
    pub id: String,
}

/// Options of `corso snapshot ls`.
#[derive(Debug, Clone, Args)]
pub struct LsArgs {
    /// The snapshot, and the folder in it
    #[arg(value_name = "ID[:PATH]", value_parser = Place::parser())]
    pub place: Place,
    /// What is below, at any depth
    #[arg(long, short)]
    pub recursive: bool,
    /// Mode, owner, size and time as well
    #[arg(long, short)]
    pub long: bool,
}

/// Options of `corso snapshot cat`.
#[derive(Debug, Clone, Args)]
pub struct CatArgs {
    /// The snapshot, and the file in it
    #[arg(value_name = "ID:PATH", value_parser = Place::parser())]
    pub place: Place,
}

/// Options of `corso snapshot diff`.
#[derive(Debug, Clone, Args)]
pub struct DiffArgs {
    /// The snapshot to compare with, and a folder in it
    #[arg(value_name = "A[:PATH]", value_parser = Place::parser())]
    pub before: Place,
    /// The snapshot to compare, and a folder in it
    #[arg(value_name = "B[:PATH]", value_parser = Place::parser())]
    pub after: Place,
}

/// Options of `corso snapshot find`.
#[derive(Debug, Clone, Args)]
pub struct FindArgs {
    /// A glob; matched with names, or with whole paths if it has a `/`
    #[arg(value_name = "PATTERN")]
    pub pattern: String,
    /// Only in this snapshot; may be given several times
    #[arg(long = "snapshot", value_name = "ID")]
    pub snapshots: Vec<String>,
    /// Capital letters match small ones
    #[arg(long, short)]
    pub ignore_case: bool,
}

/// Options of `corso snapshot restore`.
#[derive(Debug, Clone, Args)]
pub struct RestoreArgs {
    /// The snapshot, and what of it
    #[arg(value_name = "ID[:PATH]", value_parser = Place::parser())]
    pub place: Place,
    /// The folder to write to; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub target: PathBuf,
    /// What becomes of files that are there
    #[arg(long, value_name = "WHEN", default_value = "never")]
    pub overwrite: OverwriteArg,
    /// Read back and compare what was written
    #[arg(long)]
    pub verify: bool,
    /// Say what would be restored, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Threads that fetch, decrypt and write [default: as many as the machine has cores]
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub threads: Option<usize>,
}

/// What becomes of files that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OverwriteArg {
    Never,
    IfNewer,
    Always,
}

/// Options of `corso snapshot forget`.
#[derive(Debug, Clone, Args)]
pub struct ForgetArgs {
    /// The snapshots' IDs or the beginnings of them
    #[arg(value_name = "ID", required_unless_present_any = ["policy", "rules"])]
    pub ids: Vec<String>,
    /// Those that the stored policies do not keep (docs/retention.md)
    #[arg(long, conflicts_with_all = ["ids", "rules"])]
    pub policy: bool,
    /// With a policy or rules: only of this source, as in `snapshot list`; may be given several times
    #[arg(long = "source", value_name = "SOURCE", conflicts_with = "ids")]
    pub sources: Vec<String>,
    /// Say which, and forget none
    #[arg(long)]
    pub dry_run: bool,
    /// Forget even every snapshot of a source
    #[arg(long, conflicts_with = "ids")]
    pub yes_really: bool,
    #[command(flatten)]
    pub rules: RuleArgs,
}

/// Options of `corso snapshot recall`.
#[derive(Debug, Clone, Args)]
pub struct RecallArgs {
    /// The forgotten snapshots' IDs or the beginnings of them
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
}
