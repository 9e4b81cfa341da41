//! A collector: copies what lives in thin packs, marks, dooms what nobody needs, and deletes it.

use std::sync::Arc;

use super::commit_id;
use crate::bounds::Bounds;
use crate::flaw::Flaw;
use crate::rules::{Action, Blob, Blobs, Id, Ids, Record, State};
use crate::world::{Answer, Create, View, World};

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Collector {
    #[default]
    Idle,
    /// Live contents are copied to a new pack; the record that adds its segment is due.
    Copied { view: View, segment: Id },
    /// The segment of the copies is in the log; they are preferred from here on.
    Repacked,
    /// Nothing that is live at revision `marked` needs the blobs.
    Marked { view: View, marked: u64, blobs: Blobs },
    /// The doom is in the log.
    Doomed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CollectorStep {
    /// Copies the live contents of a pack, and writes the segment that names the copies.
    Copy {
        pack: Id,
    },
    CommitCopies,
    Mark,
    /// Advises against what it is going to doom.
    Condemn,
    Doom,
}

impl Collector {
    /// The steps that collector `i` may take.
    pub fn steps(i: usize, world: &World, bounds: &Bounds, flaw: Option<Flaw>) -> Vec<CollectorStep> {
        let room = world.has_room(bounds);
        match &world.collectors[i] {
            Collector::Idle => {
                let mut steps = vec![CollectorStep::Mark];
                let space =
                    world.packs.len() < bounds.packs_max && world.segments.len() < bounds.segments_max;
                if world.spent.copies < bounds.copies && space {
                    let packs = world.truth().locations().map(|at| at.pack).collect::<Ids>();
                    steps.extend(packs.into_iter().map(|pack| CollectorStep::Copy { pack }));
                }
                steps
            }
            _ if !room => Vec::new(),
            Collector::Copied { .. } => vec![CollectorStep::CommitCopies],
            Collector::Repacked => vec![CollectorStep::Mark],
            Collector::Marked { view, blobs, .. } => {
                let known = world.state(*view, flaw);
                let advice = bounds.condemns && view.at == world.head() && known.condemned.is_disjoint(blobs);
                let condemn = advice.then_some(CollectorStep::Condemn);
                condemn.into_iter().chain([CollectorStep::Doom]).collect()
            }
            Collector::Doomed => Vec::new(),
        }
    }
}

impl World {
    /// Takes a step of collector `i`. `None`: it changes nothing.
    pub fn collector_step(
        &mut self,
        i: usize,
        step: CollectorStep,
        bounds: &Bounds,
        flaw: Option<Flaw>,
    ) -> Option<()> {
        let collector = std::mem::take(&mut self.collectors[i]);
        self.collectors[i] = match (step, collector) {
            (CollectorStep::Copy { pack }, _) => self.copy(pack, flaw)?,
            (CollectorStep::CommitCopies, Collector::Copied { view, segment }) => {
                self.commit_copies(i, view, segment, bounds, flaw)?
            }
            (CollectorStep::Mark, before) => {
                // Two collectors that prefer different copies must not doom each other's choice.
                let newest = before == Collector::Repacked || i % 2 == 1;
                self.mark(newest, bounds, flaw)?
            }
            (CollectorStep::Condemn, Collector::Marked { view, marked, blobs }) => {
                self.append(vec![Action::Condemn(blobs.clone())]);
                Collector::Marked { view: View { at: self.head(), ..view }, marked, blobs }
            }
            (CollectorStep::Doom, Collector::Marked { view, marked, blobs }) => {
                self.doom(i, (view, marked, blobs), bounds, flaw)?
            }
            (step, collector) => unreachable!("{step:?} in {collector:?}"),
        };
        Some(())
    }

    fn copy(&mut self, pack: Id, flaw: Option<Flaw>) -> Option<Collector> {
        let view = self.open()?;
        let state = self.state(view, flaw);
        let needed: Ids = state.live().flat_map(|(_, needs)| needs).copied().collect();
        let found = |content: &Id| state.packs_of(*content).contains(&pack);
        let copied: Ids = needed.into_iter().filter(found).collect();
        if copied.is_empty() || state.is_lost(Blob::Pack(pack)) || !self.is_stored(Blob::Pack(pack)) {
            return None;
        }
        self.spent.copies += 1;
        let copy = self.write_pack(copied);
        let segment = self.write_segment(self.footers([copy])).id;
        if flaw == Some(Flaw::DoomsBeforeCopies) {
            return Some(Collector::Marked { view, marked: view.at, blobs: [Blob::Pack(pack)].into() });
        }
        Some(Collector::Copied { view, segment })
    }

    fn commit_copies(
        &mut self,
        i: usize,
        view: View,
        segment: Id,
        bounds: &Bounds,
        flaw: Option<Flaw>,
    ) -> Option<Collector> {
        let actions = vec![Action::AddSegments(vec![self.segment(segment)])];
        let record = Arc::new(Record { commit: commit_id(2, i, 0), actions });
        if self.state(view, flaw).validate(&record, flaw).is_err() {
            return Some(Collector::Idle);
        }
        let create = Create { revision: view.at + 1, record };
        let won = self.create(create.clone()) == Answer::Mine
            && self.stands(create.revision, &create.record, bounds, flaw);
        if won {
            return Some(Collector::Repacked);
        }
        let renewed = self.refresh(view)?;
        // Who jumped does not know whether its packs and segments were doomed meanwhile.
        let kept = renewed.from == view.from || flaw == Some(Flaw::JumpKeepsOwn);
        Some(if kept { Collector::Copied { view: renewed, segment } } else { Collector::Idle })
    }

    fn mark(&self, newest: bool, bounds: &Bounds, flaw: Option<Flaw>) -> Option<Collector> {
        let view = self.open()?;
        let state = self.state(view, flaw);
        let keep = self.needed(&state, newest, flaw)?;
        let garbage = |blob: &Blob| match blob {
            Blob::Pack(pack) => !keep.contains(pack) && !self.holds_lost(&state, *pack, flaw),
            Blob::Segment(id) => !state.segments.contains_key(id) && !state.is_lost(*blob),
        };
        let blobs: Blobs = self.listing(bounds).into_iter().filter(garbage).collect();
        (!blobs.is_empty()).then_some(Collector::Marked { view, marked: view.at, blobs })
    }

    /// One pack for each content of a live snapshot; `None` if one is missing (INV-13).
    fn needed(&self, state: &State, newest: bool, flaw: Option<Flaw>) -> Option<Ids> {
        let needed: Ids = state.live().flat_map(|(_, needs)| needs).copied().collect();
        let pack_of = |content| {
            let packs = state.packs_of(content).into_iter();
            let mut there = packs.filter(|pack| !self.holds_lost(state, *pack, flaw));
            if newest { there.next_back() } else { there.next() }
        };
        needed.into_iter().map(pack_of).collect()
    }

    fn doom(
        &mut self,
        i: usize,
        (view, marked, mut blobs): (View, u64, Blobs),
        bounds: &Bounds,
        flaw: Option<Flaw>,
    ) -> Option<Collector> {
        let state = self.state(view, flaw);
        if state.mark_holds(marked, flaw).is_err() {
            return Some(Collector::Idle);
        }
        let in_use = state.in_use(marked, &blobs, flaw);
        blobs.retain(|blob| !in_use.contains(blob));
        if blobs.is_empty() {
            return Some(Collector::Idle);
        }
        let actions = vec![Action::Doom { marked, blobs: blobs.clone() }];
        let record = Arc::new(Record { commit: commit_id(3, i, 0), actions });
        let anywhere = flaw == Some(Flaw::DoomAnywhere);
        let revision = if anywhere { self.head() + 1 } else { view.at + 1 };
        match self.create(Create { revision, record: record.clone() }) {
            Answer::Mine if self.stands(revision, &record, bounds, flaw) => {
                self.deleting.extend(blobs);
                Some(Collector::Doomed)
            }
            _ => Some(Collector::Marked { view: self.refresh(view)?, marked, blobs }),
        }
    }
}
