//! What is wrong with a log, and what its state is without what is lost (LOG-8, LOG-10).

use std::sync::Arc;

use super::error::LogError;
use super::handle::{Log, LogOptions};
use super::hold::Hold;
use super::listed::{catalogs, records_from};
use super::manifests::RowsError;
use super::memory::Seen;
use super::read::{Access, Reading, Records, is_newer, passes_over, void_hash, voids};
use super::record;
use super::state::{Floor, SPLITTER, State, encode_splitter};
use crate::codec::{RecordHash, RepoId, SegmentId, SplitterSizes, Subkeys, random_bytes};
use crate::format::names::BlobId;
use crate::format::segment::SegmentError;
use crate::storage::Blobs;

/// Records that are voided one by one. Behind a longer gap the log begins anew: whoever can delete
/// decides how long a gap is.
const LOST_MAX: u64 = 1024;
/// Records that are held at once where they are only looked at.
const READ_AT_ONCE: usize = 256;
/// A log that begins anew does so at the next multiple of this above all that is known: nobody has
/// seen a revision near there, and no create of an old name comes in its way.
const STEP: u64 = 1 << 32;

/// A record that counts as empty from now on.
#[derive(Debug, Clone)]
pub struct Lost {
    pub revision: u64,
    /// What its successor chains to; zeros if nobody knows.
    pub hash: RecordHash,
    /// Why it cannot be used.
    pub why: Arc<LogError>,
}

/// What is wrong with a log. Nothing was changed.
#[derive(Debug, Clone)]
pub struct Survey {
    pub lost: Vec<Lost>,
    /// Revisions between which more is missing than is voided one by one.
    pub gaps: Vec<(u64, u64)>,
    /// The revision at which the log has to begin anew, with a catalog.
    pub begins: Option<u64>,
    /// Whether it begins far above the old numbers, with nothing of what old records said.
    pub is_new: bool,
    /// There is nothing at all, and this client never saw anything: an init that did not end.
    pub is_empty: bool,
    /// Records that cannot be used although they are above the floor, and that a catalog behind them stands
    /// for; of several that are missing in a row the last. Why, and in order.
    pub stale: Vec<(u64, Arc<LogError>)>,
    /// Manifest segments that the state named and that cannot be used: it is without their rows.
    pub segments: Vec<(SegmentId, Arc<LogError>)>,
    /// Catalogs that cannot be used, and why; the newest first.
    pub catalogs: Vec<(u64, Arc<LogError>)>,
    /// A catalog that should be there is not, or cannot be used.
    pub catalog_wanted: bool,
    /// The state at the end of the log, lost records left out.
    pub(super) state: State,
}

impl Survey {
    /// Whether every record behind the newest usable catalog can be used.
    pub fn is_whole(&self) -> bool {
        self.lost.is_empty() && self.begins.is_none()
    }

    /// The state at the end of the log, with nothing of what was lost.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether no record says how streams are cut.
    pub fn needs_splitter(&self) -> bool {
        !self.state.parameters.contains_key(SPLITTER)
    }

    /// Lets a log that begins far above the old numbers begin above this one, too.
    ///
    /// # Errors
    /// `NoRoom` if there are no higher numbers.
    pub fn begin_above(&mut self, revision: u64) -> Result<(), LogError> {
        if self.is_new && revision >= self.state.revision {
            self.begin_at(far_above(revision, STEP)?)?;
        }
        Ok(())
    }

    fn begin_at(&mut self, revision: u64) -> Result<(), LogError> {
        self.state.begin(revision, RecordHash(random_bytes()?));
        self.state.hold = Some(Hold::begin(revision));
        self.begins = Some(revision);
        Ok(())
    }
}

impl State {
    /// Makes this the state at `revision`, from which the log begins anew.
    pub(super) fn begin(&mut self, revision: u64, hash: RecordHash) {
        (self.revision, self.hash, self.floor) = (revision, hash, Floor(revision + 1));
        self.recent_hashes.clear();
        self.recent_hashes.push_back((revision, hash));
        self.recent_commits.clear();
    }
}

/// Whether a log may have begun anew with this revision, far above others.
pub(crate) fn is_far_above(revision: u64) -> bool {
    revision > 0 && revision.is_multiple_of(STEP)
}

/// The next revision that lies far above one: a multiple of `step`.
pub(super) fn far_above(revision: u64, step: u64) -> Result<u64, LogError> {
    let next = (revision / step + 1).checked_mul(step).filter(|next| *next < u64::MAX - step);
    next.ok_or(LogError::NoRoom { blob: BlobId::Record(revision) })
}

impl Log {
    /// Looks at every record behind the newest usable catalog, and at all catalogs.
    ///
    /// # Errors
    /// What the storage says; a record or catalog of a newer release; `Forked` by the memory;
    /// `Unsupported`; `NoRoom`.
    pub fn survey(
        blobs: Blobs,
        keys: Arc<Subkeys>,
        repo: RepoId,
        options: &LogOptions,
    ) -> Result<Survey, LogError> {
        let access = Access { blobs, keys, repo };
        let memory = options.memory.as_ref().filter(|_| !options.accept_other_history);
        let seen = memory.and_then(|memory| memory.read().ok().flatten());
        let mut newest = access.newest_catalog(None)?;
        loop {
            let survey = access.survey(newest, seen)?;
            // What is missing may have been trimmed meanwhile.
            match access.newest_catalog(None)? {
                again if again != newest => newest = again,
                _ => break survey.state.check_readable().map(|()| survey),
            }
        }
    }

    /// The log as it is without what is lost, for reading.
    pub fn view(blobs: Blobs, keys: Arc<Subkeys>, repo: RepoId, survey: &Survey) -> Log {
        let mut state = survey.state.clone();
        let splitter = || encode_splitter(&SplitterSizes::DEFAULT);
        state.parameters.entry(SPLITTER.to_owned()).or_insert_with(splitter);
        Log::new(Access { blobs, keys, repo }, LogOptions::default(), true, Reading::made(state))
    }
}

impl Access {
    fn survey(&self, newest: u64, seen: Option<Seen>) -> Result<Survey, LogError> {
        let listed: Vec<u64> = catalogs(&self.blobs)?.into_iter().map(|(revision, _)| revision).collect();
        let unusable = self.unusable_catalogs(&listed)?;
        let state = self.base(newest, &mut Vec::new())?;
        let usable = state.revision;
        let stale = self.stale(&state)?;
        let behind = records_from(&self.blobs, usable + 1)?;
        let mut records = self.records(&behind)?;
        if let Some(newer) = records.iter().find(|(_, found)| found.as_ref().err().is_some_and(is_newer)) {
            let revision = *newer.0;
            return Err(records.remove(&revision).and_then(Result::err).unwrap_or(LogError::Empty));
        }
        let newest = behind.last().map(|(revision, _)| *revision);
        let last = newest.into_iter().chain(seen.map(|seen| seen.revision)).max();
        let highest = last.max(listed.first().copied()).unwrap_or(0).max(usable);
        let is_new = usable == 0 && records.values().all(Result::is_err);
        let survey = Survey {
            lost: Vec::new(),
            gaps: Vec::new(),
            begins: None,
            is_new,
            stale,
            segments: Vec::new(),
            is_empty: behind.is_empty() && listed.is_empty() && seen.is_none(),
            catalogs: unusable,
            catalog_wanted: false,
            state,
        };
        let mut walk = Walk { access: self, records, seen, last: last.unwrap_or(0).max(usable), survey };
        if is_new {
            walk.survey.begin_at(far_above(highest, STEP)?)?;
        } else {
            walk.follow(highest)?;
        }
        let mut survey = walk.survey;
        survey.segments = self.lost_segments(&survey.state)?;
        if !survey.segments.is_empty() {
            // Rows are nowhere else, so this is a state that no record leads to.
            let lost: Vec<SegmentId> = survey.segments.iter().map(|(id, _)| *id).collect();
            survey.state.manifest_segments.retain(|segment| !lost.contains(&segment.id));
            let end = survey.state.revision;
            survey.state.hold = Some(Hold::begin(end));
            survey.begins = Some(end);
        }
        // A catalog's name is not used twice.
        if survey.begins.is_some() && listed.contains(&survey.state.revision) {
            survey.begin_at(far_above(highest.max(survey.state.revision), STEP)?)?;
        }
        if let Some(seen) = seen.filter(|seen| !survey.state.voids.contains_key(&seen.revision)) {
            seen.check(&survey.state)?;
        }
        let owed = survey.state.revision / 64 * 64;
        survey.catalog_wanted = survey.catalogs.first().is_some_and(|(broken, _)| *broken > usable)
            || survey.begins.is_none() && usable < owed
            || seen.is_some_and(|seen| seen.catalog > usable);
        Ok(survey)
    }

    /// What is wrong with the records from the floor up to the state of a catalog.
    fn stale(&self, state: &State) -> Result<Vec<(u64, Arc<LogError>)>, LogError> {
        let mut listed = records_from(&self.blobs, state.floor.0)?;
        listed.retain(|(revision, _)| *revision <= state.revision);
        let mut stale = Vec::new();
        let mut before: Option<(u64, RecordHash)> = None;
        let mut expected = state.floor.0;
        for some in listed.chunks(READ_AT_ONCE) {
            let mut records = self.records(some)?;
            for (revision, _) in some {
                if expected < *revision {
                    stale.push((revision - 1, Arc::new(LogError::Missing { revision: revision - 1 })));
                }
                expected = revision + 1;
                let follows = before.filter(|(last, _)| last + 1 == *revision).map(|(_, hash)| hash);
                before = None;
                match records.remove(revision) {
                    Some(Ok(opened)) if follows.is_none_or(|hash| hash == opened.record.previous) => {
                        before = Some((*revision, opened.hash));
                    }
                    Some(Ok(_)) => stale.push((*revision, Arc::new(LogError::Chain { revision: *revision }))),
                    Some(Err(error)) if is_newer(&error) => return Err(error),
                    Some(Err(error)) => stale.push((*revision, Arc::new(error))),
                    // Trimmed since it was listed.
                    None => {}
                }
            }
        }
        if expected <= state.revision {
            stale.push((state.revision, Arc::new(LogError::Missing { revision: state.revision })));
        }
        stale.retain(|(revision, _)| !state.voids.contains_key(revision));
        Ok(stale)
    }

    /// The manifest segments of a state that cannot be used.
    fn lost_segments(&self, state: &State) -> Result<Vec<(SegmentId, Arc<LogError>)>, LogError> {
        let mut lost = Vec::new();
        for segment in &state.manifest_segments {
            match self.segment_rows(&[*segment]) {
                Ok(_) => {}
                Err(error @ LogError::Rows { .. }) if !is_newer_segment(&error) => {
                    lost.push((segment.id, Arc::new(error)));
                }
                Err(LogError::Storage(error)) if error.is_not_found() => {
                    lost.push((segment.id, Arc::new(LogError::Storage(error))));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(lost)
    }

    fn unusable_catalogs(&self, listed: &[u64]) -> Result<Vec<(u64, Arc<LogError>)>, LogError> {
        let mut unusable = Vec::new();
        for revision in listed {
            match self.catalog(*revision) {
                Ok(_) => {}
                // It gave way to a newer one.
                Err(LogError::Storage(error)) if error.is_not_found() => {}
                Err(error) if passes_over(&error) => unusable.push((*revision, Arc::new(error))),
                Err(error) => return Err(error),
            }
        }
        Ok(unusable)
    }
}

fn is_newer_segment(error: &LogError) -> bool {
    match error {
        LogError::Rows { source: RowsError::Segment(SegmentError::Header(header)), .. } => header.is_newer(),
        _ => false,
    }
}

/// A way through the records, past what is lost.
struct Walk<'a> {
    access: &'a Access,
    records: Records,
    seen: Option<Seen>,
    /// The last record that is there, or that this client has seen.
    last: u64,
    survey: Survey,
}

impl Walk<'_> {
    /// Folds what can be used. `highest` is the greatest number that anything is named with.
    fn follow(&mut self, highest: u64) -> Result<(), LogError> {
        let declared = voids(&self.records);
        while self.survey.state.revision < self.last {
            let state = &mut self.survey.state;
            let revision = state.revision + 1;
            if let Some(hash) = declared.get(&revision) {
                state.pass_void(void_hash(hash, self.records.get(&(revision + 1))));
                continue;
            }
            match self.records.get(&revision) {
                Some(Ok(opened)) if opened.record.previous == state.hash => {
                    state.apply(opened);
                    continue;
                }
                _ => {}
            }
            let next = self.records.range(revision + 1..).find(|(_, found)| found.is_ok());
            let next = next.and_then(|(next, found)| Some((*next, found.as_ref().ok()?.record.previous)));
            let end = next.map_or(self.last, |(next, _)| next - 1);
            match (end - revision < LOST_MAX, next) {
                (true, _) => self.pass(revision, end, next)?,
                (false, Some((next, previous))) => {
                    self.survey.gaps.push((revision, end));
                    self.survey.state.begin(next - 1, previous);
                    self.survey.begins = Some(next - 1);
                }
                (false, None) => {
                    self.survey.gaps.push((revision, end));
                    return self.survey.begin_at(far_above(highest, STEP)?);
                }
            }
        }
        if self.survey.begins.is_some() {
            // The catalog that the log begins with is that of its end.
            let end = self.survey.state.revision;
            self.survey.begins = Some(end);
            self.survey.state.hold = Some(Hold::begin(end));
        }
        Ok(())
    }

    /// Passes over the records from `first` to `end`; `next` is the one behind them and what it carries.
    fn pass(&mut self, first: u64, end: u64, next: Option<(u64, RecordHash)>) -> Result<(), LogError> {
        for revision in first..=end {
            let hash = match next {
                Some((_, previous)) if revision == end => previous,
                None if revision == self.last => self.last_hash()?,
                _ => RecordHash::ZERO,
            };
            let why = match self.records.remove(&revision) {
                None => LogError::Missing { revision },
                Some(Ok(_)) => LogError::Chain { revision },
                Some(Err(error)) => error,
            };
            let state = &mut self.survey.state;
            state.pass_void(hash);
            state.voids.insert(revision, hash);
            state.hold = Some(Hold::begin(self.last + 1));
            self.survey.lost.push(Lost { revision, hash, why: Arc::new(why) });
        }
        Ok(())
    }

    /// What a record behind the last one chains to: what it was, as far as this client has seen it, or
    /// what is stored there.
    fn last_hash(&self) -> Result<RecordHash, LogError> {
        match self.seen {
            Some(seen) if seen.revision == self.last => Ok(seen.hash),
            _ => match self.access.blobs.get(&BlobId::Record(self.last).name()) {
                Ok(bytes) => Ok(record::hash(&bytes)),
                Err(error) if error.is_not_found() => Ok(RecordHash::ZERO),
                Err(error) => Err(error.into()),
            },
        }
    }
}
