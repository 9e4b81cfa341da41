//! What a snapshot reports of items whose content it does not have.

use std::collections::{BTreeMap, HashMap};

use repo_format::engine::source::{ItemCause, ItemError};

use super::outcome::cause_of;
use crate::ingest::{DriveLedger, IngestError, Item, Mark};

/// IDs that are read at once.
const IDS_AT_ONCE: usize = 1000;
/// Folders in a path, at most: more are round and round.
const DEPTH_MAX: usize = 1000;

/// Every item that is wanted and not stored, of those that `counts` is true for: by path, with its cause.
pub(super) fn failures(
    ledger: &DriveLedger<'_>,
    root: &str,
    mut counts: impl FnMut(&Item) -> Result<bool, IngestError>,
) -> Result<BTreeMap<Vec<u8>, ItemError>, IngestError> {
    let mut failures = BTreeMap::new();
    let mut paths = Paths::new(ledger, root);
    let mut from = String::new();
    loop {
        let ids = ledger.wanted(&from, IDS_AT_ONCE)?;
        let Some(last) = ids.last() else { return Ok(failures) };
        // The ID behind the last one.
        from = format!("{last}\0");
        for id in &ids {
            let Some(item) = ledger.item(id)? else { continue };
            if let Some(error) = error_of(&item)
                && counts(&item)?
            {
                let path = paths.of(&item)?;
                // Names need not be unique; each item is reported all the same.
                let path = match failures.contains_key(&path) {
                    true => [&path[..], b" (", id.as_bytes(), b")"].concat(),
                    false => path,
                };
                failures.insert(path, error);
            }
        }
    }
}

/// What kept an item's content away; nothing if it is stored.
pub(super) fn error_of(item: &Item) -> Option<ItemError> {
    let (cause, message, attempts) = match &item.known.mark {
        Mark::Nothing | Mark::Stored => return None,
        Mark::Pending => (ItemCause::Io, "it was not reached".to_owned(), 0),
        Mark::Failed { cause, message, attempts } => (cause_of(cause), message.clone(), *attempts),
        Mark::Skipped { cause, message } => (cause_of(cause), message.clone(), 1),
    };
    Some(ItemError { cause, message, attempts })
}

/// Paths of items, by the names of the folders above them.
pub(super) struct Paths<'p, 'a> {
    ledger: &'p DriveLedger<'a>,
    root: &'p str,
    folders: HashMap<String, Vec<u8>>,
}

impl<'p, 'a> Paths<'p, 'a> {
    pub fn new(ledger: &'p DriveLedger<'a>, root: &'p str) -> Paths<'p, 'a> {
        Paths { ledger, root, folders: HashMap::new() }
    }

    /// The names that lead to an item, joined by `/`; below `.orphans` where they lead nowhere.
    pub fn of(&mut self, item: &Item) -> Result<Vec<u8>, IngestError> {
        let facts = &item.known.facts;
        let folder = self.folder(&facts.parent)?;
        Ok(join(&folder, &facts.name))
    }

    fn folder(&mut self, id: &str) -> Result<Vec<u8>, IngestError> {
        let (mut at, mut way) = (id.to_owned(), Vec::new());
        let mut path = loop {
            if at == self.root {
                break Vec::new();
            }
            if let Some(known) = self.folders.get(&at) {
                break known.clone();
            }
            let folder = self.ledger.item(&at)?.filter(|_| way.len() < DEPTH_MAX);
            let Some(folder) = folder else { break b".orphans".to_vec() };
            way.push((at, folder.known.facts.name));
            at = folder.known.facts.parent;
        };
        for (id, name) in way.into_iter().rev() {
            path = join(&path, &name);
            self.folders.insert(id, path.clone());
        }
        Ok(path)
    }
}

fn join(folder: &[u8], name: &str) -> Vec<u8> {
    match folder {
        [] => name.as_bytes().to_vec(),
        folder => [folder, b"/", name.as_bytes()].concat(),
    }
}
