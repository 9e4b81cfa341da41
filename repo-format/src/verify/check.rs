//! What all steps of a verification share.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;

use super::finding::{Finding, FindingKind};
use super::listing::Listing;
use super::{CoverageReport, Covered, VerifyOptions, VerifyReport};
use crate::codec::{ContentId, PackId};
use crate::engine::each;
use crate::engine::progress::{Progress, Stop};
use crate::format::names::{BlobId, PackKind};
use crate::log::{BlobRef, State};
use crate::repository::{Lasting, Repository, with_causes};
use crate::storage::{BLOB_SIZE_BYTES_MAX, StorageError};
use crate::system::{self, Mutex};

/// Findings that are kept; more say nothing new.
pub(super) const FINDINGS_MAX: usize = 10_000;

/// What was known when a verification began, and was there right afterwards.
pub(super) struct Begin {
    pub state: Arc<State>,
    /// The newest catalog that this client had seen; 0 if none.
    pub catalog_seen: u64,
    pub listing: Listing,
}

/// A verification under way. Shared between threads.
pub(super) struct Check<'r> {
    pub repository: &'r Repository,
    pub options: &'r VerifyOptions,
    /// The state that is verified.
    pub state: Arc<State>,
    /// The newest catalog that this client had seen before the listing.
    pub catalog_seen: u64,
    pub listing: Listing,
    /// What snapshots may rely on.
    pub contents: Lasting<'r>,
    pub progress: &'r Progress,
    stop: &'r Stop,
    found: Mutex<Found>,
    covered: Mutex<Covered>,
    index_is_partial: AtomicBool,
}

#[derive(Default)]
struct Found {
    findings: Vec<Finding>,
    /// Packs that are missing or damaged, and the place of their finding.
    packs: BTreeMap<PackId, usize>,
    /// Contents that snapshots need and the index does not know, or only in packs that are gone.
    absent: HashSet<ContentId>,
    /// Packs that were not listed, and whether they are there all the same.
    late: BTreeMap<(PackKind, PackId), bool>,
}

impl<'r> Check<'r> {
    pub fn new(
        repository: &'r Repository,
        options: &'r VerifyOptions,
        begin: Begin,
        progress: &'r Progress,
        stop: &'r Stop,
    ) -> Check<'r> {
        let Begin { state, catalog_seen, listing } = begin;
        let (found, covered) = (Mutex::default(), Mutex::default());
        let index_is_partial = AtomicBool::new(false);
        Check {
            repository,
            options,
            state,
            catalog_seen,
            listing,
            contents: Lasting(repository),
            progress,
            stop,
            found,
            covered,
            index_is_partial,
        }
    }

    pub fn is_stopped(&self) -> bool {
        self.stop.is_requested()
    }

    /// Rows of a segment could not be read to the end.
    pub fn set_index_partial(&self) {
        self.index_is_partial.store(true, Ordering::Relaxed);
    }

    pub fn index_is_partial(&self) -> bool {
        self.index_is_partial.load(Ordering::Relaxed)
    }

    pub fn count(&self, count: impl FnOnce(&mut Covered)) {
        count(&mut self.covered.lock());
    }

    /// How many findings there are.
    pub fn findings(&self) -> usize {
        self.found.lock().findings.len()
    }

    /// Takes the last findings back, which are not of packs, down to so many.
    pub fn take_back(&self, findings: usize) {
        self.found.lock().findings.truncate(findings);
    }

    /// Adds a finding, and gives its place if there was room.
    pub fn find(&self, finding: Finding) -> Option<usize> {
        let findings = &mut self.found.lock().findings;
        let place = (findings.len() < FINDINGS_MAX).then_some(findings.len());
        findings.extend(place.is_some().then_some(finding));
        place
    }

    pub fn find_blob(&self, blob: &BlobId, kind: FindingKind, what: impl Into<String>) {
        self.find(Finding::of(Some(blob.name()), kind, what));
    }

    /// A pack is missing or damaged. Only the first finding of a pack is kept.
    pub fn find_pack(&self, kind: PackKind, pack: PackId, finding: FindingKind, what: impl Into<String>) {
        if finding != FindingKind::Unreadable {
            self.repository.usable().add_lost([pack]);
        }
        let found = &mut *self.found.lock();
        let place = found.findings.len();
        if place < FINDINGS_MAX && !found.packs.contains_key(&pack) {
            found.packs.insert(pack, place);
            found.findings.push(Finding::of(Some(BlobId::Pack(kind, pack).name()), finding, what));
        }
    }

    /// Packs that are missing or damaged, each with the place of its finding.
    pub fn bad_packs(&self) -> BTreeMap<PackId, usize> {
        self.found.lock().packs.clone()
    }

    /// Whether that was found of a pack.
    pub fn is_bad(&self, pack: &PackId) -> bool {
        self.found.lock().packs.contains_key(pack)
    }

    /// A content that a snapshot needs is nowhere.
    pub fn miss(&self, content: ContentId) {
        self.found.lock().absent.insert(content);
    }

    pub fn absent(&self) -> HashSet<ContentId> {
        self.found.lock().absent.clone()
    }

    /// Changes a finding that is there already.
    pub fn amend(&self, place: usize, change: impl FnOnce(&mut Finding)) {
        if let Some(finding) = self.found.lock().findings.get_mut(place) {
            change(finding);
        }
    }

    /// Whether the log says that a pack may be gone.
    pub fn is_doomed(&self, kind: PackKind, pack: PackId) -> bool {
        self.state.doomed.contains_key(&BlobRef::Pack(kind, pack))
    }

    /// So many bytes will be read besides.
    pub fn expect_bytes(&self, bytes: u64) {
        let seen = self.progress.bytes_done.load(Ordering::Relaxed);
        let total = self.progress.bytes_total.load(Ordering::Relaxed).max(seen);
        self.progress.bytes_total.store(total.saturating_add(bytes), Ordering::Relaxed);
    }

    /// The newest state, which the index is not behind: others commit beside this verification.
    pub fn newest(&self) -> Arc<State> {
        self.repository.refresh().unwrap_or_else(|error| {
            tracing::warn!(error = %with_causes(&error), "the log could not be read again");
            self.repository.state()
        })
    }

    /// What `read` makes of the newest state. What it gives as an error counts only if there is no newer one: a segment
    /// that others took the place of may be gone before it is read.
    pub fn of_newest<T>(&self, read: impl Fn(&State) -> Result<T, T>) -> T {
        let mut state = self.newest();
        loop {
            let wanting = match read(&state) {
                Ok(whole) => return whole,
                Err(wanting) => wanting,
            };
            let now = self.newest();
            if now.revision == state.revision {
                return wanting;
            }
            state = now;
        }
    }

    /// Whether by the newest state a blob may be gone that was there when this verification began.
    pub fn is_removed(&self, blob: &BlobId) -> bool {
        !self.removed(&[*blob]).is_empty()
    }

    /// Those of `blobs` that may be gone by the newest state, and were there when this verification began.
    pub fn removed(&self, blobs: &[BlobId]) -> BTreeSet<BlobId> {
        self.of_newest(|now| {
            // Where records went by unread, a doom may have gone with them, and all that is left of it: then no
            // segment names the pack (LOG-7).
            let forgets = now.history_start() > self.state.revision
                && blobs.iter().any(|blob| matches!(blob, BlobId::Pack(..)));
            let named = forgets.then(|| self.repository.index().packs());
            let is_unnamed = |pack: &PackId| matches!(&named, Some(Ok(packs)) if !packs.contains_key(pack));
            let is_removed = |blob: &&BlobId| match blob {
                BlobId::Pack(_, pack) => now.is_lost(pack) || is_unnamed(pack),
                BlobId::Segment(id) => !now.names_segment(id),
                BlobId::Record(revision) => *revision < now.floor.0,
                BlobId::Catalog(revision) => revision.saturating_add(1) < now.floor.0,
                BlobId::Slot(id) => !now.slots.contains_key(id),
                BlobId::Format | BlobId::Promoted => false,
                // A promotion takes it away.
                BlobId::CopyMarker => true,
            };
            let removed = blobs.iter().filter(is_removed).copied().collect();
            if matches!(named, Some(Err(_))) { Err(removed) } else { Ok(removed) }
        })
    }

    /// A blob's bytes. What cannot be read is a finding, and `None`.
    pub fn fetch(&self, blob: &BlobId) -> Option<Bytes> {
        self.fetched(blob, self.repository.blobs().get_bounded(&blob.name(), BLOB_SIZE_BYTES_MAX))
    }

    /// The same of several that were listed, at once. Those that cannot be read are left out.
    pub fn fetch_many(&self, blobs: &[BlobId]) -> BTreeMap<BlobId, Bytes> {
        let names: Vec<_> = blobs.iter().map(|blob| (blob.name(), self.size(blob))).collect();
        let answers = self.repository.blobs().get_many_bounded(&names);
        blobs
            .iter()
            .zip(answers)
            .filter_map(|(blob, bytes)| Some((*blob, self.fetched(blob, bytes)?)))
            .collect()
    }

    /// How many bytes it was listed with.
    pub fn size(&self, blob: &BlobId) -> u64 {
        self.listing.blobs.get(blob).copied().unwrap_or(0)
    }

    fn fetched(&self, blob: &BlobId, bytes: Result<Bytes, StorageError>) -> Option<Bytes> {
        match bytes {
            Ok(bytes) => {
                self.progress.bytes_done.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                self.count(|covered| {
                    covered.blobs_read += 1;
                    covered.bytes_read += bytes.len() as u64;
                });
                Some(bytes)
            }
            Err(error) if error.is_not_found() && self.is_removed(blob) => None,
            Err(error) => {
                let kind = kind_of(&error);
                match *blob {
                    BlobId::Pack(pack_kind, pack) => {
                        self.find_pack(pack_kind, pack, kind, with_causes(&error))
                    }
                    _ => self.find_blob(blob, kind, with_causes(&error)),
                }
                None
            }
        }
    }

    /// Whether a snapshot may rely on a pack: it is there, and not doomed.
    pub fn may_rely_on(&self, kind: PackKind, pack: PackId) -> bool {
        self.contents.keeps(&pack) && self.is_there(kind, pack)
    }

    /// Whether a pack is there: it was listed, or came since, where maintenance has put contents into it.
    pub fn is_there(&self, kind: PackKind, pack: PackId) -> bool {
        if self.listing.has_pack(kind, &pack) {
            return true;
        }
        if self.repository.state().revision == self.state.revision {
            return false;
        }
        *self.found.lock().late.entry((kind, pack)).or_insert_with(|| {
            let size = self.repository.blobs().size(&BlobId::Pack(kind, pack).name());
            size.is_ok_and(|size| size.is_some())
        })
    }

    /// Does `work` for every item, several at a time, until all is done or the run is stopped.
    pub fn each<T: Sync>(&self, items: &[T], work: impl Fn(&T) + Sync) {
        each(items, self.options.threads, self.stop, work);
    }

    pub fn into_report(self, begun: Instant, coverage: Option<CoverageReport>) -> VerifyReport {
        let mut findings = self.found.into_inner().findings;
        sort(&mut findings);
        VerifyReport {
            level: self.options.level,
            revision: Some(self.state.revision),
            covered: self.covered.into_inner(),
            coverage,
            findings,
            interrupted: self.stop.is_requested(),
            duration: system::since(begun),
        }
    }
}

/// Damage first, in the order of blob names; then what belongs to no blob.
pub(super) fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let key = |finding: &Finding| (!finding.kind.is_damage(), finding.blob.is_none());
        key(a).cmp(&key(b)).then_with(|| a.blob.cmp(&b.blob))
    });
}

pub(super) fn kind_of(error: &StorageError) -> FindingKind {
    match error {
        StorageError::NotFound { .. } => FindingKind::Missing,
        StorageError::TooLarge { .. } | StorageError::WrongLength { .. } => FindingKind::Damaged,
        _ => FindingKind::Unreadable,
    }
}
