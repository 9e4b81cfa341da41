//! Whether a storage holds a copy, which nobody but its maker writes to (COPY-2).

use super::RepositoryError;
use super::init::has_catalog;
use crate::format::copy_marker::{self, CopyMarker, CopyMarkerError};
use crate::format::names::BlobId;
use crate::storage::{Blobs, StorageError};

/// The marker of a copy, if it is one still: once it was promoted, a marker is that of a run that was late (COPY-8).
/// A damaged one marks a copy, too.
///
/// # Errors
/// `CopyMarker` if it is of a newer release; or what keeps it from being read.
pub(crate) fn copy_marker(
    blobs: &Blobs,
) -> Result<Option<Result<CopyMarker, CopyMarkerError>>, RepositoryError> {
    let marker = match blobs.get_bounded(&BlobId::CopyMarker.name(), 4096) {
        Ok(blob) => copy_marker::decode(&blob),
        Err(error) if error.is_not_found() => return Ok(None),
        Err(StorageError::TooLarge { size, .. }) => {
            Err(CopyMarkerError::Size { found: usize::try_from(size).unwrap_or(usize::MAX) })
        }
        Err(error) => return Err(error.into()),
    };
    match marker {
        _ if blobs.size(&BlobId::Promoted.name())?.is_some() => Ok(None),
        Err(CopyMarkerError::Header(header)) if header.is_newer() => {
            Err(RepositoryError::CopyMarker(CopyMarkerError::Header(header)))
        }
        marker => Ok(Some(marker)),
    }
}

/// Whether there is nothing in a copy yet that could be read: the first pass has not come to its end.
pub(super) fn is_unfinished(blobs: &Blobs) -> Result<bool, RepositoryError> {
    Ok(blobs.size(&BlobId::Record(1).name())?.is_none() && !has_catalog(blobs)?)
}
