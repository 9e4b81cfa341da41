//! A restore: reads the contents of a snapshot by a state that may be old.

use crate::flaw::Flaw;
use crate::rules::{Id, Ids};
use crate::world::{View, World};

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Reader {
    #[default]
    Idle,
    /// These contents are still to be read; `missed` if the state was refreshed for the first of them.
    Reading {
        view: View,
        snapshot: Id,
        left: Ids,
        missed: bool,
    },
    Done,
    /// The snapshot was forgotten meanwhile, and a content is gone.
    Gone,
    /// It would tell of damage.
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReaderStep {
    Open(Id),
    /// Reads the next content, or misses it and refreshes.
    Read,
}

impl Reader {
    /// The steps that reader `i` may take.
    pub fn steps(i: usize, world: &World) -> Vec<ReaderStep> {
        match &world.readers[i] {
            Reader::Idle => world.truth().live().map(|(snapshot, _)| ReaderStep::Open(snapshot)).collect(),
            Reader::Reading { .. } => vec![ReaderStep::Read],
            _ => Vec::new(),
        }
    }
}

impl World {
    /// Takes a step of reader `i`. `None`: it changes nothing.
    pub fn reader_step(&mut self, i: usize, step: ReaderStep, flaw: Option<Flaw>) -> Option<()> {
        let reader = std::mem::take(&mut self.readers[i]);
        self.readers[i] = match (step, reader) {
            (ReaderStep::Open(snapshot), _) => {
                let view = self.open()?;
                let left = self.state(view, flaw).snapshots.get(&snapshot)?.needs.clone();
                Reader::Reading { view, snapshot, left, missed: false }
            }
            (ReaderStep::Read, Reader::Reading { view, snapshot, left, missed }) => {
                self.read(view, snapshot, left, missed, flaw)?
            }
            (step, reader) => unreachable!("{step:?} in {reader:?}"),
        };
        Some(())
    }

    fn read(
        &self,
        view: View,
        snapshot: Id,
        mut left: Ids,
        missed: bool,
        flaw: Option<Flaw>,
    ) -> Option<Reader> {
        let Some(content) = left.first().copied() else { return Some(Reader::Done) };
        if self.reads(&self.state(view, flaw), content) {
            left.remove(&content);
            return Some(match left.is_empty() {
                true => Reader::Done,
                false => Reader::Reading { view, snapshot, left, missed: false },
            });
        }
        let renewed = self.refresh(view)?;
        let live = self.state(renewed, flaw).is_live(snapshot);
        // As long as there is something new, the content may have moved again.
        let again = renewed != view && !(missed && flaw == Some(Flaw::ReadsTwice));
        Some(match (live, again) {
            (false, _) => Reader::Gone,
            (true, true) => Reader::Reading { view: renewed, snapshot, left, missed: true },
            (true, false) => Reader::Failed,
        })
    }
}
