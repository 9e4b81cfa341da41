//! Quarantine: packs that are not to be trusted.

use std::collections::BTreeSet;

use super::RepairError;
use super::salvage::salvage;
use crate::codec::PackId;
use crate::engine::progress::{Progress, Stop};
use crate::format::names::BlobId;
use crate::log::Action;
use crate::repository::Repository;
use crate::verify::{FindingKind, Level, VerifyOptions, verify};

/// What was found, and put right unless it was a dry run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackRepair {
    /// Packs whose bytes are wrong, with what is wrong.
    pub damaged: Vec<(PackId, String)>,
    /// Packs that could not be read, and why: whether they are damaged is not known, and nothing was done about them.
    pub unreadable: Vec<(BlobId, String)>,
    /// Packs that are quarantined and turned out whole.
    pub healed: Vec<PackId>,
    /// Packs that are quarantined and stay so.
    pub still: u64,
    /// Contents that could still be read in quarantined packs alone, and are in new packs now.
    pub salvaged: u64,
    pub interrupted: bool,
}

impl PackRepair {
    /// Whether every pack could be read and there was nothing to do.
    pub fn is_clean(&self) -> bool {
        self.damaged.is_empty() && self.unreadable.is_empty() && self.healed.is_empty()
    }
}

/// Reads every pack to its last content, quarantines those that are damaged, and lifts the quarantine
/// of those that are whole. What can still be read of quarantined packs, and is nowhere else, goes into new
/// ones, so that maintenance can let the quarantined ones go.
///
/// # Errors
/// If storage or log fail.
pub fn packs(
    repository: &Repository,
    dry_run: bool,
    progress: &Progress,
    stop: &Stop,
) -> Result<PackRepair, RepairError> {
    repository.refresh()?;
    if !dry_run {
        repository.log().check_writable()?;
    }
    let options = VerifyOptions { level: Level::Data, paths_max: 0, ..VerifyOptions::default() };
    let report = verify(repository, &options, progress, stop)?;
    let state = repository.state();
    let mut repair = PackRepair { interrupted: report.interrupted, ..PackRepair::default() };
    let mut wrong = BTreeSet::new();
    for finding in &report.findings {
        let is_damage =
            matches!(finding.kind, FindingKind::Damaged | FindingKind::WrongName | FindingKind::Structure);
        let pack = finding.blob.as_ref().and_then(BlobId::parse);
        let Some(blob @ BlobId::Pack(_, id)) = pack else { continue };
        let is_unreadable = finding.kind == FindingKind::Unreadable;
        if is_damage || is_unreadable || finding.kind == FindingKind::Missing {
            wrong.insert(id);
        }
        if is_damage && !state.quarantined.contains(&id) {
            repair.damaged.push((id, finding.what.clone()));
        }
        if is_unreadable {
            repair.unreadable.push((blob, finding.what.clone()));
        }
    }
    if !report.interrupted {
        repair.healed = state.quarantined.iter().filter(|id| !wrong.contains(id)).copied().collect();
    }
    repair.still = (state.quarantined.len() - repair.healed.len()) as u64;
    let is_as_known = repair.damaged.is_empty() && repair.healed.is_empty();
    if !dry_run && !is_as_known {
        let damaged: Vec<PackId> = repair.damaged.iter().map(|(id, _)| *id).collect();
        repository.commit_actions(|_| {
            let set = |packs: &Vec<PackId>, set| {
                (!packs.is_empty()).then(|| Action::Quarantine { packs: packs.clone(), set })
            };
            set(&damaged, true).into_iter().chain(set(&repair.healed, false)).collect()
        })?;
    }
    if !dry_run && !repair.interrupted {
        repair.salvaged = salvage(repository, stop)?;
    }
    Ok(repair)
}
