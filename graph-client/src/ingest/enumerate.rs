//! The end of an enumeration: what it did not meet is gone.

use super::delta::forget;
use super::{Cursor, DriveLedger, IngestError, Kind, Phase};

/// Ends an enumeration whose last page was applied: removes what the ledger has and the enumeration
/// did not meet, and goes on following. Gives the number of items removed.
///
/// # Errors
/// If the ledger cannot be read.
pub fn finish_enumeration(ledger: &mut DriveLedger<'_>, cursor: &mut Cursor) -> Result<u64, IngestError> {
    let mut removed = 0;
    if cursor.phase == (Phase::Enumerating { marking: true }) {
        for id in ledger.unseen(cursor.epoch)? {
            let Some(item) = ledger.item(&id)? else { continue };
            if item.known.facts.kind != Kind::Root || id != cursor.root {
                forget(ledger, &id, Some(&item.known));
                removed += 1;
            }
        }
    }
    cursor.phase = Phase::Following;
    Ok(removed)
}
