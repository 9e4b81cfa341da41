//! One file per command: from options to calls of the libraries.

mod completions;
mod man;
mod repo;

use crate::args::{Command, GlobalArgs, RepoCommand};
use crate::exit::Code;
use crate::report::Output;

/// Carries out a command.
///
/// # Errors
/// What kept it from being carried out; `exit` makes a code of it.
pub fn run(global: GlobalArgs, output: Output, command: Command) -> anyhow::Result<Code> {
    match command {
        Command::Repo(RepoCommand::Disconnect) => repo::disconnect::run(&global, &output),
        Command::Completions { shell } => completions::run(&output, shell),
        Command::Man { dir } => man::run(&output, &dir),
        _ => Ok(Code::Failed),
    }
}
