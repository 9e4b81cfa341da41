//! `corso doctor …`

use clap::{Args, Subcommand, ValueEnum};

use super::GraphArgs;

/// What is checked.
#[derive(Debug, Subcommand)]
pub enum DoctorCommand {
    /// Sign-in, permissions, clock and budget of Microsoft Graph
    #[command(after_help = "Example:\n  corso doctor graph --purpose restore")]
    Graph(DoctorGraphArgs),
}

/// Options of `corso doctor graph`.
#[derive(Debug, Clone, Args)]
pub struct DoctorGraphArgs {
    /// What the application is for: decides which permissions are missing or too many
    #[arg(long, value_name = "PURPOSE", default_value = "backup")]
    pub purpose: PurposeArg,
    #[command(flatten)]
    pub graph: GraphArgs,
}

/// What an application is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PurposeArg {
    Backup,
    Restore,
}
