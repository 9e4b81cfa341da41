//! `corso snapshot ls`

use super::place::locate;
use super::walk::Walk;
use crate::args::LsArgs;
use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::summary::{CountSummary, Summary};
use crate::report::{Item, Message};
use repo_format::tree::EntryKind;

/// Lists what is in a folder of a snapshot, or the entry itself if it is none.
pub fn run(session: &Session, args: &LsArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let found = locate(&repository, &args.place)?;
    let id = found.row.id.to_string();
    let mut count = 0;
    let mut print = |path: &[Vec<u8>], entry: &_| {
        count += 1;
        let item = Item::new(id.clone(), path, entry);
        let text = if args.long { item.long().to_string() } else { item.to_string() };
        session.output.result(&Message::Entry(item), text)
    };
    match found.entry.kind {
        EntryKind::Folder(tree) => {
            for entry in Walk::new(repository.contents(), &tree, found.path, args.recursive)? {
                let (path, entry) = entry?;
                print(&path, &entry)?;
            }
        }
        _ => print(&found.path, &found.entry)?,
    }
    session.output.json_only(&Message::Summary(Summary::Ls(CountSummary { count })))?;
    Ok(Code::Done)
}
