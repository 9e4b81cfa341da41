//! Records and catalogs: what makes the blobs that were copied true (COPY-6).
//!
//! Whoever reads the copy meanwhile takes the newest catalog and the records behind it (CAT-3). So a
//! record comes after the one before it, and where records between were trimmed the newest catalog
//! comes first. Whatever lies below may then come in any order.
//!
//! The name of a record that was trimmed can be created once more: by a writer that then finds out that
//! it lost (LOG-4), or with the same bytes by one whose answer was lost. So no record that is there says
//! what lies behind it. But none behind the newest catalog are trimmed: what was fetched from there on is
//! what was committed if no newer catalog has come.

use bytes::Bytes;

use super::look::{Look, newest_catalog, readable_head};
use super::transfer::{Other, Outcome, Transfer};
use super::{Damage, SyncError};
use crate::format::is_whole;
use crate::format::names::BlobId;
use crate::log::is_promoted;
use crate::storage::at_once;

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

/// Checks that the copy's last state is one that the source has had, so that what comes is its
/// continuation: each record has the hash of the one before. Gives whether the source has its record, or
/// the catalog that stands for it, with the same bytes.
///
/// # Errors
/// `Promoted`, `PromotionBegun`, `Behind`, `Diverged`; and as for any blob.
pub(super) fn continues(transfer: &Transfer<'_>, look: &Look) -> Result<bool, SyncError> {
    let (head, known) = (look.head(), readable_head(&transfer.there.lock()));
    if head < known {
        transfer.place.check()?;
        if is_promoted(known) {
            return Err(SyncError::PromotionBegun { location: transfer.place.location() });
        }
        return Err(SyncError::Behind { source_head: head, copy_head: known });
    }
    if known == 0 {
        return Ok(false);
    }
    // A log that begins anew (LOG-10) has no record at its first catalog.
    let is_listed = look.records.contains_key(&known);
    let blob = if is_listed { BlobId::Record(known) } else { BlobId::Catalog(known) };
    let Some(Ok(bytes)) = transfer.fetch(&blob)? else { return Ok(false) };
    let theirs = at_copy(transfer, &blob)?;
    if theirs.as_ref() == Some(&bytes) {
        return Ok(true);
    }
    // Asked behind the fetch. Catalogs of one revision may differ.
    let is_committed = is_listed && known >= newest_catalog(transfer.source).map_err(SyncError::Source)?;
    let is_whole_there = theirs.is_some_and(|bytes| is_whole(&blob, &bytes));
    if is_committed || is_listed && is_whole_there && is_earlier_kept(transfer, look, known)? {
        // Puts right what is damaged there, and refuses what is another history.
        transfer.store(&blob, bytes, Other::Refused)?;
    }
    Ok(is_committed)
}

/// Whether a record before `revision` is the same on both sides. Then a later one that differs tells of two
/// histories, even below a catalog: records are trimmed from the lowest up.
fn is_earlier_kept(transfer: &Transfer<'_>, look: &Look, revision: u64) -> Result<bool, SyncError> {
    for blob in look.records.range(..revision).map(|(earlier, _)| BlobId::Record(*earlier)) {
        if let Some(theirs) = at_copy(transfer, &blob)?
            && transfer.fetch(&blob)? == Some(Ok(theirs))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the copy has as a blob, if that is there and can be one.
fn at_copy(transfer: &Transfer<'_>, blob: &BlobId) -> Result<Option<Bytes>, SyncError> {
    match transfer.place.blobs.get(&blob.name()) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_lost() => Ok(None),
        Err(source) => Err(transfer.place.failed(source)),
    }
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
        let look = self.look;
        let known = readable_head(&self.transfer.there.lock());
        self.transfer.place.check()?;
        let continues = continues(self.transfer, look)?;
        // What lies below a catalog may have been created once more.
        let mut reached = known;
        for (revision, _) in look.catalogs.iter().take_while(|(revision, _)| *revision > known) {
            if self.jump(*revision)? {
                reached = *revision;
                break;
            }
        }
        if reached > known || continues || known == 0 {
            reached = self.ascend(reached)?;
        }
        self.fill(reached)?;
        self.catalogs(reached)?;
        self.transfer.place.check()?;
        Ok(Published::All)
    }

    /// Copies a catalog ahead of its records, unless it is damaged. Where the copy has another one, its records follow
    /// that: it is looked again.
    fn jump(&self, revision: u64) -> Result<bool, End> {
        self.go_on()?;
        let blob = BlobId::Catalog(revision);
        if self.transfer.is_damaged(&blob) {
            return Ok(false);
        }
        match self.transfer.copy(&blob)? {
            Outcome::There => Ok(true),
            Outcome::Damaged => Ok(false),
            Outcome::Other | Outcome::Vanished => Err(End::Vanished),
        }
    }

    /// Copies the records behind `reached`, one after another, as far as they go. Gives the last.
    ///
    /// No record behind the newest catalog is ever trimmed, and so none there can have been created once
    /// more: if no catalog came since the look, what was fetched is what was committed.
    fn ascend(&self, mut reached: u64) -> Result<u64, End> {
        while reached < self.look.head() {
            let fetched = self.fetch_behind(reached)?;
            let newest = newest_catalog(self.transfer.source).map_err(SyncError::Source)?;
            if newest != self.look.newest_catalog() {
                return Err(End::Vanished);
            }
            let whole = fetched.len();
            for bytes in fetched {
                self.go_on()?;
                self.transfer.store(&BlobId::Record(reached + 1), bytes, Other::Refused)?;
                reached += 1;
            }
            if whole == 0 {
                break;
            }
        }
        Ok(reached)
    }

    /// Some of the records behind `reached`, up to the first that is not there or not whole. That is
    /// told.
    fn fetch_behind(&self, reached: u64) -> Result<Vec<Bytes>, End> {
        let sizes = (reached + 1..=self.look.head()).map_while(|it| self.look.records.get(&it).copied());
        let listed: Vec<_> = sizes
            .clone()
            .take(at_once(sizes))
            .zip(reached + 1..)
            .map(|(size, revision)| (BlobId::Record(revision).name(), size))
            .collect();
        if listed.is_empty() {
            self.gap(reached + 1);
        }
        let mut fetched = Vec::new();
        for (revision, answer) in (reached + 1..).zip(self.transfer.source.get_listed(&listed)) {
            self.go_on()?;
            let blob = BlobId::Record(revision);
            self.transfer.progress.begin(blob.name().as_str().as_bytes());
            match self.transfer.whole(&blob, answer)? {
                Some(Ok(bytes)) => fetched.push(bytes),
                Some(Err(what)) => {
                    self.transfer.damaged(Damage { blob, is_missing: false, what });
                    break;
                }
                None => return Err(End::Vanished),
            }
        }
        Ok(fetched)
    }

    /// A record that no catalog stands for is missing, and later ones are there.
    fn gap(&self, revision: u64) {
        if revision > self.look.newest_catalog() {
            let what = "the record is missing, later ones are there (LOG-5)".to_owned();
            let blob = BlobId::Record(revision);
            self.transfer.damaged(Damage { blob, is_missing: true, what });
        }
    }

    /// Copies the records up to `last` that are not there, in any order: those that lead up to it without a gap.
    /// What lies below a gap was created once more.
    fn fill(&self, last: u64) -> Result<(), End> {
        let records = &self.look.records;
        let mut from = last.saturating_add(1);
        while from > 1 && records.contains_key(&(from - 1)) {
            from -= 1;
        }
        if from > last {
            return Ok(());
        }
        let seen = records.range(from..=last);
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
        let all = self.transfer.each(&missing)?;
        self.go_on()?;
        if all { Ok(()) } else { Err(End::Vanished) }
    }

    fn go_on(&self) -> Result<(), End> {
        if self.transfer.stop.is_requested() { Err(End::Stopped) } else { Ok(()) }
    }
}
