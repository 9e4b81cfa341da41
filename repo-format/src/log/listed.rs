//! The records and catalogs that are there, as far as their names tell.

use crate::format::names::{self, BlobId};
use crate::storage::{BlobInfo, Blobs, StorageError};

/// A record or catalog that is there: its revision, and its size in bytes.
pub(crate) type Listed = (u64, u64);

/// The records from a revision on, the oldest first.
pub(crate) fn records_from(blobs: &Blobs, revision: u64) -> Result<Vec<Listed>, StorageError> {
    let before = revision.checked_sub(1).map(|before| BlobId::Record(before).name());
    let after = before.as_ref().map_or("", |name| name.as_str());
    Ok(records_of(&blobs.list_after(names::LOG, after, usize::MAX)?))
}

/// Those of some blobs that are records, in their order.
pub(crate) fn records_of(blobs: &[BlobInfo]) -> Vec<Listed> {
    let record = |info: &BlobInfo| match BlobId::parse(&info.name) {
        Some(BlobId::Record(revision)) => Some((revision, info.size)),
        _ => None,
    };
    blobs.iter().filter_map(record).collect()
}

/// All catalogs, the newest first.
pub(crate) fn catalogs(blobs: &Blobs) -> Result<Vec<Listed>, StorageError> {
    let catalog = |info: &BlobInfo| match BlobId::parse(&info.name) {
        Some(BlobId::Catalog(revision)) => Some((revision, info.size)),
        _ => None,
    };
    Ok(blobs.list(names::CATALOGS)?.iter().filter_map(catalog).collect())
}
