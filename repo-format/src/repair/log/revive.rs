//! Snapshots that lost records may have told of: manifests in packs that no row of the state tells of, and rows that were
//! forgotten before something was lost (LOG-9).

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use crate::codec::{ContentId, ManifestId, PackId, SplitterSizes};
use crate::content::{ContentError, ContentKind};
use crate::engine::progress::{Progress, Stop};
use crate::log::{Action, Invalid, ManifestRow, SnapshotState, SourceInfo, State};
use crate::reach::{Walked, reach};
use crate::repair::RepairError;
use crate::repository::{Kept, Repository, RepositoryError, check_known, with_causes};
use crate::snapshot::Manifest;

/// The tag of a snapshot that was found again: the revision of the repair.
pub const REVIVED: &str = "corso.revived";

/// Snapshots, and names of packs, that one record puts.
const ROWS_AT_ONCE: usize = 1000;
const PACKS_AT_ONCE: usize = 200_000;
/// Threads that walk a snapshot.
const THREADS: usize = 4;

/// A snapshot that comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revived {
    pub row: ManifestRow,
    /// What it lacks; it comes back all the same.
    pub lacks: Option<String>,
    /// Packs of all that it reaches, save for what snapshots before it reach.
    relied: Vec<PackId>,
}

/// A snapshot that stays away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub snapshot: ManifestId,
    /// What it is of and when it was begun, ns since 1970, as far as its manifest can be read.
    pub source: Option<(SourceInfo, i64)>,
    pub why: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The revision that was looked at.
    base: u64,
    /// What comes back; the rows of those that a lost record may have recalled say when they were forgotten.
    pub revived: Vec<Revived>,
    pub incomplete: Vec<Left>,
    pub unreadable: Vec<Left>,
    pub replaced: u64,
    /// The highest revision that a snapshot says it was prepared on.
    pub prepared_on: u64,
    /// How the newest of them cut streams.
    pub splitter: Option<SplitterSizes>,
    pub interrupted: bool,
}

/// Looks for manifests.
pub(super) struct Seeker<'r> {
    repository: &'r Repository,
    incomplete: bool,
    state: Arc<State>,
    there: HashSet<PackId>,
    rows: BTreeMap<ManifestId, ManifestRow>,
    /// Whose reach is known to be there.
    whole: HashSet<(Walked, ContentId)>,
}

impl<'r> Seeker<'r> {
    pub fn new(repository: &'r Repository, incomplete: bool) -> Result<Seeker<'r>, RepairError> {
        let state = repository.state();
        let rows = repository.log().manifests(&state)?;
        let (there, whole) = (repository.packs_there()?, HashSet::new());
        Ok(Seeker { repository, incomplete, state, there, rows, whole })
    }

    /// Finds every manifest that no row tells of, and every row that a lost record may have recalled, and walks what
    /// they reach.
    pub fn seek(mut self, progress: &Progress, stop: &Stop) -> Result<Found, RepairError> {
        let mut found = Found { base: self.state.revision, ..Found::default() };
        let mut read = Vec::new();
        for id in self.unlisted()? {
            match self.manifest(&id) {
                Ok(manifest) => read.push((id, manifest)),
                Err(error) if error.is_loss() => {
                    found.unreadable.push(Left { snapshot: id, source: None, why: with_causes(&error) });
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.read_parameters(&mut found, &read);
        // Oldest first, checkpoints last: whether one is of use depends on the others.
        let is_checkpoint = |manifest: &Manifest| manifest.state == SnapshotState::Checkpoint;
        read.sort_by_key(|(id, m)| (is_checkpoint(m), m.prepared_on, m.start_ns, m.end_ns, *id));
        let checkpoints = read.partition_point(|(_, manifest)| !is_checkpoint(manifest));
        // Of a source's checkpoints only the last one says more than the others.
        read[checkpoints..].reverse();
        let mut last: BTreeMap<SourceInfo, i64> = BTreeMap::new();
        for row in self.rows.values() {
            raise(&mut last, &row.source, row.end_ns);
        }
        for (id, manifest) in read {
            if stop.is_requested() {
                found.interrupted = true;
                break;
            }
            progress.done(1, 0);
            if is_checkpoint(&manifest)
                && last.get(&manifest.source).is_some_and(|end| *end >= manifest.end_ns)
            {
                found.replaced += 1;
                continue;
            }
            let (source, start, end) = (manifest.source.clone(), manifest.start_ns, manifest.end_ns);
            match self.walk(&id)? {
                (Some(why), _) if !self.incomplete => {
                    found.incomplete.push(Left { snapshot: id, source: Some((source, start)), why });
                }
                (lacks, relied) => {
                    raise(&mut last, &source, end);
                    found.revived.push(Revived { row: self.row(&id, &manifest)?, lacks, relied });
                }
            }
        }
        self.recallable(&mut found, progress, stop)?;
        found.revived.sort_by_key(|revived| (revived.row.revision, revived.row.start_ns));
        Ok(found)
    }

    /// The snapshots that were forgotten before the hold began, as far as they are whole: the others were reclaimed.
    fn recallable(&mut self, found: &mut Found, progress: &Progress, stop: &Stop) -> Result<(), RepairError> {
        let since = self.since();
        let forgotten = self.rows.values().filter(|row| row.forgotten.is_some_and(|at| at < since));
        for row in forgotten.cloned().collect::<Vec<_>>() {
            if stop.is_requested() {
                found.interrupted = true;
                break;
            }
            progress.done(1, 0);
            if let (None, relied) = self.walk(&row.id)? {
                found.revived.push(Revived { row, lacks: None, relied });
            }
        }
        Ok(())
    }

    /// The manifests in packs that may be relied on, and that no row tells of.
    fn unlisted(&self) -> Result<BTreeSet<ManifestId>, RepairError> {
        let (mut unlisted, kept) = (BTreeSet::new(), self.kept());
        for row in self.repository.index().rows() {
            let row = row?;
            let id = ManifestId(row.id.0);
            if row.at.kind == ContentKind::Manifest && kept.has(&row.at.pack) && !self.rows.contains_key(&id)
            {
                unlisted.insert(id);
            }
        }
        Ok(unlisted)
    }

    fn kept(&self) -> Kept<'_> {
        Kept::new(self.repository, &self.state, &self.there, &self.whole)
    }

    fn manifest(&self, id: &ManifestId) -> Result<Manifest, ContentError> {
        Manifest::load(&self.kept(), id)
    }

    /// What only manifests tell, where the log does not.
    fn read_parameters(&self, found: &mut Found, read: &[(ManifestId, Manifest)]) {
        let newest = read.iter().map(|(_, manifest)| manifest).max_by_key(|manifest| manifest.prepared_on);
        found.prepared_on = newest.map_or(0, |manifest| manifest.prepared_on);
        found.splitter = newest.map(|manifest| manifest.splitter).or_else(|| {
            let known = self.rows.keys().find_map(|id| self.manifest(id).ok());
            known.map(|manifest| manifest.splitter)
        });
    }

    /// Looks whether all that a snapshot reaches is there. Gives what it lacks, and the packs of what it reaches, save
    /// for what those before it reach.
    fn walk(&mut self, id: &ManifestId) -> Result<(Option<String>, Vec<PackId>), RepairError> {
        let kept = self.kept();
        let walked = reach(&kept, &[*id], &kept, THREADS, &|| false);
        let (packs, fresh) = kept.into_parts();
        let lacks = match walked {
            Ok(()) => {
                self.whole.extend(fresh);
                None
            }
            Err(error) if error.source.is_loss() => Some(with_causes(&*error)),
            Err(error) => return Err(error.source.into()),
        };
        Ok((lacks, packs.into_iter().collect()))
    }

    /// The row of a snapshot that no row tells of.
    fn row(&self, id: &ManifestId, manifest: &Manifest) -> Result<ManifestRow, RepairError> {
        let pack = self.kept().places(&ContentId(id.0))?[0].pack;
        let mut row = manifest.row(*id, pack);
        // Where it was in the order of revisions, as near as it can be told (ACT-3).
        row.revision = manifest.prepared_on.saturating_add(1).min(self.state.revision);
        row.tags.insert(REVIVED.to_owned(), self.since().to_string());
        Ok(row)
    }

    /// The revision that the hold is from, or will be.
    fn since(&self) -> u64 {
        self.state.hold.map_or(self.state.revision + 1, |hold| hold.since)
    }
}

fn raise(last: &mut BTreeMap<SourceInfo, i64>, source: &SourceInfo, end: i64) {
    let known = last.entry(source.clone()).or_insert(end);
    *known = end.max(*known);
}

/// Commits what was found, in as many records as it takes.
pub(super) fn commit(repository: &Repository, found: &Found) -> Result<(), RepairError> {
    let mut left = &found.revived[..];
    while !left.is_empty() {
        let mut packs = 0;
        let fits = |revived: &&Revived| {
            packs += revived.relied.len();
            packs <= PACKS_AT_ONCE
        };
        let count = left.iter().take(ROWS_AT_ONCE).take_while(fits).count().max(1);
        let (batch, rest) = left.split_at(count);
        repository.commit_prepared(|state| actions(repository, state, found.base, batch))?;
        left = rest;
    }
    Ok(())
}

fn actions(
    repository: &Repository,
    state: &State,
    base: u64,
    batch: &[Revived],
) -> Result<Vec<Action>, RepositoryError> {
    // While dooms are held, what was found stays.
    let Some(hold) = state.hold else { return Err(Invalid::NotSettled { looked_at: base }.into()) };
    if hold.since > base {
        return Err(Invalid::NotSettled { looked_at: base }.into());
    }
    check_known(state, base, batch.iter().flat_map(|revived| &revived.relied))?;
    let rows = repository.log().manifests(state)?;
    let action = |revived: &Revived| {
        let relied = revived.relied.clone();
        match rows.get(&revived.row.id) {
            None => {
                let row = Box::new(revived.row.clone());
                Some(Action::PutManifest { row, relied, bases: Vec::new() })
            }
            // Somebody may have recalled it, or forgotten it once more, meanwhile.
            Some(row) if row.forgotten.is_some() && row.forgotten == revived.row.forgotten => {
                Some(Action::Recall { manifest: row.id, relied })
            }
            Some(_) => None,
        }
    };
    Ok(batch.iter().filter_map(action).collect())
}
