//! The log: every record that is kept opens and continues the one before, and catalogs say what the
//! records come to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use super::check::Check;
use super::finding::FindingKind;
use crate::codec::ManifestId;
use crate::format::names::BlobId;
use crate::log::record::{self, OpenedRecord};
use crate::log::{BlobError, Floor, ManifestRow, SegmentRows, State, catalog, manifests};
use crate::repository::with_causes;
use crate::storage::at_once;

/// Checks all that is kept. Where it was trimmed meanwhile, what was found may be that, or what a writer that lost
/// has created in the place of a record: then it is checked anew from the new floor on.
pub(super) fn log(check: &Check<'_>) {
    let mut floor = check.state.floor;
    loop {
        let before = check.findings();
        check.count(|covered| (covered.records, covered.catalogs) = (0, 0));
        kept(check, floor);
        let now = if check.findings() == before { floor } else { check.newest().floor };
        if now <= floor {
            return;
        }
        check.take_back(before);
        floor = now;
    }
}

/// Folds all that is kept, from the oldest catalog or the first record on.
fn kept(check: &Check<'_>, mut floor: Floor) {
    let (mut records, catalogs) = revisions(check);
    // Names below the floor are without meaning (STO-2): a writer that lost by LOG-4 may have used one anew.
    records.retain(|revision| *revision >= floor.0);
    let head = check.state.revision;
    let known: BTreeSet<u64> = records.iter().chain(&catalogs).copied().chain([head]).collect();
    let read = records.iter().filter(|revision| !check.state.voids.contains_key(revision));
    let mut blobs = InOrder::new(check, read, &catalogs);
    let mut expected = 1;
    let mut gaps = Vec::new();
    // The fold so far; nothing while it is not known, behind a break.
    let mut folded = Some(State::default());
    for revision in known {
        if check.is_stopped() {
            return;
        }
        let kept = records.contains(&revision);
        let last_missing = if kept { revision - 1 } else { revision };
        if expected <= last_missing {
            gaps.push((expected, last_missing));
            folded = None;
        }
        if kept && check.state.voids.contains_key(&revision) {
            // Whatever is stored there counts as empty, and its hash may be unknown.
            folded = None;
        } else if kept {
            folded = record(check, &mut blobs, revision).and_then(|opened| follow(check, folded, &opened));
        }
        if catalogs.contains(&revision) {
            let stored = catalog(check, &mut blobs, revision);
            if let (Some(folded), Some(stored)) = (&folded, &stored) {
                compare(check, revision, folded, stored, catalogs.last() == Some(&revision));
            }
            folded = stored.or(folded);
        }
        floor = floor.max(folded.as_ref().map(|state| state.floor).unwrap_or_default());
        expected = revision.saturating_add(1);
    }
    gaps.into_iter().for_each(|(first, last)| missing(check, first.max(floor.0), last));
    ends(check, folded.as_ref());
    catalog_seen(check, catalogs.last().copied().unwrap_or(0));
}

fn revisions(check: &Check<'_>) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let (mut records, mut catalogs) = (BTreeSet::new(), BTreeSet::new());
    for blob in check.listing.blobs.keys() {
        match blob {
            // There is no revision 0.
            BlobId::Record(revision @ 1..) => drop(records.insert(*revision)),
            BlobId::Catalog(revision @ 1..) => drop(catalogs.insert(*revision)),
            _ => {}
        }
    }
    (records, catalogs)
}

/// Records from the floor on must be there, save for those that count as empty (CAT-5, LOG-8).
fn missing(check: &Check<'_>, first: u64, last: u64) {
    let voids = &check.state.voids;
    let Some(first) = (first..=last).find(|revision| !voids.contains_key(revision)) else { return };
    // Whoever names a blob chooses how far the gap reaches: it is not walked.
    let what = match last - first - voids.range(first..=last).count() as u64 {
        0 => "the record is missing, but it was there (CAT-5)".to_owned(),
        more => format!("the record and {more} behind it are missing, but they were there (CAT-5)"),
    };
    check.find_blob(&BlobId::Record(first), FindingKind::Missing, what);
}

/// The newest catalog that this client has seen may only have given way to a newer one (LOG-6).
fn catalog_seen(check: &Check<'_>, newest: u64) {
    let seen = check.catalog_seen;
    if newest < seen {
        let what =
            "this client has seen the catalog, and it is gone (LOG-6); the records still hold all of it";
        check.find_blob(&BlobId::Catalog(seen), FindingKind::Missing, what);
    }
}

/// The blobs of a log, some fetched ahead of those that are asked for.
struct InOrder<'c> {
    check: &'c Check<'c>,
    left: VecDeque<BlobId>,
    ready: BTreeMap<BlobId, Bytes>,
}

impl<'c> InOrder<'c> {
    fn new<'a>(
        check: &'c Check<'c>,
        records: impl Iterator<Item = &'a u64>,
        catalogs: &BTreeSet<u64>,
    ) -> InOrder<'c> {
        let records = records.map(|revision| BlobId::Record(*revision));
        let mut left: Vec<_> = records.chain(catalogs.iter().map(|it| BlobId::Catalog(*it))).collect();
        left.sort_by_key(order);
        InOrder { check, left: left.into(), ready: BTreeMap::new() }
    }

    /// The bytes of a blob, if it could be read. Asked for in order.
    fn take(&mut self, wanted: &BlobId) -> Option<Bytes> {
        while self.left.front().is_some_and(|next| order(next) <= order(wanted)) {
            let count = at_once(self.left.iter().map(|blob| self.check.size(blob)));
            let some: Vec<BlobId> = self.left.drain(..count).collect();
            self.ready = self.check.fetch_many(&some);
        }
        self.ready.remove(wanted)
    }
}

/// By revisions; a record comes before its catalog.
fn order(blob: &BlobId) -> (u64, bool) {
    match blob {
        BlobId::Catalog(revision) => (*revision, true),
        BlobId::Record(revision) => (*revision, false),
        _ => (0, false),
    }
}

fn record(check: &Check<'_>, blobs: &mut InOrder<'_>, revision: u64) -> Option<OpenedRecord> {
    let blob = BlobId::Record(revision);
    let bytes = blobs.take(&blob)?;
    check.count(|covered| covered.records += 1);
    let (keys, repo) = (check.repository.keys(), check.repository.id());
    let opened = record::decode(keys, &repo, revision, &bytes);
    opened.inspect_err(|error| refuse(check, &blob, error)).ok()
}

fn catalog(check: &Check<'_>, blobs: &mut InOrder<'_>, revision: u64) -> Option<State> {
    let blob = BlobId::Catalog(revision);
    let bytes = blobs.take(&blob)?;
    check.count(|covered| covered.catalogs += 1);
    let (keys, repo) = (check.repository.keys(), check.repository.id());
    let opened = catalog::decode(keys, &repo, revision, &bytes);
    opened.inspect_err(|error| refuse(check, &blob, error)).ok()
}

fn refuse(check: &Check<'_>, blob: &BlobId, error: &BlobError) {
    let kind = match error {
        BlobError::Hash(_) => FindingKind::Damaged,
        // The bytes are whole, so they were written under another name.
        BlobError::Header(_) | BlobError::Seal(_) | BlobError::Revision { .. } => FindingKind::WrongName,
        _ => FindingKind::Structure,
    };
    check.find_blob(blob, kind, with_causes(error));
}

fn follow(check: &Check<'_>, folded: Option<State>, opened: &OpenedRecord) -> Option<State> {
    let mut state = folded?;
    if opened.record.previous != state.hash {
        let what = format!(
            "it continues a record with the hash {}, but the one before it has {} (LOG-1)",
            opened.record.previous, state.hash
        );
        check.find_blob(&BlobId::Record(opened.record.revision), FindingKind::Structure, what);
        return None;
    }
    state.apply(opened);
    Some(state)
}

/// What a catalog says must be what the records come to; only its arrangement of rows may differ, and
/// rows of forgotten snapshots may be gone.
fn compare(check: &Check<'_>, revision: u64, folded: &State, stored: &State, rows: bool) {
    let differs = [
        ("the hash of its record", folded.hash != stored.hash),
        ("index segments", folded.segments != stored.segments),
        ("condemned blobs", folded.condemned != stored.condemned),
        ("doomed blobs", folded.doomed != stored.doomed),
        ("quarantined packs", folded.quarantined != stored.quarantined),
        ("key slots", folded.slots != stored.slots),
        ("parameters", folded.parameters != stored.parameters),
        ("policies", folded.policies != stored.policies),
        ("required features", folded.features != stored.features),
        ("the verification map", folded.verification_map != stored.verification_map),
        ("void records", folded.voids != stored.voids),
        ("the floor", folded.floor != stored.floor),
        ("the last doom", folded.last_doom != stored.last_doom),
        ("live snapshots", rows && rows_differ(check, folded, stored)),
    ];
    let parts: Vec<&str> = differs.iter().filter(|(_, differs)| *differs).map(|(part, _)| *part).collect();
    if !parts.is_empty() {
        let what = format!("it says otherwise than the records before it: {}", parts.join(", "));
        check.find_blob(&BlobId::Catalog(revision), FindingKind::Structure, what);
    }
}

fn rows_differ(check: &Check<'_>, folded: &State, stored: &State) -> bool {
    let ((folded, whole), (stored, stored_whole)) = (live_rows(check, folded), live_rows(check, stored));
    whole && stored_whole && folded != stored
}

/// The live snapshots of a state, and whether all of its manifest segments could be read: those that
/// cannot are found elsewhere.
pub(super) fn live_rows(check: &Check<'_>, state: &State) -> (BTreeMap<ManifestId, ManifestRow>, bool) {
    let (keys, repo) = (check.repository.keys(), check.repository.id());
    let (mut segments, mut whole) = (SegmentRows::new(), true);
    for segment in &state.manifest_segments {
        let bytes = check.repository.blobs().get(&BlobId::Segment(segment.id).name());
        let rows = bytes.ok().and_then(|bytes| manifests::decode(keys, &repo, &segment.id, &bytes).ok());
        whole &= rows.is_some();
        segments.extend(rows.into_iter().flatten().map(|row| (row.id, row)));
    }
    let mut rows = state.manifests(&segments);
    rows.retain(|_, row| row.is_live());
    (rows, whole)
}

/// The state that this repository is open at must be among what was folded.
fn ends(check: &Check<'_>, folded: Option<&State>) {
    let Some(folded) = folded else { return };
    let open = &check.state;
    if folded.hash_of(open.revision).is_some_and(|hash| hash != open.hash) {
        let what = format!("it has another hash than the one that was seen there, {} (LOG-6)", open.hash);
        check.find_blob(&BlobId::Record(open.revision), FindingKind::Structure, what);
    }
}
