//! Writing catalogs, and moving manifest rows out of them (CAT-1, MSEG-1).

use super::catalog;
use super::error::LogError;
use super::handle::Log;
use super::manifests::{self, CATALOG_ROWS_MAX};
use super::parts::BlobRef;
use super::row::ManifestRow;
use super::snapshot_state::SnapshotState;
use super::state::{SegmentRows, State};
use crate::codec::random_bytes;
use crate::format::names::BlobId;
use crate::storage::Put;

impl Log {
    /// Writes the catalog of the current state, unless there is one.
    ///
    /// # Errors
    ///
    /// `Broken` and `ReadOnly` as for a commit; and as for any reading and writing.
    pub fn write_catalog(&self) -> Result<(), LogError> {
        let _turn = self.0.turn.lock();
        loop {
            let revision = self.writable_head()?.state.revision;
            match self.write_catalog_at(revision) {
                // A trimmer that knew more was at work while the records were read.
                Err(error) if error.is_trimmed() && self.0.access.newest_catalog(None)? > revision => {
                    self.catch_up()?;
                }
                written => return written,
            }
        }
    }

    /// Writes the catalog of the current state, unless one of `revision` or later was there when the log was read.
    ///
    /// # Errors
    ///
    /// As for [`write_catalog`](Log::write_catalog).
    pub(crate) fn write_catalog_behind(&self, revision: u64) -> Result<(), LogError> {
        if self.head().catalog >= revision { Ok(()) } else { self.write_catalog() }
    }

    pub(super) fn write_catalog_at(&self, revision: u64) -> Result<(), LogError> {
        // Read anew: what this process folded may arrange the rows as they were long ago.
        let reading = self.0.access.read(Some(revision))?;
        if let Some(error) = reading.broken {
            return Err(error);
        }
        if reading.state.revision != revision {
            return Err(LogError::NotKept { revision });
        }
        if self.state().hash_of(revision) != Some(reading.state.hash) {
            return Err(LogError::Chain { revision });
        }
        if reading.catalog == revision {
            return Ok(());
        }
        let mut state = reading.state;
        self.settle(&mut state)?;
        let (access, blob) = (&self.0.access, BlobId::Catalog(revision));
        let bytes = catalog::encode(&access.keys, &access.repo, random_bytes()?, &state)
            .map_err(|_| LogError::TooLarge { blob })?;
        match access.blobs.put_new(&blob.name(), bytes)? {
            // It is of a state that the head went through, and need not be read for that.
            Put::Mine => self.wrote_catalog(revision),
            // If somebody else was faster, there is a catalog, which is all that is wanted.
            Put::Theirs(_) => self.saw_catalog(revision),
        }
        Ok(())
    }

    /// Gives every row its place: in the catalog if they are few, else in a segment.
    pub(super) fn settle(&self, state: &mut State) -> Result<(), LogError> {
        if !state.pending.is_empty() {
            let rows = self.segment_rows(state)?;
            state.rows = state.settled(&rows);
            state.pending.clear();
        }
        let doomed = |id| state.doomed.contains_key(&BlobRef::ManifestSegment(id));
        let first_doomed = state.manifest_segments.iter().position(|segment| doomed(segment.id));
        if state.rows.len() <= CATALOG_ROWS_MAX && first_doomed.is_none() {
            return Ok(());
        }
        let all = state.manifest_segments.len();
        let keep = all - manifests::merged(&state.manifest_segments, state.rows.len());
        self.flush(state, keep.min(first_doomed.unwrap_or(all)))
    }

    /// Writes the state's rows and those of the segments behind the first `keep` as one segment.
    fn flush(&self, state: &mut State, keep: usize) -> Result<(), LogError> {
        let access = &self.0.access;
        let replaced: Vec<_> = state.manifest_segments.drain(keep..).collect();
        let mut rows: SegmentRows = access.segment_rows(&replaced)?;
        rows.append(&mut state.rows);
        if keep == 0 {
            rows.retain(|_, row| !may_go(row, state.last_doom));
        }
        if rows.is_empty() {
            return Ok(());
        }
        let (segment, blob) = manifests::encode(&access.keys, &access.repo, random_bytes()?, &rows);
        access.blobs.put_new(&BlobId::Segment(segment.id).name(), blob.bytes)?;
        state.manifest_segments.push(segment);
        Ok(())
    }
}

/// Whether a row is of no use to anybody. Only where no older segment may have the row, too.
fn may_go(row: &ManifestRow, last_doom: u64) -> bool {
    row.forgotten.is_some_and(|forgotten| forgotten < last_doom || row.state == SnapshotState::Checkpoint)
}
