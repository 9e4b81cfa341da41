//! `corso backup …`: snapshots of what a service holds.

mod choose;
mod delete;
mod details;
mod list;

pub use choose::{one, owner};

use super::session::Session;
use crate::args::{BackupCommand, BackupDeleteCommand, BackupDetailsCommand, BackupListCommand};
use crate::exit::Code;

/// The service of users' drives, in the sources of their snapshots.
pub const ONEDRIVE: &str = "onedrive";

/// Carries out a command on backups.
pub fn run(session: &Session, command: BackupCommand) -> anyhow::Result<Code> {
    match command {
        BackupCommand::List(BackupListCommand::Onedrive(args)) => list::run(session, &args),
        BackupCommand::Details(BackupDetailsCommand::Onedrive(args)) => details::run(session, &args),
        BackupCommand::Delete(BackupDeleteCommand::Onedrive(args)) => delete::run(session, &args),
    }
}
