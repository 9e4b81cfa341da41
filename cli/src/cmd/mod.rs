//! One file per command: from options to calls of the libraries.

mod completions;
mod convert;
mod demo;
mod man;
mod repo;
mod session;
mod signal;
mod snapshot;

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
        Command::Repo(command) => repo::run(&Session::start(global, output)?, command),
        Command::Snapshot(command) => snapshot::run(&Session::start(global, output)?, command),
        Command::Demo(args) => demo::run(&Session::start(global, output)?, &args),
    }
}
