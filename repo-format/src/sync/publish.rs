//! Records and catalogs: what makes the blobs that were copied true (COPY-6).
//!
//! Whoever reads the copy meanwhile takes the newest catalog and the records behind it (CAT-3). So a
//! record comes after the one before it, and where records between were trimmed the newest catalog
//! comes first. Whatever lies below may then come in any order.

use std::ops::RangeInclusive;

use super::look::{Look, readable_head};
use super::transfer::{Outcome, Transfer};
use super::{Damage, SyncError};
use crate::format::names::BlobId;

/// How far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Published {
    /// To the end of what was seen, or of what is whole of it.
    All,
    /// Something was trimmed meanwhile: look again.
    Vanished,
    /// Told to stop.
    Stopped,
}

/// Brings the copy's log to the end of the one that was seen. Its packs and segments are there.
///
/// # Errors
/// `Diverged`, `Promoted`; and as for any blob.
pub(super) fn publish(transfer: &Transfer<'_>, look: &Look) -> Result<Published, SyncError> {
    Publish { transfer, look }.run().or_else(|end| match end {
        End::Vanished => Ok(Published::Vanished),
        End::Stopped => Ok(Published::Stopped),
        End::Failed(error) => Err(error),
    })
}

/// Checks that the copy's last record is the source's, so that what comes is its continuation: each
/// record has the hash of the one before.
///
/// # Errors
/// `Behind`, `Diverged`; and as for any blob.
pub(super) fn continues(transfer: &Transfer<'_>, look: &Look) -> Result<(), SyncError> {
    let (head, known) = (look.head(), readable_head(&transfer.there.lock()));
    if head < known {
        return Err(SyncError::Behind { source_head: head, copy_head: known });
    }
    // Where it was trimmed at the source, nobody can tell.
    if known > 0 && look.records.contains_key(&known) {
        transfer.copy(&BlobId::Record(known))?;
    }
    Ok(())
}

struct Publish<'a> {
    transfer: &'a Transfer<'a>,
    look: &'a Look,
}

/// Why it goes no further.
enum End {
    Vanished,
    Stopped,
    Failed(SyncError),
}

impl From<SyncError> for End {
    fn from(error: SyncError) -> End {
        End::Failed(error)
    }
}

impl Publish<'_> {
    fn run(&self) -> Result<Published, End> {
        let (look, newest) = (self.look, self.look.newest_catalog());
        let known = readable_head(&self.transfer.there.lock());
        self.transfer.place.check()?;
        let mut reached = match known {
            // Nothing can be read yet: all that stands behind record 1 may come in any order.
            0 => {
                self.fill(2..=newest)?;
                if self.leads_to(newest) { self.ascend(0)? } else { 0 }
            }
            _ => self.ascend(known)?,
        };
        // Where records were trimmed, or are not whole, a catalog stands for them.
        for (revision, _) in look.catalogs.iter().take_while(|(revision, _)| *revision > reached) {
            if self.jump(known, *revision)? {
                reached = self.ascend(*revision)?;
                break;
            }
        }
        if reached == 0 {
            reached = self.ascend(0)?;
        }
        self.fill(1..=reached)?;
        self.catalogs(reached)?;
        self.transfer.place.check()?;
        Ok(Published::All)
    }

    /// Copies a catalog ahead of its records, unless it is damaged.
    ///
    /// A record is created only where none is, so one that comes after a promotion meets the promoted
    /// repository's own. A catalog meets nothing: it would take the place of commits that were made
    /// since. A writer looks for catalogs after its record is there (LOG-4), and this one for a record
    /// after its catalog is there: one of them sees the other.
    fn jump(&self, known: u64, catalog: u64) -> Result<bool, End> {
        let place = self.transfer.place;
        place.check()?;
        let blob = BlobId::Catalog(catalog);
        if !self.one(&blob)? {
            return Ok(false);
        }
        if let Err(error) = place.check() {
            let next = place.blobs.size(&BlobId::Record(known + 1).name());
            if known > 0 && next.map_err(|source| place.failed(source))?.is_some() {
                place.blobs.delete(&blob.name()).map_err(|source| place.failed(source))?;
            }
            return Err(error.into());
        }
        Ok(true)
    }

    /// Whether the records from 2 to `last` are all there, so that record 1 makes a state of them.
    fn leads_to(&self, last: u64) -> bool {
        let seen = self.look.records.range(2..last.max(1).saturating_add(1));
        let whole = seen.filter(|(revision, _)| !self.transfer.is_damaged(&BlobId::Record(**revision)));
        whole.count() as u64 == last.saturating_sub(1)
    }

    /// Copies the records behind `reached`, one after another, as far as they go. Gives the last.
    fn ascend(&self, mut reached: u64) -> Result<u64, End> {
        while reached < self.look.head() {
            let next = BlobId::Record(reached + 1);
            if !self.look.records.contains_key(&(reached + 1)) {
                self.gap(reached + 1);
                return Ok(reached);
            }
            // One that is there came in any order before.
            if !self.transfer.is_there(&next) && !self.one(&next)? {
                return Ok(reached);
            }
            reached += 1;
        }
        Ok(reached)
    }

    /// A record that no catalog stands for is missing, and later ones are there.
    fn gap(&self, revision: u64) {
        if revision > self.look.newest_catalog() {
            let what = "the record is missing, later ones are there (LOG-5)".to_owned();
            self.transfer.damaged(Damage { blob: BlobId::Record(revision), is_missing: true, what });
        }
    }

    /// Copies the records in `revisions` that are not there, in any order.
    fn fill(&self, revisions: RangeInclusive<u64>) -> Result<(), End> {
        if revisions.is_empty() {
            return Ok(());
        }
        let seen = self.look.records.range(revisions);
        self.several(seen.map(|(revision, size)| (BlobId::Record(*revision), *size)))
    }

    /// Copies the other catalogs, but for those that trimming was about to take.
    fn catalogs(&self, reached: u64) -> Result<(), End> {
        let lowest = self.look.records.keys().next().copied().unwrap_or(0);
        let of_use = |revision: u64| revision <= reached && revision.saturating_add(1) >= lowest;
        let seen = self.look.catalogs.iter().filter(|(revision, _)| of_use(*revision));
        self.several(seen.map(|(revision, size)| (BlobId::Catalog(*revision), *size)))
    }

    fn several(&self, blobs: impl Iterator<Item = (BlobId, u64)>) -> Result<(), End> {
        let missing: Vec<BlobId> = blobs
            .filter(|(blob, size)| !self.transfer.is_settled(blob, *size))
            .map(|(blob, _)| blob)
            .collect();
        match self.transfer.each(&missing)? {
            _ if self.transfer.stop.is_requested() => Err(End::Stopped),
            true => Ok(()),
            false => Err(End::Vanished),
        }
    }

    /// Copies one blob, unless it is damaged.
    fn one(&self, blob: &BlobId) -> Result<bool, End> {
        if self.transfer.stop.is_requested() {
            return Err(End::Stopped);
        }
        if self.transfer.is_damaged(blob) {
            return Ok(false);
        }
        match self.transfer.copy(blob)? {
            Outcome::There => Ok(true),
            Outcome::Damaged => Ok(false),
            Outcome::Vanished => Err(End::Vanished),
        }
    }
}
