//! The hold on dooms: what ends each of its stages (LOG-9).

use std::collections::BTreeSet;

use crate::codec::SlotId;
use crate::format::names::{BlobId, SLOTS};
use crate::log::{Action, SlotInfo, State};
use crate::repair::RepairError;
use crate::repository::{Repository, RepositoryError};
use crate::verify::{Finding, Level, VerifyOptions, VerifyReport};

/// Commits that the manifests which packs show were found, and names the key slots that are there.
/// Gives how many slots came and went.
pub(super) fn found(repository: &Repository) -> Result<(u64, u64), RepairError> {
    let looked_at = repository.state().revision;
    let slots = repository.slots_there()?;
    let slot = |name| match BlobId::parse(name) {
        Some(BlobId::Slot(id)) => Some(id),
        _ => None,
    };
    let blobs = repository.blobs().list(SLOTS).map_err(RepositoryError::from)?;
    let there: BTreeSet<SlotId> = blobs.iter().filter_map(|info| slot(&info.name)).collect();
    let mut counts = (0, 0);
    repository.commit_actions(|state| {
        let (added, dropped) = slot_changes(state, &slots, &there);
        counts = (added.len() as u64, dropped.len() as u64);
        let mut actions: Vec<Action> = added.into_iter().map(Action::AddSlot).collect();
        actions.extend(dropped.into_iter().map(Action::DropSlot));
        actions.push(Action::Settle { looked_at, verified: false });
        // Records that are lost may have named packs that are, too.
        actions.push(state.doubt());
        actions
    })?;
    Ok(counts)
}

/// The slots that the state lacks, and those that it names though they are gone, as long as one is left.
fn slot_changes(state: &State, slots: &[SlotInfo], there: &BTreeSet<SlotId>) -> (Vec<SlotInfo>, Vec<SlotId>) {
    let added = slots.iter().filter(|slot| !state.slots.contains_key(&slot.id)).cloned().collect();
    match slots.is_empty() {
        true => (added, Vec::new()),
        false => (added, state.slots.keys().filter(|id| !there.contains(id)).copied().collect()),
    }
}

/// Ends the hold on dooms if a verification of everything found nothing wrong that snapshots could need,
/// packs apart that are quarantined. Gives the revision that says so.
///
/// # Errors
/// If it cannot be committed.
pub fn settle(
    repository: &Repository,
    options: &VerifyOptions,
    report: &VerifyReport,
) -> Result<Option<u64>, RepairError> {
    let state = repository.state();
    let Some(looked_at) = report.revision else { return Ok(None) };
    let Some(hold) = state.hold.filter(|hold| hold.found && looked_at >= hold.since) else {
        return Ok(None);
    };
    let is_full = options.level == Level::Data && options.sample.is_none() && !report.interrupted;
    let mut damage = report.findings.iter().filter(|finding| finding.kind.is_damage());
    if !is_full || !damage.all(|finding| is_harmless(&state, finding)) {
        return Ok(None);
    }
    let committed = repository.commit_actions(|state| match state.hold {
        Some(now) if now == hold => vec![Action::Settle { looked_at, verified: true }],
        _ => Vec::new(),
    })?;
    Ok(repository.state().hold.is_none().then_some(committed.revision))
}

/// Whether no snapshot is harmed by what was found, or everybody keeps away from it.
fn is_harmless(state: &State, finding: &Finding) -> bool {
    match finding.blob.as_ref().and_then(BlobId::parse) {
        Some(BlobId::Pack(_, id)) => state.quarantined.contains(&id),
        // Damaged ones that others took the place of go with the next maintenance.
        Some(BlobId::Segment(id)) => !state.names_segment(&id),
        Some(BlobId::Format | BlobId::Slot(_)) => true,
        _ => false,
    }
}
