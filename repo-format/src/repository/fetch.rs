//! Where the index gets its segments from.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::codec::SegmentId;
use crate::format::names::BlobId;
use crate::index::{FetchError, SegmentFetch};
use crate::storage::{BLOB_SIZE_BYTES_MAX, Blobs};
use crate::system::Mutex;

/// Segments that are in no storage: what a dry run would write.
pub(super) type Staged = Mutex<HashMap<SegmentId, Bytes>>;

/// Segments of a storage, and those that are staged beside it.
pub(super) struct StoredSegments {
    pub blobs: Blobs,
    pub staged: Arc<Staged>,
}

impl StoredSegments {
    fn staged(&self, id: &SegmentId) -> Option<Bytes> {
        self.staged.lock().get(id).cloned()
    }
}

impl SegmentFetch for StoredSegments {
    fn fetch(&self, id: &SegmentId) -> Result<Bytes, FetchError> {
        match self.staged(id) {
            Some(bytes) => Ok(bytes),
            None => Ok(self.blobs.get_bounded(&BlobId::Segment(*id).name(), BLOB_SIZE_BYTES_MAX)?),
        }
    }

    fn fetch_range(&self, id: &SegmentId, range: Range<u64>) -> Option<Result<Bytes, FetchError>> {
        // A staged one is whole in memory.
        match self.staged.lock().contains_key(id) {
            true => None,
            false => {
                Some(self.blobs.get_range(&BlobId::Segment(*id).name(), range).map_err(FetchError::from))
            }
        }
    }
}
