//! Contents in memory, for tests: counts what is read and written.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::{CONTENT_SIZE_MAX, ContentError, ContentKind, ReadContent, WriteContent};
use crate::codec::ContentId;
use crate::system::Mutex;

/// Holds contents under the keyed hash of kind and plaintext (CID-1).
#[derive(Debug, Default)]
pub struct MemoryContents {
    held: Mutex<HashMap<ContentId, (ContentKind, Bytes)>>,
    reads: AtomicUsize,
    writes: AtomicUsize,
}

impl MemoryContents {
    /// Nothing held, nothing counted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads since the last call.
    pub fn take_reads(&self) -> usize {
        self.reads.swap(0, Ordering::Relaxed)
    }

    /// Contents that were new since the last call.
    pub fn take_writes(&self) -> usize {
        self.writes.swap(0, Ordering::Relaxed)
    }
}

impl ReadContent for MemoryContents {
    fn get(&self, wanted: ContentKind, id: &ContentId) -> Result<Bytes, ContentError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        match self.held.lock().get(id) {
            None => Err(ContentError::Missing { id: *id }),
            Some((found, _)) if *found != wanted => {
                Err(ContentError::WrongKind { id: *id, wanted, found: *found })
            }
            Some((_, bytes)) => Ok(bytes.clone()),
        }
    }
}

impl WriteContent for MemoryContents {
    fn put(&self, kind: ContentKind, plaintext: &[u8]) -> Result<ContentId, ContentError> {
        assert!((1..=CONTENT_SIZE_MAX).contains(&plaintext.len()), "1 byte to 1 MiB (CID-1)");
        let mut hasher = blake3::Hasher::new_keyed(&[7; 32]);
        hasher.update(&[kind as u8]).update(plaintext);
        let id = ContentId(*hasher.finalize().as_bytes());
        let bytes = Bytes::copy_from_slice(plaintext);
        if self.held.lock().insert(id, (kind, bytes)).is_none() {
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
        Ok(id)
    }
}
