//! What can still be read of packs that are not to be trusted goes into new ones.

use super::{RepairError, unless_lost};
use crate::content::{WriteContent, WriterOptions};
use crate::engine::progress::Stop;
use crate::repository::Repository;

/// Plaintext bytes after which what was copied is committed.
const BATCH: u64 = 256 << 20;

/// Copies every content of quarantined packs that is in no other pack and still is what its ID promises;
/// gives how many that were.
///
/// # Errors
/// If index, storage or log fail. A content that is lost is no error.
pub(super) fn salvage(repository: &Repository, stop: &Stop) -> Result<u64, RepairError> {
    let state = repository.state();
    let mut salvaged = 0;
    if state.quarantined.is_empty() {
        return Ok(salvaged);
    }
    let writer = repository.writer(WriterOptions::default())?;
    let mut copied = 0;
    let commit = || -> Result<(), RepairError> {
        let packs = writer.flush()?;
        repository.commit_contents(&writer, &packs, Vec::new)?;
        Ok(())
    };
    let view = repository.index().view();
    for row in view.rows() {
        let (_, row) = row?;
        if stop.is_requested() {
            break;
        }
        if !state.quarantined.contains(&row.at.pack) || writer.contains(&row.id)? {
            continue;
        }
        let read = repository.reader().get_from(row.at.kind, &row.id, &[row.at]);
        let Some((_, plaintext)) = unless_lost(read)? else { continue };
        writer.put(row.at.kind, &plaintext)?;
        salvaged += 1;
        copied += plaintext.len() as u64;
        if copied >= BATCH {
            commit()?;
            copied = 0;
        }
    }
    commit()?;
    Ok(salvaged)
}
