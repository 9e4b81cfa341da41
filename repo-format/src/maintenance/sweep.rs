//! Sweeping: what is doomed is deleted, leaves the index, and is recorded as reaped.

use std::collections::HashSet;

use super::segments::drop_rows;
use super::survey::Survey;
use super::{MaintenanceError, MaintenanceOptions, MaintenanceReport};
use crate::codec::PackId;
use crate::engine::each;
use crate::engine::progress::{Progress, Stop};
use crate::log::{Action, BlobRef};
use crate::repository::Repository;
use crate::storage::StorageError;
use crate::system::Mutex;

/// Blobs that one record reaps.
const REAPED_AT_ONCE: usize = 50_000;

/// Deletes every doomed blob of the newest state, and drops what the index has in it and in `missing`
/// packs. Restartable: a blob that is gone is as good as one that was deleted.
///
/// # Errors
/// The first deletion that failed, after the others were tried.
pub(super) fn sweep(
    repository: &Repository,
    survey: &Survey,
    missing: &HashSet<PackId>,
    options: &MaintenanceOptions,
    report: &mut MaintenanceReport,
    progress: &Progress,
    stop: &Stop,
) -> Result<(), MaintenanceError> {
    repository.refresh()?;
    let state = repository.state();
    let doomed: Vec<BlobRef> = state.doomed.keys().copied().collect();
    if doomed.is_empty() && missing.is_empty() {
        return Ok(());
    }
    if doomed.iter().any(|blob| matches!(blob, BlobRef::ManifestSegment(_))) {
        // Whoever writes a catalog from now on names none of them; the newest one must not either.
        repository.log().write_catalog()?;
    }
    let deleted = delete(repository, &doomed, options.threads, progress, stop)?;
    report.deleted += deleted.len() as u64;
    let size = |blob: &BlobRef| survey.blobs.get(blob).map_or(0, |listed| listed.size);
    report.deleted_bytes += deleted.iter().map(size).sum::<u64>();
    // Until then the doom keeps writers from relying on what the index still says.
    if !drop_rows(repository, missing, stop)? {
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

/// Deletes blobs on several threads; gives those that are gone.
fn delete(
    repository: &Repository,
    blobs: &[BlobRef],
    threads: usize,
    progress: &Progress,
    stop: &Stop,
) -> Result<Vec<BlobRef>, MaintenanceError> {
    let gone = Mutex::new(Vec::with_capacity(blobs.len()));
    let failed: Mutex<Option<StorageError>> = Mutex::default();
    each(blobs, threads, stop, |blob| {
        match repository.blobs().delete(&blob.blob_id().name()) {
            Ok(()) => gone.lock().push(*blob),
            Err(error) if error.is_not_found() => gone.lock().push(*blob),
            Err(error) => drop(failed.lock().get_or_insert(error)),
        }
        progress.done(1, 0);
    });
    match failed.into_inner() {
        Some(error) => Err(error.into()),
        None => Ok(gone.into_inner()),
    }
}
