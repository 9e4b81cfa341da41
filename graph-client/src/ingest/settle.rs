//! What is left of deleted folders when a run ends.
//!
//! A feed tells that a folder is deleted, and may or may not tell the same of what is in it; and what
//! was in it may turn up elsewhere later in the feed. So only at the end it is certain what goes with
//! the folder: whatever still names it as its parent, and all below that. A tree that was made on the
//! way has such items below `.orphans`.

use std::collections::{HashMap, HashSet};

use super::delta::forget;
use super::{Cursor, DriveLedger, IngestError, Past};

/// Removes what is still in folders that the run has seen deleted. Gives the number of items removed.
///
/// # Errors
/// If ledger or tree cannot be read.
pub fn settle(
    ledger: &mut DriveLedger<'_>,
    cursor: &Cursor,
    past: &mut Past<'_>,
) -> Result<u64, IngestError> {
    let doomed = ledger.doomed()?;
    if doomed.is_empty() {
        return Ok(0);
    }
    let doom: HashSet<&str> = doomed.iter().map(String::as_str).collect();
    let mut fates = Fates { doom: &doom, root: &cursor.root, known: HashMap::new() };
    let mut dead = Vec::new();
    ledger.changed(|id, now| {
        if let Some(item) = now
            && fates.is_dead(ledger, id, &item.known.facts.parent)?
        {
            dead.push(item.known);
        }
        Ok(())
    })?;
    for id in ledger.orphans()? {
        if let Some(item) = ledger.item(&id)?
            && fates.is_dead(ledger, &id, &item.known.facts.parent)?
        {
            dead.push(item.known);
        }
    }
    let mut folders = doomed.clone();
    let mut removed = 0;
    for known in dead {
        // One that changed and was an orphan comes twice.
        removed += u64::from(ledger.item(&known.facts.id)?.is_some());
        if known.facts.kind.is_container() {
            folders.push(known.facts.id.clone());
        }
        forget(ledger, &known.facts.id, Some(&known));
    }
    // What the feed did not mention is where it was.
    while let Some(folder) = folders.pop() {
        for id in past.children(&folder)? {
            let Some(item) = ledger.item(&id)?.filter(|item| item.known.facts.parent == folder) else {
                continue;
            };
            removed += 1;
            forget(ledger, &id, Some(&item.known));
            if item.known.facts.kind.is_container() {
                folders.push(id);
            }
        }
    }
    for id in &doomed {
        ledger.spare(id);
    }
    Ok(removed)
}

/// Which folders are below a doomed one.
struct Fates<'f> {
    doom: &'f HashSet<&'f str>,
    root: &'f str,
    known: HashMap<String, bool>,
}

impl Fates<'_> {
    /// Whether an item in `parent` goes with a doomed folder above it.
    fn is_dead(&mut self, ledger: &DriveLedger<'_>, id: &str, parent: &str) -> Result<bool, IngestError> {
        let (mut at, mut way) = (parent.to_owned(), Vec::new());
        let dead = loop {
            if let Some(known) = self.known.get(&at) {
                break *known;
            }
            if self.doom.contains(at.as_str()) {
                break true;
            }
            // The root, nowhere, or round and round.
            if at == self.root || at == id || way.contains(&at) {
                break false;
            }
            let Some(item) = ledger.item(&at)? else { break false };
            way.push(std::mem::replace(&mut at, item.known.facts.parent));
        };
        // A way round that ends where it began says nothing of others.
        self.known.extend(way.into_iter().map(|folder| (folder, dead)));
        Ok(dead)
    }
}
