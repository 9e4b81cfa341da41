//! The fold: how a record changes the state. Total: whoever appended a record has validated it.

use super::action::Action;
use super::hold::Hold;
use super::parts::BlobRef;
use super::record::OpenedRecord;
use super::row::ManifestRow;
use super::state::{Floor, Mark, RECENT_MAX, State};
use crate::codec::{ManifestId, PackId, RecordHash};

impl State {
    /// Folds the next record.
    ///
    /// The caller has checked that it is the next one: its revision and the hash it carries.
    pub fn apply(&mut self, opened: &OpenedRecord) {
        let record = &opened.record;
        debug_assert_eq!((record.revision, record.previous), (self.revision + 1, self.hash));
        self.step(opened.hash);
        self.recent_commits.push_back((record.commit, record.revision));
        trim_front(&mut self.recent_commits);
        for action in &record.actions {
            self.apply_action(action, record.revision);
        }
    }

    /// Passes over a void record (LOG-8); its successor carries `hash`, or zeros if nobody knows.
    pub(super) fn pass_void(&mut self, hash: RecordHash) {
        self.step(hash);
    }

    fn step(&mut self, hash: RecordHash) {
        self.revision += 1;
        self.hash = hash;
        // What nobody knows says nothing against what a client has seen there.
        if !hash.is_zero() {
            self.recent_hashes.push_back((self.revision, hash));
            trim_front(&mut self.recent_hashes);
        }
    }

    /// Applies one action of record `revision`.
    pub(super) fn apply_action(&mut self, action: &Action, revision: u64) {
        match action {
            Action::AddSegments(added) => self.segments.extend(added.iter().map(|s| (s.id, *s))),
            Action::ReplaceSegments { removed, added } => {
                self.segments.retain(|id, _| !removed.contains(id));
                self.segments.extend(added.iter().map(|segment| (segment.id, *segment)));
            }
            Action::PutManifest { row, relied, bases: _ } => {
                self.rely(relied, revision);
                self.rely(&[row.pack], revision);
                // One that was found again keeps its place among the others.
                let place = if (1..revision).contains(&row.revision) { row.revision } else { revision };
                self.put_row(ManifestRow { revision: place, forgotten: None, ..(**row).clone() });
            }
            Action::Forget(manifests) => {
                manifests.iter().for_each(|id| self.forget(id, revision));
            }
            Action::Recall { manifest, relied } => {
                self.rely(relied, revision);
                self.history.last_recall = revision;
                self.recall(manifest);
            }
            Action::Condemn(blobs) => {
                for blob in blobs {
                    self.condemned.entry(*blob).or_insert(revision);
                }
            }
            Action::Doom { marked: _, blobs } => self.doom(blobs, revision),
            Action::Reap(blobs) => blobs.iter().for_each(|blob| self.reap(blob)),
            Action::Quarantine { packs, set: true } => self.quarantined.extend(packs),
            Action::Quarantine { packs, set: false } => {
                self.quarantined.retain(|pack| !packs.contains(pack));
            }
            Action::PutParameter { name, value } => put_or_remove(&mut self.parameters, name, value),
            Action::PutPolicy { name, value } => put_or_remove(&mut self.policies, name, value),
            Action::AddSlot(slot) => drop(self.slots.insert(slot.id, slot.clone())),
            Action::DropSlot(slot) => drop(self.slots.remove(slot)),
            Action::VerificationMap { root, relied } => {
                self.rely(relied, revision);
                self.verification_map = *root;
            }
            Action::RequireFeature { name, scope } => {
                // Once readers must know it, they must for good.
                let known = self.features.entry(name.clone()).or_insert(*scope);
                *known = (*known).max(*scope);
            }
            Action::VoidRecord { revision: lost, hash } => {
                self.voids.insert(*lost, *hash);
                self.hold = Some(Hold::begin(revision));
                self.history.last_recall = revision;
            }
            Action::RaiseFloor(floor) => self.floor = self.floor.max(Floor(*floor)),
            Action::Settle { looked_at: _, verified } => {
                self.hold = self.hold.filter(|_| !verified).map(|_| Hold { since: revision, found: true });
                self.history.last_recall = revision;
            }
        }
    }

    fn rely(&mut self, packs: &[PackId], revision: u64) {
        self.history.relied.extend(packs.iter().map(|pack| (*pack, revision)));
    }

    /// Puts a row unless there is one, be it in a segment that was not read yet.
    fn put_row(&mut self, row: ManifestRow) {
        if self.rows.contains_key(&row.id) {
            return;
        }
        if self.manifest_segments.is_empty() {
            self.rows.insert(row.id, row);
            return;
        }
        self.pending.entry(row.id).or_default().put.get_or_insert(row);
    }

    fn forget(&mut self, id: &ManifestId, revision: u64) {
        if let Some(row) = self.rows.get_mut(id) {
            row.forgotten.get_or_insert(revision);
        } else if !self.manifest_segments.is_empty() {
            let pending = self.pending.entry(*id).or_default();
            if let Some(row) = &mut pending.put {
                row.forgotten.get_or_insert(revision);
            }
            pending.mark = Some(match pending.mark {
                Some(earlier @ Mark::Forgotten { .. }) => earlier,
                mark => Mark::Forgotten { revision, was_recalled: mark == Some(Mark::Recalled) },
            });
        }
    }

    fn recall(&mut self, id: &ManifestId) {
        if let Some(row) = self.rows.get_mut(id) {
            row.forgotten = None;
        } else if !self.manifest_segments.is_empty() {
            let pending = self.pending.entry(*id).or_default();
            if let Some(row) = &mut pending.put {
                row.forgotten = None;
            }
            pending.mark = Some(Mark::Recalled);
        }
    }

    fn doom(&mut self, blobs: &[BlobRef], revision: u64) {
        self.last_doom = revision;
        for blob in blobs {
            self.condemned.remove(blob);
            self.doomed.entry(*blob).or_insert(revision);
        }
    }

    fn reap(&mut self, blob: &BlobRef) {
        self.condemned.remove(blob);
        self.doomed.remove(blob);
        if let BlobRef::Pack(_, id) = blob {
            self.quarantined.remove(id);
        }
        self.history.reaped.insert(*blob);
    }
}

fn trim_front<T>(recent: &mut std::collections::VecDeque<T>) {
    if recent.len() > RECENT_MAX {
        recent.pop_front();
    }
}

fn put_or_remove(map: &mut std::collections::BTreeMap<String, Vec<u8>>, name: &str, value: &Option<Vec<u8>>) {
    match value {
        Some(value) => map.insert(name.to_owned(), value.clone()),
        None => map.remove(name),
    };
}
