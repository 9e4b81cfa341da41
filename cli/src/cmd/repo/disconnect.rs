//! `corso repo disconnect`

use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::Message;
use crate::report::summary::{DisconnectSummary, Summary};

/// Forgets a connection. The repository is not asked.
pub fn run(session: &Session) -> anyhow::Result<Code> {
    let mut config = session.config()?;
    let (name, connection) = config.disconnect(session.global.repo.as_deref())?;
    session.save(&config)?;
    let summary = DisconnectSummary { name, location: connection.location.to_string() };
    session.output.result(&Message::Summary(Summary::RepoDisconnect(summary.clone())), summary)?;
    Ok(Code::Done)
}
