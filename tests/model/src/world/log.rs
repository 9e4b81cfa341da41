//! The log: creating records, reading them, catalogs, trimming.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::World;
use crate::bounds::Bounds;
use crate::flaw::Flaw;
use crate::rules::{Action, Id, Record, Revision, State};

/// All records, trimmed ones too: record r is at place r - 1.
#[derive(Debug, Clone)]
pub struct TrueLog {
    records: Vec<Arc<Record>>,
    /// The fold up to each revision, from the empty state on; follows from the records.
    states: Vec<Arc<State>>,
    /// Stands for all records when states of the model are told apart.
    digest: u64,
}

/// How much of the log a process knows: the catalog that it started from, and how far it folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct View {
    pub from: Revision,
    pub at: Revision,
}

/// A request to create a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Create {
    pub revision: Revision,
    pub record: Arc<Record>,
}

/// What a create, or the reading that settles it, is answered with (STO-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    Mine,
    Theirs,
    /// Only of a reading: nothing has this name.
    Absent,
}

impl Default for TrueLog {
    fn default() -> TrueLog {
        TrueLog { records: Vec::new(), states: vec![Arc::default()], digest: 0 }
    }
}

impl TrueLog {
    pub fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    /// Makes a record count as empty.
    pub fn void(&mut self, revision: Revision) {
        let records = std::mem::take(self).records;
        for (place, record) in records.into_iter().enumerate() {
            let is_void = place as Revision + 1 == revision;
            let empty = || Arc::new(Record { commit: record.commit, actions: Vec::new() });
            self.push(if is_void { empty() } else { record });
        }
    }

    fn push(&mut self, record: Arc<Record>) {
        let mut state = State::clone(&self.states[self.records.len()]);
        state.apply(&record);
        let mut hasher = DefaultHasher::new();
        (self.digest, &record).hash(&mut hasher);
        self.digest = hasher.finish();
        self.records.push(record);
        self.states.push(Arc::new(state));
    }
}

impl PartialEq for TrueLog {
    fn eq(&self, other: &TrueLog) -> bool {
        self.records == other.records
    }
}

impl Eq for TrueLog {}

impl Hash for TrueLog {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.digest.hash(hasher);
    }
}

impl World {
    /// The revision of the last record.
    pub fn head(&self) -> Revision {
        self.log.records.len() as Revision
    }

    /// The state that a process with this view has.
    pub fn state(&self, view: View, flaw: Option<Flaw>) -> Arc<State> {
        if view.from == 0 {
            return self.log.states[view.at as usize].clone();
        }
        let mut state = State::clone(&self.log.states[view.from as usize]).into_catalog();
        match flaw {
            Some(Flaw::CatalogDropsDooms) => state.doomed.clear(),
            Some(Flaw::CatalogDropsRows) => state.drop_rows_of_no_use(),
            _ => {}
        }
        let after = &self.log.records[view.from as usize..view.at as usize];
        after.iter().for_each(|record| state.apply(record));
        Arc::new(state)
    }

    /// The state at the end, as who has read everything knows it.
    pub fn truth(&self) -> Arc<State> {
        self.state(View { from: 0, at: self.head() }, None)
    }

    /// Reads the newest catalog and the records behind it (CAT-3). `None`: records are missing, and
    /// nobody goes on (LOG-5).
    pub fn open(&self) -> Option<View> {
        (self.catalog + 1 >= self.kept).then_some(View { from: self.catalog, at: self.head() })
    }

    /// Folds what is new, or starts again from the newest catalog where that is not possible any more.
    pub fn refresh(&self, view: View) -> Option<View> {
        // A record below the lowest one kept is gone, or the trace of a writer that lost by LOG-4.
        let whole = view.at + 1 >= self.kept;
        if whole { Some(View { at: self.head(), ..view }) } else { self.open() }
    }

    /// Creates a record if its name is free; the name of a trimmed one is.
    pub fn create(&mut self, Create { revision, record }: Create) -> Answer {
        match self.look(revision, &record) {
            Answer::Absent if revision < self.kept => {
                self.ghosts.insert(revision, record);
                Answer::Mine
            }
            Answer::Absent => {
                debug_assert_eq!(revision, self.head() + 1, "who creates a record has folded the one before");
                self.log.push(record);
                Answer::Mine
            }
            answer => answer,
        }
    }

    /// Reads back who has a revision, by comparing bytes.
    pub fn look(&self, revision: Revision, record: &Record) -> Answer {
        let stored = match revision < self.kept {
            true => self.ghosts.get(&revision),
            false => self.log.records.get(revision as usize - 1),
        };
        match stored {
            None => Answer::Absent,
            Some(stored) if **stored == *record => Answer::Mine,
            Some(_) => Answer::Theirs,
        }
    }

    /// The floor check (LOG-4): whether a record that was created is part of the log.
    pub fn stands(&self, revision: Revision, record: &Record, bounds: &Bounds, flaw: Option<Flaw>) -> bool {
        if self.catalog < revision || flaw == Some(Flaw::NoFloorCheck) {
            return true;
        }
        if revision + bounds.recent_commits > self.catalog {
            return self.log.records[revision as usize - 1].as_ref() == record;
        }
        let state = self.state(View { from: self.catalog, at: self.catalog }, flaw);
        let mut puts = record.puts().peekable();
        puts.peek().is_some() && puts.all(|snapshot| state.snapshots.contains_key(&snapshot))
    }

    /// Appends a record behind the last one: the create of somebody who is up to date.
    pub fn append(&mut self, actions: Vec<Action>) {
        self.log.push(Arc::new(Record { commit: Id::MAX, actions }));
    }

    /// Deletes the records below the floor that a catalog holds (CAT-5).
    pub fn trim(&mut self, flaw: Option<Flaw>) -> bool {
        let known = match flaw {
            Some(Flaw::TrimsBeforeCatalog) => self.truth(),
            _ => self.state(View { from: self.catalog, at: self.catalog }, flaw),
        };
        let raised = known.floor > self.kept;
        self.kept = self.kept.max(known.floor);
        raised
    }
}
