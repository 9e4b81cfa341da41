//! Verification without keys: what a machine can tell that may not read anything.
//!
//! Every blob carries a hash of its own bytes, in its name or at its end, and says in front what it is and
//! whose. So damage is found, and what is gone from the numbering of the log. Which packs, segments and
//! slots must be there, and whether a whole blob is the right one in its place, only the keys tell.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::check::{FINDINGS_MAX, kind_of, sort};
use super::finding::{Finding, FindingKind};
use super::listing::Listing;
use super::{Covered, Level, VerifyError, VerifyOptions, VerifyReport};
use crate::codec::{BlobKind, Header, HeaderError, RepoId};
use crate::engine::each;
use crate::engine::progress::{Progress, Stop};
use crate::format::names::BlobId;
use crate::format::slot::{self, SlotError};
use crate::format::{WRONG_HASH, check_hash, copy_marker, format_blob, is_whole};
use crate::log::is_far_above;
use crate::repository::{identify_if_told, with_causes};
use crate::storage::{BLOB_SIZE_BYTES_MAX, Blobs};
use crate::system::{self, Mutex};

struct Hashes<'b> {
    blobs: &'b Blobs,
    repo: Option<RepoId>,
    listing: Listing,
    progress: &'b Progress,
    found: Mutex<Vec<Finding>>,
    covered: Mutex<Covered>,
}

/// Compares every blob of a repository with its hash, and writes nothing. Of the options only `threads`
/// counts.
///
/// # Errors
/// If there is no repository, or the storage cannot be listed. What is broken is in the report.
pub fn verify_keyless(
    blobs: &Blobs,
    options: &VerifyOptions,
    progress: &Progress,
    stop: &Stop,
) -> Result<VerifyReport, VerifyError> {
    let begun = system::now();
    let repo = identify_if_told(blobs)?;
    let listing = Listing::of(blobs).map_err(VerifyError::List)?;
    let hashes =
        Hashes { blobs, repo, listing, progress, found: Mutex::default(), covered: Mutex::default() };
    progress.bytes_total.store(hashes.listing.blobs.values().sum(), Ordering::Relaxed);
    hashes.names();
    let all: Vec<BlobId> = hashes.listing.blobs.keys().copied().collect();
    each(&all, options.threads, stop, |blob| hashes.blob(blob));
    let (mut findings, covered) = (hashes.found.into_inner(), hashes.covered.into_inner());
    sort(&mut findings);
    Ok(VerifyReport {
        level: Level::Blobs,
        revision: None,
        covered,
        coverage: None,
        findings,
        interrupted: stop.is_requested(),
        duration: system::since(begun),
    })
}

impl Hashes<'_> {
    fn find(&self, blob: Option<&BlobId>, kind: FindingKind, what: impl Into<String>) {
        let mut found = self.found.lock();
        if found.len() < FINDINGS_MAX {
            found.push(Finding::of(blob.map(BlobId::name), kind, what));
        }
    }

    /// What names alone tell.
    fn names(&self) {
        if !self.listing.has(&BlobId::Format) {
            let what = "it is missing; the key slots carry its copies, and whoever opens the repository \
                        writes it again";
            self.find(Some(&BlobId::Format), FindingKind::Missing, what);
        }
        if !self.listing.blobs.keys().any(|blob| matches!(blob, BlobId::Slot(_))) {
            self.find(None, FindingKind::Missing, "there is no key slot: nothing can open the repository");
        }
        self.gaps();
        for name in &self.listing.foreign {
            let what = "no blob of a repository has such a name";
            self.found.lock().push(Finding::of(Some(name.clone()), FindingKind::Unknown, what));
        }
    }

    /// Records go from the lowest up (CAT-5), and not before a catalog has what they say: so there is none
    /// missing between two, or between the newest catalog and the lowest; but for those that a log passes over
    /// where it begins anew (LOG-10, COPY-8).
    fn gaps(&self) {
        let (mut records, mut newest_catalog, mut begins) = (BTreeSet::new(), 0, BTreeSet::new());
        for blob in self.listing.blobs.keys() {
            match blob {
                BlobId::Record(revision @ 1..) => drop(records.insert(*revision)),
                BlobId::Catalog(revision) => {
                    newest_catalog = newest_catalog.max(*revision);
                    begins.extend(is_far_above(*revision).then_some(*revision));
                }
                _ => {}
            }
        }
        let Some(lowest) = records.first() else {
            if newest_catalog == 0 {
                self.find(None, FindingKind::Missing, "there is neither a record nor a catalog");
            }
            return;
        };
        let mut expected = (*lowest).min(newest_catalog.saturating_add(1));
        for revision in &records {
            if *revision > expected && !begins.contains(&(revision - 1)) {
                let what = match revision - expected {
                    1 => "the record is missing, but there are later ones (CAT-5)".to_owned(),
                    count => format!(
                        "the record and {} behind it are missing, but there are later ones (CAT-5)",
                        count - 1
                    ),
                };
                self.find(Some(&BlobId::Record(expected)), FindingKind::Missing, what);
            }
            expected = revision.saturating_add(1);
        }
    }

    fn blob(&self, blob: &BlobId) {
        let bytes = match self.blobs.get_bounded(&blob.name(), BLOB_SIZE_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => {
                let what = "it was listed and is gone: maintenance deletes what it has recorded as doomed, \
                            which only the keys tell";
                return self.find(Some(blob), FindingKind::Unknown, what);
            }
            Err(error) => return self.find(Some(blob), kind_of(&error), with_causes(&error)),
        };
        self.progress.bytes_done.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.count(blob, bytes.len() as u64);
        if let Err((kind, what)) = self.judge(blob, &bytes) {
            self.find(Some(blob), kind, what);
        }
    }

    fn count(&self, blob: &BlobId, bytes: u64) {
        let covered = &mut *self.covered.lock();
        covered.blobs_read += 1;
        covered.bytes_read += bytes;
        match blob {
            BlobId::Format | BlobId::CopyMarker | BlobId::Promoted => {}
            BlobId::Slot(_) => covered.slots += 1,
            BlobId::Record(_) => covered.records += 1,
            BlobId::Catalog(_) => covered.catalogs += 1,
            BlobId::Segment(_) => covered.segments += 1,
            BlobId::Pack(..) => {
                covered.packs += 1;
                covered.pack_bytes += bytes;
            }
        }
    }

    /// Whether a blob's bytes are whole, and of the kind and repository that they should be.
    fn judge(&self, blob: &BlobId, bytes: &[u8]) -> Result<(), (FindingKind, String)> {
        match blob {
            BlobId::Format => {
                let repo = format_blob::decode(bytes).map_err(|e| (FindingKind::Damaged, with_causes(&e)))?;
                return self.is_ours(repo);
            }
            BlobId::CopyMarker | BlobId::Promoted => {
                let marker =
                    copy_marker::decode(bytes).map_err(|e| (FindingKind::Damaged, with_causes(&e)))?;
                return self.is_ours(marker.repo);
            }
            BlobId::Slot(id) => {
                let kind = |error: &SlotError| match error {
                    SlotError::Damaged(_) | SlotError::Size { .. } => FindingKind::Damaged,
                    SlotError::OtherName { .. } => FindingKind::WrongName,
                    _ => FindingKind::Structure,
                };
                let slot = slot::decode(bytes, id).map_err(|error| (kind(&error), with_causes(&error)))?;
                // An init that lost a race leaves its slot behind (INIT-1).
                return match self.is_ours(slot.repo) {
                    Err((_, what)) => Err((FindingKind::Unknown, what)),
                    Ok(()) => Ok(()),
                };
            }
            BlobId::Pack(..) | BlobId::Segment(_) if !is_whole(blob, bytes) => {
                return Err((self.listing.misnamed(bytes), WRONG_HASH.into()));
            }
            BlobId::Pack(..) | BlobId::Segment(_) => {}
            BlobId::Record(_) | BlobId::Catalog(_) => {
                check_hash(bytes).map_err(|error| (FindingKind::Damaged, error.to_string()))?;
            }
        }
        self.header(blob, bytes)
    }

    fn is_ours(&self, found: RepoId) -> Result<(), (FindingKind, String)> {
        match self.repo {
            Some(repo) if repo != found => {
                Err((FindingKind::WrongName, format!("it is of repository {found}")))
            }
            _ => Ok(()),
        }
    }

    /// What a blob that is whole says in front of itself.
    fn header(&self, blob: &BlobId, bytes: &[u8]) -> Result<(), (FindingKind, String)> {
        let wanted: &[BlobKind] = match blob {
            BlobId::Pack(kind, _) => &[kind.blob_kind()],
            BlobId::Segment(_) => &[BlobKind::IndexSegment, BlobKind::ManifestSegment],
            BlobId::Record(_) => &[BlobKind::Record],
            BlobId::Catalog(_) => &[BlobKind::Catalog],
            BlobId::Format | BlobId::CopyMarker | BlobId::Promoted | BlobId::Slot(_) => &[],
        };
        let decoded = wanted.iter().map(|kind| Header::decode_plain(bytes, *kind, self.repo.as_ref()));
        let rank = |decoded: &Result<RepoId, HeaderError>| match decoded {
            Ok(_) => 0,
            Err(HeaderError::WrongKind { .. }) => 2,
            Err(_) => 1,
        };
        match decoded.min_by_key(rank) {
            Some(Err(error @ (HeaderError::WrongKind { .. } | HeaderError::OtherRepository { .. }))) => {
                Err((FindingKind::WrongName, error.to_string()))
            }
            Some(Err(error)) => Err((FindingKind::Structure, error.to_string())),
            _ => Ok(()),
        }
    }
}
