//! What the source holds, and a moment at which all of it was there (COPY-5).

use std::collections::BTreeMap;

use super::SyncError;
use crate::engine::progress::Stop;
use crate::format::names::{self, BlobId};
use crate::log::{catalogs, records_from};
use crate::storage::{Blobs, StorageError};

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
}

impl Look {
    /// Looks until no newer catalog comes while the blobs are listed.
    ///
    /// A record's packs are durable before it is put, and deleted only once a catalog tells that they are doomed.
    /// So where the newest catalog stays the one it was, the listing has all that its state needs, and all that
    /// the records need which were listed behind it.
    ///
    /// # Errors
    /// `Source`; `Empty`; `Busy`.
    pub fn whole(source: &Blobs, stop: &Stop) -> Result<Look, SyncError> {
        for _ in 0..LOOKS_MAX {
            let look = Look::take(source).map_err(SyncError::Source)?;
            if look.records.is_empty() && look.catalogs.is_empty() {
                let location = source.storage().location().to_string();
                return Err(SyncError::Empty { location });
            }
            let newest = newest_catalog(source).map_err(SyncError::Source)?;
            if newest == look.newest_catalog() || stop.is_requested() {
                return Ok(look);
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
        Ok(Look { catalogs, records, blobs })
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
