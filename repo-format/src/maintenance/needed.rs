//! Who keeps a pack: the snapshots that need what is live in it, and where they have it.

use std::collections::HashMap;

use super::MaintenanceError;
use super::mark::Marked;
use crate::codec::{ManifestId, PackId};
use crate::content::ContentError;
use crate::engine::progress::Stop;
use crate::log::{ManifestRow, State};
use crate::reach::{Met, ReachError, Search, Sought};
use crate::repository::Repository;
use crate::snapshot::Manifest;

/// Snapshots that are named of those that need a pack, and paths of each.
const SNAPSHOTS_NAMED: usize = 5;
const PATHS_NAMED: usize = 2;

/// Who needs a pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NeededBy {
    /// The oldest of the snapshots that need live contents of it. If there are none and contents are live,
    /// it is the record of what was verified when that keeps them.
    pub snapshots: Vec<NeedingSnapshot>,
    /// How many snapshots do.
    pub snapshot_count: u64,
}

/// A snapshot that needs a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeedingSnapshot {
    pub id: ManifestId,
    /// The first of the places that need something in the pack; `.` is the snapshot itself.
    pub paths: Vec<Vec<u8>>,
    /// How many places do.
    pub path_count: u64,
}

impl NeededBy {
    /// Snapshots are searched one after the other, so the newest one counted is the one meant.
    fn note(&mut self, met: &Met<'_>, last: &mut Option<ManifestId>) {
        if last.replace(met.snapshot) != Some(met.snapshot) {
            self.snapshot_count += 1;
            if self.snapshots.len() < SNAPSHOTS_NAMED {
                let (id, paths) = (met.snapshot, Vec::new());
                self.snapshots.push(NeedingSnapshot { id, paths, path_count: 0 });
            }
        }
        let Some(snapshot) = self.snapshots.last_mut().filter(|named| named.id == met.snapshot) else {
            return;
        };
        snapshot.path_count += 1;
        if snapshot.paths.len() < PATHS_NAMED && snapshot.paths.iter().all(|known| known != met.path) {
            snapshot.paths.push(met.path.to_vec());
        }
    }
}

/// Searches the live snapshots of `state`, the oldest first, for what is live in `packs`.
pub(super) fn needed_by(
    repository: &Repository,
    state: &State,
    marked: &Marked<'_>,
    packs: &[PackId],
    stop: &Stop,
) -> Result<Vec<NeededBy>, MaintenanceError> {
    let mut needed: Vec<(NeededBy, Option<ManifestId>)> = vec![Default::default(); packs.len()];
    let sought = live_in(marked, packs)?;
    if !sought.is_empty() {
        let rows = repository.log().manifests(state)?;
        let mut live: Vec<_> = rows.into_values().filter(ManifestRow::is_live).collect();
        live.sort_unstable_by_key(|row| (row.revision, row.id));
        let stopped = || stop.is_requested();
        let mut note = |met: Met<'_>| {
            let (needed, last) = &mut needed[met.group];
            needed.note(&met, last);
        };
        let mut search = Search::new(repository.contents(), &sought, &stopped, &mut note);
        for row in live.iter().take_while(|_| !stop.is_requested()) {
            let manifest = Manifest::load(repository.contents(), &row.id);
            let manifest = manifest.map_err(|error| unreadable(row.id, error))?;
            search.snapshot(row.id, manifest.maps());
        }
    }
    Ok(needed.into_iter().map(|(needed, _)| needed).collect())
}

/// The contents that are needed in one of the packs, and the pack's place among them.
fn live_in(marked: &Marked<'_>, packs: &[PackId]) -> Result<Sought, MaintenanceError> {
    let places: HashMap<PackId, usize> =
        packs.iter().enumerate().map(|(place, pack)| (*pack, place)).collect();
    let is_used = |pack: &PackId| marked.packs.get(pack).is_some_and(|used| used.live_contents > 0);
    let mut sought = Sought::new();
    if !packs.iter().any(is_used) {
        return Ok(sought);
    }
    for row in marked.live_rows() {
        let row = row?;
        if let Some(place) = places.get(&row.at.pack) {
            sought.entry(row.id).or_default().push(*place);
        }
    }
    Ok(sought)
}

fn unreadable(snapshot: ManifestId, error: ContentError) -> MaintenanceError {
    MaintenanceError::Unreadable(Box::new(ReachError::of(snapshot, error)))
}
