//! Whose turn it is, and what happens to a request: all decisions of a seed.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectMeta;
use parking_lot::Condvar;
use repo_format::storage::testing::Random;
use repo_format::system::simulated::Clock;

use super::Image;

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
    /// Of a thousand listings, how many lag: they miss some of what was made lately, and show some of what
    /// was deleted lately. No storage that Corso accepts does that (STO-4).
    pub lags: u64,
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

/// One request of the trace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Step {
    pub process: usize,
    pub kind: Kind,
    /// The blob's name, or what is listed.
    pub name: String,
    pub(super) fate: Fate,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?} {} {:?}", self.process, self.kind, self.name, self.fate)
    }
}

#[derive(Default)]
struct Process {
    ended: bool,
    killed: bool,
    was_refused_room: bool,
    sleeps_until: u64,
    /// Called when it may run.
    turn: Arc<Condvar>,
}

/// The state of the schedule.
pub(super) struct Turns {
    random: Random,
    hazards: Hazards,
    image_one_in: u64,
    clock: Arc<Clock>,
    /// How wrong the clock is.
    off_ns: i64,
    processes: Vec<Process>,
    running: Option<usize>,
    /// Puts and deletions so far.
    changes: u64,
    full_until: u64,
    /// When blobs were made, by the storage's own clock.
    made: HashMap<String, Duration>,
    /// The last changes: what was put (`None`), or what a deleted blob was listed as.
    recent: VecDeque<(String, Option<ObjectMeta>)>,
    pub trace: Vec<Step>,
    pub images: Vec<Image>,
}

/// So many changes by others are a year.
const LONG_CHANGES: u64 = 60;
/// A listing lags by so many changes at most.
const LAG_CHANGES: usize = 8;
const DAY: Duration = Duration::from_secs(24 * 3600);
const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);
const TEN_YEARS_NS: i64 = 10 * YEAR.as_nanos() as i64;

impl Turns {
    pub fn new(seed: u64, hazards: Hazards, image_one_in: u64, clock: Arc<Clock>) -> Turns {
        Turns {
            random: Random(seed),
            hazards,
            image_one_in,
            clock,
            off_ns: 0,
            processes: Vec::new(),
            running: None,
            changes: 0,
            full_until: 0,
            made: HashMap::new(),
            recent: VecDeque::new(),
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
            let fits = |p: &Process| !p.ended && (!awake || p.sleeps_until <= now);
            (0..turns.processes.len()).filter(|number| fits(&turns.processes[*number])).collect()
        };
        let mut able = alive(self, true);
        if able.is_empty() {
            able = alive(self, false);
        }
        self.running = (!able.is_empty()).then(|| able[self.random.below(able.len() as u64) as usize]);
        if let Some(next) = self.running {
            self.processes[next].turn.notify_all();
        }
    }

    pub fn end(&mut self, process: usize) {
        self.processes[process].ended = true;
        self.choose();
    }

    pub fn is_running(&self, process: usize) -> bool {
        self.running == Some(process)
    }

    /// What is called when it is that process's turn.
    pub fn turn_of(&self, process: usize) -> Arc<Condvar> {
        self.processes[process].turn.clone()
    }

    /// Before a request: another process may go on first, and this one may sleep for long. One that was
    /// killed runs to its end, and reaches nobody.
    pub fn switch(&mut self, process: usize) {
        if self.processes[process].killed || !self.random.hits(self.hazards.switches) {
            return;
        }
        if self.random.hits(self.hazards.naps) {
            self.processes[process].sleeps_until = self.changes + self.random.below(LONG_CHANGES);
            self.clock.pass(if self.random.below(50) == 0 { YEAR } else { DAY });
            let off_ns = self.random.below(2 * TEN_YEARS_NS as u64) as i64 - TEN_YEARS_NS;
            self.clock.jump(off_ns - self.off_ns);
            self.off_ns = off_ns;
        }
        self.choose();
    }

    /// Decides about a request.
    pub fn request(&mut self, process: usize, kind: Kind, name: &str) -> Fate {
        let fate = self.fate(process, kind);
        if fate != Fate::Dead {
            self.changes += u64::from(kind.changes());
            if kind == Kind::Put {
                self.made.entry(name.to_owned()).or_insert_with(|| self.clock.passed());
            }
            self.trace.push(Step { process, kind, name: name.to_owned(), fate });
        }
        fate
    }

    fn fate(&mut self, process: usize, kind: Kind) -> Fate {
        if self.processes[process].killed {
            return Fate::Dead;
        }
        if kind.changes() && self.random.hits(self.hazards.kills) {
            self.processes[process].killed = true;
            return if self.random.below(2) == 0 { Fate::KilledBefore } else { Fate::KilledAfter };
        }
        if kind.changes() && self.random.hits(self.hazards.full) {
            self.full_until = self.changes + 1 + self.random.below(10);
        }
        if kind == Kind::Put && self.changes < self.full_until {
            self.processes[process].was_refused_room = true;
            return Fate::Full;
        }
        match self.random.hits(self.hazards.transient) {
            false => Fate::Done,
            true if self.random.below(2) == 0 => Fate::Refused,
            true => Fate::ReplyLost,
        }
    }

    /// A change took effect: a put, or the deletion of what was listed so.
    pub fn changed(&mut self, name: &str, deleted: Option<ObjectMeta>) {
        self.recent.push_back((name.to_owned(), deleted));
        if self.recent.len() > LAG_CHANGES {
            self.recent.pop_front();
        }
    }

    /// Makes a listing of `prefix` lag, if the seed says so.
    pub fn lag(&mut self, prefix: &str, listing: &mut Vec<ObjectMeta>) {
        if !self.random.hits(self.hazards.lags) {
            return;
        }
        let lag = self.random.below(LAG_CHANGES as u64 + 1) as usize;
        let Turns { recent, random, .. } = self;
        for (name, deleted) in recent.iter().rev().take(lag) {
            let is_listed = name.starts_with(prefix);
            match deleted {
                _ if !is_listed || random.below(2) == 0 => {}
                None => listing.retain(|meta| meta.location.as_ref() != name.as_str()),
                Some(meta) => listing.push(meta.clone()),
            }
        }
        listing.sort_by(|a, b| a.location.cmp(&b.location));
        listing.dedup_by(|a, b| a.location == b.location);
    }

    /// How long after the world began a blob was made.
    pub fn made(&self, name: &str) -> Duration {
        self.made.get(name).copied().unwrap_or_default()
    }

    /// Whether what has just changed is worth an image.
    pub fn wants_image(&mut self) -> bool {
        // By itself, so that asking for more images plays the same story.
        self.image_one_in > 0 && Random(self.changes ^ self.random.0).below(self.image_one_in) == 0
    }
}
