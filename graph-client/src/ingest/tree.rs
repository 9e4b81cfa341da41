//! The tree of a drive, from what the ledger says has changed.

use std::collections::{BTreeSet, HashMap, HashSet};

use repo_format::content::ReadContent;
use repo_format::engine::feed::{ChildEdit, FolderNo, TreeUpdate};
use repo_format::ledger::{Aside, AsidePart};
use repo_format::map::MapStore;
use repo_format::tree::Entry;

use super::ledger::item_changed;
use super::past::{Past, Place, orphans_key};
use super::scope::Inside;
use super::table::{Table, entry_of};
use super::{Counts, Cursor, DriveLedger, IngestError, Item, Kind, Scope, tree_key};

/// Bytes of children's changes that are held at once. In tests so few that histories have many batches.
const BATCH_BYTES: u64 = if cfg!(test) { 3000 } else { 16 << 20 };
/// And of changes that are set aside for the next batches.
const ASIDE_BYTES: usize = if cfg!(test) { 8000 } else { 48 << 20 };
/// What a change takes beside its name and facts, about.
const CHANGE_BYTES: u64 = 700;

/// What a tree's edit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updated {
    /// The root folder.
    pub root: Entry,
    pub counts: Counts,
    /// IDs of items whose folder nobody knows: they are below `.orphans`.
    pub orphans: Vec<String>,
}

/// Edits the tree by what the ledger says that the run has changed: settled, that is with nothing left
/// in deleted folders. Then notes in the ledger who is an orphan.
///
/// Costs what changed: folders that did not are not read, and one that moved keeps its tree. With a
/// scope that is not everything, `past` must be nothing, and all of the ledger what changed: who is
/// inside follows from folders that may not have changed.
///
/// # Errors
/// `NoRoot` if the root is not known; else if ledger or tree cannot be read or stored.
pub fn update_tree<'a>(
    ledger: &mut DriveLedger<'a>,
    cursor: &Cursor,
    past: &mut Past<'a>,
    scope: &Scope,
    contents: &'a dyn ReadContent,
    store: MapStore<'a>,
) -> Result<Updated, IngestError> {
    let before = ledger.orphans()?;
    let (updated, orphans) = {
        let mut edit = Edit {
            table: Table::new(ledger, &cursor.root, TreeUpdate::new(contents, store)),
            ledger,
            contents,
            past,
            inside: Inside::new(scope, ledger, &cursor.root),
            forced: before.iter().cloned().collect(),
            // Of a part everything is counted anew.
            counts: if scope.is_all() { cursor.counts } else { Counts::default() },
            spots: Vec::new(),
        };
        let root = edit.table.touch(edit.past, &cursor.root)?.ok_or(IngestError::NoRoot)?;
        edit.survey()?;
        edit.write(root)?;
        let orphans: BTreeSet<String> = std::mem::take(&mut edit.table.orphaned).into_iter().collect();
        let root = edit.table.update.finish().ok_or(IngestError::NoRoot)?;
        (Updated { root, counts: edit.counts, orphans: orphans.iter().cloned().collect() }, orphans)
    };
    before.iter().filter(|id| !orphans.contains(*id)).for_each(|id| ledger.note_orphan(id, false));
    orphans.iter().filter(|id| !before.contains(*id)).for_each(|id| ledger.note_orphan(id, true));
    Ok(updated)
}

struct Edit<'t, 'a> {
    ledger: &'t DriveLedger<'a>,
    contents: &'a dyn ReadContent,
    past: &'t mut Past<'a>,
    inside: Inside<'t, 'a>,
    table: Table<'t, 'a>,
    /// Items that did not change and may have to move all the same.
    forced: BTreeSet<String>,
    counts: Counts,
    /// The folders that each change touches, in the order of changes: where it was, where it goes.
    spots: Vec<[Option<FolderNo>; 2]>,
}

impl Edit<'_, '_> {
    /// Enters all folders that changes touch, weighs what is to come for them, and counts.
    fn survey(&mut self) -> Result<(), IngestError> {
        let ledger = self.ledger;
        ledger.changed(|id, now| {
            let old = self.past.item(id)?;
            let now = match now {
                Some(item) if !self.inside.has(&item)? => None,
                now => now,
            };
            count(&mut self.counts, old.as_ref(), -1);
            count(&mut self.counts, now.as_ref(), 1);
            if now.is_none() && old.as_ref().is_some_and(|old| old.known.facts.kind.is_container()) {
                // Who names the folder still, though it is gone.
                for child in self.past.children(id)? {
                    let named = ledger.item(&child)?.is_some_and(|item| item.known.facts.parent == id);
                    self.forced.extend(named.then_some(child));
                }
            }
            let spot = if old == now { [None; 2] } else { self.survey_one(old, now)? };
            self.spots.push(spot);
            Ok(())
        })?;
        for id in self.forced.clone() {
            self.survey_one(self.past.item(&id)?, ledger.item(&id)?)?;
        }
        // A folder that is taken out of a circle need not have changed: it leaves the one it was in.
        for id in &self.table.orphaned {
            let item = ledger.item(id)?;
            if item.is_some_and(|item| item.known.facts.kind.is_container()) {
                self.forced.insert(id.clone());
            }
        }
        Ok(())
    }

    /// Touches where an item was and where it goes, and weighs what is to come there.
    fn survey_one(
        &mut self,
        old: Option<Item>,
        now: Option<Item>,
    ) -> Result<[Option<FolderNo>; 2], IngestError> {
        let mut spot = [None; 2];
        if let Some(old) = &old
            && let Place::In(folder) = self.past.place(old)?
            && let Some(folder) = self.table.touch(self.past, &folder)?
        {
            self.table.update.weigh(folder, CHANGE_BYTES);
            spot[0] = Some(folder);
        }
        if let Some(now) = &now {
            let facts = &now.known.facts;
            if facts.kind.is_container() {
                self.table.touch(self.past, &facts.id)?;
            } else {
                let home = self.table.home(self.past, facts)?;
                let bytes = CHANGE_BYTES + 2 * facts.name.len() as u64 + facts.permissions.len() as u64;
                self.table.update.weigh(home, bytes);
                spot[1] = Some(home);
            }
        }
        Ok(spot)
    }

    /// Writes all folders, batch by batch; a pass over the changes serves as many batches as there is room
    /// for.
    fn write(&mut self, root: FolderNo) -> Result<(), IngestError> {
        let batches = self.table.update.batches(root, BATCH_BYTES);
        let numbered = batches.iter().enumerate();
        let batch_of: HashMap<FolderNo, usize> =
            numbered.flat_map(|(number, batch)| batch.iter().map(move |folder| (*folder, number))).collect();
        let mut first = 0;
        while first < batches.len() {
            let mut aside = Aside::new(batches.len() - first, ASIDE_BYTES);
            let part = |folder: FolderNo| batch_of.get(&folder)?.checked_sub(first);
            self.ledger
                .set_aside(self.spots.iter().map(|spot| spot.map(|at| at.and_then(part))), &mut aside)?;
            let parts = aside.into_parts();
            for (batch, part) in batches[first..].iter().zip(parts) {
                self.write_batch(root, batch, part)?;
                first += 1;
            }
        }
        Ok(())
    }

    fn write_batch(
        &mut self,
        root: FolderNo,
        batch: &[FolderNo],
        changes: AsidePart,
    ) -> Result<(), IngestError> {
        let wanted: HashSet<FolderNo> = batch.iter().copied().collect();
        let mut edits = Vec::new();
        if wanted.contains(&root) && self.table.orphans_found().is_none() && self.past.orphans()?.is_some() {
            edits.push((root, orphans_key(), None));
        }
        for change in changes.into_changes(self.contents) {
            let (id, now) = item_changed(change?)?;
            self.edits_of(self.past.item(&id)?, now, &wanted, &mut edits)?;
        }
        for id in &self.forced {
            self.edits_of(self.past.item(id)?, self.ledger.item(id)?, &wanted, &mut edits)?;
        }
        Ok(self.table.update.write(batch, edits)?)
    }

    /// What a change does to the folders of a batch.
    fn edits_of(
        &self,
        old: Option<Item>,
        now: Option<Item>,
        wanted: &HashSet<FolderNo>,
        edits: &mut Vec<ChildEdit>,
    ) -> Result<(), IngestError> {
        if let Some(old) = &old
            && let Some(folder) = self.number(&self.past.place(old)?)
            && wanted.contains(&folder)
        {
            edits.push((folder, spot_key(old), None));
        }
        // A folder's own entry comes from its edit.
        if let Some(now) = now.filter(|now| !now.known.facts.kind.is_container()) {
            let home = self.table.find(&now.known.facts.parent).or(self.table.orphans_found());
            if let Some(home) = home.filter(|home| wanted.contains(home)) {
                edits.push((home, spot_key(&now), Some(Box::new(entry_of(&now)))));
            }
        }
        Ok(())
    }

    fn number(&self, place: &Place) -> Option<FolderNo> {
        match place {
            Place::In(folder) => self.table.find(folder),
            Place::Orphaned => self.table.orphans_found(),
        }
    }
}

fn spot_key(item: &Item) -> repo_format::tree::TreeKey {
    tree_key(&item.known.facts.name, &item.known.facts.id)
}

fn count(counts: &mut Counts, item: Option<&Item>, by: i64) {
    let Some(item) = item else { return };
    let counter = match item.known.facts.kind {
        Kind::File => &mut counts.files,
        Kind::Pointer(..) => &mut counts.others,
        _ => &mut counts.folders,
    };
    *counter = counter.saturating_add_signed(by);
}
