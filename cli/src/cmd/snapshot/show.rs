//! `corso snapshot show`

use crate::args::ShowArgs;
use crate::cmd::convert;
use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::Message;
use crate::report::message::ItemFailure;
use crate::report::{PathText, summary::Summary};
use repo_format::snapshot::{Failure, read_by_path};

/// Shows one snapshot, and the items that failed in it.
pub fn run(session: &Session, args: &ShowArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let row = repository.resolve(&args.id)?;
    let manifest = repository.manifest(&row.id)?;
    let summary = convert::show(&row, &manifest);
    session.output.text_only(&summary)?;
    if let Some(root) = manifest.failures {
        for failure in read_by_path::<Failure>(repository.contents(), &root)? {
            let (path, failure) = failure?;
            let failure = failed(&path, failure);
            session.output.result(&Message::Failure(failure.clone()), failure)?;
        }
    }
    session.output.json_only(&Message::Summary(Summary::Show(Box::new(summary))))?;
    Ok(Code::Done)
}

fn failed(path: &[u8], failure: Failure) -> ItemFailure {
    let Failure { cause, message, attempts, is_failure } = failure;
    ItemFailure {
        snapshot_id: None,
        user: None,
        path: PathText::new(path),
        cause,
        message,
        attempts,
        is_failure,
    }
}
