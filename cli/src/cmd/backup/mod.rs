//! `corso backup …`: snapshots of what a service holds.

mod choose;
mod create;
mod delete;
mod details;
mod items;
mod list;

pub use choose::{one, owner, user_id, user_name};

use super::session::Session;
use crate::args::{
    BackupCommand, BackupCreateCommand, BackupDeleteCommand, BackupDetailsCommand, BackupListCommand,
};
use crate::exit::Code;

/// The service of users' drives, in the sources of their snapshots.
pub const ONEDRIVE: &str = "onedrive";
/// Tags that a backup carries: whose it is. Names can change, IDs do not.
const USER_NAME_TAG: &str = "m365.user";
const USER_ID_TAG: &str = "m365.user-id";

/// Carries out a command on backups.
pub fn run(session: &Session, command: BackupCommand) -> anyhow::Result<Code> {
    match command {
        BackupCommand::Create(BackupCreateCommand::Onedrive(args)) => create::run(session, &args),
        BackupCommand::List(BackupListCommand::Onedrive(args)) => list::run(session, &args),
        BackupCommand::Details(BackupDetailsCommand::Onedrive(args)) => details::run(session, &args),
        BackupCommand::Delete(BackupDeleteCommand::Onedrive(args)) => delete::run(session, &args),
    }
}
