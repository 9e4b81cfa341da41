//! A recall of a forgotten snapshot: at once if no doom followed, else after a walk.

use std::sync::Arc;

use super::commit_id;
use crate::bounds::Bounds;
use crate::flaw::Flaw;
use crate::rules::{Action, Blob, Id, Ids, Record, State};
use crate::world::{Answer, Create, View, World};

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Recaller {
    #[default]
    Idle,
    /// Every content was found; the packs are named, or none where that is not asked for.
    Ready {
        view: View,
        snapshot: Id,
        relied: Ids,
    },
    Recalled,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecallerStep {
    /// Looks for every content of a forgotten snapshot.
    Walk(Id),
    /// Relies on there having been no doom since.
    Trust(Id),
    Commit,
}

impl Recaller {
    /// The steps that recaller `i` may take.
    pub fn steps(i: usize, world: &World, bounds: &Bounds) -> Vec<RecallerStep> {
        match &world.recallers[i] {
            Recaller::Idle => {
                let state = world.truth();
                let forgotten = state.snapshots.iter().filter(|(_, row)| row.forgotten.is_some());
                forgotten.flat_map(|(id, _)| [RecallerStep::Walk(*id), RecallerStep::Trust(*id)]).collect()
            }
            Recaller::Ready { .. } if world.has_room(bounds) => vec![RecallerStep::Commit],
            _ => Vec::new(),
        }
    }
}

impl World {
    /// Takes a step of recaller `i`. `None`: it changes nothing.
    pub fn recaller_step(
        &mut self,
        i: usize,
        step: RecallerStep,
        bounds: &Bounds,
        flaw: Option<Flaw>,
    ) -> Option<()> {
        let recaller = std::mem::take(&mut self.recallers[i]);
        self.recallers[i] = match (step, recaller) {
            (RecallerStep::Walk(snapshot), _) => {
                let view = self.open()?;
                let relied = walk(snapshot, &self.state(view, flaw))?;
                Recaller::Ready { view, snapshot, relied }
            }
            (RecallerStep::Trust(snapshot), _) => {
                Recaller::Ready { view: self.open()?, snapshot, relied: Ids::new() }
            }
            (RecallerStep::Commit, Recaller::Ready { view, snapshot, relied }) => {
                self.recall(i, (view, snapshot, relied), bounds, flaw)?
            }
            (step, recaller) => unreachable!("{step:?} in {recaller:?}"),
        };
        Some(())
    }

    fn recall(
        &mut self,
        i: usize,
        (view, snapshot, relied): (View, Id, Ids),
        bounds: &Bounds,
        flaw: Option<Flaw>,
    ) -> Option<Recaller> {
        let actions = vec![Action::Recall { snapshot, relied: relied.clone() }];
        let record = Arc::new(Record { commit: commit_id(5, i, 0), actions });
        if self.state(view, flaw).validate(&record, flaw).is_err() {
            return Some(Recaller::Idle);
        }
        let create = Create { revision: view.at + 1, record };
        let won = self.create(create.clone()) == Answer::Mine
            && self.stands(create.revision, &create.record, bounds, flaw);
        if won {
            return Some(Recaller::Recalled);
        }
        let renewed = self.refresh(view)?;
        // As for a writer: after a jump only what the state names was certainly not reaped.
        let state = self.state(renewed, flaw);
        let seen = renewed.from == view.from || flaw == Some(Flaw::JumpKeepsFound);
        let kept = seen || relied.iter().all(|pack| state.names(*pack));
        Some(if kept { Recaller::Ready { view: renewed, snapshot, relied } } else { Recaller::Idle })
    }
}

/// A pack that is not lost for each content of a snapshot; `None` if one has none.
fn walk(snapshot: Id, state: &State) -> Option<Ids> {
    let row = state.snapshots.get(&snapshot).filter(|row| row.forgotten.is_some())?;
    let there = |pack: &Id| !state.is_lost(Blob::Pack(*pack));
    row.needs.iter().map(|content| state.packs_of(*content).into_iter().find(there)).collect()
}
