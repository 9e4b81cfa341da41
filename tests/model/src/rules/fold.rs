//! The fold: what a prefix of the log comes to (FOLD-1).

use std::collections::BTreeMap;

use super::action::{Action, Blob, Blobs, Id, Ids, Location, Locations, Record, Revision};

/// A snapshot that the state has a row of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub needs: Ids,
    /// The revision that forgot it; `None` if it is live.
    pub forgotten: Option<Revision>,
}

/// The state at a revision, as one process knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub revision: Revision,
    pub snapshots: BTreeMap<Id, Snapshot>,
    pub segments: BTreeMap<Id, Locations>,
    pub condemned: Blobs,
    /// Doomed and not reaped.
    pub doomed: Blobs,
    pub floor: Revision,
    /// The revision of the last doom; 0 if there was none.
    pub last_doom: Revision,
    /// Whether dooms are held, and if so whether what a lost record put was looked for.
    pub hold: Option<bool>,
    pub(super) history: History,
}

/// What no catalog holds: known only for records that were folded one by one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct History {
    /// All records after this one were folded one by one.
    pub from: Revision,
    /// The last record that relied on a pack by name.
    pub relied: BTreeMap<Id, Revision>,
    pub reaped: Blobs,
    pub last_recall: Revision,
}

impl State {
    /// Folds the next record.
    pub fn apply(&mut self, record: &Record) {
        self.revision += 1;
        record.actions.iter().for_each(|action| self.apply_action(action, self.revision));
    }

    /// Forgets what a catalog of this state does not hold (CAT-2): who starts from it has jumped.
    pub fn into_catalog(self) -> State {
        State { history: History { from: self.revision, ..History::default() }, ..self }
    }

    /// Leaves out what CAT-6 allows to be left out: rows that were forgotten before the last doom.
    pub fn drop_rows_of_no_use(&mut self) {
        let last_doom = self.last_doom;
        self.snapshots.retain(|_, row| row.forgotten.is_none_or(|forgotten| forgotten >= last_doom));
    }

    /// Applies one action of record `revision`.
    pub(super) fn apply_action(&mut self, action: &Action, revision: Revision) {
        match action {
            Action::AddSegments(added) => {
                self.segments.extend(added.iter().map(|segment| (segment.id, segment.locations.clone())));
            }
            Action::ReplaceSegments { removed, added } => {
                self.segments.retain(|id, _| !removed.contains(id));
                self.segments.extend(added.iter().map(|segment| (segment.id, segment.locations.clone())));
            }
            Action::PutManifest { snapshot, needs, relied, bases: _ } => {
                self.rely(relied, revision);
                let row = || Snapshot { needs: needs.clone(), forgotten: None };
                self.snapshots.entry(*snapshot).or_insert_with(row);
            }
            Action::Forget(snapshots) => {
                for snapshot in snapshots {
                    if let Some(row) = self.snapshots.get_mut(snapshot) {
                        row.forgotten.get_or_insert(revision);
                    }
                }
            }
            Action::Recall { snapshot, relied } => {
                self.rely(relied, revision);
                self.history.last_recall = revision;
                if let Some(row) = self.snapshots.get_mut(snapshot) {
                    row.forgotten = None;
                }
            }
            Action::Condemn(blobs) => self.condemned.extend(blobs),
            Action::Doom { marked: _, blobs } => {
                self.last_doom = revision;
                self.condemned.retain(|blob| !blobs.contains(blob));
                self.doomed.extend(blobs);
            }
            Action::Reap(blobs) => {
                self.condemned.retain(|blob| !blobs.contains(blob));
                self.doomed.retain(|blob| !blobs.contains(blob));
                self.history.reaped.extend(blobs);
            }
            Action::RaiseFloor(floor) => self.floor = self.floor.max(*floor),
            Action::Void(_) => {
                self.hold = Some(false);
                self.history.last_recall = revision;
            }
            Action::Settle { verified } => {
                self.hold = self.hold.filter(|_| !verified).map(|_| true);
                self.history.last_recall = revision;
            }
        }
    }

    fn rely(&mut self, packs: &Ids, revision: Revision) {
        self.history.relied.extend(packs.iter().map(|pack| (*pack, revision)));
    }

    pub fn is_live(&self, snapshot: Id) -> bool {
        self.snapshots.get(&snapshot).is_some_and(|row| row.forgotten.is_none())
    }

    /// The live snapshots and what each needs.
    pub fn live(&self) -> impl Iterator<Item = (Id, &Ids)> {
        let live = self.snapshots.iter().filter(|(_, row)| row.forgotten.is_none());
        live.map(|(id, row)| (*id, &row.needs))
    }

    /// Whether a blob is doomed, or known to be reaped.
    pub fn is_lost(&self, blob: Blob) -> bool {
        self.doomed.contains(&blob) || self.history.reaped.contains(&blob)
    }

    /// Every place that the segments of the state name, of all contents.
    pub fn locations(&self) -> impl Iterator<Item = Location> {
        self.segments.values().flatten().copied()
    }

    /// The packs in which the segments of the state find a content.
    pub fn packs_of(&self, content: Id) -> Ids {
        self.locations().filter(|location| location.content == content).map(|found| found.pack).collect()
    }

    /// Whether a segment of the state names a pack.
    pub fn names(&self, pack: Id) -> bool {
        self.locations().any(|location| location.pack == pack)
    }
}
