//! Processes that share one storage, and one for a copy of it, one of them running at a time, as one seed decides.
//!
//! A process is a thread with a storage of its own in front of the shared one. It runs until one of its
//! requests comes and the seed says that it is another's turn; it then sleeps, for as long as the others
//! like. A seed also kills processes, before or after a request took effect, loses replies, throttles,
//! and fills the disk for a while. The clock is everybody's, and jumps by up to ten years either way.
//!
//! Within a process, too, one thread runs at a time ([`repo_format::system::simulated`]), and its random bytes
//! and its clock come from the seed. So a seed plays the same story each time, to the last byte: its traces
//! are equal.

mod bystanders;
mod copying;
mod hurting;
mod losing;
mod mending;
mod promoting;
mod store;
mod turns;
pub mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;

use object_store::memory::InMemory;
use parking_lot::Mutex;
use repo_format::system::simulated::{Clock, Process};

pub use hurting::{Hurt, WRONG};
pub use store::ProcessStore;
use turns::Turns;
pub use turns::{Hazards, Kind, Step};

/// What clocks show when a world begins, in nanoseconds since 1970 UTC.
const BEGIN_NS: i64 = 1_800_000_000_000_000_000;

/// Does `body` as a process alone, as `seed` decides: what comes before a world, and behind it.
pub fn alone<R>(seed: u64, body: impl FnOnce() -> R) -> R {
    Process::new(seed, Arc::new(Clock::new(BEGIN_NS))).run(body)
}

/// One world.
#[derive(Clone)]
pub struct Simulation(Arc<Shared>);

struct Shared {
    seed: u64,
    clock: Arc<Clock>,
    store: InMemory,
    copy: InMemory,
    turns: Mutex<Turns>,
}

/// What a process does; an error is text for people.
pub type Body<'a> = Box<dyn FnOnce(&ProcessStore) -> Result<(), String> + Send + 'a>;

/// A process that is to run.
pub struct Life<'a> {
    pub name: String,
    pub body: Body<'a>,
}

/// How a process ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pub name: String,
    pub result: Result<(), String>,
    /// It was killed, or the disk was full for it: it may fail.
    pub excused: bool,
}

/// The stores as they were after a step.
pub struct Image {
    pub step: u64,
    pub store: InMemory,
    pub copy: InMemory,
}

impl Simulation {
    /// A world that begins with what is in `store`. About one in `image_one_in` changes leaves an image.
    pub fn new(seed: u64, store: InMemory, hazards: Hazards, image_one_in: u64) -> Simulation {
        let clock = Arc::new(Clock::new(BEGIN_NS));
        let turns = Mutex::new(Turns::new(seed, hazards, image_one_in, clock.clone()));
        let copy = InMemory::new();
        Simulation(Arc::new(Shared { seed, clock, store, copy, turns }))
    }

    /// Runs the processes to their ends.
    pub fn run(&self, lives: Vec<Life<'_>>) -> Vec<Ended> {
        {
            let mut turns = self.0.turns.lock();
            lives.iter().for_each(|_| turns.enter());
            turns.choose();
        }
        thread::scope(|scope| {
            let threads: Vec<_> = lives
                .into_iter()
                .enumerate()
                .map(|(process, Life { name, body })| {
                    let store = ProcessStore::new(self.clone(), process);
                    (name, process, scope.spawn(move || store.live(body)))
                })
                .collect();
            let ended = threads.into_iter().map(|(name, process, thread)| {
                let result = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
                Ended { name, result, excused: self.0.turns.lock().is_excused(process) }
            });
            ended.collect()
        })
    }

    /// Steps so far: what is promised at this moment is owed by later images.
    pub fn now(&self) -> u64 {
        self.0.turns.lock().steps()
    }

    /// The images that were taken, and everything as it is now.
    pub fn images(&self) -> Vec<Image> {
        let mut turns = self.0.turns.lock();
        let mut images = std::mem::take(&mut turns.images);
        images.push(self.0.image(turns.steps()));
        images
    }

    /// All that happened, for people and for comparing runs.
    pub fn trace(&self) -> Vec<Step> {
        self.0.turns.lock().trace.clone()
    }
}

impl Shared {
    fn image(&self, step: u64) -> Image {
        Image { step, store: self.store.fork(), copy: self.copy.fork() }
    }
}

impl ProcessStore {
    /// Lives a life, from the first turn on.
    fn live(&self, body: Body<'_>) -> Result<(), String> {
        self.wait();
        let ended = catch_unwind(AssertUnwindSafe(|| self.begin().run(|| body(self))));
        self.end();
        ended.unwrap_or_else(|panic| resume_unwind(panic))
    }
}
