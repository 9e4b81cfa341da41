//! `corso maintenance status`

use repo_format::maintenance;

use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::Message;
use crate::report::maintenance::MaintenanceStatusSummary;
use crate::report::summary::Summary;

/// Tells what the log says of maintenance.
pub fn run(session: &Session) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let summary = MaintenanceStatusSummary::new(&maintenance::status(&repository)?);
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::MaintenanceStatus(summary)), text)?;
    Ok(Code::Done)
}
