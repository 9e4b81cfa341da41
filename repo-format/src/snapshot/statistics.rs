//! What a run counted (SNAP-5).

use std::ops::AddAssign;

use crate::cbor::{Cbor, CborError, Reader, Writer};

/// Counts of one run and of the tree it made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    pub files: u64,
    pub folders: u64,
    /// Entries that are neither.
    pub others: u64,
    /// Bytes of all files' contents.
    pub bytes: u64,
    pub new_files: u64,
    pub changed_files: u64,
    pub unchanged_files: u64,
    pub failed: u64,
    pub skipped: u64,
    /// Bytes that the source was asked for.
    pub bytes_read: u64,
    /// Plaintext bytes of contents that were not there before.
    pub new_content_bytes: u64,
    /// Bytes of the blobs that the run added to the storage.
    pub bytes_stored: u64,
    /// Contents that were not there before.
    pub new_contents: u64,
}

impl AddAssign for Statistics {
    fn add_assign(&mut self, mut other: Statistics) {
        for (sum, count) in self.fields().into_iter().zip(other.fields()) {
            *sum = sum.saturating_add(*count);
        }
    }
}

impl Statistics {
    /// The counts, each at the place of its map key.
    fn fields(&mut self) -> [&mut u64; 13] {
        [
            &mut self.files,
            &mut self.folders,
            &mut self.others,
            &mut self.bytes,
            &mut self.new_files,
            &mut self.changed_files,
            &mut self.unchanged_files,
            &mut self.failed,
            &mut self.skipped,
            &mut self.bytes_read,
            &mut self.new_content_bytes,
            &mut self.bytes_stored,
            &mut self.new_contents,
        ]
    }
}

impl Cbor for Statistics {
    fn write(&self, w: &mut Writer) {
        let mut counts = *self;
        w.map(|m| {
            for (key, count) in (0..).zip(counts.fields()) {
                m.put_unless(key, count, &0);
            }
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut statistics = Statistics::default();
        r.map(|m| {
            for (key, count) in (0..).zip(statistics.fields()) {
                *count = m.get_or(key, 0)?;
            }
            Ok(())
        })?;
        Ok(statistics)
    }
}
