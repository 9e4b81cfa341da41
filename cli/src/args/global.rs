//! Options that every command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{Args, ValueEnum};

use super::values;

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub struct GlobalArgs {
    /// A connected repository's name, a path, or a URL: s3://, azure://, gs://, file://
    #[arg(long, global = true, value_name = "NAME|PATH|URL")]
    pub repo: Option<String>,
    /// Read the repository as it was at this revision
    #[arg(long, global = true, value_name = "REVISION")]
    pub at: Option<u64>,
    /// Print JSON lines instead of text (docs/json.md)
    #[arg(long, global = true)]
    pub json: bool,
    /// Print results and errors only
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Log more; up to -vvv
    #[arg(long, short, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// What to log: a level or a filter such as `warn,repo_format=debug` [default: RUST_LOG or warn]
    #[arg(long, global = true, value_name = "FILTER")]
    pub log_level: Option<String>,
    /// Log to this file instead of to stderr
    #[arg(long, global = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
    /// How log lines look [default: text; json on stderr with --json]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Show no progress
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// The configuration file [default: corso/config.toml in the user's configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where indexes are cached; may be deleted at any time
    #[arg(long, global = true, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
    /// Keep no cache on this machine
    #[arg(long, global = true, conflicts_with = "cache_dir")]
    pub no_cache: bool,
    /// Where the newest revision seen of each repository is remembered
    #[arg(long, global = true, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Go on although the repository's history is older than seen before, or another
    #[arg(long, global = true)]
    pub accept_rollback: bool,
    #[command(flatten)]
    pub secret: SecretArgs,
    #[command(flatten)]
    pub storage: StorageArgs,
}

/// Where the secret that opens the repository comes from. At most one is given.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Secrets (the passphrase itself: CORSO_PASSPHRASE, or a prompt)")]
pub struct SecretArgs {
    /// Read the passphrase from a file; a newline at its end does not count
    #[arg(long, global = true, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Run a command, without a shell, and take its output as the passphrase
    #[arg(long, global = true, value_name = "COMMAND")]
    pub passphrase_command: Option<String>,
    /// Unlock with a key file
    #[arg(long, global = true, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Unlock with the recovery key in a file
    #[arg(long, global = true, value_name = "FILE")]
    pub recovery_key_file: Option<PathBuf>,
    /// Where those above come from; weaker ones have been dropped.
    #[arg(skip)]
    pub origin: Option<ValueSource>,
}

/// How patiently and how often the storage is asked.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Storage")]
pub struct StorageArgs {
    /// How long one request may take, the time for its bytes not counted
    #[arg(long, global = true, value_name = "DURATION", default_value = "30s", value_parser = values::duration)]
    pub request_timeout: Duration,
    /// How often a failed request is repeated
    #[arg(long, global = true, value_name = "N", default_value_t = 12)]
    pub retries: u32,
    /// Requests in flight at a time
    #[arg(long, global = true, value_name = "N", default_value_t = 32, value_parser = values::positive)]
    pub connections: usize,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}
