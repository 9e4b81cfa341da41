//! Records and catalogs: what makes the blobs that were copied true (COPY-6).
//!
//! Whoever reads the copy meanwhile takes the newest catalog and the records behind it (CAT-3). So a
//! record comes after the one before it, and where records between were trimmed the newest catalog
//! comes first. Whatever lies below may then come in any order.
//!
//! The name of a record that was trimmed can be created once more by a writer that then finds out that
//! it lost (LOG-4). Records are trimmed from the lowest up, and none behind the newest catalog. So what
//! was fetched is what was committed if afterwards an earlier record is still the one it was, or no newer
//! catalog has come.

use bytes::Bytes;

use super::look::{Look, newest_catalog, newest_catalog_of, readable_head};
use super::transfer::{Other, Outcome, Transfer};
use super::{Damage, SyncError};
use crate::codec::RecordHash;
use crate::format::names::BlobId;
use crate::log::record;
use crate::storage::{Blobs, StorageError, at_once};

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
/// record has the hash of the one before. Gives the record's hash; `None` if the source does not have it
/// any more, or there is none.
///
/// # Errors
/// `Behind`, `Diverged`; and as for any blob.
pub(super) fn continues(transfer: &Transfer<'_>, look: &Look) -> Result<Option<RecordHash>, SyncError> {
    let (head, known) = (look.head(), readable_head(&transfer.there.lock()));
    if head < known {
        return Err(SyncError::Behind { source_head: head, copy_head: known });
    }
    let blob = BlobId::Record(known);
    if known == 0 || !look.records.contains_key(&known) {
        return Ok(None);
    }
    let Some(Ok(bytes)) = transfer.fetch(&blob)? else { return Ok(None) };
    let hash = record::hash(&bytes);
    let is_same = hash_at_copy(transfer, known)? == Some(hash);
    // What a catalog of the copy stands for may have been copied after it was created once more.
    let is_witness = is_same && known > newest_catalog_of(&transfer.there.lock());
    if !is_witness && !is_kept(transfer, look, known)? {
        return Ok(None);
    }
    // Puts right what is damaged there, and refuses what is another history.
    if !is_same {
        transfer.store(&blob, bytes, Other::Refused)?;
    }
    Ok(Some(hash))
}

/// Whether the record that was fetched is the one that was committed, and no later one under its name. That
/// is asked behind the fetch: no record is trimmed from the newest catalog on, nor before all below it are, so
/// an earlier one that is the same on both sides tells that nothing behind it was trimmed.
fn is_kept(transfer: &Transfer<'_>, look: &Look, revision: u64) -> Result<bool, SyncError> {
    if revision >= newest_catalog(transfer.source).map_err(SyncError::Source)? {
        return Ok(true);
    }
    for earlier in look.records.range(..revision).map(|(earlier, _)| *earlier) {
        if let Some(hash) = hash_at_copy(transfer, earlier)?
            && has(transfer.source, earlier, hash)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The hash of what the copy has as a record, if that is there and can be one.
fn hash_at_copy(transfer: &Transfer<'_>, revision: u64) -> Result<Option<RecordHash>, SyncError> {
    match transfer.place.blobs.get(&BlobId::Record(revision).name()) {
        Ok(bytes) => Ok(Some(record::hash(&bytes))),
        Err(StorageError::TooLarge { .. }) => Ok(None),
        Err(error) if error.is_lost() => Ok(None),
        Err(source) => Err(transfer.place.failed(source)),
    }
}

/// Whether the source has a record with this hash.
fn has(source: &Blobs, revision: u64, hash: RecordHash) -> Result<bool, SyncError> {
    match source.get(&BlobId::Record(revision).name()) {
        Ok(bytes) => Ok(record::hash(&bytes) == hash),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(SyncError::Source(error)),
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

/// What tells that records which were fetched are those that were committed.
#[derive(Clone, Copy)]
enum Witness {
    /// The record before them is still the one with this hash.
    Record(RecordHash),
    /// The newest catalog is still the one that was seen.
    Catalog,
}

impl Publish<'_> {
    fn run(&self) -> Result<Published, End> {
        let (look, newest) = (self.look, self.look.newest_catalog());
        let known = readable_head(&self.transfer.there.lock());
        self.transfer.place.check()?;
        let mut reached = match continues(self.transfer, look)? {
            Some(hash) => self.ascend(known, Witness::Record(hash))?,
            None => known,
        };
        if known == 0 {
            // Nothing can be read before there is a catalog, or record 1.
            self.fill(2, newest)?;
        }
        // Where records were trimmed, or are not whole, a catalog stands for them.
        for (revision, _) in look.catalogs.iter().take_while(|(revision, _)| *revision > reached) {
            if self.jump(known, *revision)? {
                reached = self.ascend(*revision, Witness::Catalog)?;
                break;
            }
        }
        if reached == 0 {
            reached = self.ascend(0, Witness::Catalog)?;
        }
        self.fill(1, reached)?;
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

    /// Copies the records behind `reached`, one after another, as far as they go. Gives the last.
    fn ascend(&self, mut reached: u64, mut witness: Witness) -> Result<u64, End> {
        while reached < self.look.head() {
            let fetched = self.fetch_behind(reached)?;
            if !self.holds(reached, witness)? {
                return Err(End::Vanished);
            }
            let whole = fetched.len();
            for bytes in fetched {
                self.go_on()?;
                let hash = record::hash(&bytes);
                self.transfer.store(&BlobId::Record(reached + 1), bytes, Other::Refused)?;
                reached += 1;
                if let Witness::Record(last) = &mut witness {
                    *last = hash;
                }
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

    /// Whether nothing that was fetched behind `reached` can have been created once more.
    fn holds(&self, reached: u64, witness: Witness) -> Result<bool, End> {
        let source = self.transfer.source;
        Ok(match witness {
            Witness::Catalog => {
                let newest = newest_catalog(source).map_err(SyncError::Source)?;
                newest == self.look.newest_catalog()
            }
            Witness::Record(hash) => has(source, reached, hash)?,
        })
    }

    /// A record that no catalog stands for is missing, and later ones are there.
    fn gap(&self, revision: u64) {
        if revision > self.look.newest_catalog() {
            let what = "the record is missing, later ones are there (LOG-5)".to_owned();
            let blob = BlobId::Record(revision);
            self.transfer.damaged(Damage { blob, is_missing: true, what });
        }
    }

    /// Copies the records from `first` to `last` that are not there, in any order: those that lead up to
    /// `last` without a gap. What lies below a gap was created once more.
    fn fill(&self, first: u64, last: u64) -> Result<(), End> {
        let records = &self.look.records;
        let mut from = last.saturating_add(1);
        while from > first && records.contains_key(&(from - 1)) {
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

    /// Copies one blob, unless it is damaged.
    fn one(&self, blob: &BlobId) -> Result<bool, End> {
        self.go_on()?;
        if self.transfer.is_damaged(blob) {
            return Ok(false);
        }
        match self.transfer.copy(blob)? {
            Outcome::There => Ok(true),
            Outcome::Damaged => Ok(false),
            Outcome::Vanished => Err(End::Vanished),
        }
    }

    fn go_on(&self) -> Result<(), End> {
        if self.transfer.stop.is_requested() { Err(End::Stopped) } else { Ok(()) }
    }
}
