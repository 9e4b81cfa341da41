//! A backup: finds or uploads what its snapshot needs, then commits it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::commit_id;
use crate::bounds::{Bounds, Job};
use crate::flaw::Flaw;
use crate::rules::{Action, Blob, Id, Ids, Record, Revision, State};
use crate::world::{Answer, Create, View, World};

/// A writer and what the properties ask of its past.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Writer {
    pub phase: Phase,
    /// A new process after a crash knows nothing of the old one.
    pub incarnation: u8,
    /// How a create without an answer was settled.
    pub settled: Option<Answer>,
    /// Whether it won a trimmed name, and noticed.
    pub noticed_ghost: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    #[default]
    Idle,
    Open(Run),
    /// The create was sent; no answer came.
    Asked(Run, Create),
    /// The create won its name; the floor check is due.
    Created(Run, Create),
    /// The snapshot counts as saved.
    Acked(Id),
}

/// What a run has found and uploaded so far.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Run {
    pub view: View,
    pub base: Option<Id>,
    /// The pack that it relies on for each content outside the base.
    pub found: BTreeMap<Id, Id>,
    /// Packs of `found` that it uploaded itself.
    pub own: Ids,
    /// The segment it wrote for its own packs.
    pub segment: Option<Id>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriterStep {
    Open,
    Reuse {
        content: Id,
        pack: Id,
    },
    Upload {
        content: Id,
    },
    /// Writes the index segment of its own packs.
    Seal,
    Create,
    /// Sends the create and gets no answer: it may take effect now, later or never.
    CreateUnanswered,
    /// Reads back what became of it.
    Settle,
    /// Checks the floor and counts the snapshot as saved, or tries again.
    Ack,
    Crash,
}

impl Writer {
    /// The steps that writer `i` may take.
    pub fn steps(i: usize, world: &World, bounds: &Bounds, flaw: Option<Flaw>) -> Vec<WriterStep> {
        let writer = &world.writers[i];
        let mut steps = match &writer.phase {
            Phase::Idle => vec![WriterStep::Open],
            Phase::Open(run) => run.steps(&bounds.jobs[i], world, bounds, flaw),
            Phase::Asked(..) => vec![WriterStep::Settle],
            Phase::Created(..) => vec![WriterStep::Ack],
            Phase::Acked(_) => return Vec::new(),
        };
        if world.spent.crashes < bounds.crashes && writer.phase != Phase::Idle {
            steps.push(WriterStep::Crash);
        }
        steps
    }

    /// The snapshot that this incarnation of writer `i` makes.
    fn snapshot(i: usize, incarnation: u8) -> Id {
        i as Id + 10 * Id::from(incarnation)
    }
}

impl Run {
    fn steps(&self, job: &Job, world: &World, bounds: &Bounds, flaw: Option<Flaw>) -> Vec<WriterStep> {
        let state = world.state(self.view, flaw);
        if let Some(content) = self.missing(job, &state) {
            let reusable = |pack: &Id| {
                !world.holds_lost(&state, *pack, flaw) && !state.condemned.contains(&Blob::Pack(*pack))
            };
            let packs = state.packs_of(content).into_iter().filter(reusable);
            let mut steps: Vec<_> = packs.map(|pack| WriterStep::Reuse { content, pack }).collect();
            if world.packs.len() < bounds.packs_max {
                steps.push(WriterStep::Upload { content });
            }
            return steps;
        }
        if !self.own.is_empty() && self.segment.is_none() {
            let room = world.segments.len() < bounds.segments_max;
            return if room { vec![WriterStep::Seal] } else { Vec::new() };
        }
        if !world.has_room(bounds) {
            return Vec::new();
        }
        match world.spent.unanswered < bounds.unanswered {
            true => vec![WriterStep::Create, WriterStep::CreateUnanswered],
            false => vec![WriterStep::Create],
        }
    }

    /// The first content that neither the base protects nor a pack was found for.
    fn missing(&self, job: &Job, state: &State) -> Option<Id> {
        let based = self.base.and_then(|base| state.snapshots.get(&base));
        let protected = |content: &&Id| based.is_some_and(|base| base.needs.contains(*content));
        job.needs.iter().find(|content| !protected(content) && !self.found.contains_key(content)).copied()
    }

    fn record(&self, i: usize, writer: &Writer, job: &Job, world: &World, flaw: Option<Flaw>) -> Record {
        let mut relied: Ids = self.found.values().copied().collect();
        if let Some(unnamed) = self.unnamed(flaw) {
            relied.remove(&unnamed);
        }
        let added = self.segment.filter(|_| !self.own.is_empty()).map(|id| world.segment(id));
        let put = Action::PutManifest {
            snapshot: Writer::snapshot(i, writer.incarnation),
            needs: job.needs.clone(),
            relied,
            bases: self.base.into_iter().collect(),
        };
        let actions =
            added.map(|segment| Action::AddSegments(vec![segment])).into_iter().chain([put]).collect();
        Record { commit: commit_id(1, i, writer.incarnation), actions }
    }

    /// The pack that a flawed writer neither names nor checks.
    fn unnamed(&self, flaw: Option<Flaw>) -> Option<Id> {
        let partly = flaw == Some(Flaw::PartlyNamed) && self.found.len() > 1;
        self.found.values().max().copied().filter(|_| partly)
    }

    /// Whether a flawed writer counts on a pack although it jumped.
    fn trusts(&self, pack: Id, flaw: Option<Flaw>) -> bool {
        match flaw {
            Some(Flaw::JumpKeepsOwn) => self.own.contains(&pack),
            Some(Flaw::JumpKeepsFound) => !self.own.contains(&pack),
            _ => false,
        }
    }

    /// Goes on from a newer view; what may not be relied on there must be found again.
    fn renew(&mut self, view: View, world: &World, flaw: Option<Flaw>) {
        let jumped = view.from != self.view.from;
        self.view = view;
        let state = world.state(view, flaw);
        // Who jumped cannot know what was doomed and reaped meanwhile; what the state names was not.
        let seen = |pack| !jumped || state.names(pack) || self.trusts(pack, flaw);
        let unchecked = |pack| flaw == Some(Flaw::CommitUnchecked) || self.unnamed(flaw) == Some(pack);
        let mut found = self.found.clone();
        found.retain(|_, pack| unchecked(*pack) || !world.holds_lost(&state, *pack, flaw) && seen(*pack));
        self.found = found;
        let found: Ids = self.found.values().copied().collect();
        let kept: Ids = self.own.intersection(&found).copied().collect();
        let whole = kept == self.own && (!jumped || flaw == Some(Flaw::JumpKeepsOwn));
        self.own = kept;
        self.segment = self.segment.filter(|id| whole && !state.is_lost(Blob::Segment(*id)));
        self.base = self.base.filter(|base| state.is_live(*base) || flaw == Some(Flaw::BasesUnchecked));
    }
}

impl World {
    /// Takes a step of writer `i`. `None`: it changes nothing.
    pub fn writer_step(
        &mut self,
        i: usize,
        step: WriterStep,
        bounds: &Bounds,
        flaw: Option<Flaw>,
    ) -> Option<()> {
        let mut writer = std::mem::take(&mut self.writers[i]);
        let phase = std::mem::take(&mut writer.phase);
        writer.phase = match (step, phase) {
            (WriterStep::Crash, _) => {
                self.spent.crashes += 1;
                writer.incarnation += 1;
                Phase::Idle
            }
            (WriterStep::Open, _) => Phase::Open(self.begin(&bounds.jobs[i], flaw)?),
            (WriterStep::Reuse { content, pack }, Phase::Open(mut run)) => {
                run.found.insert(content, pack);
                Phase::Open(run)
            }
            (WriterStep::Upload { content }, Phase::Open(mut run)) => {
                let pack = match flaw {
                    Some(Flaw::NamesUsedTwice) => self.write_pack_by_content(content),
                    _ => self.write_pack([content].into()),
                };
                run.found.insert(content, pack);
                run.own.insert(pack);
                run.segment = None;
                Phase::Open(run)
            }
            (WriterStep::Seal, Phase::Open(mut run)) => {
                let footers = self.footers(run.own.iter().copied());
                run.segment = Some(self.write_segment(footers).id);
                Phase::Open(run)
            }
            (WriterStep::Create, Phase::Open(run)) => {
                let create = self.writer_create(i, &writer, &run, bounds, flaw);
                match self.create(create.clone()) {
                    Answer::Mine => Phase::Created(run, create),
                    _ => Phase::Open(self.renewed(run, flaw)?),
                }
            }
            (WriterStep::CreateUnanswered, Phase::Open(run)) => {
                let create = self.writer_create(i, &writer, &run, bounds, flaw);
                self.spent.unanswered += 1;
                self.late.insert(create.clone());
                Phase::Asked(run, create)
            }
            (WriterStep::Settle, Phase::Asked(run, create)) => {
                let answer = self.look(create.revision, &create.record);
                writer.settled = Some(answer);
                match answer {
                    Answer::Mine => Phase::Created(run, create),
                    Answer::Theirs => Phase::Open(self.renewed(run, flaw)?),
                    Answer::Absent => Phase::Open(run),
                }
            }
            (WriterStep::Ack, Phase::Created(run, create)) => {
                match self.stands(create.revision, &create.record, bounds, flaw) {
                    true => Phase::Acked(Writer::snapshot(i, writer.incarnation)),
                    false => {
                        writer.noticed_ghost = true;
                        Phase::Open(self.renewed(run, flaw)?)
                    }
                }
            }
            (step, phase) => unreachable!("{step:?} in {phase:?}"),
        };
        self.writers[i] = writer;
        Some(())
    }

    fn begin(&self, job: &Job, flaw: Option<Flaw>) -> Option<Run> {
        let view = self.open()?;
        let state = self.state(view, flaw);
        let base = job.base.filter(|base| state.is_live(*base));
        Some(Run { view, base, found: BTreeMap::new(), own: Ids::new(), segment: None })
    }

    fn renewed(&self, mut run: Run, flaw: Option<Flaw>) -> Option<Run> {
        run.renew(self.refresh(run.view)?, self, flaw);
        Some(run)
    }

    fn writer_create(
        &self,
        i: usize,
        writer: &Writer,
        run: &Run,
        bounds: &Bounds,
        flaw: Option<Flaw>,
    ) -> Create {
        let record = run.record(i, writer, &bounds.jobs[i], self, flaw);
        if flaw.is_none() {
            let checked = self.state(run.view, flaw).validate(&record, flaw);
            assert_eq!(checked, Ok(()), "a writer keeps the rules at {:?}: {record:?}", run.view);
        }
        let revision: Revision = match flaw {
            Some(Flaw::CommitAnywhere) => self.head() + 1,
            _ => run.view.at + 1,
        };
        Create { revision, record: Arc::new(record) }
    }
}
