//! Folders that are as a base has them: such a one is taken over whole, with all that is below it.
//!
//! The walk keeps back what it finds in a folder. If all of it proves to be unchanged, the folder is one
//! step, and no tree is built that the repository has already; with the first difference all goes its way.

use super::bases::{BaseEntry, BaseFolders, BaseRoot};
use super::walk::{News, Step};
use crate::snapshot::Statistics;
use crate::tree::{Entry, TreeKey, TreeTotals};

/// Steps that the walk keeps back at most. A folder of more children is built anew.
pub(super) const HELD_MAX: usize = 4096;

/// What a base has of a folder.
pub(super) struct Before {
    root: BaseRoot,
    /// How many children it has there.
    children: u64,
    entry: Entry,
}

impl Before {
    /// The best of what was `found` of a folder; `bases` is what they have in it. Nothing if none has the
    /// folder, or it is too large to be kept back.
    pub fn best(found: &mut Vec<BaseEntry>, bases: &BaseFolders<'_>) -> Option<Before> {
        let (root, children) = bases.best().filter(|(_, children)| *children <= HELD_MAX as u64)?;
        let found = found.drain(..).find(|found| found.base == root.base)?;
        Some(Before { root, children, entry: found.entry })
    }
}

/// A folder that was as a base has it so far.
pub(super) struct Held {
    key: TreeKey,
    entry: Entry,
    before: Before,
    /// One for each child that was met.
    steps: Vec<Step>,
    totals: TreeTotals,
    statistics: Statistics,
}

impl Held {
    /// Begins with the folder `entry`.
    pub fn begin(key: TreeKey, entry: Entry, before: Before) -> Held {
        let statistics = Statistics { folders: 1, ..Statistics::default() };
        Held { key, entry, before, steps: Vec::new(), totals: TreeTotals::default(), statistics }
    }

    /// Whether a child that is now as `entry` is what the base has: one of `found`.
    pub fn has(&self, entry: &Entry, found: &[BaseEntry]) -> bool {
        found.iter().any(|found| found.base == self.before.root.base && found.entry == *entry)
    }

    /// Keeps a child back that the base has like this.
    pub fn keep(&mut self, step: Step) {
        match &step {
            Step::Ready { entry, .. } => {
                self.totals.add(entry);
                News::Unchanged.count(entry, &mut self.statistics);
            }
            Step::Whole { entry, statistics, .. } => {
                self.totals.add(entry);
                self.statistics += *statistics;
            }
            _ => debug_assert!(false, "only what is complete is kept back"),
        }
        self.steps.push(step);
    }

    /// How many steps it keeps back.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether all that the base has was met.
    pub fn is_whole(&self) -> bool {
        self.steps.len() as u64 == self.before.children
    }

    /// The folder as one step, and what the base has of it. It is whole.
    pub fn end(self) -> (Step, BaseEntry) {
        let Before { root, entry: before, .. } = self.before;
        let entry = self.totals.folder_entry(root.tree, self.entry);
        let before = BaseEntry { base: root.base, entry: before, begun_ns: root.begun_ns };
        (Step::Whole { key: self.key, entry, statistics: self.statistics }, before)
    }

    /// What was kept back, as the steps of a folder that is built anew; its end is still to come.
    pub fn let_go(self) -> impl Iterator<Item = Step> {
        std::iter::once(Step::Enter { key: self.key, entry: self.entry }).chain(self.steps)
    }
}
