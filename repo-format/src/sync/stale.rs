//! What a copy keeps although its source does not have it any more, and what of that may go (COPY-7).

use std::collections::BTreeSet;

use super::place::{failed, location};
use super::{Removed, SyncError, SyncReport};
use crate::codec::PackId;
use crate::engine::progress::Stop;
use crate::format::copy_marker::CopyMarker;
use crate::format::names::BlobId;
use crate::log::{BlobRef, CATALOGS_KEPT, State, catalogs};
use crate::repository::{Repository, copy_marker};
use crate::storage::Blobs;

/// Removes from a copy what its source does not have any more, unless the copy's own state needs it:
/// then the source has lost it, and the copy may be the one place that has it.
///
/// `repository` is the copy, opened after the run that `report` is of; `target` its storage.
///
/// # Errors
/// `Unknown` if the copy's state cannot be read whole; `Promoted`; what the storage says. What was
/// removed before stays removed.
pub fn remove_stale(
    repository: &Repository,
    target: &Blobs,
    report: &SyncReport,
    stop: &Stop,
) -> Result<Removed, SyncError> {
    let needed = Needed::of(repository, target, report.revision)?;
    if !is_copy(target, repository)? {
        return Err(SyncError::Promoted { location: location(target) });
    }
    let mut removed = Removed::default();
    // By name: records from the lowest up, as they are trimmed.
    for (blob, size) in &report.stale {
        if stop.is_requested() {
            break;
        }
        match needed.says(blob) {
            Verdict::Goes => {
                target.delete(&blob.name()).map_err(|source| failed(target, source))?;
                removed.blobs += 1;
                removed.bytes += size;
            }
            Verdict::Needed => removed.kept += 1,
            Verdict::Spared => {}
        }
    }
    Ok(removed)
}

fn is_copy(target: &Blobs, repository: &Repository) -> Result<bool, SyncError> {
    let marker = copy_marker(target)?;
    Ok(matches!(marker, Some(Ok(CopyMarker { repo, .. })) if repo == repository.id()))
}

/// What becomes of a blob.
enum Verdict {
    Goes,
    /// The state needs it.
    Needed,
    /// Nobody needs it, and it is kept for a rainy day.
    Spared,
}

/// What a state needs.
struct Needed {
    state: std::sync::Arc<State>,
    packs: BTreeSet<PackId>,
    catalogs: Vec<u64>,
}

impl Needed {
    fn of(repository: &Repository, target: &Blobs, revision: u64) -> Result<Needed, SyncError> {
        if repository.log().broken().is_some() {
            return Err(SyncError::Unknown { revision });
        }
        let state = repository.state();
        if state.revision < revision {
            return Err(SyncError::Unknown { revision });
        }
        let rows = repository.log().manifests(&state)?;
        let mut packs: BTreeSet<PackId> = repository.index().packs()?.into_keys().collect();
        packs.extend(rows.values().filter(|row| row.is_live()).map(|row| row.pack));
        // As many stay in any case as at the source.
        let catalogs = catalogs(target).map_err(|source| failed(target, source))?;
        let catalogs = catalogs.iter().take(CATALOGS_KEPT).map(|(revision, _)| *revision).collect();
        Ok(Needed { packs, catalogs, state })
    }

    fn says(&self, blob: &BlobId) -> Verdict {
        let state = &self.state;
        let needed = |is_needed| if is_needed { Verdict::Needed } else { Verdict::Goes };
        match blob {
            BlobId::Pack(kind, id) => {
                let is_doomed = state.doomed.contains_key(&BlobRef::Pack(*kind, *id));
                needed(!is_doomed && self.packs.contains(id))
            }
            BlobId::Segment(id) => needed(state.names_segment(id)),
            BlobId::Slot(id) => needed(state.slots.contains_key(id)),
            BlobId::Record(revision) => needed(*revision >= state.floor.0),
            BlobId::Catalog(revision)
                if self.catalogs.contains(revision) || revision.saturating_add(1) >= state.floor.0 =>
            {
                Verdict::Spared
            }
            BlobId::Catalog(_) => Verdict::Goes,
            BlobId::Format | BlobId::CopyMarker | BlobId::Promoted => Verdict::Spared,
        }
    }
}
