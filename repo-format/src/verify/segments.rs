//! Segments, and the packs that index segments name.

use std::collections::{BTreeMap, BTreeSet};

use super::check::Check;
use super::finding::{Finding, FindingKind};
use crate::codec::{PackId, SEAL_OVERHEAD, SegmentId};
use crate::format::names::{BlobId, PackKind};
use crate::format::segment::{self, SegmentError, SegmentKind, SegmentRef};
use crate::index::{IndexTable, Location};
use crate::log::{ManifestSegmentRef, RowsError, manifests};
use crate::repository::with_causes;
use crate::system::Mutex;

/// What the index says of a pack.
#[derive(Debug, Clone, Copy)]
pub(super) struct PackFacts {
    pub kind: PackKind,
    /// Contents in it.
    pub rows: u64,
    /// Where its last frame ends.
    end: u64,
}

/// The packs that the index names.
pub(super) type Packs = BTreeMap<PackId, PackFacts>;

/// Every segment that the state names is there, whole and well-formed. Gives the packs named.
pub(super) fn segments(check: &Check<'_>) -> Packs {
    check.each(&check.state.manifest_segments, |segment| manifest_segment(check, segment));
    let segments: Vec<SegmentRef> = check.state.segments.values().copied().collect();
    let packs = Mutex::new(Packs::new());
    check.each(&segments, |segment| {
        index_segment(check, segment);
        rows(check, segment, &packs);
    });
    packs.into_inner()
}

fn manifest_segment(check: &Check<'_>, segment: &ManifestSegmentRef) {
    let blob = BlobId::Segment(segment.id);
    let Some(bytes) = check.fetch(&blob) else { return };
    check.count(|covered| covered.segments += 1);
    let (keys, repo) = (check.repository.keys(), check.repository.id());
    match manifests::decode(keys, &repo, &segment.id, &bytes) {
        Ok(rows) if rows.len() as u64 == u64::from(segment.rows) && bytes.len() as u64 == segment.size => {}
        Ok(_) => check.find_blob(&blob, FindingKind::Structure, "it is not as the catalog says (CAT-2)"),
        Err(RowsError::Segment(error)) => refuse(check, &blob, &bytes, &error),
        Err(error) => check.find_blob(&blob, FindingKind::Structure, with_causes(&error)),
    }
}

fn index_segment(check: &Check<'_>, segment: &SegmentRef) {
    let blob = BlobId::Segment(segment.id);
    let Some(bytes) = check.fetch(&blob) else { return };
    check.count(|covered| covered.segments += 1);
    let (keys, repo) = (check.repository.keys(), check.repository.id());
    let (counts, table) = match segment::decode(keys, &repo, SegmentKind::Index, &segment.id, &bytes) {
        Ok(decoded) => decoded,
        Err(error) => return refuse(check, &blob, &bytes, &error),
    };
    match IndexTable::decode(counts, table) {
        Ok(table) if table.reference(segment.id, bytes.len() as u64) == *segment => {}
        Ok(_) => check.find_blob(&blob, FindingKind::Structure, "it is not as the log says (ACT-1)"),
        Err(error) => check.find_blob(&blob, FindingKind::Structure, with_causes(&error)),
    }
}

fn refuse(check: &Check<'_>, blob: &BlobId, bytes: &[u8], error: &SegmentError) {
    match error {
        SegmentError::WrongHash => check.find_blob(blob, check.listing.misnamed(bytes), with_causes(error)),
        _ => check.find_blob(blob, FindingKind::Structure, with_causes(error)),
    }
}

/// Gathers what a segment says of packs. A segment that was refused may still be in the cache.
fn rows(check: &Check<'_>, segment: &SegmentRef, packs: &Mutex<Packs>) {
    let mut found = Packs::new();
    for row in check.repository.index().rows_of(segment) {
        // Whatever is wrong with it was found by looking at the blob itself.
        let Ok(row) = row else {
            check.set_index_partial();
            break;
        };
        let Location { pack, pack_kind, offset, stored_len, .. } = row.at;
        let end = u64::from(offset) + u64::from(stored_len) + SEAL_OVERHEAD as u64;
        let facts = found.entry(pack).or_insert(PackFacts { kind: pack_kind, rows: 0, end });
        facts.rows += 1;
        facts.end = facts.end.max(end);
    }
    let mut packs = packs.lock();
    for (pack, facts) in found {
        let known = packs.entry(pack).or_insert(PackFacts { rows: 0, ..facts });
        known.rows += facts.rows;
        known.end = known.end.max(facts.end);
    }
}

/// Every pack that the index names is in the storage, and not too short. Names the blobs that nothing
/// knows.
pub(super) fn packs_are_there(check: &Check<'_>, packs: &Packs) {
    let named = packs.iter().map(|(pack, facts)| BlobId::Pack(facts.kind, *pack));
    let missing: Vec<_> = named.filter(|blob| !check.listing.has(blob)).collect();
    let removed = if missing.is_empty() { BTreeSet::new() } else { check.removed(&missing) };
    for (pack, facts) in packs {
        let blob = BlobId::Pack(facts.kind, *pack);
        match check.listing.blobs.get(&blob) {
            None if check.is_doomed(facts.kind, *pack) || removed.contains(&blob) => {}
            None => {
                let what = format!("the pack is missing; the index has {} contents in it", facts.rows);
                check.find_pack(facts.kind, *pack, FindingKind::Missing, what);
            }
            Some(size) if *size < facts.end => {
                let what = format!("it has {size} bytes, and its frames end at {}", facts.end);
                check.find_pack(facts.kind, *pack, FindingKind::Damaged, what);
            }
            Some(_) => {}
        }
    }
    let mut covered = (0, 0);
    for (kind, pack, size) in check.listing.packs() {
        covered = (covered.0 + 1, covered.1 + size);
        if !packs.contains_key(&pack) && !check.is_doomed(kind, pack) {
            let what =
                "no index segment knows the pack: it is another run's under way, or one's that was killed";
            check.find_blob(&BlobId::Pack(kind, pack), FindingKind::Unknown, what);
        }
    }
    check.count(|all| (all.packs, all.pack_bytes) = covered);
    unknown(check);
}

fn unknown(check: &Check<'_>) {
    let state = &check.state;
    let named: BTreeSet<SegmentId> = (state.segments.keys().copied())
        .chain(state.manifest_segments.iter().map(|segment| segment.id))
        .collect();
    let mut replaced = 0;
    for blob in check.listing.blobs.keys() {
        match blob {
            BlobId::Segment(id) if !named.contains(id) => replaced += 1,
            BlobId::Slot(id) if !state.slots.contains_key(id) => {
                check.find_blob(blob, FindingKind::Unknown, "the log does not name the key slot (any more)");
            }
            _ => {}
        }
    }
    if replaced > 0 {
        // Every compaction leaves some, so they are told together.
        let what = format!("{replaced} segments were replaced by others, or are of runs that were killed");
        check.find(Finding::of(None, FindingKind::Unknown, what));
    }
    for name in &check.listing.foreign {
        let what = "no blob of a repository has such a name";
        check.find(Finding::of(Some(name.clone()), FindingKind::Unknown, what));
    }
}
