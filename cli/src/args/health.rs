//! `corso health`

use std::time::Duration;

use clap::Args;

use super::values;

/// Options of `corso health`: what is too old, or too little.
#[derive(Debug, Clone, Args)]
pub struct HealthArgs {
    /// How old the last good snapshot of each source may be
    #[arg(long, value_name = "DURATION", default_value = "26h", value_parser = values::wait)]
    pub max_age: Duration,
    /// How long a pack may not have been decoded by a verification
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = values::wait)]
    pub max_unverified_age: Duration,
    /// How much of the data must have been decoded once
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = values::percent)]
    pub min_verified: f64,
    /// Take a partial snapshot, in which items failed, for a good one
    #[arg(long)]
    pub partial_is_good: bool,
}
