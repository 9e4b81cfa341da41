//! The log, from what is left of it and from what packs say (LOG-8 to LOG-10).
//!
//! In this order, so that it may be killed anywhere and run again: a record that voids what is lost, or
//! a catalog that the log begins anew with; a catalog behind it; index segments; manifests that no row
//! tells of; and a record that says that they were found. Dooms are held from the first step on, until a
//! verification of all that is left ends the hold.

mod revive;
mod settle;

use std::collections::HashSet;
use std::sync::Arc;

pub use revive::{Left, REVIVED, Revived};
pub use settle::settle;

use self::revive::{Found, Seeker};
use super::index::stage;
use super::{IndexRepair, RepairError, TRIES, index};
use crate::codec::{PackId, SegmentId, SplitterSizes};
use crate::engine::progress::{Progress, Stop};
use crate::format::names::BlobId;
use crate::log::{Hold, LogError, Survey};
use crate::maintenance::drop_rows;
use crate::repository::{BrokenLog, Repository, with_causes};

/// How a log is repaired.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogRepairOptions {
    /// Tell what would be done.
    pub dry_run: bool,
    /// Bring back snapshots that are not whole, too.
    pub incomplete: bool,
}

/// What was found, and put right unless it was a dry run.
#[derive(Debug, Clone, Default)]
pub struct LogRepair {
    /// Records that count as empty from now on, and why they cannot be used.
    pub lost: Vec<(u64, String)>,
    /// First and last revision of gaps that are passed over as one.
    pub gaps: Vec<(u64, u64)>,
    /// The revision at which the log begins anew, and whether with nothing of what old records said.
    pub begins: Option<u64>,
    pub is_new: bool,
    /// A repair that was begun in this revision did not end.
    pub unfinished: Option<u64>,
    /// Segments of manifest rows that cannot be used, and why.
    pub segments: Vec<(SegmentId, String)>,
    /// Records that cannot be used and that a catalog stands for: the floor is raised above them.
    pub stale: Vec<(u64, String)>,
    /// Catalogs that cannot be used, and why.
    pub catalogs: Vec<(u64, String)>,
    /// A catalog was, or is to be, written in the place of one that is lost.
    pub catalog_wanted: bool,
    pub index: IndexRepair,
    /// Packs that the index named and that are gone: their rows left it.
    pub packs_gone: u64,
    /// Snapshots that come back.
    pub revived: Vec<Revived>,
    /// Snapshots that were forgotten before something was lost, which may have been what recalled them: they come back,
    /// too.
    pub recalled: Vec<Revived>,
    /// Snapshots that stay away because not all of them is there.
    pub incomplete: Vec<Left>,
    /// Manifests that cannot be read.
    pub unreadable: Vec<Left>,
    /// Checkpoints that later snapshots took the place of.
    pub replaced: u64,
    /// Key slots that the log did not name, and those that it named and that are gone.
    pub slots_added: u64,
    pub slots_dropped: u64,
    /// The hold that is left: a verification ends it.
    pub hold: Option<Hold>,
    /// Catalogs that could not be deleted, and why.
    pub left: Vec<(BlobId, String)>,
    pub interrupted: bool,
}

impl LogRepair {
    /// Whether there was nothing to do.
    pub fn is_clean(&self) -> bool {
        self.is_log_whole() && self.stale.is_empty() && self.catalogs.is_empty() && !self.catalog_wanted
    }

    /// Whether no record was lost, now or since a repair that did not end.
    pub fn is_log_whole(&self) -> bool {
        self.lost.is_empty() && self.begins.is_none() && self.unfinished.is_none()
    }

    fn of(survey: &Survey) -> LogRepair {
        let shown = |lost: &crate::log::Lost| (lost.revision, with_causes(&*lost.why));
        let told = |wrong: &[(u64, Arc<LogError>)]| {
            wrong.iter().map(|(revision, why)| (*revision, with_causes(&**why))).collect()
        };
        let hold = survey.state().hold.filter(|_| survey.is_whole());
        LogRepair {
            lost: survey.lost.iter().map(shown).collect(),
            gaps: survey.gaps.clone(),
            begins: survey.begins,
            is_new: survey.is_new,
            unfinished: hold.filter(|hold| !hold.found).map(|hold| hold.since),
            segments: survey.segments.iter().map(|(id, why)| (*id, with_causes(&**why))).collect(),
            stale: told(&survey.stale),
            catalogs: told(&survey.catalogs),
            catalog_wanted: survey.catalog_wanted,
            hold,
            ..LogRepair::default()
        }
    }
}

/// Makes a log whole again, and finds what lost records may have said.
///
/// # Errors
/// If the storage fails; a record of a newer release; a history that this client knows otherwise.
pub fn log(
    broken: &BrokenLog,
    options: &LogRepairOptions,
    progress: &Progress,
    stop: &Stop,
) -> Result<LogRepair, RepairError> {
    for _ in 0..TRIES {
        let mut survey = broken.survey()?;
        // Of a try that somebody overtook nothing is told: what it did not find, others may have moved.
        let mut repair = LogRepair::of(&survey);
        let mut splitter = SplitterSizes::DEFAULT;
        let looks = options.dry_run && !repair.is_log_whole();
        if looks || survey.is_new || !survey.is_whole() && survey.needs_splitter() {
            let view = broken.view(&survey)?;
            if survey.is_empty && view.packs_there()?.is_empty() {
                return Err(LogError::Empty.into());
            }
            repair.index = stage(&view, progress, stop)?;
            let found = seek(&view, options, progress, stop)?;
            repair.interrupted = repair.index.interrupted || found.interrupted;
            splitter = found.splitter.unwrap_or(splitter);
            survey.begin_above(found.prepared_on)?;
            repair.begins = survey.begins;
            repair.take(found);
        }
        if options.dry_run || repair.interrupted {
            return Ok(repair);
        }
        if survey.is_whole() || broken.mend(&survey, splitter)? {
            finish(&broken.open()?, options, &mut repair, progress, stop)?;
            return Ok(repair);
        }
    }
    Err(RepairError::Overtaken { tries: TRIES })
}

impl LogRepair {
    fn take(&mut self, found: Found) {
        self.interrupted |= found.interrupted;
        (self.revived, self.recalled) = found.revived.into_iter().partition(|revived| revived.row.is_live());
        self.incomplete = found.incomplete;
        self.unreadable = found.unreadable;
        self.replaced = found.replaced;
    }
}

fn seek(
    repository: &Repository,
    options: &LogRepairOptions,
    progress: &Progress,
    stop: &Stop,
) -> Result<Found, RepairError> {
    Seeker::new(repository, options.incomplete)?.seek(progress, stop)
}

/// All that comes once the log can be opened.
fn finish(
    repository: &Repository,
    options: &LogRepairOptions,
    repair: &mut LogRepair,
    progress: &Progress,
    stop: &Stop,
) -> Result<(), RepairError> {
    let is_whole = repair.is_log_whole();
    // Behind the lost records before anything is looked for: whoever creates one of them from here on is
    // told that it lost (LOG-4), and whose manifest was put before is found.
    if let Some((last, _)) = repair.stale.last() {
        repository.log().raise_floor_above(*last)?;
    }
    if !is_whole || !repair.is_clean() {
        repository.log().write_usable_catalog()?;
    }
    if !is_whole {
        repair.index = index(repository, false, progress, stop)?;
        repair.interrupted = repair.index.interrupted;
        if repair.interrupted {
            return Ok(());
        }
        repair.packs_gone = forget_packs(repository, stop)?;
        let found = seek(repository, options, progress, stop)?;
        if !found.interrupted {
            revive::commit(repository, &found)?;
        }
        repair.take(found);
        if repair.interrupted || stop.is_requested() {
            repair.interrupted = true;
            return Ok(());
        }
        (repair.slots_added, repair.slots_dropped) = settle::found(repository)?;
        // The manifest of a run that goes on beside this one may come before what it names.
        let rows = repository.log().manifests(&repository.state())?;
        for left in [&mut repair.incomplete, &mut repair.unreadable] {
            left.retain(|left| !rows.contains_key(&left.snapshot));
        }
        repository.log().write_usable_catalog()?;
    }
    for (revision, _) in &repair.catalogs {
        let blob = BlobId::Catalog(*revision);
        match repository.blobs().delete(&blob.name()) {
            Err(error) if !error.is_not_found() => repair.left.push((blob, with_causes(&error))),
            _ => {}
        }
    }
    repair.hold = repository.state().hold;
    Ok(())
}

/// Drops the rows of packs that are not there; gives how many packs these are.
fn forget_packs(repository: &Repository, stop: &Stop) -> Result<u64, RepairError> {
    let there = repository.packs_there()?;
    let named = repository.index().packs()?;
    let gone: HashSet<PackId> = named.into_keys().filter(|pack| !there.contains(pack)).collect();
    if !gone.is_empty() {
        drop_rows(repository, &gone, stop)?;
    }
    Ok(gone.len() as u64)
}
