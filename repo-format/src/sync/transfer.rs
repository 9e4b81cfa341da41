//! Blobs on their way: fetched, hashed, and written under the same name (COPY-4).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::place::Place;
use super::{Damage, SyncError, SyncOptions};
use crate::engine::each;
use crate::engine::progress::{Progress, Stop};
use crate::format::names::BlobId;
use crate::format::{WRONG_HASH, is_whole};
use crate::repository::with_causes;
use crate::storage::{Blobs, Put, StorageError};
use crate::system::Mutex;

/// So often a blob is fetched whose bytes are not those that were written: a second time tells a
/// fault on the way from damage.
const FETCHES: usize = 2;

/// What carries blobs from the source to the copy. Shared by threads.
pub(super) struct Transfer<'a> {
    pub source: &'a Blobs,
    pub place: &'a Place<'a>,
    pub options: &'a SyncOptions,
    pub progress: &'a Progress,
    pub stop: &'a Stop,
    /// Blobs that the copy has whole by name and size, and those sizes.
    pub there: Mutex<BTreeMap<BlobId, u64>>,
    told: Mutex<Told>,
}

/// What is told of it in the end.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub copied: u64,
    pub copied_bytes: u64,
    pub replaced: u64,
    pub checked: u64,
    pub checked_bytes: u64,
    pub vanished: u64,
    pub damaged: BTreeMap<BlobId, Damage>,
}

/// What became of one blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The copy has it whole.
    There,
    /// The copy has a whole but other one under the name, which it keeps.
    Other,
    /// The source does not have it whole. That is told.
    Damaged,
    /// The source does not have it any more.
    Vanished,
}

/// What is made of a whole but other blob that the copy has under the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Other {
    Kept,
    /// It is of another history.
    Refused,
}

impl<'a> Transfer<'a> {
    pub fn new(
        source: &'a Blobs,
        place: &'a Place<'a>,
        options: &'a SyncOptions,
        progress: &'a Progress,
        stop: &'a Stop,
        there: BTreeMap<BlobId, u64>,
    ) -> Transfer<'a> {
        let (there, told) = (Mutex::new(there), Mutex::default());
        Transfer { source, place, options, progress, stop, there, told }
    }

    /// Whether the copy has a blob of this size, or never will: the source's is damaged.
    pub fn is_settled(&self, blob: &BlobId, size: u64) -> bool {
        self.there.lock().get(blob) == Some(&size) || self.is_damaged(blob)
    }

    /// Whether the source's is known to be damaged.
    pub fn is_damaged(&self, blob: &BlobId) -> bool {
        self.told.lock().damaged.contains_key(blob)
    }

    /// Copies blobs, several at a time. Gives whether none of them vanished.
    ///
    /// # Errors
    /// The first failure; what is under way is brought to its end.
    pub fn each(&self, blobs: &[BlobId]) -> Result<bool, SyncError> {
        let vanished = Mutex::new(BTreeSet::new());
        self.spread(blobs, |blob| {
            if self.copy(blob)? == Outcome::Vanished {
                vanished.lock().insert(*blob);
            }
            Ok(())
        })?;
        Ok(vanished.into_inner().is_empty())
    }

    /// Does `work` for each blob on several threads, until one fails or the run is to stop.
    fn spread(
        &self,
        blobs: &[BlobId],
        work: impl Fn(&BlobId) -> Result<(), SyncError> + Sync,
    ) -> Result<(), SyncError> {
        let failed = Mutex::new(None);
        each(blobs, self.options.threads, self.stop, |blob| {
            if failed.lock().is_some() {
                return;
            }
            if let Err(error) = work(blob) {
                failed.lock().get_or_insert(error);
            }
        });
        failed.into_inner().map_or(Ok(()), Err)
    }

    /// Copies one blob.
    ///
    /// # Errors
    /// `Source`, `Copy`, `Diverged`, `NotReplaced`.
    pub fn copy(&self, blob: &BlobId) -> Result<Outcome, SyncError> {
        let bytes = match self.fetch(blob)? {
            Some(Ok(bytes)) => bytes,
            Some(Err(what)) => {
                self.damaged(Damage { blob: *blob, is_missing: false, what });
                return Ok(Outcome::Damaged);
            }
            None => {
                self.told.lock().vanished += 1;
                return Ok(Outcome::Vanished);
            }
        };
        let other = match blob {
            // Anybody may have written the catalog of a revision. A record may have been trimmed, and
            // created once more by a writer that lost; those that count are put one after another.
            BlobId::Catalog(_) | BlobId::Record(_) => Other::Kept,
            _ => Other::Refused,
        };
        Ok(if self.store(blob, bytes, other)? { Outcome::There } else { Outcome::Other })
    }

    /// The bytes of a whole blob; what is wrong with them; or `None` if it is not there.
    ///
    /// # Errors
    /// `Source`.
    pub fn fetch(&self, blob: &BlobId) -> Result<Option<Result<Bytes, String>>, SyncError> {
        let name = blob.name();
        self.progress.begin(name.as_str().as_bytes());
        self.whole(blob, self.source.get(&name))
    }

    /// The same, of a blob that was asked for once already, and so was answered.
    ///
    /// # Errors
    /// `Source`.
    pub fn whole(
        &self,
        blob: &BlobId,
        first: Result<Bytes, StorageError>,
    ) -> Result<Option<Result<Bytes, String>>, SyncError> {
        let mut answer = Some(first);
        let mut wrong = String::new();
        for _ in 0..FETCHES {
            wrong = match answer.take().unwrap_or_else(|| self.source.get(&blob.name())) {
                Ok(bytes) if is_whole(blob, &bytes) => return Ok(Some(Ok(bytes))),
                Ok(_) => WRONG_HASH.to_owned(),
                Err(error) if error.is_not_found() => return Ok(None),
                Err(error @ (StorageError::WrongLength { .. } | StorageError::TooLarge { .. })) => {
                    with_causes(&error)
                }
                Err(error) => return Err(SyncError::Source(error)),
            };
        }
        Ok(Some(Err(wrong)))
    }

    /// Writes a blob that is whole to the copy. Gives whether it is there; if not, another one is kept.
    ///
    /// # Errors
    /// `Copy`, `Diverged`, `NotReplaced`.
    pub fn store(&self, blob: &BlobId, bytes: Bytes, other: Other) -> Result<bool, SyncError> {
        let size = bytes.len() as u64;
        let mut replaced = false;
        let is_there = loop {
            let put = self.place.blobs.put_new(&blob.name(), bytes.clone());
            match put.map_err(|source| self.place.failed(source))? {
                Put::Mine => break true,
                Put::Theirs(theirs) if is_whole(blob, &theirs) && other == Other::Kept => break false,
                Put::Theirs(theirs) if is_whole(blob, &theirs) => {
                    return Err(SyncError::Diverged { location: self.place.location(), blob: blob.name() });
                }
                Put::Theirs(_) if replaced => {
                    let location = self.place.location();
                    return Err(SyncError::NotReplaced { location, blob: blob.name() });
                }
                Put::Theirs(_) => {
                    let deleted = self.place.blobs.delete(&blob.name());
                    deleted.map_err(|source| self.place.failed(source))?;
                    replaced = true;
                }
            }
        };
        let is_new = self.there.lock().insert(*blob, size) != Some(size);
        let mut told = self.told.lock();
        if is_new || replaced {
            told.copied += 1;
            told.copied_bytes += size;
            told.replaced += u64::from(replaced);
            self.progress.done(1, size);
            self.progress.bytes_stored.fetch_add(size, Ordering::Relaxed);
        }
        Ok(is_there)
    }

    /// Reads what the copy has of `blobs`, and forgets that it has what is not whole.
    ///
    /// # Errors
    /// `Copy`.
    pub fn check(&self, blobs: &[BlobId]) -> Result<(), SyncError> {
        self.spread(blobs, |blob| {
            self.progress.begin(blob.name().as_str().as_bytes());
            let whole = match self.place.blobs.get(&blob.name()) {
                Ok(bytes) => {
                    self.progress.done(1, bytes.len() as u64);
                    let mut told = self.told.lock();
                    told.checked += 1;
                    told.checked_bytes += bytes.len() as u64;
                    is_whole(blob, &bytes)
                }
                Err(error) if error.is_lost() => false,
                Err(source) => return Err(self.place.failed(source)),
            };
            if !whole {
                self.there.lock().remove(blob);
            }
            Ok(())
        })
    }

    /// Tells that the source does not have a blob whole; once for each.
    pub fn damaged(&self, damage: Damage) {
        if self.told.lock().damaged.insert(damage.blob, damage).is_none() {
            self.progress.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn into_told(self) -> (BTreeMap<BlobId, u64>, Told) {
        (self.there.into_inner(), self.told.into_inner())
    }
}
