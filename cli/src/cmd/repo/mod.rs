//! `corso repo …`

mod connect;
mod disconnect;
mod init;
mod key;
mod location;
mod promote;
mod recovery_kit;
mod repair;
mod retention;
mod status;
mod sync;
mod verify;

use super::session::Session;
use crate::args::RepoCommand;
use crate::exit::Code;

/// Carries out a command on a repository.
pub fn run(session: &Session, command: RepoCommand) -> anyhow::Result<Code> {
    match command {
        RepoCommand::Init { init, location } => init::run(session, &init, &location),
        RepoCommand::Connect { connect, location } => connect::run(session, &connect, &location),
        RepoCommand::Disconnect => disconnect::run(session),
        RepoCommand::Status => status::run(session),
        RepoCommand::Key(command) => key::run(session, command),
        RepoCommand::RecoveryKit => recovery_kit::run(session),
        RepoCommand::Verify(args) => verify::run(session, &args),
        RepoCommand::Retention(args) => retention::run(session, &args),
        RepoCommand::Repair(command) => repair::run(session, command),
        RepoCommand::Sync(args) => sync::run(session, &args),
        RepoCommand::Promote(args) => promote::run(session, args),
    }
}
