//! Marking: which places of the index the live snapshots need.

use std::collections::HashMap;

use bytes::Bytes;

use super::MaintenanceError;
use super::marks::Marks;
use super::survey::Survey;
use crate::codec::{ContentId, PackId};
use crate::content::{ContentError, ContentKind, ReadContent};
use crate::engine::progress::{Progress, Stop};
use crate::format::names::PackKind;
use crate::index::{IndexError, Location, Row, View};
use crate::log::{ManifestRow, State};
use crate::map::Map;
use crate::reach::{Reached, Walked, reach};
use crate::repository::{Repository, with_causes};
use crate::snapshot::MapUse;

/// The content is needed, and this is the place that it is needed in.
const LIVE: u8 = 1;

/// What the index says of a pack, and how much of that is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PackUse {
    pub kind: PackKind,
    pub contents: u64,
    pub live_contents: u64,
    /// Plaintext bytes.
    pub raw: u64,
    pub live_raw: u64,
}

/// The places that are needed at one revision.
pub(super) struct Marked<'r> {
    pub revision: u64,
    view: View<'r>,
    marks: Marks,
    /// Every pack that the index names.
    pub packs: HashMap<PackId, PackUse>,
}

struct Marking<'m> {
    view: &'m View<'m>,
    marks: &'m Marks,
    survey: &'m Survey,
    state: &'m State,
    progress: &'m Progress,
}

/// Marks what the live snapshots of `state` need, which the repository's index must be of.
///
/// # Errors
/// `Unreadable` at the first thing that is not there: nobody knows what lies behind it.
pub(super) fn mark<'r>(
    repository: &'r Repository,
    state: &State,
    survey: &Survey,
    threads: usize,
    progress: &Progress,
    stop: &Stop,
) -> Result<Marked<'r>, MaintenanceError> {
    repository.index().load_all()?;
    let view = repository.index().view();
    let place = repository.scratch();
    let marks = Marks::new(view.rows_count(), place).map_err(|source| MaintenanceError::Marks {
        place: place.map_or_else(|| "memory".to_owned(), |place| place.display().to_string()),
        source,
    })?;
    let rows = repository.log().manifests(state)?;
    let live: Vec<_> = rows.values().filter(|row| ManifestRow::is_live(row)).map(|row| row.id).collect();
    let marking = Marking { view: &view, marks: &marks, survey, state, progress };
    reach(repository.contents(), &live, &marking, threads, &|| stop.is_requested())
        .map_err(MaintenanceError::Unreadable)?;
    if let Some(root) = &state.verification_map {
        marking.map(&repository.contents_once(), root)?;
    }
    let packs = packs(&view, &marks)?;
    Ok(Marked { revision: state.revision, view, marks, packs })
}

/// Adds up what the index has in each pack.
fn packs(view: &View<'_>, marks: &Marks) -> Result<HashMap<PackId, PackUse>, MaintenanceError> {
    let mut packs: HashMap<PackId, PackUse> = HashMap::new();
    for row in view.rows() {
        let (number, row) = row?;
        let found = packs.entry(row.at.pack).or_insert(PackUse {
            kind: row.at.pack_kind,
            contents: 0,
            live_contents: 0,
            raw: 0,
            live_raw: 0,
        });
        let live = u64::from(marks.get(number) & LIVE != 0);
        found.contents += 1;
        found.live_contents += live;
        found.raw += u64::from(row.at.content_len);
        found.live_raw += live * u64::from(row.at.content_len);
    }
    Ok(packs)
}

impl Marked<'_> {
    /// Every place of the index that is needed.
    pub fn live_rows(&self) -> impl Iterator<Item = Result<Row, IndexError>> + '_ {
        let needed = |number| self.marks.get(number) & LIVE != 0;
        self.view.rows().filter_map(move |row| match row {
            Ok((number, row)) => needed(number).then_some(Ok(row)),
            Err(error) => Some(Err(error)),
        })
    }

    /// Whether a content is needed in this very pack.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn is_live_in(&self, id: &ContentId, pack: &PackId) -> Result<bool, MaintenanceError> {
        let rows = self.view.locate(id)?;
        Ok(rows.iter().any(|(row, at)| at.pack == *pack && self.marks.get(*row) & LIVE != 0))
    }
}

impl Marking<'_> {
    /// How much a place is to be avoided; `None` if nothing is there. The same at every call, so
    /// that one place of a content is marked, and the others become free.
    fn reluctance(&self, at: &Location) -> Option<(bool, bool, PackId)> {
        let there = self.survey.has_pack(at.pack_kind, &at.pack) && !self.state.is_lost(&at.pack);
        let leaving = self.state.is_condemned(&at.pack);
        there.then(|| (self.state.quarantined.contains(&at.pack), leaving, at.pack))
    }
}

impl Marking<'_> {
    /// Marks the nodes of the verification map, as far as they can be read (COV-4): a map that is lost
    /// keeps nothing from going, since the next verification begins another. If it only moved, another
    /// maintainer doomed something meanwhile, and this run marks anew.
    fn map(&self, contents: &dyn ReadContent, root: &ContentId) -> Result<(), MaintenanceError> {
        let noting = NotingNodes { marking: self, contents };
        let read = Map::open(&noting, root).and_then(|map| map.iter().try_for_each(|entry| entry.map(drop)));
        match read {
            Err(error) if error.is_loss() => {
                tracing::warn!(error = %with_causes(&error), "what was verified when cannot be read");
                Ok(())
            }
            read => read.map_err(|error| MaintenanceError::VerificationMap(Box::new(error))),
        }
    }
}

/// Marks each node that can be read. One that cannot would keep a damaged pack for ever.
struct NotingNodes<'m, 'a> {
    marking: &'a Marking<'m>,
    contents: &'a dyn ReadContent,
}

impl ReadContent for NotingNodes<'_, '_> {
    fn get(&self, kind: ContentKind, id: &ContentId) -> Result<Bytes, ContentError> {
        let node = self.contents.get(kind, id)?;
        self.marking.reach(id, Walked::Whole)?;
        Ok(node)
    }
}

impl Reached for Marking<'_> {
    fn reach(&self, id: &ContentId, walked: Walked) -> Result<bool, ContentError> {
        let rows = self.view.locate(id).map_err(|error| ContentError::Index(Box::new(error)))?;
        let places = rows.iter().filter_map(|(row, at)| Some((self.reluctance(at)?, *row)));
        let (_, row) = places.min().ok_or(ContentError::Missing { id: *id })?;
        let as_walked = flag(walked);
        let before = self.marks.set(row, LIVE | as_walked);
        if before & LIVE == 0 {
            self.progress.done(1, 0);
        }
        Ok(before & as_walked == 0)
    }
}

/// A flag for each way that a content is walked in.
fn flag(walked: Walked) -> u8 {
    match walked {
        Walked::Whole => 0,
        Walked::Node(MapUse::Tree) => 2,
        Walked::Node(MapUse::Failures) => 4,
        Walked::Node(MapUse::Parts) => 8,
        Walked::Node(MapUse::Ledger) => 16,
        Walked::List => 32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_walking_has_a_flag_of_its_own() {
        let uses = [MapUse::Tree, MapUse::Failures, MapUse::Parts, MapUse::Ledger];
        let walks = uses.map(Walked::Node).into_iter().chain([Walked::List]);
        let mut taken = LIVE | flag(Walked::Whole);
        assert_eq!(taken, LIVE);
        for bit in walks.map(flag) {
            assert!(bit.is_power_of_two() && taken & bit == 0, "{bit}");
            taken |= bit;
        }
    }
}
