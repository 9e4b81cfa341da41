//! `corso repo disconnect`

use crate::args::GlobalArgs;
use crate::config::{Config, Places};
use crate::exit::Code;
use crate::report::summary::{DisconnectSummary, Summary};
use crate::report::{Message, Output};

/// Forgets a connection. The repository is not asked.
pub fn run(global: &GlobalArgs, output: &Output) -> anyhow::Result<Code> {
    let path = Places::config_file(global.config.clone())?;
    let mut config = Config::load(&path)?;
    let (name, connection) = config.disconnect(global.repo.as_deref())?;
    config.save(&path)?;
    let summary = DisconnectSummary { name, location: connection.location.to_string() };
    output.result(&Message::Summary(Summary::RepoDisconnect(summary.clone())), summary)?;
    Ok(Code::Done)
}
