//! `corso maintenance …`

use std::time::Duration;

use clap::{Args, Subcommand};

use super::CompressionArg;
use super::values;

/// What keeps a repository small and quick.
#[derive(Debug, Subcommand)]
pub enum MaintenanceCommand {
    /// Give space back, merge the index, and trim the log; safe beside backups
    #[command(after_help = "\
What snapshots no longer need is condemned first, and deleted by a run after the grace period: the
period saves backups under way from storing things again, and nothing is unsafe without it.

Example:
  corso maintenance run
  corso maintenance run --quick
  corso maintenance run --dry-run")]
    Run(MaintenanceRunArgs),
    /// Tell what waits for maintenance; costs a handful of requests
    #[command(after_help = "Example:\n  corso maintenance status")]
    Status,
    /// Tell why a pack, or so many bytes, are still there, who needs them, and when they go
    #[command(after_help = "\
Looks at all that snapshots need, as a run does, and changes nothing. Of the snapshots that need a
pack the five oldest are named, with two paths of each: what only they need goes once they are
forgotten.

Example:
  corso maintenance explain
  corso maintenance explain 3f2a
  corso maintenance explain 2GiB")]
    Explain(MaintenanceExplainArgs),
}

/// Options of `corso maintenance run`.
#[derive(Debug, Clone, Args)]
pub struct MaintenanceRunArgs {
    /// Only fold the log and merge index segments; look for nothing to reclaim
    #[arg(long)]
    pub quick: bool,
    /// Say what would be done; change nothing
    #[arg(long, conflicts_with = "quick")]
    pub dry_run: bool,
    /// How hard to compress what is rewritten [default: what the policy for all sources says]
    #[arg(long, value_name = "LEVEL")]
    pub compression: Option<CompressionArg>,
    #[command(flatten)]
    pub limits: ReclaimArgs,
}

/// Options of `corso maintenance explain`.
#[derive(Debug, Clone, Args)]
pub struct MaintenanceExplainArgs {
    /// A pack's ID or the beginning of it, or a number of bytes; the ten emptiest packs if absent
    #[arg(value_name = "PACK|SIZE")]
    pub what: Option<String>,
    #[command(flatten)]
    pub limits: ReclaimArgs,
}

/// What may go, and when.
#[derive(Debug, Clone, Args)]
pub struct ReclaimArgs {
    /// Time between condemning what is not needed and deleting it
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = values::wait)]
    pub grace: Duration,
    /// The same for blobs that no record knows: a slow backup may still name them
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = values::wait)]
    pub grace_unknown: Duration,
    /// Unused bytes that may stay in packs, in percent of those that are needed
    #[arg(long, value_name = "PERCENT", default_value = "2", value_parser = values::percent)]
    pub max_unused: f64,
    /// Records of the log to keep at least
    #[arg(long, value_name = "N", default_value_t = 1024)]
    pub keep_records: u64,
    /// Threads that read, walk and delete [default: 2 to 8, after the machine]
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub threads: Option<usize>,
}
