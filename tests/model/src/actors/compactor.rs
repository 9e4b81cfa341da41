//! A compaction: one segment in place of all, without what lies in doomed packs.

use std::sync::Arc;

use super::commit_id;
use crate::bounds::Bounds;
use crate::flaw::Flaw;
use crate::rules::{Action, Blob, Id, Ids, Record};
use crate::world::{Answer, Create, View, World};

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Compactor {
    #[default]
    Idle,
    /// The merged segment is written, unless nothing was left for one; the record that puts it in their
    /// place is due.
    Merged {
        view: View,
        removed: Ids,
        added: Option<Id>,
    },
    Replaced,
    /// Another one was faster; the work is discarded.
    Lost,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompactorStep {
    Merge,
    Replace,
}

impl Compactor {
    /// The steps that compactor `i` may take.
    pub fn steps(i: usize, world: &World, bounds: &Bounds) -> Vec<CompactorStep> {
        match &world.compactors[i] {
            Compactor::Idle if world.segments.len() < bounds.segments_max => vec![CompactorStep::Merge],
            Compactor::Merged { .. } if world.has_room(bounds) => vec![CompactorStep::Replace],
            _ => Vec::new(),
        }
    }
}

impl World {
    /// Takes a step of compactor `i`. `None`: it changes nothing.
    pub fn compactor_step(
        &mut self,
        i: usize,
        step: CompactorStep,
        bounds: &Bounds,
        flaw: Option<Flaw>,
    ) -> Option<()> {
        let compactor = std::mem::take(&mut self.compactors[i]);
        self.compactors[i] = match (step, compactor) {
            (CompactorStep::Merge, _) => self.merge(flaw)?,
            (CompactorStep::Replace, Compactor::Merged { view, removed, added }) => {
                self.replace(i, (view, removed, added), bounds, flaw)?
            }
            (step, compactor) => unreachable!("{step:?} in {compactor:?}"),
        };
        Some(())
    }

    fn merge(&mut self, flaw: Option<Flaw>) -> Option<Compactor> {
        let view = self.open()?;
        let state = self.state(view, flaw);
        let mut locations = state.locations().collect::<std::collections::BTreeSet<_>>();
        let all = locations.len();
        locations.retain(|location| !state.is_lost(Blob::Pack(location.pack)));
        let worth = state.segments.len() > 1 || locations.len() < all;
        if !worth {
            return None;
        }
        let removed = state.segments.keys().copied().collect();
        let added = (!locations.is_empty()).then(|| self.write_segment(locations).id);
        Some(Compactor::Merged { view, removed, added })
    }

    fn replace(
        &mut self,
        i: usize,
        (view, removed, added): (View, Ids, Option<Id>),
        bounds: &Bounds,
        flaw: Option<Flaw>,
    ) -> Option<Compactor> {
        let segments = added.into_iter().map(|id| self.segment(id)).collect();
        let actions = vec![Action::ReplaceSegments { removed: removed.clone(), added: segments }];
        let record = Arc::new(Record { commit: commit_id(4, i, 0), actions });
        if self.state(view, flaw).validate(&record, flaw).is_err() {
            return Some(Compactor::Lost);
        }
        let create = Create { revision: view.at + 1, record };
        let won = self.create(create.clone()) == Answer::Mine
            && self.stands(create.revision, &create.record, bounds, flaw);
        if won {
            return Some(Compactor::Replaced);
        }
        let renewed = self.refresh(view)?;
        let kept = renewed.from == view.from || flaw == Some(Flaw::JumpKeepsOwn);
        Some(if kept { Compactor::Merged { view: renewed, removed, added } } else { Compactor::Lost })
    }
}
