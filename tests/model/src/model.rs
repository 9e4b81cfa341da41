//! The model: which steps there are, what each does, and what must always or sometimes hold.

use std::sync::Arc;

use stateright::{Model, Property};

use crate::actors::{
    Collector, CollectorStep, Compactor, CompactorStep, Reader, ReaderStep, Recaller, RecallerStep, Writer,
    WriterStep,
};
use crate::bounds::Bounds;
use crate::flaw::Flaw;
use crate::properties::{self, Sight};
use crate::rules::{Action, Blob, Id, Revision};
use crate::world::{Create, World};

/// The protocol within bounds, as it should be or with one flaw.
#[derive(Debug, Clone)]
pub struct Protocol {
    pub bounds: Arc<Bounds>,
    pub flaw: Option<Flaw>,
    /// What must be reached within the bounds.
    pub sights: Vec<Sight>,
}

/// One step of one actor, or of the world around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Writer(usize, WriterStep),
    Collector(usize, CollectorStep),
    Compactor(usize, CompactorStep),
    Recaller(usize, RecallerStep),
    Reader(usize, ReaderStep),
    /// A deletion lands.
    Delete(Blob),
    /// A deletion is recorded.
    Reap(Blob),
    /// A user forgets a snapshot.
    Forget(Id),
    /// Somebody writes the catalog of the last record.
    WriteCatalog,
    RaiseFloor,
    Trim,
    /// A record is lost, and another one says so.
    Lose(Revision),
    /// A repair puts what packs show.
    FindAgain,
    /// All was verified.
    Verify,
    /// A create that nobody waits for takes effect, if its name is free.
    Land(Create),
}

impl Protocol {
    fn world_steps(&self, world: &World, steps: &mut Vec<Step>) {
        let bounds = &self.bounds;
        let truth = world.truth();
        let room = world.has_room(bounds);
        steps.extend(world.deleting.iter().map(|blob| Step::Delete(*blob)));
        steps.extend(world.late.iter().cloned().map(Step::Land));
        if bounds.reaps && room {
            let packs = truth.doomed.iter().filter(|blob| matches!(blob, Blob::Pack(_)));
            steps.extend(packs.filter(|blob| !world.is_stored(**blob)).map(|blob| Step::Reap(*blob)));
        }
        if world.spent.forgets < bounds.forgets && room {
            steps.extend(truth.live().map(|(snapshot, _)| Step::Forget(snapshot)));
        }
        if world.spent.catalogs < bounds.catalogs && world.catalog < world.head() {
            steps.push(Step::WriteCatalog);
        }
        if world.spent.floors < bounds.floors && room {
            steps.push(Step::RaiseFloor);
        }
        if bounds.floors > 0 {
            steps.push(Step::Trim);
        }
        if world.spent.losses < bounds.losses {
            steps.extend(world.losable().into_iter().map(Step::Lose));
        }
        match truth.hold {
            Some(false) => steps.push(Step::FindAgain),
            Some(true) => steps.push(Step::Verify),
            None => {}
        }
    }

    fn world_step(&self, world: &mut World, step: Step) -> Option<()> {
        match step {
            Step::Delete(blob) => {
                world.deleting.remove(&blob);
                world.delete(blob);
            }
            Step::Reap(blob) => {
                let actions = vec![Action::Reap([blob].into())];
                let record = crate::rules::Record { commit: Id::MAX, actions };
                world.truth().validate(&record, self.flaw).ok()?;
                world.append(record.actions);
            }
            Step::Forget(snapshot) => {
                world.spent.forgets += 1;
                world.append(vec![Action::Forget([snapshot].into())]);
            }
            Step::WriteCatalog => {
                world.spent.catalogs += 1;
                world.catalog = world.head();
            }
            Step::RaiseFloor => {
                world.spent.floors += 1;
                world.append(vec![Action::RaiseFloor(world.head())]);
            }
            Step::Trim if world.trim(self.flaw) => {}
            Step::Trim => return None,
            Step::Lose(revision) => world.lose(revision),
            Step::FindAgain => world.find_again(self.flaw)?,
            Step::Verify => world.append(vec![Action::Settle { verified: true }]),
            Step::Land(create) => {
                world.late.remove(&create);
                world.create(create);
            }
            step => unreachable!("{step:?} is an actor's"),
        }
        Some(())
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(&self.bounds)]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        let (bounds, flaw) = (&*self.bounds, self.flaw);
        for i in 0..world.writers.len() {
            steps.extend(Writer::steps(i, world, bounds, flaw).into_iter().map(|step| Step::Writer(i, step)));
        }
        for i in 0..world.collectors.len() {
            let own = Collector::steps(i, world, bounds, flaw).into_iter();
            steps.extend(own.map(|step| Step::Collector(i, step)));
        }
        for i in 0..world.compactors.len() {
            let own = Compactor::steps(i, world, bounds).into_iter();
            steps.extend(own.map(|step| Step::Compactor(i, step)));
        }
        for i in 0..world.recallers.len() {
            let own = Recaller::steps(i, world, bounds).into_iter();
            steps.extend(own.map(|step| Step::Recaller(i, step)));
        }
        for i in 0..world.readers.len() {
            steps.extend(Reader::steps(i, world).into_iter().map(|step| Step::Reader(i, step)));
        }
        self.world_steps(world, steps);
    }

    fn next_state(&self, last: &World, step: Step) -> Option<World> {
        let mut world = last.clone();
        let (bounds, flaw) = (&*self.bounds, self.flaw);
        match step {
            Step::Writer(i, step) => world.writer_step(i, step, bounds, flaw),
            Step::Collector(i, step) => world.collector_step(i, step, bounds, flaw),
            Step::Compactor(i, step) => world.compactor_step(i, step, bounds, flaw),
            Step::Recaller(i, step) => world.recaller_step(i, step, bounds, flaw),
            Step::Reader(i, step) => world.reader_step(i, step, flaw),
            step => self.world_step(&mut world, step),
        }?;
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Protocol>> {
        properties::with(&self.sights)
    }
}
