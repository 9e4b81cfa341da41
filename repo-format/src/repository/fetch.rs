//! Where the index gets its segments from.

use std::ops::Range;

use bytes::Bytes;

use crate::codec::SegmentId;
use crate::format::names::BlobId;
use crate::index::{FetchError, SegmentFetch};
use crate::storage::{BLOB_SIZE_BYTES_MAX, Blobs};

/// Segments of a storage.
pub(super) struct StoredSegments(pub Blobs);

impl SegmentFetch for StoredSegments {
    fn fetch(&self, id: &SegmentId) -> Result<Bytes, FetchError> {
        Ok(self.0.get_bounded(&BlobId::Segment(*id).name(), BLOB_SIZE_BYTES_MAX)?)
    }

    fn fetch_range(&self, id: &SegmentId, range: Range<u64>) -> Option<Result<Bytes, FetchError>> {
        Some(self.0.get_range(&BlobId::Segment(*id).name(), range).map_err(FetchError::from))
    }
}
