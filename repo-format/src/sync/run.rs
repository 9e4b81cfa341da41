//! A run of the copying, from the first look to the last record.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::look::{Look, Sizes, readable_head};
use super::place::Place;
use super::publish::{Published, continues, publish};
use super::transfer::Transfer;
use super::{Damage, SyncError, SyncOptions, SyncReport};
use crate::codec::RepoId;
use crate::engine::progress::{Progress, Stop};
use crate::format::names::BlobId;
use crate::repository::{RepositoryError, format_blob, identify, with_causes};
use crate::storage::Blobs;
use crate::system;

/// Rounds after which a source is too busy to be copied: each found something gone.
const ROUNDS_MAX: u64 = 64;

/// Carries the repository in `source` to `target`, which is a copy of it, or empty.
///
/// Needs no key. Blobs are copied as they are, each hashed before it is written; what the copy has
/// under the same name and with the same size is not fetched. May be stopped or killed at any point:
/// the next run goes on, and whoever reads the copy finds the state of an earlier run until all that a
/// newer one needs is there. Nothing is removed; see [`remove_stale`](super::remove_stale).
///
/// # Errors
/// [`SyncError`]. Blobs that the source does not have whole are no error: they are in the report.
pub fn sync(
    source: &Blobs,
    target: &Blobs,
    options: &SyncOptions,
    progress: &Progress,
    stop: &Stop,
) -> Result<SyncReport, SyncError> {
    let begun = system::now();
    let repo = identify(source)?;
    let place = Place::prepare(source, target, &repo, options.dry_run)?;
    if !options.dry_run
        && let Err(error) = target.sweep_staging()
    {
        tracing::warn!(%error, "what killed runs left at the copy stays there");
    }
    let there = listed(&place)?;
    let transfer = Transfer::new(source, &place, options, progress, stop, there);
    if let Err(RepositoryError::FormatBlob(error)) = format_blob(source) {
        let what = with_causes(&error);
        transfer.damaged(Damage { blob: BlobId::Format, is_missing: false, what });
    }
    Run { transfer, repo, rounds: 0 }.go(begun)
}

struct Run<'a> {
    transfer: Transfer<'a>,
    repo: RepoId,
    rounds: u64,
}

impl Run<'_> {
    fn go(mut self, begun: Instant) -> Result<SyncReport, SyncError> {
        let (options, source, stop) = (self.transfer.options, self.transfer.source, self.transfer.stop);
        let mut look = Look::whole(source, stop)?;
        if options.check {
            self.check(&look)?;
        }
        let before = self.transfer.there.lock().clone();
        while !options.dry_run && self.round(&look)? == Published::Vanished {
            if self.rounds >= ROUNDS_MAX {
                return Err(SyncError::Busy { times: self.rounds });
            }
            look = Look::whole(source, stop)?;
        }
        Ok(self.report(&look, &before, begun))
    }

    /// Copies what the copy lacks of what was seen, and makes it true.
    fn round(&mut self, look: &Look) -> Result<Published, SyncError> {
        self.rounds += 1;
        self.expect(look);
        // Before anything is carried to a place that has a history of its own.
        continues(&self.transfer, look)?;
        let missing = |is_wanted: fn(&BlobId) -> bool| -> Vec<BlobId> {
            let missing = look.blobs.iter().filter(|(blob, size)| !self.transfer.is_settled(blob, **size));
            missing.map(|(blob, _)| *blob).filter(is_wanted).collect()
        };
        let is_segment = |blob: &BlobId| matches!(blob, BlobId::Segment(_));
        // Packs before the segments that name them.
        for blobs in [missing(|blob| !matches!(blob, BlobId::Segment(_))), missing(is_segment)] {
            let all = self.transfer.each(&blobs)?;
            if self.transfer.stop.is_requested() {
                return Ok(Published::Stopped);
            }
            if !all {
                return Ok(Published::Vanished);
            }
        }
        publish(&self.transfer, look)
    }

    /// Says how much there is to do.
    fn expect(&self, look: &Look) {
        let progress = self.transfer.progress;
        let left: Vec<u64> = look
            .all()
            .filter(|(blob, size)| !self.transfer.is_settled(blob, *size))
            .map(|(_, size)| size)
            .collect();
        let items = progress.items_done.load(Ordering::Relaxed) + left.len() as u64;
        let bytes = progress.bytes_done.load(Ordering::Relaxed) + left.iter().sum::<u64>();
        progress.items_total.store(items, Ordering::Relaxed);
        progress.bytes_total.store(bytes, Ordering::Relaxed);
    }

    /// Hashes what the copy has.
    fn check(&self, look: &Look) -> Result<(), SyncError> {
        let settled = |(blob, size): &(BlobId, u64)| self.transfer.is_settled(blob, *size);
        let blobs: Vec<(BlobId, u64)> = look.all().filter(settled).collect();
        let progress = self.transfer.progress;
        progress.items_total.store(blobs.len() as u64, Ordering::Relaxed);
        progress.bytes_total.store(blobs.iter().map(|(_, size)| size).sum(), Ordering::Relaxed);
        self.transfer.check(&blobs.into_iter().map(|(blob, _)| blob).collect::<Vec<_>>())
    }

    fn report(self, look: &Look, before: &Sizes, begun: Instant) -> SyncReport {
        let (dry_run, interrupted) = (self.transfer.options.dry_run, self.transfer.stop.is_requested());
        let (there, told) = self.transfer.into_told();
        let (known, new): (Vec<_>, Vec<_>) =
            look.all().partition(|(blob, size)| before.get(blob) == Some(size));
        let bytes = |blobs: &[(BlobId, u64)]| blobs.iter().map(|(_, size)| size).sum::<u64>();
        let seen: Sizes = look.all().collect();
        let is_own = |blob: &BlobId| matches!(blob, BlobId::Format | BlobId::CopyMarker | BlobId::Promoted);
        let stale = there.iter().filter(|(blob, _)| !seen.contains_key(*blob) && !is_own(blob));
        SyncReport {
            repo: self.repo,
            dry_run,
            revision: readable_head(&there),
            copied: if dry_run { new.len() as u64 } else { told.copied },
            copied_bytes: if dry_run { bytes(&new) } else { told.copied_bytes },
            there: known.len() as u64,
            there_bytes: bytes(&known),
            checked: told.checked,
            checked_bytes: told.checked_bytes,
            replaced: told.replaced,
            damaged: told.damaged.into_values().collect(),
            vanished: told.vanished,
            rounds: self.rounds,
            stale: stale.map(|(blob, size)| (*blob, *size)).collect(),
            interrupted,
            duration: system::since(begun),
        }
    }
}

/// What the copy has.
fn listed(place: &Place<'_>) -> Result<Sizes, SyncError> {
    let listed = place.blobs.list("").map_err(|source| place.failed(source))?;
    Ok(listed.into_iter().filter_map(|info| Some((BlobId::parse(&info.name)?, info.size))).collect())
}
