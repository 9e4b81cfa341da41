//! What must hold at the prefix that a record extends (LOG-7).

use super::action::{Action, Blob, Blobs, Id, Ids, Record, Revision, Segment};
use super::fold::State;
use super::rule::{Refusal, Rule};
use crate::flaw::Flaw;

impl State {
    /// Checks a record that would extend this state; each action against what those before it lead to.
    ///
    /// With a flaw the rule that it breaks is not asked.
    ///
    /// # Errors
    ///
    /// The first rule that is broken.
    pub fn validate(&self, record: &Record, flaw: Option<Flaw>) -> Result<(), Refusal> {
        let mut so_far = self.clone();
        for action in &record.actions {
            so_far.validate_action(action, flaw)?;
            so_far.apply_action(action, self.revision + 1);
        }
        Ok(())
    }

    fn validate_action(&self, action: &Action, flaw: Option<Flaw>) -> Result<(), Refusal> {
        match action {
            Action::AddSegments(added) => added.iter().try_for_each(|segment| {
                self.may_add(segment)?;
                if flaw == Some(Flaw::AddsSegmentOfLostPack) { Ok(()) } else { self.may_name(segment) }
            }),
            Action::ReplaceSegments { removed, added } => {
                let gone = removed.iter().find(|id| !self.segments.contains_key(id));
                match gone {
                    Some(segment) if flaw != Some(Flaw::CompactionUnchecked) => {
                        Err(Rule::SegmentReplaced(*segment))
                    }
                    _ => added.iter().try_for_each(|segment| self.may_add(segment)),
                }
            }
            Action::PutManifest { needs, relied, bases, .. } => {
                let gone = bases.iter().find(|base| !self.is_live(**base));
                if let (Some(base), false) = (gone, flaw == Some(Flaw::BasesUnchecked)) {
                    return Err(Rule::BaseGone(*base));
                }
                self.may_rely(relied, flaw)?;
                if flaw == Some(Flaw::PartlyNamed) { Ok(()) } else { self.all_named(needs, relied, bases) }
            }
            Action::Recall { snapshot, relied } => self.may_recall(*snapshot, relied, flaw),
            Action::Doom { marked, blobs } => {
                self.mark_holds(*marked, flaw)?;
                match self.in_use(*marked, blobs, flaw).first() {
                    Some(blob) => Err(Rule::InUse(*blob)),
                    None => Ok(()),
                }
            }
            Action::Settle { verified } => match self.hold {
                Some(found) if found || !verified => Ok(()),
                _ => Err(Rule::NotSettled),
            },
            Action::Reap(blobs) => blobs.iter().try_for_each(|blob| self.may_reap(*blob, flaw)),
            Action::RaiseFloor(floor) if *floor > self.revision => Err(Rule::FloorAhead(*floor)),
            Action::Forget(_) | Action::Condemn(_) | Action::RaiseFloor(_) | Action::Void(_) => Ok(()),
        }
    }

    fn may_add(&self, segment: &Segment) -> Result<(), Refusal> {
        match self.is_lost(Blob::Segment(segment.id)) {
            true => Err(Rule::SegmentLost(segment.id)),
            false => Ok(()),
        }
    }

    /// What a new segment names must outlive the prefix: once reaped, no state remembers that it went.
    fn may_name(&self, segment: &Segment) -> Result<(), Refusal> {
        match segment.locations.iter().find(|location| self.is_lost(Blob::Pack(location.pack))) {
            Some(lost) => Err(Rule::SegmentNamesLost { segment: segment.id, pack: lost.pack }),
            None => Ok(()),
        }
    }

    fn may_rely(&self, packs: &Ids, flaw: Option<Flaw>) -> Result<(), Refusal> {
        let lost = packs.iter().find(|pack| self.is_lost(Blob::Pack(**pack)));
        match lost {
            Some(pack) if !matches!(flaw, Some(Flaw::CommitUnchecked | Flaw::NamesUsedTwice)) => {
                Err(Rule::PackLost(*pack))
            }
            _ => Ok(()),
        }
    }

    fn all_named(&self, needs: &Ids, relied: &Ids, bases: &Ids) -> Result<(), Refusal> {
        let protected: Ids = bases
            .iter()
            .filter_map(|base| self.snapshots.get(base))
            .flat_map(|row| &row.needs)
            .copied()
            .collect();
        let named = |content: &Id| !self.packs_of(*content).is_disjoint(relied);
        match needs.difference(&protected).find(|content| !named(content)) {
            Some(content) => Err(Rule::NotNamed(*content)),
            None => Ok(()),
        }
    }

    fn may_recall(&self, snapshot: Id, relied: &Ids, flaw: Option<Flaw>) -> Result<(), Refusal> {
        let row = self.snapshots.get(&snapshot).ok_or(Rule::NoSuchSnapshot(snapshot))?;
        let forgotten = row.forgotten.ok_or(Rule::NotForgotten(snapshot))?;
        if !relied.is_empty() {
            self.may_rely(relied, flaw)?;
            return self.all_named(&row.needs, relied, &Ids::new());
        }
        if self.last_doom > forgotten && flaw != Some(Flaw::RecallWithoutWalk) {
            return Err(Rule::DoomFollowed(self.last_doom));
        }
        Ok(())
    }

    /// Whether what was marked at `marked` may still be doomed.
    ///
    /// # Errors
    ///
    /// `MarkOutdated`: the collector starts over.
    pub fn mark_holds(&self, marked: Revision, flaw: Option<Flaw>) -> Result<(), Refusal> {
        if self.hold.is_some() && flaw != Some(Flaw::IgnoresHold) {
            return Err(Rule::Held);
        }
        let unless = |ignored: Flaw, revision: Revision| if flaw == Some(ignored) { 0 } else { revision };
        let by = [
            unless(Flaw::IgnoresDoom, self.last_doom),
            unless(Flaw::IgnoresRecall, self.history.last_recall),
            unless(Flaw::IgnoresJump, self.history.from),
        ];
        match by.into_iter().max() {
            Some(by) if by > marked || marked > self.revision => Err(Rule::MarkOutdated { marked, by }),
            _ => Ok(()),
        }
    }

    /// Those of `blobs`, marked at `marked`, that must stay: named since, or segments of the state.
    pub fn in_use(&self, marked: Revision, blobs: &Blobs, flaw: Option<Flaw>) -> Blobs {
        let used = |blob: &Blob| match blob {
            Blob::Pack(pack) => {
                let since = self.history.relied.get(pack).copied().unwrap_or(0);
                since > marked && flaw != Some(Flaw::IgnoresNamed)
            }
            Blob::Segment(segment) => self.segments.contains_key(segment),
        };
        blobs.iter().filter(|blob| used(blob)).copied().collect()
    }

    /// A reaped blob leaves the state, so nothing in the state may lead to it any more.
    fn may_reap(&self, blob: Blob, flaw: Option<Flaw>) -> Result<(), Refusal> {
        match blob {
            _ if !self.doomed.contains(&blob) => Err(Rule::NotDoomed(blob)),
            Blob::Pack(pack) if self.names(pack) && flaw != Some(Flaw::ReapsWhatIsNamed) => {
                Err(Rule::StillNamed(pack))
            }
            _ => Ok(()),
        }
    }
}
