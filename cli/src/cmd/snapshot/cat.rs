//! `corso snapshot cat`

use repo_format::object::ObjectReader;
use repo_format::tree::EntryKind;

use super::place::{locate, shown};
use crate::args::CatArgs;
use crate::cmd::session::Session;
use crate::exit::{CliError, Code};
use crate::report::message::{Data, Message};
use crate::report::summary::{CatSummary, Summary};
use crate::report::PathText;

/// Writes a file of a snapshot to stdout: its bytes, or `data` lines in JSON.
pub fn run(session: &Session, args: &CatArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let found = locate(&repository, &args.place)?;
    let EntryKind::File(content) = found.entry.kind else {
        return Err(CliError::WrongKind { path: shown(&found.path), wanted: "file" }.into());
    };
    let Some(content) = content else {
        return Err(CliError::NotStored { path: shown(&found.path) }.into());
    };
    let object = ObjectReader::open(repository.contents(), content)?;
    for row in object.all_rows() {
        if session.stop.is_requested() {
            return Err(CliError::Interrupted.into());
        }
        let row = row?;
        let bytes = object.piece(&row)?;
        match session.output.is_json() {
            false => session.output.raw(&bytes)?,
            true => {
                let data = Data { offset: row.offset, hex: hex::encode(&bytes) };
                session.output.json_only(&Message::Data(data))?;
            }
        }
    }
    let summary = CatSummary {
        snapshot_id: found.row.id.to_string(),
        path: PathText::below(&found.path),
        bytes: object.size(),
    };
    session.output.json_only(&Message::Summary(Summary::Cat(summary)))?;
    Ok(Code::Done)
}
