//! What a page of the feed does to the ledger.

use repo_format::engine::source::ItemCause;

use super::{
    ChangeKind, Cursor, DriveLedger, Facts, IngestError, Item, ItemChange, Kind, Known, Mark, Phase,
};

/// Longest ID that a tree's key and a ledger's can hold.
const ID_SIZE_MAX: usize = 75;

/// What one occurrence of an item means, given what was known before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing new.
    Same,
    /// Something is known now that was not; `fetch`: its content is to be stored.
    Put { item: Box<Item>, fetch: bool },
    /// It is gone.
    Remove,
}

/// What a page came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Items whose content is to be stored, in the page's order; each once.
    pub fetch: Vec<String>,
    /// Items that are shared and new, or whose sharing may have changed: their permissions are to
    /// be read.
    pub shared: Vec<String>,
    /// Items that were new, changed or gone.
    pub changed: u64,
    /// Items that are as they were.
    pub unchanged: u64,
    /// IDs that are none: longer than any key can hold.
    pub refused: Vec<String>,
}

/// Judges one occurrence. Pure: the same arguments give the same verdict.
///
/// A mark stays as long as the content is the same, whatever happens to name and place.
pub fn judge(known: Option<&Item>, change: &ItemChange) -> Verdict {
    if change.deleted {
        return match known {
            Some(item) if item.known.facts.kind != Kind::Root => Verdict::Remove,
            // Made and deleted between two rounds, or told twice; a drive keeps its root.
            _ => Verdict::Same,
        };
    }
    let facts = facts(known.map(|item| &item.known.facts), change);
    let before = known.filter(|item| item.known.facts.kind == facts.kind);
    let same = before.filter(|item| item.known.facts.same_content(&facts));
    let (mark, object) = match (&facts.kind, same) {
        (Kind::File, _) if facts.malware => {
            let message = "the service found malware in it".to_owned();
            (Mark::Skipped { cause: ItemCause::Refused.name().to_owned(), message }, None)
        }
        // What was kept back for malware may be had now.
        (Kind::File, Some(item)) if !item.known.facts.malware => (item.known.mark.clone(), item.object),
        (Kind::File, _) => (Mark::Pending, None),
        _ => (Mark::Nothing, None),
    };
    let item = Item { known: Known { facts, mark }, object };
    if known == Some(&item) {
        return Verdict::Same;
    }
    let fetch = item.known.mark == Mark::Pending;
    Verdict::Put { item: Box::new(item), fetch }
}

/// The facts of an occurrence; what it leaves out is as it was.
fn facts(known: Option<&Facts>, change: &ItemChange) -> Facts {
    let kept = |now: &Option<String>, old: fn(&Facts) -> &String| match now {
        Some(now) => now.clone(),
        None => known.map(old).cloned().unwrap_or_default(),
    };
    let kind = match &change.kind {
        ChangeKind::Root => Kind::Root,
        ChangeKind::Folder => Kind::Folder,
        ChangeKind::Package(name) => Kind::Package(name.clone()),
        ChangeKind::File => Kind::File,
        ChangeKind::Pointer(drive, item) => Kind::Pointer(drive.clone(), item.clone()),
        ChangeKind::Unknown => known.map_or(Kind::File, |facts| facts.kind.clone()),
    };
    let name = kept(&change.name, |facts| &facts.name);
    Facts {
        id: change.id.clone(),
        parent: if kind == Kind::Root { String::new() } else { kept(&change.parent, |facts| &facts.parent) },
        name: if name.is_empty() { change.id.clone() } else { name },
        // A folder's size is that of all below it, and changes with it.
        size: if kind == Kind::File { change.size.unwrap_or(0) } else { 0 },
        kind,
        hash: change.hash,
        e_tag: change.e_tag.clone().unwrap_or_default(),
        c_tag: change.c_tag.clone().unwrap_or_default(),
        created_ns: change.created_ns,
        modified_ns: change.modified_ns,
        created_by: change.created_by.clone(),
        modified_by: change.modified_by.clone(),
        mime: change.mime.clone().unwrap_or_default(),
        shared: change.shared,
        malware: change.malware,
        permissions: match known {
            Some(facts) if change.shared => facts.permissions.clone(),
            _ => Vec::new(),
        },
        list_item: change.list_item.clone().unwrap_or_default(),
    }
}

/// Applies a page to the ledger, in the page's order: of several occurrences the last one wins.
///
/// # Errors
/// If the ledger cannot be read.
pub fn apply(
    ledger: &mut DriveLedger<'_>,
    cursor: &mut Cursor,
    page: &[ItemChange],
) -> Result<Applied, IngestError> {
    let mut applied = Applied::default();
    for change in page {
        if change.id.len() > ID_SIZE_MAX || change.id.is_empty() {
            applied.refused.push(change.id.clone());
            continue;
        }
        if let (Phase::Enumerating { marking: true }, false) = (cursor.phase, change.deleted) {
            ledger.see(cursor.epoch, &change.id);
        }
        if change.kind == ChangeKind::Root && !change.deleted {
            cursor.root = change.id.clone();
        }
        apply_one(ledger, change, &mut applied)?;
    }
    // An item that came twice is fetched once, and only if the last one still wants it.
    let mut told = std::collections::HashSet::new();
    applied.fetch.reverse();
    applied.fetch.retain(|id| told.insert(id.clone()));
    applied.fetch.reverse();
    Ok(applied)
}

fn apply_one(
    ledger: &mut DriveLedger<'_>,
    change: &ItemChange,
    applied: &mut Applied,
) -> Result<(), IngestError> {
    let id = change.id.as_str();
    let known = ledger.item(id)?;
    match judge(known.as_ref(), change) {
        Verdict::Same => {
            applied.unchanged += 1;
            if change.deleted && known.is_none() && change.kind != ChangeKind::File {
                // It may have been a folder, and something told before that it is in it.
                ledger.doom(id);
            }
        }
        Verdict::Put { item, fetch } => {
            applied.changed += 1;
            let shares = |item: &Item| item.known.facts.shared;
            let touched =
                known.as_ref().is_none_or(|known| known.known.facts.e_tag != item.known.facts.e_tag);
            if shares(&item) && (touched || !known.as_ref().is_some_and(shares)) {
                applied.shared.push(id.to_owned());
            }
            let virgin = ledger.is_virgin(id);
            if item.known.facts.kind.is_container() && !virgin && ledger.is_doomed(id)? {
                ledger.spare(id);
            }
            match item.known.mark {
                Mark::Pending | Mark::Failed { .. } | Mark::Skipped { .. } => ledger.want(id, virgin),
                Mark::Stored | Mark::Nothing => {
                    if known.as_ref().is_some_and(|known| known.known.mark != item.known.mark) {
                        ledger.satisfy(id);
                    }
                }
            }
            ledger.put(&item);
            applied.fetch.retain(|other| other != id || fetch);
            if fetch {
                applied.fetch.push(id.to_owned());
            }
        }
        Verdict::Remove => {
            applied.changed += 1;
            applied.fetch.retain(|other| other != id);
            let was = known.map(|item| item.known);
            if was.as_ref().is_some_and(|known| known.facts.kind.is_container()) {
                ledger.doom(id);
            }
            forget(ledger, id, was.as_ref());
        }
    }
    Ok(())
}

/// Takes an item out of the ledger, and whatever is noted about it.
pub(super) fn forget(ledger: &mut DriveLedger<'_>, id: &str, was: Option<&Known>) {
    if was.is_some_and(|known| matches!(known.facts.kind, Kind::File)) {
        ledger.satisfy(id);
    }
    if was.is_some_and(|known| known.facts.shared) {
        ledger.note_shared(id, false);
    }
    ledger.remove(id);
}
