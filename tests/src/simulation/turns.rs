//! Whose turn it is, and what happens to a request: all decisions of a seed.

use std::fmt;

use futures::channel::oneshot;
use repo_format::storage::testing::Random;

use super::{Image, jump};

/// How dangerous a world is.
#[derive(Debug, Clone, Copy)]
pub struct Hazards {
    /// Of a thousand changes, how many kill their process, before or after the effect.
    pub kills: u64,
    /// Of a thousand requests, how many lose their reply or are told to come back.
    pub transient: u64,
    /// Of a thousand changes, how many find that the disk has just filled up, for some steps.
    pub full: u64,
    /// Of a thousand requests, how many end the turn.
    pub switches: u64,
    /// Of a thousand switches, how many put the process to sleep for long.
    pub naps: u64,
}

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Put,
    Delete,
    Get,
    List,
}

impl Kind {
    pub fn changes(self) -> bool {
        matches!(self, Kind::Put | Kind::Delete)
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Fate {
    Done,
    /// It fails for a moment and changes nothing.
    Refused,
    /// It is carried out, and its reply is lost.
    ReplyLost,
    Full,
    KilledBefore,
    KilledAfter,
    /// Its process was killed earlier.
    Dead,
}

/// One request of the trace. Names are told by their first part alone: the rest is random.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Step {
    pub process: usize,
    pub kind: Kind,
    pub place: String,
    pub(super) fate: Fate,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?} {} {:?}", self.process, self.kind, self.place, self.fate)
    }
}

#[derive(Default)]
struct Process {
    /// Requests so far, by kind: what becomes of one depends on its number, not on what others do.
    requests: [u64; 4],
    ended: bool,
    killed: bool,
    was_refused_room: bool,
    sleeps_until: u64,
    waiting: Vec<oneshot::Sender<()>>,
}

/// The state of the schedule.
pub(super) struct Turns {
    seed: u64,
    random: Random,
    hazards: Hazards,
    image_one_in: u64,
    processes: Vec<Process>,
    running: Option<usize>,
    /// Puts and deletions so far.
    changes: u64,
    full_until: u64,
    pub trace: Vec<Step>,
    pub images: Vec<Image>,
}

/// A request, and the number of its kind that it is of its process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub process: usize,
    pub kind: Kind,
    pub number: u64,
    pub place: &'a str,
}

/// Whether a request may go on now.
pub(super) enum Turn {
    Now(Fate),
    /// After this was sent, it asks again.
    Later(oneshot::Receiver<()>),
}

/// So many changes by others are a year.
const LONG_CHANGES: u64 = 60;
const TEN_YEARS_NS: i64 = 10 * 366 * 24 * 3600 * 1_000_000_000;

impl Turns {
    pub fn new(seed: u64, hazards: Hazards, image_one_in: u64) -> Turns {
        Turns {
            seed,
            random: Random(seed),
            hazards,
            image_one_in,
            processes: Vec::new(),
            running: None,
            changes: 0,
            full_until: 0,
            trace: Vec::new(),
            images: Vec::new(),
        }
    }

    pub fn enter(&mut self) {
        self.processes.push(Process::default());
    }

    pub fn steps(&self) -> u64 {
        self.trace.len() as u64
    }

    pub fn is_excused(&self, process: usize) -> bool {
        let process = &self.processes[process];
        process.killed || process.was_refused_room
    }

    /// Gives the turn to one that can take it, if there is one.
    pub fn choose(&mut self) {
        let now = self.changes;
        let alive = |turns: &Turns, awake: bool| -> Vec<usize> {
            let fits = |p: &Process| !p.ended && !p.killed && (!awake || p.sleeps_until <= now);
            (0..turns.processes.len()).filter(|number| fits(&turns.processes[*number])).collect()
        };
        let mut able = alive(self, true);
        if able.is_empty() {
            able = alive(self, false);
        }
        self.running = (!able.is_empty()).then(|| able[self.random.below(able.len() as u64) as usize]);
        if let Some(next) = self.running {
            for waiting in self.processes[next].waiting.drain(..) {
                // One that no longer waits needs no word.
                let _ = waiting.send(());
            }
        }
    }

    pub fn end(&mut self, process: usize) {
        self.processes[process].ended = true;
        self.processes[process].waiting.clear();
        if self.running == Some(process) {
            self.choose();
        }
    }

    /// Waits for a turn without asking for anything.
    pub fn wait(&mut self, process: usize) -> Option<oneshot::Receiver<()>> {
        (self.running != Some(process) && !self.processes[process].killed).then(|| self.queue(process))
    }

    /// The number of a process's next request of a kind, which decides what becomes of it.
    pub fn number(&mut self, process: usize, kind: Kind) -> u64 {
        let number = &mut self.processes[process].requests[kind as usize];
        *number += 1;
        *number
    }

    /// Decides about a request. One that has been put off before, `again`, is not put off for a new reason.
    pub fn request(&mut self, asked: &Asked<'_>, again: bool) -> Turn {
        let Asked { process, kind, number, place } = *asked;
        if self.processes[process].killed {
            return Turn::Now(Fate::Dead);
        }
        if self.running != Some(process) {
            return Turn::Later(self.queue(process));
        }
        let mut random = Random(self.seed ^ ((process as u64) << 40 | (kind as u64) << 36 | number));
        random.number();
        if !again && random.hits(self.hazards.switches) {
            if random.hits(self.hazards.naps) {
                self.processes[process].sleeps_until = self.changes + random.below(LONG_CHANGES);
                jump(random.below(2 * TEN_YEARS_NS as u64) as i64 - TEN_YEARS_NS);
            }
            let turn = self.queue(process);
            self.choose();
            return Turn::Later(turn);
        }
        let fate = self.fate(process, kind, &mut random);
        self.changes += u64::from(kind.changes());
        self.trace.push(Step { process, kind, place: place.to_owned(), fate });
        Turn::Now(fate)
    }

    fn fate(&mut self, process: usize, kind: Kind, random: &mut Random) -> Fate {
        if kind.changes() && random.hits(self.hazards.kills) {
            self.processes[process].killed = true;
            self.processes[process].waiting.clear();
            return if random.below(2) == 0 { Fate::KilledBefore } else { Fate::KilledAfter };
        }
        if kind.changes() && random.hits(self.hazards.full) {
            self.full_until = self.changes + 1 + random.below(10);
        }
        if kind == Kind::Put && self.changes < self.full_until {
            self.processes[process].was_refused_room = true;
            return Fate::Full;
        }
        match random.hits(self.hazards.transient) {
            false => Fate::Done,
            true if random.below(2) == 0 => Fate::Refused,
            true => Fate::ReplyLost,
        }
    }

    /// Whether what has just changed is worth an image.
    pub fn wants_image(&mut self) -> bool {
        self.image_one_in > 0 && Random(self.seed ^ self.changes).below(self.image_one_in) == 0
    }

    fn queue(&mut self, process: usize) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.processes[process].waiting.push(sender);
        receiver
    }
}
