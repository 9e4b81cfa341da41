//! `corso policy …`, and the rules that `corso snapshot forget` takes as well.

use clap::{Args, Subcommand, ValueEnum};
use repo_format::policy::{Compression, TagRule};

use super::values::{self, Change};

/// What can be done with policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say which snapshots stay, how to compress, and what to leave out
    ///
    /// What is not said stays as it is. `inherit` takes a field back, so that the next wider policy holds;
    /// `none` says that there is no such rule here.
    #[command(
        after_help = "Examples:\n  corso policy set --global --keep-daily 7 --keep-weekly 4 --keep-monthly 12\n  corso policy set --source ~/documents --keep-last 30 --exclude '*.tmp'\n  corso policy set --service onedrive --keep-weekly inherit --keep-tag legal=hold"
    )]
    Set(PolicySetArgs),
    /// Show what holds for a source, and which policy says so
    #[command(after_help = "Example:\n  corso policy show ~/documents")]
    Show(PolicyShowArgs),
    /// List the policies that are set
    #[command(after_help = "Example:\n  corso policy list")]
    List,
    /// Remove a policy whole
    #[command(after_help = "Example:\n  corso policy remove --source ~/documents")]
    Remove(PolicyRemoveArgs),
}

/// Where a policy holds.
#[derive(Debug, Clone, Args)]
#[group(id = "scope", required = true, multiple = false)]
pub struct ScopeArgs {
    /// For all sources
    #[arg(long)]
    pub global: bool,
    /// For all sources of a service
    #[arg(long, value_name = "NAME", value_parser = ["folder", "onedrive"])]
    pub service: Option<String>,
    /// For one source: a path, HOST:PATH, a user, or id: and the ID of a snapshot of it
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
}

/// Options of `corso policy set`.
#[derive(Debug, Clone, Args)]
pub struct PolicySetArgs {
    #[command(flatten)]
    pub scope: ScopeArgs,
    #[command(flatten)]
    pub fields: FieldArgs,
}

/// What a policy says.
#[derive(Debug, Clone, Args)]
#[group(id = "fields", required = true, multiple = true)]
#[command(next_help_heading = "Fields; each takes `inherit` as well, and `none` for no such rule")]
pub struct FieldArgs {
    /// Keep the latest N snapshots
    #[arg(long, value_name = "N", value_parser = values::change(values::keep_count), allow_hyphen_values = true)]
    pub keep_last: Option<Change<u32>>,
    /// Keep the newest snapshot of each of the last N hours that have one
    #[arg(long, value_name = "N", value_parser = values::change(values::keep_count), allow_hyphen_values = true)]
    pub keep_hourly: Option<Change<u32>>,
    /// Keep the newest snapshot of each of the last N days that have one
    #[arg(long, value_name = "N", value_parser = values::change(values::keep_count), allow_hyphen_values = true)]
    pub keep_daily: Option<Change<u32>>,
    /// Keep the newest snapshot of each of the last N weeks that have one
    #[arg(long, value_name = "N", value_parser = values::change(values::keep_count), allow_hyphen_values = true)]
    pub keep_weekly: Option<Change<u32>>,
    /// Keep the newest snapshot of each of the last N months that have one
    #[arg(long, value_name = "N", value_parser = values::change(values::keep_count), allow_hyphen_values = true)]
    pub keep_monthly: Option<Change<u32>>,
    /// Keep the newest snapshot of each of the last N years that have one
    #[arg(long, value_name = "N", value_parser = values::change(values::keep_count), allow_hyphen_values = true)]
    pub keep_yearly: Option<Change<u32>>,
    /// Keep all snapshots that are not older than the newest by more than this: 36h, 30d, 8w
    #[arg(long, value_name = "DURATION", value_parser = values::change(values::span), allow_hyphen_values = true)]
    pub keep_within: Option<Change<u64>>,
    /// Never forget snapshots with this tag; may be given several times
    #[arg(long = "keep-tag", value_name = "NAME[=VALUE]", value_parser = values::change(values::tag_rule))]
    pub keep_tags: Vec<Change<TagRule>>,
    /// How hard to compress
    #[arg(long, value_name = "LEVEL")]
    pub compression: Option<CompressionChange>,
    /// Leave out what matches when folders are backed up, in gitignore syntax; may be given several times
    #[arg(long, value_name = "PATTERN", value_parser = values::change(values::pattern))]
    pub exclude: Vec<Change<String>>,
}

/// How hard to compress, or that a wider policy says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompressionChange {
    Inherit,
    None,
    Fast,
    Default,
    Max,
}

impl From<CompressionChange> for Option<Compression> {
    fn from(chosen: CompressionChange) -> Option<Compression> {
        match chosen {
            CompressionChange::Inherit => None,
            CompressionChange::None => Some(Compression::None),
            CompressionChange::Fast => Some(Compression::Fast),
            CompressionChange::Default => Some(Compression::Default),
            CompressionChange::Max => Some(Compression::Max),
        }
    }
}

/// Options of `corso policy show`.
#[derive(Debug, Clone, Args)]
pub struct PolicyShowArgs {
    /// The source: a path, HOST:PATH, a user, or id: and the ID of a snapshot [default: what holds for all]
    #[arg(value_name = "SOURCE")]
    pub source: Option<String>,
    /// What holds for all sources of a service
    #[arg(long, value_name = "NAME", value_parser = ["folder", "onedrive"], conflicts_with = "source")]
    pub service: Option<String>,
}

/// Options of `corso policy remove`.
#[derive(Debug, Clone, Args)]
pub struct PolicyRemoveArgs {
    #[command(flatten)]
    pub scope: ScopeArgs,
}

/// Rules for this once.
#[derive(Debug, Clone, Default, Args)]
#[group(id = "rules", multiple = true, conflicts_with = "ids")]
#[command(next_help_heading = "Rules for this once, instead of stored policies (docs/retention.md)")]
pub struct RuleArgs {
    /// Keep the latest N snapshots of each source
    #[arg(long, value_name = "N", value_parser = values::keep_count, allow_hyphen_values = true)]
    pub keep_last: Option<u32>,
    /// Keep the newest snapshot of each of the last N hours that have one
    #[arg(long, value_name = "N", value_parser = values::keep_count, allow_hyphen_values = true)]
    pub keep_hourly: Option<u32>,
    /// Keep the newest snapshot of each of the last N days that have one
    #[arg(long, value_name = "N", value_parser = values::keep_count, allow_hyphen_values = true)]
    pub keep_daily: Option<u32>,
    /// Keep the newest snapshot of each of the last N weeks that have one
    #[arg(long, value_name = "N", value_parser = values::keep_count, allow_hyphen_values = true)]
    pub keep_weekly: Option<u32>,
    /// Keep the newest snapshot of each of the last N months that have one
    #[arg(long, value_name = "N", value_parser = values::keep_count, allow_hyphen_values = true)]
    pub keep_monthly: Option<u32>,
    /// Keep the newest snapshot of each of the last N years that have one
    #[arg(long, value_name = "N", value_parser = values::keep_count, allow_hyphen_values = true)]
    pub keep_yearly: Option<u32>,
    /// Keep all snapshots that are not older than the newest by more than this: 36h, 30d, 8w
    #[arg(long, value_name = "DURATION", value_parser = values::span, allow_hyphen_values = true)]
    pub keep_within: Option<u64>,
    /// Keep snapshots with this tag; may be given several times
    #[arg(long = "keep-tag", value_name = "NAME[=VALUE]", value_parser = values::tag_rule)]
    pub keep_tags: Vec<TagRule>,
    /// Keep none but those with a --keep-tag: the source is given up
    #[arg(
        long,
        conflicts_with_all = ["keep_last", "keep_hourly", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly", "keep_within"]
    )]
    pub keep_none: bool,
}
