//! `corso repo retention`

use repo_format::storage::Retention;

use crate::args::{RetentionArgs, RetentionChange};
use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::Message;
use crate::report::retention::{RetentionSummary, RetentionText};
use crate::report::summary::Summary;

/// Shows or changes how long blobs are locked against deletion.
pub fn run(session: &Session, args: &RetentionArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let wanted = args.change.map(|change| match change {
        RetentionChange::None => None,
        RetentionChange::To(seconds) => Some(Retention { mode: args.mode.into(), seconds }),
    });
    let revision = wanted.map(|wanted| repository.set_retention(wanted)).transpose()?;
    session.pass_warnings(&repository);
    let retention = repository.retention().as_ref().map(RetentionText::new);
    let summary = RetentionSummary { retention, revision };
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::RepoRetention(summary)), text)?;
    Ok(Code::Done)
}
