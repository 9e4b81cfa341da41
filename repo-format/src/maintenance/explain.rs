//! Why a pack is still there, and when it goes.

use std::collections::HashMap;

use super::MaintenanceError;
use super::needed::{NeededBy, needed_by};
use super::options::MaintenanceOptions;
use super::plan::unused_of;
use super::report::Space;
use super::run::{Found, Run};
use crate::codec::PackId;
use crate::engine::progress::{Progress, Stop};
use crate::format::names::PackKind;
use crate::log::BlobRef;
use crate::repository::Repository;

/// What becomes of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackFate {
    /// Live snapshots need so much of it that it stays as it is.
    Needed,
    /// Live snapshots need some of it; the next run copies that and condemns the pack.
    Thin,
    /// A verification found it wanting; it waits for repair.
    Quarantined,
    /// Nothing needs it; the next run condemns it.
    Unneeded,
    /// No record knows it, and it is young: a run under way will name it, or it is condemned later.
    Fresh,
    /// It is condemned since a revision, and may be doomed from a time on (ns since 1970 UTC);
    /// `None` if the next run dooms it.
    Condemned { since: u64, due_ns: Option<i64> },
    /// A record decrees its end since a revision; the next run deletes it.
    Doomed { since: u64 },
}

/// A pack, what is needed of it, and what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explained {
    pub pack: PackId,
    pub kind: PackKind,
    /// Bytes stored, and those of them that nobody needs.
    pub size: u64,
    pub unused: u64,
    /// Contents that the index has in it, and those of them that live snapshots need there.
    pub contents: u64,
    pub live_contents: u64,
    pub fate: PackFate,
}

/// Every pack, and what is known of who needs them.
pub struct Explanation<'r> {
    /// Where the bytes are.
    pub space: Space,
    /// Those with the most unused bytes come first.
    pub packs: Vec<Explained>,
    repository: &'r Repository,
    found: Found<'r>,
}

/// Looks at every pack and tells what becomes of it. Writes nothing.
///
/// # Errors
/// As for a run, as far as finding goes. Told to `stop`, it gives nothing that counts.
pub fn explain<'r>(
    repository: &'r Repository,
    options: &'r MaintenanceOptions,
    progress: &'r Progress,
    stop: &'r Stop,
) -> Result<Explanation<'r>, MaintenanceError> {
    let run = Run { repository, options, progress, stop };
    repository.begin_task()?;
    let found = run.find()?;
    let mut packs: Vec<Explained> = found.packs().collect();
    packs.sort_by_key(|pack| (std::cmp::Reverse(pack.unused), pack.pack));
    Ok(Explanation { space: found.plan.space, packs, repository, found })
}

impl Explanation<'_> {
    /// Who needs the live contents of `packs`, in their order. Looks at all that snapshots need once more,
    /// unless nothing in the packs is live.
    ///
    /// # Errors
    /// If the index, the list of snapshots or a manifest cannot be read.
    pub fn needed_by(&self, packs: &[PackId], stop: &Stop) -> Result<Vec<NeededBy>, MaintenanceError> {
        needed_by(self.repository, &self.found.state, &self.found.marked, packs, stop)
    }
}

impl Found<'_> {
    fn packs(&self) -> impl Iterator<Item = Explained> + '_ {
        let planned = self.planned();
        self.survey.blobs.iter().filter_map(move |(blob, listed)| {
            let BlobRef::Pack(kind, pack) = *blob else { return None };
            let used = self.marked.packs.get(&pack);
            let fate = planned.get(blob).copied().unwrap_or_else(|| self.unplanned(&pack));
            let unused = used.map_or(listed.size, |used| unused_of(listed.size, used));
            let (contents, live_contents) = used.map_or((0, 0), |used| (used.contents, used.live_contents));
            Some(Explained { pack, kind, size: listed.size, unused, contents, live_contents, fate })
        })
    }

    /// What the plan and the dooms say, by blob.
    fn planned(&self) -> HashMap<BlobRef, PackFate> {
        let thin = self.plan.rewrite.iter();
        let thin = thin.map(|thin| (BlobRef::Pack(thin.kind, thin.pack), PackFate::Thin));
        let unneeded = self.plan.condemn.iter().map(|(blob, ..)| (*blob, PackFate::Unneeded));
        let waiting = self.plan.waiting.iter().map(|waiting| {
            (waiting.blob, PackFate::Condemned { since: waiting.since, due_ns: waiting.due_ns })
        });
        let doomed = self.state.doomed.iter();
        let doomed = doomed.map(|(blob, since)| (*blob, PackFate::Doomed { since: *since }));
        thin.chain(unneeded).chain(waiting).chain(doomed).collect()
    }

    fn unplanned(&self, pack: &PackId) -> PackFate {
        match self.marked.packs.contains_key(pack) {
            true if self.state.quarantined.contains(pack) => PackFate::Quarantined,
            true => PackFate::Needed,
            false => PackFate::Fresh,
        }
    }
}
