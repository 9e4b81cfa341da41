//! `corso snapshot cat`

use std::io::{self, Write};

use repo_format::engine::cat;

use super::place::locate;
use crate::args::CatArgs;
use crate::cmd::session::Session;
use crate::exit::{CliError, Code};
use crate::report::message::{Data, Message};
use crate::report::summary::{CatSummary, Summary};
use crate::report::{Output, PathText};
use repo_format::engine::progress::Stop;

/// Writes a file of a snapshot to stdout: its bytes, or `data` lines in JSON.
pub fn run(session: &Session, args: &CatArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let found = locate(&repository, &args.place)?;
    let mut stdout = Stdout { output: &session.output, stop: &session.stop, offset: 0 };
    let written = cat(&repository, &found.row.id, &found.path, &mut stdout);
    if session.stop.is_requested() {
        return Err(CliError::Interrupted.into());
    }
    written?;
    let summary = CatSummary {
        snapshot_id: found.row.id.to_string(),
        path: PathText::below(&found.path),
        bytes: stdout.offset,
    };
    session.output.json_only(&Message::Summary(Summary::Cat(summary)))?;
    Ok(Code::Done)
}

/// Stdout as it is, or as JSON lines.
struct Stdout<'a> {
    output: &'a Output,
    stop: &'a Stop,
    offset: u64,
}

impl Write for Stdout<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stop.is_requested() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        match self.output.is_json() {
            false => self.output.raw(bytes)?,
            true => {
                let data = Data { offset: self.offset, hex: hex::encode(bytes) };
                self.output.json_only(&Message::Data(data))?;
            }
        }
        self.offset += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
