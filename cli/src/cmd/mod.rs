//! One file per command: from options to calls of the libraries.

mod backup;
mod completions;
mod convert;
mod demo;
mod doctor;
mod export;
mod graph;
mod health;
mod maintenance;
mod man;
mod policy;
mod repo;
mod restore;
mod session;
mod signal;
mod snapshot;
mod source;

use crate::args::{Command, GlobalArgs};
use crate::exit::Code;
use crate::report::Output;

use session::Session;

/// Carries out a command.
///
/// # Errors
/// What kept it from being carried out; `exit` makes a code of it.
pub fn run(global: GlobalArgs, output: Output, command: Command) -> anyhow::Result<Code> {
    match command {
        Command::Completions { shell } => completions::run(&output, shell),
        Command::Man { dir } => man::run(&output, &dir),
        Command::Repo(command) => within(global, output, |session| repo::run(session, command)),
        Command::Snapshot(command) => within(global, output, |session| snapshot::run(session, command)),
        Command::Policy(command) => within(global, output, |session| policy::run(session, command)),
        Command::Backup(command) => within(global, output, |session| backup::run(session, command)),
        Command::Restore(command) => within(global, output, |session| restore::run(session, command)),
        Command::Export(command) => within(global, output, |session| export::run(session, command)),
        Command::Maintenance(command) => within(global, output, |session| maintenance::run(session, command)),
        Command::Health(args) => within(global, output, |session| health::run(session, &args)),
        Command::Doctor(command) => within(global, output, |session| doctor::run(session, command)),
        Command::Demo(args) => within(global, output, |session| demo::run(session, &args)),
    }
}

fn within(
    global: GlobalArgs,
    output: Output,
    command: impl FnOnce(&Session) -> anyhow::Result<Code>,
) -> anyhow::Result<Code> {
    let session = Session::start(global, output)?;
    let code = command(&session)?;
    Ok(session.end(code))
}
