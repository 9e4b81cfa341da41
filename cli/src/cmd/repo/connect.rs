//! `corso repo connect`

use super::location::location;
use crate::args::{ConnectArgs, LocationCommand};
use crate::cmd::session::Session;
use crate::config::Connection;
use crate::exit::Code;
use crate::report::Message;
use crate::report::summary::{ConnectSummary, Summary};

/// Opens a repository, to see that it can be, and remembers it.
pub fn run(session: &Session, args: &ConnectArgs, place: &LocationCommand) -> anyhow::Result<Code> {
    let location = location(place)?;
    let mut config = session.config()?;
    let repository = session.open_at(&location)?;
    if repository.is_copy() {
        session.output.note("this is a copy: it can be read, and takes no backup until `corso repo promote`");
    } else {
        repository.blobs().probe()?;
    }
    let id = repository.id().to_string();
    let connection = Connection { id: id.clone(), location: location.clone() };
    let name = config.connect(args.name.as_deref(), connection)?;
    session.save(&config)?;
    let summary = ConnectSummary { repository_id: id, location: location.to_string(), name };
    session.output.result(&Message::Summary(Summary::RepoConnect(summary.clone())), summary)?;
    Ok(Code::Done)
}
