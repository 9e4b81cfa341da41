//! The format blob, the copy marker and the key slots.

use super::check::Check;
use super::finding::FindingKind;
use crate::format::copy_marker::{self, CopyMarkerError};
use crate::format::format_blob;
use crate::format::names::BlobId;
use crate::format::slot::{self, SlotError};
use crate::repository::with_causes;

/// The format blob is there, whole, and this repository's.
pub(super) fn format_blob(check: &Check<'_>) {
    let Some(bytes) = check.fetch(&BlobId::Format) else { return };
    match format_blob::decode(&bytes) {
        Ok(repo) if repo == check.repository.id() => {}
        Ok(repo) => {
            let what = format!("it is of repository {repo}");
            check.find_blob(&BlobId::Format, FindingKind::WrongName, what);
        }
        Err(error) => check.find_blob(&BlobId::Format, FindingKind::Damaged, with_causes(&error)),
    }
}

/// The marker of a copy, if it is or was one, is whole and says what is copied. Who copies goes by it (COPY-1, COPY-8).
pub(super) fn copy_markers(check: &Check<'_>) {
    let markers = [BlobId::CopyMarker, BlobId::Promoted];
    markers.into_iter().filter(|blob| check.listing.has(blob)).for_each(|blob| copy_marker(check, blob));
}

fn copy_marker(check: &Check<'_>, blob: BlobId) {
    let Some(bytes) = check.fetch(&blob) else { return };
    match copy_marker::decode(&bytes) {
        Ok(marker) if marker.repo == check.repository.id() => {}
        Ok(marker) => {
            let what = format!("it is of a copy of repository {}", marker.repo);
            check.find_blob(&blob, FindingKind::WrongName, what);
        }
        Err(error) => {
            let kind = match error {
                CopyMarkerError::Damaged(_) | CopyMarkerError::Size { .. } => FindingKind::Damaged,
                CopyMarkerError::Header(_) => FindingKind::Structure,
            };
            check.find_blob(&blob, kind, with_causes(&error));
        }
    }
}

/// Every slot that the log names is there and whole. Opening one takes its secret.
pub(super) fn slots(check: &Check<'_>) {
    for id in check.state.slots.keys() {
        let blob = BlobId::Slot(*id);
        let Some(bytes) = check.fetch(&blob) else { continue };
        check.count(|covered| covered.slots += 1);
        match slot::decode(&bytes, id) {
            Ok(slot) if slot.repo == check.repository.id() => {}
            Ok(slot) => {
                let what = format!("it is of repository {}", slot.repo);
                check.find_blob(&blob, FindingKind::WrongName, what);
            }
            Err(error) => {
                let kind = match error {
                    SlotError::Damaged(_) | SlotError::Size { .. } => FindingKind::Damaged,
                    SlotError::OtherName { .. } => FindingKind::WrongName,
                    _ => FindingKind::Structure,
                };
                check.find_blob(&blob, kind, with_causes(&error));
            }
        }
    }
}
