//! Which thread of a process runs: the one that has the baton.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::system::Random;

use super::Clock;

/// Whom to call when there is something new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A channel or a condition, by where it lies in memory.
    At(usize),
    /// A thread's end.
    End(u64),
    /// The end of any.
    AnyEnd,
}

/// What a thread waits for.
#[derive(Debug, Clone, Copy)]
enum Wait {
    /// Only for the baton.
    Ready,
    /// For a call, or for a time.
    Call { from: Place, until: Option<Instant> },
}

#[derive(Debug)]
struct Thread {
    number: u64,
    wait: Wait,
    woken: Arc<Condvar>,
}

#[derive(Debug)]
struct State {
    random: Random,
    /// Those that have not ended, in the order in which they began.
    threads: Vec<Thread>,
    begun: u64,
    /// The number of the one that has the baton.
    running: u64,
    /// All wait for each other: they unwind, whoever has the baton.
    stuck: bool,
}

/// The threads of a process.
#[derive(Debug)]
pub(super) struct Baton {
    state: Mutex<State>,
    clock: Arc<Clock>,
}

/// Of so many locks that are free, one is where another thread goes on.
const LOCKS_PER_SWITCH: u64 = 16;

impl Baton {
    pub fn new(seed: u64, clock: Arc<Clock>) -> Baton {
        let state = State { random: Random(seed), threads: Vec::new(), begun: 0, running: 0, stuck: false };
        Baton { state: Mutex::new(state), clock }
    }

    /// A further thread, which begins when it gets the baton. The first one has it.
    pub fn enter(&self) -> u64 {
        let mut state = self.state.lock();
        let number = state.begun;
        state.begun += 1;
        state.threads.push(Thread { number, wait: Wait::Ready, woken: Arc::default() });
        number
    }

    /// Waits for the baton for the first time.
    pub fn take(&self, me: u64) {
        self.sleep(me, self.state.lock());
    }

    /// A thread ends, and passes the baton on.
    pub fn leave(&self, me: u64) {
        let mut state = self.state.lock();
        state.threads.retain(|thread| thread.number != me);
        state.call(Place::End(me));
        state.call(Place::AnyEnd);
        if !state.threads.is_empty() && !state.stuck {
            self.pass_on(&mut state, None);
        }
    }

    pub fn is_alive(&self, number: u64) -> bool {
        let state = self.state.lock();
        !state.stuck && state.threads.iter().any(|thread| thread.number == number)
    }

    /// Whether no other thread is left.
    pub fn is_alone(&self) -> bool {
        let state = self.state.lock();
        state.stuck || state.threads.len() == 1
    }

    /// Waits until `from` calls, or until that time.
    pub fn wait(&self, me: u64, from: Place, until: Option<Instant>) {
        let mut state = self.state.lock();
        state.thread(me).wait = Wait::Call { from, until };
        self.pass_on(&mut state, None);
        self.sleep(me, state);
    }

    /// Wakes those that wait for `from`. They run when they get the baton.
    pub fn call(&self, from: Place) {
        self.state.lock().call(from);
    }

    /// Any thread may go on, this one included.
    pub fn pause(&self, me: u64) {
        let mut state = self.state.lock();
        if state.threads.len() > 1 {
            self.pass_on(&mut state, None);
            self.sleep(me, state);
        }
    }

    /// As [`Baton::pause`], but rarely.
    pub fn pause_rarely(&self, me: u64) {
        let mut state = self.state.lock();
        if state.threads.len() > 1 && state.random.below(LOCKS_PER_SWITCH) == 0 {
            self.pass_on(&mut state, None);
            self.sleep(me, state);
        }
    }

    /// Another thread goes on: this one needs something that another has.
    pub fn give_way(&self, me: u64) {
        let mut state = self.state.lock();
        self.pass_on(&mut state, Some(me));
        self.sleep(me, state);
    }

    /// Chooses who runs next. If all wait, time passes for the first whose time comes.
    fn pass_on(&self, state: &mut State, but: Option<u64>) {
        let ready = |thread: &&Thread| matches!(thread.wait, Wait::Ready) && Some(thread.number) != but;
        let count = state.threads.iter().filter(ready).count() as u64;
        if count > 0 {
            let which = state.random.below(count) as usize;
            let next = state.threads.iter().filter(ready).nth(which).map(|thread| thread.number);
            return state.hand_to(next.unwrap_or_default());
        }
        let times = state.threads.iter().filter_map(|thread| match thread.wait {
            Wait::Call { until: Some(until), .. } => Some((until, thread.number)),
            _ => None,
        });
        match times.min() {
            Some((until, number)) => {
                self.clock.pass(until.saturating_duration_since(self.clock.peek()));
                state.hand_to(number);
            }
            None => {
                state.stuck = true;
                for thread in &state.threads {
                    thread.woken.notify_all();
                }
            }
        }
    }

    /// Sleeps until the baton comes.
    ///
    /// # Panics
    /// If all threads of the process wait for each other.
    fn sleep(&self, me: u64, mut state: MutexGuard<'_, State>) {
        let woken = Arc::clone(&state.thread(me).woken);
        while state.running != me && !state.stuck {
            woken.wait(&mut state);
        }
        if state.stuck && !std::thread::panicking() {
            panic!("all threads wait for each other: {:?}", state.threads);
        }
    }
}

impl State {
    fn thread(&mut self, number: u64) -> &mut Thread {
        let found = self.threads.iter_mut().find(|thread| thread.number == number);
        found.expect("a thread that has not ended is known")
    }

    fn hand_to(&mut self, number: u64) {
        self.running = number;
        let thread = self.thread(number);
        thread.wait = Wait::Ready;
        thread.woken.notify_all();
    }

    fn call(&mut self, place: Place) {
        for thread in &mut self.threads {
            if matches!(thread.wait, Wait::Call { from, .. } if from == place) {
                thread.wait = Wait::Ready;
            }
        }
    }
}
