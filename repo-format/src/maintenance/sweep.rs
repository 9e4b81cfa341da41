//! Sweeping: what is doomed is deleted, leaves the index, and is recorded as reaped.

use std::collections::{BTreeMap, HashSet};

use super::run::Run;
use super::segments::drop_rows;
use super::survey::Survey;
use super::{MaintenanceError, MaintenanceReport};
use crate::codec::PackId;
use crate::engine::each;
use crate::log::{Action, BlobRef};
use crate::storage::{Reclaimed, StorageError};
use crate::system::Mutex;

/// Blobs that one record reaps.
const REAPED_AT_ONCE: usize = 50_000;

/// Doomed blobs that are locked, and until when (ns since 1970 UTC).
pub(super) type LockedBlobs = BTreeMap<BlobRef, i64>;

/// Deletes every blob that the state as it was read last dooms, and drops what the index has in it and in `missing`
/// packs. Restartable: a blob that is gone is as good as one that was deleted. One that is locked stays doomed,
/// so that nobody comes to rely on it, and waits for a later run; `locked` tells which those are.
///
/// # Errors
/// The first deletion that failed, after the others were tried.
pub(super) fn sweep(
    run: &Run<'_>,
    survey: &Survey,
    missing: &HashSet<PackId>,
    locked: &mut LockedBlobs,
    report: &mut MaintenanceReport,
) -> Result<(), MaintenanceError> {
    let repository = run.repository;
    let state = repository.state();
    let doomed: Vec<BlobRef> = state.doomed.keys().copied().collect();
    // What was locked when this run asked before is not asked about again.
    let due: Vec<BlobRef> = doomed.iter().filter(|blob| !locked.contains_key(blob)).copied().collect();
    if doomed.is_empty() && missing.is_empty() {
        return Ok(());
    }
    // Whoever writes a catalog from now on names no manifest segment of these; the newest one must not either.
    // And whoever copies takes the newest catalog first: nothing that a later state needs is gone (INV-8).
    if let Some(last) = due.iter().filter_map(|blob| state.doomed.get(blob)).max() {
        repository.log().write_catalog_behind(*last)?;
    }
    let deleted = delete(run, &due, locked)?;
    report.deleted += deleted.len() as u64;
    let size = |blob: &BlobRef| survey.blobs.get(blob).map_or(0, |listed| listed.size);
    report.deleted_bytes += deleted.iter().map(size).sum::<u64>();
    // Until then the doom keeps writers from relying on what the index still says.
    if !drop_rows(repository, missing, run.stop)? {
        return Ok(());
    }
    for reaped in deleted.chunks(REAPED_AT_ONCE) {
        repository.commit_actions(|state| {
            // Another maintainer may have swept beside us.
            let is_left = |blob: &&BlobRef| state.doomed.contains_key(blob);
            let left: Vec<BlobRef> = reaped.iter().filter(is_left).copied().collect();
            if left.is_empty() { Vec::new() } else { vec![Action::Reap(left)] }
        })?;
    }
    Ok(())
}

/// Deletes blobs on several threads; gives those that are gone, and adds those that are locked.
fn delete(
    run: &Run<'_>,
    blobs: &[BlobRef],
    locked: &mut LockedBlobs,
) -> Result<Vec<BlobRef>, MaintenanceError> {
    let repository = run.repository;
    let gone = Mutex::new(Vec::with_capacity(blobs.len()));
    let failed: Mutex<Option<StorageError>> = Mutex::default();
    let (now_ns, found) = (repository.log().now_ns(), Mutex::new(locked));
    let threads = repository.blobs().requests_at_once(run.options.threads);
    each(blobs, threads, run.stop, |blob| {
        match repository.blobs().reclaim(&blob.blob_id().name(), now_ns) {
            Ok(Reclaimed::Gone) => gone.lock().push(*blob),
            Ok(Reclaimed::Locked { until_ns }) => drop(found.lock().insert(*blob, until_ns)),
            Err(error) if error.is_not_found() => gone.lock().push(*blob),
            Err(error) => drop(failed.lock().get_or_insert(error)),
        }
        run.progress.done(1, 0);
    });
    match failed.into_inner() {
        Some(error) => Err(error.into()),
        None => Ok(gone.into_inner()),
    }
}
