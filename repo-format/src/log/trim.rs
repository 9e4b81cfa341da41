//! Trimming: records and catalogs that nobody needs any more go (CAT-5).

use super::action::Action;
use super::error::{CommitError, LogError};
use super::handle::Log;
use super::listed::{Listed, catalogs, records_from};
use super::record;
use crate::format::names::BlobId;
use crate::storage::{Blobs, Reclaimed, StorageError};

/// Catalogs that stay in any case: the older one does where the newest is damaged (CAT-3).
pub(crate) const CATALOGS_KEPT: usize = 2;

/// What a trim did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// The lowest revision whose record is kept.
    pub floor: u64,
    /// Records and catalogs that were deleted.
    pub records: u64,
    pub catalogs: u64,
    /// What stays for now because it is locked.
    pub locked: Locked,
}

/// Blobs that would go if they were not locked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Locked {
    pub blobs: u64,
    pub bytes: u64,
    /// When the first and the last of them may go, as far as was asked; nanoseconds since 1970 UTC.
    pub next_ns: Option<i64>,
    pub last_ns: Option<i64>,
}

impl Locked {
    /// Counts a blob.
    pub fn add(&mut self, bytes: u64, until_ns: i64) {
        self.join(Locked { blobs: 1, bytes, next_ns: Some(until_ns), last_ns: Some(until_ns) });
    }

    /// Counts others as well.
    pub fn join(&mut self, other: Locked) {
        self.blobs += other.blobs;
        self.bytes += other.bytes;
        self.next_ns = self.next_ns.into_iter().chain(other.next_ns).min();
        self.last_ns = self.last_ns.max(other.last_ns);
    }
}

impl Log {
    /// When a record says that it was committed, in nanoseconds since 1970 UTC; `None` if the record
    /// was trimmed, or cannot be read and lies below the floor or is void. Information: nothing may depend on it.
    ///
    /// # Errors
    ///
    /// As for any reading.
    pub fn time_of(&self, revision: u64) -> Result<Option<i64>, LogError> {
        let (access, blob) = (&self.0.access, BlobId::Record(revision));
        let bytes = match access.blobs.get(&blob.name()) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match record::decode(&access.keys, &access.repo, revision, &bytes) {
            Ok(opened) => Ok(Some(opened.record.time)),
            Err(source) => match self.state() {
                state if revision < state.floor.0 || state.voids.contains_key(&revision) => Ok(None),
                _ => Err(LogError::Blob { blob, source }),
            },
        }
    }

    /// Writes a catalog of the newest state, and deletes what is older than needed: records below
    /// the floor, which is raised to `wanted` or as far as a second catalog allows, and catalogs
    /// that lie as deep. Ends early if somebody says `stopped`; the next trim goes on.
    ///
    /// # Errors
    ///
    /// As for a commit; what was not deleted stays for the next time.
    pub fn trim(&self, wanted: u64, stopped: &dyn Fn() -> bool) -> Result<Trimmed, LogError> {
        self.write_catalog()?;
        let mut found = Found::of(&self.0.access.blobs)?;
        let second = found.catalogs.get(CATALOGS_KEPT - 1).map(|(revision, _)| *revision);
        // Behind the older catalog all must be there, in case it is the one that is read.
        let floor = wanted.min(second.map_or(1, |second| second + 1));
        if floor > self.state().floor.0 {
            let raise = |_: &_| Ok::<_, std::convert::Infallible>(vec![Action::RaiseFloor(floor)]);
            match self.commit(raise) {
                Ok(_) => {}
                Err(CommitError::Log(error)) => return Err(error),
                // The floor is below the head, so there is nothing to object to.
                Err(CommitError::Prepare(_) | CommitError::Invalid(_)) => return Ok(Trimmed::default()),
            }
            self.write_catalog()?;
            found = Found::of(&self.0.access.blobs)?;
        }
        self.delete_below(found, stopped)
    }

    /// Deletes what lies below the floor, the lowest first, so that no gap opens in what a reader
    /// without a catalog would fold.
    fn delete_below(&self, found: Found, stopped: &dyn Fn() -> bool) -> Result<Trimmed, LogError> {
        let blobs = &self.0.access.blobs;
        let floor = self.state().floor.0;
        let mut trimmed = Trimmed { floor, ..Trimmed::default() };
        let now_ns = self.now_ns();
        let mut locked_ns = None;
        for (revision, size) in found.records {
            if revision >= floor || stopped() {
                break;
            }
            // Those behind a locked one stay as well, and are not asked about.
            let reclaimed = match locked_ns {
                Some(until_ns) => Reclaimed::Locked { until_ns },
                None => blobs.reclaim(&BlobId::Record(revision).name(), now_ns)?,
            };
            match reclaimed {
                Reclaimed::Gone => trimmed.records += 1,
                Reclaimed::Locked { until_ns } => {
                    locked_ns = Some(until_ns);
                    trimmed.locked.add(size, until_ns);
                }
            }
        }
        for (revision, size) in found.catalogs.into_iter().skip(CATALOGS_KEPT) {
            if revision + 1 < floor && !stopped() {
                match blobs.reclaim(&BlobId::Catalog(revision).name(), now_ns)? {
                    Reclaimed::Gone => trimmed.catalogs += 1,
                    Reclaimed::Locked { until_ns } => trimmed.locked.add(size, until_ns),
                }
            }
        }
        Ok(trimmed)
    }
}

/// Records, the oldest first, and catalogs, the newest first.
struct Found {
    records: Vec<Listed>,
    catalogs: Vec<Listed>,
}

impl Found {
    fn of(blobs: &Blobs) -> Result<Found, StorageError> {
        let (records, catalogs) = blobs.both(|| records_from(blobs, 0), || catalogs(blobs));
        Ok(Found { records: records?, catalogs: catalogs? })
    }
}
