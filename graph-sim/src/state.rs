//! Everything a simulator holds: what its handlers share, and what tests look at in process.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::OnceLock;

use bytes::Bytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::api::UploadSessions;
use crate::clock::SimClock;
use crate::config::SimConfig;
use crate::faults::{Engine, Faults, PoisonKind};
use crate::judge::{Counters, DownloadCount, Ledger, Totals, Violation};
use crate::limit::{Limits, Throttle};
use crate::login::DeviceCodes;
use crate::model::drive::{Content, Drive};
use crate::model::tenant::Tenant;
use crate::model::truth::TrueItem;
use crate::seed::Seed;

/// The tenant, the rules, and the books.
pub struct SimState {
    pub(crate) config: SimConfig,
    pub(crate) tenant: Tenant,
    pub(crate) engine: Engine,
    pub(crate) throttle: Throttle,
    pub(crate) ledger: Ledger,
    pub(crate) counters: Counters,
    pub(crate) sessions: UploadSessions,
    pub(crate) devices: DeviceCodes,
    /// Scheme, host and port of the content listener.
    pub(crate) content_origin: OnceLock<String>,
    pub(crate) start_ms: i64,
    /// Poisoned items by drive; chosen from the base state and kept. Locked after a drive, never before one.
    poisoned: Mutex<HashMap<u32, Vec<Poisoned>>>,
    mutations: Mutex<u64>,
    mutator: Mutex<Option<MutatorPace>>,
}

/// How fast drives change by themselves: one drive after another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MutatorPace {
    /// Simulated milliseconds between two drives.
    pub interval_ms: u64,
    /// Acts in each.
    pub count: u32,
}

/// A file whose content can never be had.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Poisoned {
    pub drive: u32,
    #[serde(skip)]
    pub(crate) index: u32,
    pub id: String,
    pub kind: PoisonKind,
}

/// Random changes to be made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mutation {
    /// Which drive, by number; all if absent.
    pub drive: Option<u32>,
    pub seed: Option<u64>,
    /// Acts in each drive.
    pub count: u32,
}

impl Default for Mutation {
    fn default() -> Self {
        Mutation { drive: None, seed: None, count: 10 }
    }
}

impl SimState {
    pub(crate) fn new(config: SimConfig) -> Self {
        SimState {
            tenant: Tenant::new(config.tenant.clone()),
            engine: Engine::new(config.faults.clone()),
            throttle: Throttle::new(Limits {
                tier: config.throttle,
                factor: config.throttle_factor,
                other_app: config.other_app,
                in_flight_max: config.in_flight_max,
                grace_ms: config.wire.fence_grace_ms,
            }),
            ledger: Ledger::default(),
            counters: Counters::default(),
            sessions: UploadSessions::default(),
            devices: DeviceCodes::default(),
            content_origin: OnceLock::new(),
            start_ms: config.clock.now_ms(),
            poisoned: Mutex::default(),
            mutations: Mutex::new(0),
            mutator: Mutex::new(config.mutator),
            config,
        }
    }

    /// The clock that all of it lives by.
    pub fn clock(&self) -> &SimClock {
        &self.config.clock
    }

    pub fn now_ms(&self) -> i64 {
        self.config.clock.now_ms()
    }

    /// How many drives there are; they are numbered from 0, as are the users who own them.
    pub fn drive_count(&self) -> u32 {
        self.tenant.drive_count()
    }

    /// The id of a drive by its number.
    pub fn drive_id(&self, drive: u32) -> String {
        self.tenant.drive_id(drive)
    }

    /// The number of a drive by its id.
    pub fn drive_number(&self, id: &str) -> Option<u32> {
        self.tenant.find_drive(id)
    }

    /// The users of the tenant; the first [`SimState::drive_count`] of them own the drive of their number.
    pub fn users(&self) -> &[crate::model::tenant::User] {
        self.tenant.users()
    }

    /// Reads a drive; `None` if there is none of that number. `look` can look at no other drive, nor at
    /// this one again: see `Held`.
    pub fn read_drive<T>(&self, drive: u32, look: impl FnOnce(&Drive) -> T) -> Option<T> {
        let _held = Held::new();
        self.tenant.drive(drive).map(|drive| look(&drive.read()))
    }

    /// Changes a drive; `None` if there is none of that number. `change` can look at no other drive, nor at
    /// this one again: see `Held`.
    pub fn change_drive<T>(&self, drive: u32, change: impl FnOnce(&mut Drive) -> T) -> Option<T> {
        let _held = Held::new();
        self.tenant.drive(drive).map(|drive| change(&mut drive.write()))
    }

    /// Number of a drive's newest change.
    pub fn seq(&self, drive: u32) -> u32 {
        self.read_drive(drive, Drive::seq).unwrap_or(0)
    }

    /// All that a drive holds now.
    pub fn true_state(&self, drive: u32) -> Vec<TrueItem> {
        self.read_drive(drive, |found| found.truth(&self.tenant.pool, found.seq())).unwrap_or_default()
    }

    /// All that a drive held right after change number `seq`.
    pub fn true_state_at(&self, drive: u32, seq: u32) -> Vec<TrueItem> {
        self.read_drive(drive, |found| found.truth(&self.tenant.pool, seq)).unwrap_or_default()
    }

    /// The bytes of a file as it is now, for comparison; `None` if there is no such file.
    pub fn content(&self, drive: u32, item_id: &str) -> Option<Vec<u8>> {
        let content = self.read_drive(drive, |found| {
            let item = *found.item(found.find(item_id)?)?;
            item.is_file().then(|| found.content(&item))
        })??;
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < content.size() {
            bytes.extend_from_slice(&self.piece(&content, bytes.len() as u64).ok()?);
        }
        Some(bytes)
    }

    /// Applies random changes; answers how many entries the logs gained.
    pub fn mutate(&self, mutation: &Mutation) -> u32 {
        let turn = {
            let mut turns = self.mutations.lock();
            *turns += 1;
            *turns
        };
        let seed = mutation.seed.map_or_else(|| self.tenant.seed().named("mutation").with(turn), Seed);
        let drives = match mutation.drive {
            Some(drive) => drive..drive.saturating_add(1),
            None => 0..self.drive_count(),
        };
        let (profile, tell, now_ms) =
            (&self.tenant.profile, self.config.wire.tell_descendants, self.now_ms());
        drives
            .filter_map(|drive| {
                self.change_drive(drive, |found| found.mutate(profile, seed, mutation.count, tell, now_ms))
            })
            .sum()
    }

    /// How fast drives change by themselves, if they do.
    pub fn mutator(&self) -> Option<MutatorPace> {
        *self.mutator.lock()
    }

    /// Lets drives change by themselves, or be at rest.
    pub fn set_mutator(&self, pace: Option<MutatorPace>) {
        *self.mutator.lock() = pace;
    }

    /// Bytes of a content from `offset` on, as far as one piece reaches.
    ///
    /// # Errors
    ///
    /// If uploaded bytes cannot be read back.
    pub(crate) fn piece(&self, content: &Content, offset: u64) -> std::io::Result<Bytes> {
        const STEP: u64 = 256 * 1024;
        match content {
            Content::Recipe(recipe) => Ok(self.tenant.pool.piece(recipe, offset)),
            Content::Stored(stored) => {
                let length = stored.size.saturating_sub(offset).min(STEP);
                self.tenant.uploads.read(stored.at + offset, length as usize)
            }
        }
    }

    /// Makes all delta tokens of a drive dead.
    pub fn expire_delta_tokens(&self, drive: u32) {
        self.change_drive(drive, |found| found.epoch += 1);
    }

    /// The rules in force.
    pub fn faults(&self) -> Faults {
        self.engine.faults()
    }

    /// Puts other rules in force.
    pub fn set_faults(&self, faults: Faults) {
        self.engine.set(faults);
        // Afterwards: what is chosen in between is chosen by the new rules, or forgotten here.
        self.poisoned.lock().clear();
    }

    /// The files of a drive whose content is refused for ever.
    pub fn poisoned(&self, drive: u32) -> Vec<Poisoned> {
        self.read_drive(drive, |found| self.poisoned_in(found)).unwrap_or_default()
    }

    fn poisoned_in(&self, found: &Drive) -> Vec<Poisoned> {
        let mut all = self.poisoned.lock();
        all.entry(found.index).or_insert_with(|| self.choose_poison(found)).clone()
    }

    /// The broken rules, oldest first.
    pub fn violations(&self) -> Vec<Violation> {
        self.ledger.entries()
    }

    /// What was asked and given.
    pub fn totals(&self) -> Totals {
        self.counters.totals()
    }

    /// How often each item's content was asked for, by drive number and item id.
    pub fn downloads(&self) -> HashMap<(u32, String), DownloadCount> {
        let counted = self.counters.downloads();
        let named = counted.into_iter().filter_map(|((drive, item), count)| {
            Some(((drive, self.read_drive(drive, |found| found.id(item))?), count))
        });
        named.collect()
    }

    /// Sets counters and violations to nothing.
    pub fn clear_books(&self) {
        self.counters.clear();
        self.ledger.clear();
    }

    fn choose_poison(&self, found: &Drive) -> Vec<Poisoned> {
        let (faults, drive) = (self.engine.faults(), found.index);
        let (wanted, seed) =
            (faults.poison_per_user as usize, Seed(faults.seed).named("poison").with(u64::from(drive)));
        if wanted == 0 || faults.poison.is_empty() {
            return Vec::new();
        }
        let mut chosen: Vec<u32> = Vec::new();
        // Of the base state, whatever became of it: drawn until enough files are met.
        let base = self.tenant.profile.items_per_drive + 1;
        for number in 0..10_000 {
            let index = seed.with(number).below(u64::from(base)) as u32;
            let fits = found.row(index).is_some_and(|item| item.is_file() && item.size > 0);
            if fits && !chosen.contains(&index) {
                chosen.push(index);
            }
            if chosen.len() == wanted {
                break;
            }
        }
        let kind = |place: usize| faults.poison[(drive as usize + place) % faults.poison.len()];
        let poisoned =
            |(place, index): (usize, u32)| Poisoned { drive, index, id: found.id(index), kind: kind(place) };
        chosen.into_iter().enumerate().map(poisoned).collect()
    }

    /// How the content of an item is refused for ever, if it is.
    pub(crate) fn poison_of(&self, found: &Drive, index: u32) -> Option<PoisonKind> {
        self.poisoned_in(found).iter().find(|poisoned| poisoned.index == index).map(|poisoned| poisoned.kind)
    }
}

thread_local! {
    static HOLDS: Cell<bool> = const { Cell::new(false) };
}

/// This thread has the lock of a drive.
///
/// Who takes one twice waits for ever if another wants to change the drive in between, and all who come
/// later with them. It happens once in some hundred runs; this tells it in the first.
struct Held;

impl Held {
    fn new() -> Held {
        assert!(!HOLDS.replace(true), "a drive is asked for by whoever has one already");
        Held
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HOLDS.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "by whoever has one already")]
    fn a_drive_within_a_drive_is_told_at_once() {
        let state = SimState::new(SimConfig::default());
        assert!(state.read_drive(0, Drive::seq).is_some(), "one after the other is no harm");
        state.read_drive(0, |_| state.seq(0));
    }
}
