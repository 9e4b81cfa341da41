//! Processes that share one storage, one of them running at a time, as one seed decides.
//!
//! A process is a thread with a storage of its own in front of the shared one. It runs until one of its
//! requests comes and the seed says that it is another's turn; it then sleeps, for as long as the others
//! like. A seed also kills processes, before or after a request took effect, loses replies, throttles,
//! and fills the disk for a while. The clock is everybody's, and jumps by up to ten years either way.
//!
//! Requests of a process that does not run wait. What becomes of a request depends on the seed, the process,
//! and how many of the kind it has made; so a seed plays nearly the same story each time. Not quite the same:
//! IDs and salts are random, and what a process's own threads do beside each other within a turn is theirs.

mod store;
mod turns;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use futures::executor::block_on;
use object_store::memory::InMemory;
use parking_lot::Mutex;

pub use store::ProcessStore;
use turns::Turns;
pub use turns::{Hazards, Kind, Step};

/// Nanoseconds since 1970 UTC, as any of the processes may believe. It is one clock for all simulations of
/// a test: nothing may depend on it, so none needs one of its own.
static CLOCK_NS: AtomicI64 = AtomicI64::new(1_800_000_000_000_000_000);

/// The clock of all simulations.
pub fn clock() -> i64 {
    CLOCK_NS.fetch_add(1_000_000, Ordering::Relaxed)
}

/// Moves the clock.
pub fn jump(by_ns: i64) {
    CLOCK_NS.fetch_add(by_ns, Ordering::Relaxed);
}

/// One world.
#[derive(Clone)]
pub struct Simulation(Arc<Shared>);

struct Shared {
    store: InMemory,
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

/// The store as it was after a step.
pub struct Image {
    pub step: u64,
    pub store: InMemory,
}

impl Simulation {
    /// A world that begins with what is in `store`. About one in `image_one_in` changes leaves an image.
    pub fn new(seed: u64, store: InMemory, hazards: Hazards, image_one_in: u64) -> Simulation {
        let turns = Mutex::new(Turns::new(seed, hazards, image_one_in));
        Simulation(Arc::new(Shared { store, turns }))
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
        images.push(Image { step: turns.steps(), store: self.0.store.fork() });
        images
    }

    /// All that happened, for people and for comparing runs.
    pub fn trace(&self) -> Vec<Step> {
        self.0.turns.lock().trace.clone()
    }
}

impl ProcessStore {
    /// Lives a life, from the first turn on.
    fn live(&self, body: Body<'_>) -> Result<(), String> {
        block_on(self.first_turn());
        let ended = catch_unwind(AssertUnwindSafe(|| body(self)));
        self.end();
        ended.unwrap_or_else(|panic| resume_unwind(panic))
    }
}
