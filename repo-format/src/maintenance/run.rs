//! A maintenance run, from the first step to the last.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::mark::{Marked, mark};
use super::plan::{Facts, Plan, Reason, plan};
use super::rewrite::rewrite;
use super::survey::Survey;
use super::sweep::{LockedBlobs, sweep};
use super::{MaintenanceError, MaintenanceOptions, MaintenanceReport, segments};
use crate::codec::{PackId, TimeNs};
use crate::engine::progress::{Progress, Stop};
use crate::format::names::BlobId;
use crate::log::{Action, BlobRef, Hold, Invalid, State};
use crate::repository::{Repository, RepositoryError, with_causes};
use crate::retention;
use crate::system;

/// So often a run marks anew because another maintainer doomed or recalled something meanwhile.
const TRIES: usize = 5;
/// Blobs that one record condemns.
const CONDEMNED_AT_ONCE: usize = 50_000;

/// Maintains the repository.
///
/// On a folder whose disk is full it uses the room that an earlier run kept for that.
///
/// # Errors
/// [`MaintenanceError`]. What was done before stays done, and the next run goes on from there.
pub fn run(
    repository: &Repository,
    options: &MaintenanceOptions,
    progress: &Progress,
    stop: &Stop,
) -> Result<MaintenanceReport, MaintenanceError> {
    let blobs = repository.blobs();
    let report = match attempt(repository, options, progress, stop) {
        Err(error) if error.is_full() && blobs.free_reserve()? => {
            attempt(repository, options, progress, stop)?
        }
        ended => ended?,
    };
    // Where there is no room for it now there may be after the next run.
    if !options.dry_run
        && let Err(error) = blobs.fill_reserve()
    {
        tracing::warn!(error = %with_causes(&error), "no room is kept for maintenance on a full disk");
    }
    Ok(report)
}

fn attempt(
    repository: &Repository,
    options: &MaintenanceOptions,
    progress: &Progress,
    stop: &Stop,
) -> Result<MaintenanceReport, MaintenanceError> {
    let begun = system::now();
    let mut report = MaintenanceReport { dry_run: options.dry_run, ..MaintenanceReport::default() };
    repository.begin_task()?;
    if !options.dry_run {
        repository.log().check_writable()?;
    }
    report.segments_before = repository.state().segments.len() as u64;
    let run = Run { repository, options, progress, stop };
    let done = run.all_steps(&mut report);
    // Where something is lost or may not be deleted, what is left needs its locks all the more.
    let extended = run.extend(&mut report);
    done?;
    extended?;
    report.segments_after = repository.state().segments.len() as u64;
    report.interrupted = stop.is_requested();
    report.duration = system::since(begun);
    Ok(report)
}

/// What stands before the next maintenance run.
#[derive(Debug, Clone)]
pub struct Status {
    pub revision: u64,
    /// The lowest revision whose record is kept.
    pub floor: u64,
    /// Records behind it, the newest included.
    pub records: u64,
    pub segments: u64,
    /// How many segments cover the place of the key space that most cover.
    pub segment_depth: u64,
    /// Condemned blobs, and when the first of them was, in nanoseconds since 1970 UTC.
    pub condemned: u64,
    pub condemned_since_ns: Option<i64>,
    /// Doomed blobs that were not reaped.
    pub doomed: u64,
    pub last_doom: u64,
    pub quarantined: u64,
    /// Why nothing is reclaimed, if nothing is.
    pub hold: Option<Hold>,
}

/// What the log alone says of maintenance; costs a handful of requests.
///
/// # Errors
/// If the log cannot be read.
pub fn status(repository: &Repository) -> Result<Status, MaintenanceError> {
    repository.begin_task()?;
    let state = repository.state();
    let segments: Vec<_> = state.segments.values().copied().collect();
    let first = state.condemned.values().min();
    Ok(Status {
        revision: state.revision,
        floor: state.floor.0,
        records: state.revision - state.floor.0.min(state.revision) + 1,
        segments: segments.len() as u64,
        segment_depth: segments::depth(&segments) as u64,
        condemned: state.condemned.len() as u64,
        condemned_since_ns: first.map(|first| repository.log().time_of(*first)).transpose()?.flatten(),
        doomed: state.doomed.len() as u64,
        last_doom: state.last_doom,
        quarantined: state.quarantined.len() as u64,
        hold: state.hold,
    })
}

/// What all steps of a run share.
pub(super) struct Run<'r> {
    pub repository: &'r Repository,
    pub options: &'r MaintenanceOptions,
    pub progress: &'r Progress,
    pub stop: &'r Stop,
}

/// What was found at one revision.
pub(super) struct Found<'r> {
    pub state: Arc<State>,
    pub survey: Survey,
    pub marked: Marked<'r>,
    pub plan: Plan,
}

impl<'r> Run<'r> {
    /// Everything that makes the repository smaller.
    fn all_steps(&self, report: &mut MaintenanceReport) -> Result<(), MaintenanceError> {
        if let Some(hold) = self.repository.state().hold.filter(|_| !self.options.quick) {
            return Err(MaintenanceError::Held(hold));
        }
        if !self.options.quick {
            self.reclaim(report)?;
        }
        if !self.options.dry_run && !self.stop.is_requested() {
            segments::merge(self.repository, self.stop)?;
            self.trim(report)?;
            report.staging = self.repository.blobs().sweep_staging()?.removed;
        }
        Ok(())
    }

    /// Goes on locking what is needed, in a full run.
    fn extend(&self, report: &mut MaintenanceReport) -> Result<(), MaintenanceError> {
        if !self.options.quick && !self.options.dry_run && !self.stop.is_requested() {
            report.extended = retention::extend(self.repository, self.options.threads, self.stop)?;
        }
        Ok(())
    }

    /// Reclaims what nobody needs, as far as it may go today.
    fn reclaim(&self, report: &mut MaintenanceReport) -> Result<(), MaintenanceError> {
        for _ in 0..TRIES {
            let before = self.repository.state().revision;
            let found = match self.find() {
                Ok(found) => found,
                Err(error) => match self.is_overtaken(before)? {
                    true => {
                        report.overtaken += 1;
                        continue;
                    }
                    false => return Err(error),
                },
            };
            if self.stop.is_requested() {
                // What was not walked to the end says nothing.
                return Ok(());
            }
            report.marked = found.marked.revision;
            report.space = found.plan.space;
            report.fresh = found.plan.fresh;
            self.tell_waiting(&found.plan, report);
            if self.options.dry_run {
                self.tell(&found.plan, report);
                return Ok(());
            }
            let missing = self.missing(&found)?;
            // What an earlier run decreed makes room for what this one writes.
            let mut locked = LockedBlobs::new();
            sweep(self, &found.survey, &missing, &mut locked, report)?;
            self.condemn(&found.plan, report)?;
            let rewritten = self.rewrite(&found, report);
            if self.stop.is_requested() {
                return Ok(());
            }
            let due = self.due(&found.plan, &rewritten);
            match self.doom(found.marked.revision, due, report) {
                Ok(()) => {}
                Err(RepositoryError::Invalid(Invalid::MarkOutdated { .. })) => {
                    report.overtaken += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            sweep(self, &found.survey, &missing, &mut locked, report)?;
            self.tell_locked(&found.survey, &locked, report);
            return Ok(());
        }
        Err(MaintenanceError::Overtaken { tries: TRIES })
    }

    /// Whether blobs were doomed since a revision: what is missing may have gone with them, and no
    /// snapshot of the newest state needs it.
    fn is_overtaken(&self, since: u64) -> Result<bool, MaintenanceError> {
        self.repository.refresh()?;
        Ok(self.repository.state().last_doom > since)
    }

    /// Looks at everything: the state as it was read last, the storage, what is needed; and makes the plan.
    pub fn find(&self) -> Result<Found<'r>, MaintenanceError> {
        let repository = self.repository;
        // A commit that lost has read on, and the index has to be of the state that is marked.
        repository.adopt_state();
        let state = repository.state();
        let survey = Survey::of(repository.blobs(), &repository.id(), &state)?;
        let marked = mark(repository, &state, &survey, self.options.threads, self.progress, self.stop)?;
        let now_ns = repository.log().now_ns();
        let times = self.times(&state, now_ns)?;
        let plan = plan(&Facts {
            state: &state,
            survey: &survey,
            packs: &marked.packs,
            options: self.options,
            now_ns,
            time_of: &|revision| times.get(&revision).copied().flatten(),
        });
        Ok(Found { state, survey, marked, plan })
    }

    /// When the revisions were committed that condemned something; `None` for those whose records were
    /// trimmed, so long ago.
    fn times(&self, state: &State, now_ns: TimeNs) -> Result<HashMap<u64, Option<TimeNs>>, MaintenanceError> {
        let revisions: BTreeSet<u64> = state.condemned.values().copied().collect();
        let mut times = HashMap::new();
        for revision in revisions {
            times.insert(revision, self.time_of(revision, state, now_ns)?);
        }
        Ok(times)
    }

    /// A clock that was ahead would keep what it condemned for as long as it was; the first record behind
    /// it that is not of the future knows better.
    fn time_of(
        &self,
        revision: u64,
        state: &State,
        now_ns: TimeNs,
    ) -> Result<Option<TimeNs>, MaintenanceError> {
        let log = self.repository.log();
        let told = log.time_of(revision)?;
        if told.is_none_or(|told| told <= now_ns) {
            return Ok(told);
        }
        // None are kept below the floor, which may lie far above them.
        for later in (revision + 1).max(state.floor.0)..=state.revision {
            if let Some(time) = log.time_of(later)?
                && time <= now_ns
            {
                return Ok(Some(time));
            }
        }
        Ok(told)
    }

    fn tell_waiting(&self, plan: &Plan, report: &mut MaintenanceReport) {
        let waiting = || plan.waiting.iter().filter(|waiting| waiting.due_ns.is_some());
        report.waiting = waiting().count() as u64;
        report.waiting_bytes = waiting().map(|waiting| waiting.size).sum();
        report.next_due_ns = waiting().filter_map(|waiting| waiting.due_ns).min();
        report.last_due_ns = waiting().filter_map(|waiting| waiting.due_ns).max();
    }

    /// What a run would do.
    fn tell(&self, plan: &Plan, report: &mut MaintenanceReport) {
        report.condemned = plan.condemn.len() as u64;
        report.condemned_bytes = plan.condemn.iter().map(|(_, size, _)| size).sum();
        report.rewritten = plan.rewrite.len() as u64;
        report.rewritten_bytes = plan.rewrite.iter().map(|thin| thin.size).sum();
        let doomed: HashSet<BlobRef> = self.due(plan, &[]).into_iter().collect();
        report.doomed = doomed.len() as u64;
    }

    fn condemn(&self, plan: &Plan, report: &mut MaintenanceReport) -> Result<(), MaintenanceError> {
        let blobs: Vec<BlobRef> = plan.condemn.iter().map(|(blob, ..)| *blob).collect();
        for some in blobs.chunks(CONDEMNED_AT_ONCE) {
            self.repository.commit_actions(|_| vec![Action::Condemn(some.to_vec())])?;
        }
        report.condemned += blobs.len() as u64;
        report.condemned_bytes += plan.condemn.iter().map(|(_, size, _)| size).sum::<u64>();
        Ok(())
    }

    fn rewrite(&self, found: &Found<'_>, report: &mut MaintenanceReport) -> Vec<BlobRef> {
        let (repository, plan) = (self.repository, &found.plan);
        let done = rewrite(repository, &found.marked, plan, self.options, self.progress, self.stop);
        report.rewritten += done.packs.len() as u64;
        report.rewritten_bytes += done.packs.iter().map(|thin| thin.size).sum::<u64>();
        report.written_bytes += done.written_bytes;
        report.not_rewritten = done.failed.map(|error| with_causes(&error));
        done.packs.iter().map(|thin| BlobRef::Pack(thin.kind, thin.pack)).collect()
    }

    /// What may be doomed now: what waited long enough, and all else if nothing has to wait.
    fn due(&self, plan: &Plan, rewritten: &[BlobRef]) -> Vec<BlobRef> {
        let waited =
            plan.waiting.iter().filter(|waiting| waiting.due_ns.is_none()).map(|waiting| waiting.blob);
        let mut due: Vec<BlobRef> = waited.collect();
        let at_once = |reason| match reason {
            Reason::Unknown => self.options.grace_unknown.is_zero(),
            _ => self.options.grace.is_zero(),
        };
        due.extend(plan.condemn.iter().filter(|(.., reason)| at_once(*reason)).map(|(blob, ..)| *blob));
        if self.options.grace.is_zero() {
            due.extend(rewritten);
        }
        due
    }

    /// Decrees the end of blobs that the live snapshots at `marked` do not need, save for those that
    /// were relied on since.
    fn doom(
        &self,
        marked: u64,
        blobs: Vec<BlobRef>,
        report: &mut MaintenanceReport,
    ) -> Result<(), RepositoryError> {
        let mut spared = 0;
        self.repository.commit_actions(|state| {
            let (used, free): (Vec<BlobRef>, Vec<BlobRef>) =
                blobs.iter().partition(|blob| state.used_since(blob, marked).is_some());
            spared = used.len() as u64;
            if free.is_empty() { Vec::new() } else { vec![Action::Doom { marked, blobs: free }] }
        })?;
        report.spared += spared;
        report.doomed += blobs.len() as u64 - spared;
        Ok(())
    }

    /// Packs that the index names, that are gone, and that nobody needs: marking would have stopped
    /// at them otherwise. Each is asked for by name: what a list leaves out is not gone for that.
    fn missing(&self, found: &Found<'_>) -> Result<HashSet<PackId>, MaintenanceError> {
        let packs = found.marked.packs.iter().map(|(id, used)| (*id, used.kind));
        // In order, so that the same run asks the same.
        let unlisted: BTreeSet<_> = packs.filter(|(id, kind)| !found.survey.has_pack(*kind, id)).collect();
        let mut missing = HashSet::new();
        for (id, kind) in unlisted {
            if self.repository.blobs().size(&BlobId::Pack(kind, id).name())?.is_none() {
                missing.insert(id);
            }
        }
        Ok(missing)
    }

    fn tell_locked(&self, survey: &Survey, locked: &LockedBlobs, report: &mut MaintenanceReport) {
        for (blob, until_ns) in locked {
            let size = survey.blobs.get(blob).map_or(0, |listed| listed.size);
            report.locked.add(size, *until_ns);
        }
    }

    /// Trims the log, but no record that says since when something is condemned.
    fn trim(&self, report: &mut MaintenanceReport) -> Result<(), MaintenanceError> {
        let state = self.repository.state();
        let condemned = state.condemned.values().min().copied().unwrap_or(u64::MAX);
        let wanted = (state.revision + 1).saturating_sub(self.options.records_kept).min(condemned);
        report.trimmed = self.repository.log().trim(wanted, &|| self.stop.is_requested())?;
        report.locked.join(report.trimmed.locked);
        Ok(())
    }
}
