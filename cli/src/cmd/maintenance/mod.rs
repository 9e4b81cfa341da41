//! `corso maintenance …`

mod explain;
mod run;
mod status;

use repo_format::maintenance::MaintenanceOptions;

use super::session::Session;
use crate::args::{MaintenanceCommand, ReclaimArgs};
use crate::exit::Code;

/// Carries out a maintenance command.
pub fn run(session: &Session, command: MaintenanceCommand) -> anyhow::Result<Code> {
    match command {
        MaintenanceCommand::Run(args) => run::run(session, &args),
        MaintenanceCommand::Status => status::run(session),
        MaintenanceCommand::Explain(args) => explain::run(session, &args),
    }
}

/// What may go, and when.
fn options(args: &ReclaimArgs) -> MaintenanceOptions {
    let default = MaintenanceOptions::default();
    MaintenanceOptions {
        grace: args.grace,
        grace_unknown: args.grace_unknown,
        unused_percent: args.max_unused,
        records_kept: args.keep_records,
        threads: args.threads.unwrap_or(default.threads),
        ..default
    }
}
