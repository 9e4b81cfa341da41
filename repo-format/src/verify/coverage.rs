//! What this verification adds to what was verified when (COV-3).

use std::collections::BTreeSet;
use std::time::Instant;

use super::listing::{ListedPack, Listing};
use super::sample::Sample;
use super::{CoverageReport, Level, VerifyOptions};
use crate::codec::{PackId, random_bytes};
use crate::coverage::{Coverage, Reached};
use crate::format::names::PackKind;
use crate::log::State;
use crate::repository::{Held, Repository, RepositoryError, with_causes};
use crate::system::{self, Mutex};

/// Keeps what was verified when, as far as it may. Shared between threads.
pub(super) struct Keeper<'r> {
    repository: &'r Repository,
    options: &'r VerifyOptions,
    /// What is committed; `None` if nothing is kept. Held while committing.
    held: Mutex<Option<Held>>,
    noted: Mutex<Noted>,
}

/// What was verified since the last commit.
struct Noted {
    packs: Vec<(ListedPack, Reached)>,
    committed: Instant,
}

impl<'r> Keeper<'r> {
    /// Takes packs that are new into the queue, and out of it what is gone. `state` is from before the
    /// listing. If that cannot be committed nothing is kept, which is a warning.
    pub fn begin(
        repository: &'r Repository,
        options: &'r VerifyOptions,
        listing: &Listing,
        state: &State,
    ) -> Keeper<'r> {
        let noted = Noted { packs: Vec::new(), committed: system::now() };
        let keeper = Keeper { repository, options, held: Mutex::default(), noted: Mutex::new(noted) };
        if !options.keep_coverage || (options.level == Level::Log && options.sample.is_none()) {
            return keeper;
        }
        let (mut held, now) = (Held::default(), repository.log().now_ns());
        // A share is chosen by the queue only where the queue will move on.
        let forced = options.sample.is_some();
        let begun = repository.change_coverage(&mut held, forced, |coverage, revision| {
            coverage.leave(|kind, pack| listing.has_pack(kind, pack), state.revision);
            // What is on its way out is not worth a place.
            coverage.queue(listing.packs().filter(|(_, pack, _)| !state.is_lost(pack)), revision, now);
        });
        match begun {
            Ok(()) => *keeper.held.lock() = Some(held),
            Err(error) => keeper.give_up(&error),
        }
        keeper
    }

    /// The packs of a share in the order that they are to be decoded in, and how many bytes of them.
    ///
    /// The longest unverified come first. Where nothing is kept, each verification chooses others, or the
    /// first ones would be all that is ever looked at.
    pub fn share(&self, sample: Sample, listing: &Listing) -> (Vec<ListedPack>, u64) {
        let all: Vec<ListedPack> = listing.packs().collect();
        let total: u64 = all.iter().map(|(_, _, size)| size).sum();
        let held = self.held.lock();
        let Some(coverage) = held.as_ref().map(|held| &held.coverage) else {
            // A fixed choice without randomness is still a sample.
            return (
                super::sample::shuffled(all, &random_bytes().unwrap_or_default()),
                sample.bytes_of(total),
            );
        };
        let queue = coverage.in_order().into_iter();
        let queue = queue.map(|(place, row)| (place.kind, place.pack, row.size));
        let queue = queue.filter(|(kind, pack, _)| listing.has_pack(*kind, pack)).collect();
        (queue, sample.bytes_of(coverage.bytes_promised().max(total)))
    }

    /// A pack was found whole, as deep as it was looked at. Commits now and then.
    pub fn note(&self, pack: ListedPack, reached: Reached) {
        if !self.options.keep_coverage {
            return;
        }
        let mut noted = self.noted.lock();
        noted.packs.push((pack, reached));
        let due = system::since(noted.committed) >= self.options.coverage_interval;
        drop(noted);
        if due && let Some(mut held) = self.held.try_lock() {
            self.commit(&mut held);
        }
    }

    fn commit(&self, held: &mut Option<Held>) {
        let packs = {
            let mut noted = self.noted.lock();
            noted.committed = system::now();
            std::mem::take(&mut noted.packs)
        };
        let Some(known) = held.as_mut().filter(|_| !packs.is_empty()) else { return };
        let now = self.repository.log().now_ns();
        let change = |coverage: &mut Coverage, revision| {
            for ((kind, pack, size), reached) in &packs {
                match reached {
                    Reached::Decoded => coverage.decoded(*kind, *pack, *size, revision, now),
                    Reached::Hash => coverage.hashed(*kind, *pack),
                    Reached::Nothing => {}
                }
            }
        };
        match self.repository.change_coverage(known, false, change) {
            Ok(()) => {}
            // Others write it down meanwhile; the next commit has these packs, too.
            Err(error) if error.is_outdated() || is_overtaken(&error) => {
                self.noted.lock().packs.extend(packs)
            }
            Err(error) => {
                *held = None;
                self.give_up(&error);
            }
        }
    }

    fn give_up(&self, error: &RepositoryError) {
        self.repository.warn(format!(
            "which packs were verified is not kept, so the next verification does not go on from here: {}",
            with_causes(error)
        ));
    }

    /// Commits what is left, and says what the map comes to; `None` if none is kept.
    pub fn finish(self) -> Option<CoverageReport> {
        let mut held = self.held.lock().take();
        self.commit(&mut held);
        let left = self.noted.lock().packs.len();
        if left > 0 && held.is_some() {
            self.repository.warn(format!("that {left} packs were verified could not be written down"));
        }
        held.map(|held| CoverageReport {
            summary: held.coverage.summary(self.repository.log().now_ns()),
            longest: held.coverage.in_order().first().copied(),
        })
    }
}

fn is_overtaken(error: &RepositoryError) -> bool {
    matches!(error, RepositoryError::CoverageOvertaken { .. })
}

/// The IDs of packs, to tell which were chosen.
pub(super) fn ids(packs: &[ListedPack]) -> BTreeSet<(PackKind, PackId)> {
    packs.iter().map(|(kind, pack, _)| (*kind, *pack)).collect()
}
