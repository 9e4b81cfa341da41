//! A copy becomes a repository of its own (COPY-8).

use std::collections::BTreeSet;

use bytes::Bytes;

use super::SyncError;
use super::place::{failed, location};
use crate::codec::CopyId;
use crate::format::copy_marker::{self, CopyMarker};
use crate::format::names::BlobId;
use crate::log::{BlobRef, record};
use crate::repository::{Repository, copy_marker as marker_of, with_causes};
use crate::storage::{BlobName, Blobs};

/// Something that a copy's own state needs, and that is not there or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The blob, where it is one that is not there.
    pub blob: Option<BlobName>,
    /// For people.
    pub what: String,
}

/// What a copy lacks: its log must be whole, and what its state names must be there. Blobs are listed,
/// not read; a verification reads them.
///
/// # Errors
/// If the storage cannot be listed.
pub fn gaps(repository: &Repository) -> Result<Vec<Gap>, SyncError> {
    let (mut gaps, state) = (Vec::new(), repository.state());
    if let Some(broken) = repository.log().broken() {
        gaps.push(Gap { blob: None, what: format!("the log is broken: {}", with_causes(&*broken)) });
    }
    let listed = repository.blobs().list("").map_err(|source| failed(repository.blobs(), source))?;
    let there: BTreeSet<BlobId> = listed.iter().filter_map(|info| BlobId::parse(&info.name)).collect();
    let slots = state.slots.keys().map(|id| BlobId::Slot(*id));
    let of_manifests = state.manifest_segments.iter().map(|segment| BlobId::Segment(segment.id));
    let segments = state.segments.keys().map(|id| BlobId::Segment(*id));
    let mut wanted: BTreeSet<BlobId> = slots.chain(of_manifests).chain(segments).collect();
    match repository.index().packs() {
        Ok(packs) => {
            let is_doomed = |pack: &BlobRef| state.doomed.contains_key(pack);
            let packs = packs.into_iter().map(|(id, kind)| BlobRef::Pack(kind, id));
            wanted.extend(packs.filter(|pack| !is_doomed(pack)).map(|pack| pack.blob_id()));
        }
        Err(error) => gaps.push(Gap { blob: None, what: with_causes(&error) }),
    }
    gaps.extend(wanted.difference(&there).map(|blob| {
        let name = blob.name();
        Gap { what: format!("{name} is not there"), blob: Some(name) }
    }));
    Ok(gaps)
}

/// Makes a copy a repository of its own: whoever opens it from now on may write to it, and nobody
/// copies to it any more. `repository` is the copy, opened; `target` its storage. What it lacks is
/// given; it stays a copy unless `despite_gaps`. May be killed at any point, done again, and done by several at once.
///
/// # Errors
/// `NothingToPromote`; `NotWhole`; `Busy` where what a copier brought came in between; what the storage lacks.
pub fn promote(repository: &Repository, target: &Blobs, despite_gaps: bool) -> Result<Vec<Gap>, SyncError> {
    let nothing = || SyncError::NothingToPromote { location: location(target) };
    if !repository.is_copy() {
        return Err(nothing());
    }
    // In this order: as long as it is a copy nobody commits, so no commit is behind a state that was read before.
    let state = repository.state();
    let Some(marker) = marker_of(target)? else { return Err(nothing()) };
    let gaps = gaps(repository)?;
    if let Some(first) = gaps.first()
        && !despite_gaps
    {
        return Err(SyncError::NotWhole { count: gaps.len(), first: first.what.clone() });
    }
    target.probe().map_err(|source| failed(target, source))?;
    // A damaged one tells nobody which copy it is.
    let marker = marker.unwrap_or(CopyMarker { repo: repository.id(), copy: CopyId([0; 16]) });
    let marker = Bytes::copy_from_slice(&copy_marker::encode(&marker));
    let is_broken = repository.log().broken().is_some();
    if !is_broken && !repository.log().promote(&state, target.clone(), record::hash(&marker))? {
        return Err(SyncError::Busy { times: 1 });
    }
    // This makes it a repository, also for those who make the marker of a copy here later.
    let promoted = target.put_new(&BlobId::Promoted.name(), marker);
    promoted.map_err(|source| failed(target, source))?;
    match target.delete(&BlobId::CopyMarker.name()) {
        Err(error) if !error.is_not_found() => Err(failed(target, error)),
        _ => Ok(gaps),
    }
}
