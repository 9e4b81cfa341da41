//! What the source holds, and a moment at which all of it was there (COPY-5).

use std::collections::BTreeMap;

use super::SyncError;
use crate::engine::progress::Stop;
use crate::format::names::{self, BlobId};
use crate::log::{catalogs, records_from};
use crate::storage::{Blobs, StorageError};

/// Looks that are taken again because somebody committed meanwhile, before less is asked for.
const QUIET_LOOKS: u64 = 16;
/// Looks after which a source is too busy to be copied.
const LOOKS_MAX: u64 = 64;

/// Blobs and their sizes in bytes.
pub(super) type Sizes = BTreeMap<BlobId, u64>;

/// The source at a moment: its log, and the blobs that were there when this was its log.
#[derive(Debug)]
pub(super) struct Look {
    /// Revisions, the newest first, and sizes.
    pub catalogs: Vec<(u64, u64)>,
    /// Revision to size.
    pub records: BTreeMap<u64, u64>,
    /// Slots, packs and segments.
    pub blobs: Sizes,
    /// Somebody committed while they were listed, and that was put up with.
    pub restless: bool,
}

/// What somebody did between two looks at the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    None,
    Records,
    Catalogs,
}

impl Look {
    /// Looks until the log stays as it is while the blobs are listed.
    ///
    /// A record's packs are durable before it is put, and are deleted only after another record dooms
    /// them. So a listing of blobs between two equal views of the log has all that this log's state
    /// needs. Where commits follow one another faster than a listing takes, a listing that lost
    /// nothing since the one before is taken: what it may lack was stored, forgotten, doomed and
    /// deleted within the two, and the next run brings the records that say so. It is told as restless.
    ///
    /// # Errors
    /// `Source`; `Empty`; `Busy`.
    pub fn quiet(source: &Blobs, stop: &Stop) -> Result<Look, SyncError> {
        let mut before: Option<Sizes> = None;
        for times in 1..=LOOKS_MAX {
            let mut look = Look::take(source).map_err(SyncError::Source)?;
            if look.records.is_empty() && look.catalogs.is_empty() {
                let location = source.storage().location().to_string();
                return Err(SyncError::Empty { location });
            }
            let change = look.change(source)?;
            let lost = before.is_none_or(|before| before.keys().any(|blob| !look.blobs.contains_key(blob)));
            match change {
                Change::None => return Ok(look),
                Change::Records if times > QUIET_LOOKS && !lost => {
                    look.restless = true;
                    return Ok(look);
                }
                _ if stop.is_requested() => return Ok(look),
                _ => before = Some(look.blobs),
            }
        }
        Err(SyncError::Busy { times: LOOKS_MAX })
    }

    fn take(source: &Blobs) -> Result<Look, StorageError> {
        // There is no revision 0.
        let mut catalogs = catalogs(source)?;
        catalogs.retain(|(revision, _)| *revision > 0);
        // Behind the catalogs, so that no catalog is ahead of the records.
        let records = records_from(source, 1)?.into_iter().collect();
        // Behind the log, so that nothing is missing that it names.
        let mut blobs = Sizes::new();
        for prefix in [names::SLOTS, names::PACKS, names::SEGMENTS] {
            let listed = source.list(prefix)?.into_iter();
            blobs.extend(listed.filter_map(|info| Some((BlobId::parse(&info.name)?, info.size))));
        }
        Ok(Look { catalogs, records, blobs, restless: false })
    }

    /// What was committed since the look began.
    fn change(&self, source: &Blobs) -> Result<Change, SyncError> {
        if newest_catalog(source).map_err(SyncError::Source)? != self.newest_catalog() {
            return Ok(Change::Catalogs);
        }
        let next = self.records.keys().next_back().map_or(1, |last| last.saturating_add(1));
        let behind = records_from(source, next).map_err(SyncError::Source)?;
        Ok(if behind.is_empty() { Change::None } else { Change::Records })
    }

    /// The revision of the newest catalog; 0 if there is none.
    pub fn newest_catalog(&self) -> u64 {
        self.catalogs.first().map_or(0, |(revision, _)| *revision)
    }

    /// The last revision that is there.
    pub fn head(&self) -> u64 {
        self.records.keys().next_back().copied().unwrap_or(0).max(self.newest_catalog())
    }

    /// Every blob that was seen, with its size.
    pub fn all(&self) -> impl Iterator<Item = (BlobId, u64)> + '_ {
        let records = self.records.iter().map(|(revision, size)| (BlobId::Record(*revision), *size));
        let catalogs = self.catalogs.iter().map(|(revision, size)| (BlobId::Catalog(*revision), *size));
        self.blobs.iter().map(|(blob, size)| (*blob, *size)).chain(records).chain(catalogs)
    }
}

/// The revision of the newest catalog that is there now; 0 if there is none.
pub(super) fn newest_catalog(source: &Blobs) -> Result<u64, StorageError> {
    Ok(catalogs(source)?.first().map_or(0, |(revision, _)| *revision))
}

/// The revision of the newest catalog of these blobs; 0 if there is none.
fn newest_catalog_of(blobs: &Sizes) -> u64 {
    let catalogs = blobs.keys().filter_map(|blob| match blob {
        BlobId::Catalog(revision) => Some(*revision),
        _ => None,
    });
    catalogs.max().unwrap_or(0)
}

/// The revision that a reader of these blobs comes to; 0 if there is nothing that it can read.
pub(super) fn readable_head(blobs: &Sizes) -> u64 {
    let mut head = newest_catalog_of(blobs);
    while head < u64::MAX && blobs.contains_key(&BlobId::Record(head + 1)) {
        head += 1;
    }
    head
}
