//! `corso snapshot …`

mod cat;
mod create;
mod diff;
mod find;
mod forget;
mod list;
mod ls;
mod place;
mod plan;
mod recall;
mod restore;
mod show;
mod walk;

pub use create::{backup_options, folder_source, level_of, sweep};
pub use diff::Comparison;
pub use restore::{below, gives_way};

use super::session::Session;
use crate::args::SnapshotCommand;
use crate::exit::Code;

/// Carries out a command on snapshots.
pub fn run(session: &Session, command: SnapshotCommand) -> anyhow::Result<Code> {
    match command {
        SnapshotCommand::Create(args) => create::run(session, &args),
        SnapshotCommand::List(args) => list::run(session, &args),
        SnapshotCommand::Show(args) => show::run(session, &args),
        SnapshotCommand::Ls(args) => ls::run(session, &args),
        SnapshotCommand::Cat(args) => cat::run(session, &args),
        SnapshotCommand::Diff(args) => diff::run(session, &args),
        SnapshotCommand::Find(args) => find::run(session, &args),
        SnapshotCommand::Restore(args) => restore::run(session, &args),
        SnapshotCommand::Forget(args) => forget::run(session, &args),
        SnapshotCommand::Recall(args) => recall::run(session, &args),
    }
}
