//! The state of a repository at a revision: what the records up to it come to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::hold::Hold;
use super::parts::{BlobRef, FeatureScope, ManifestSegmentRef, SlotInfo};
use super::row::ManifestRow;
use crate::cbor;
use crate::codec::{CommitId, ContentId, ManifestId, PackId, RecordHash, SegmentId, SlotId, SplitterSizes};
use crate::format::segment::SegmentRef;

/// Hashes and commit IDs of the latest records that a state carries along (CAT-2).
pub(super) const RECENT_MAX: usize = 256;

/// The parameter that says how streams are cut (ACT-10).
pub const SPLITTER: &str = "splitter";
const SPLITTER_KIND: u64 = 1;

/// The rows of all manifest segments, later ones over earlier ones.
pub type SegmentRows = BTreeMap<ManifestId, ManifestRow>;

/// The fold of the records 1 to `revision`. Changed by records alone; reading it costs no request.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The last record folded; 0 before the first.
    pub revision: u64,
    /// Hash of that record.
    pub hash: RecordHash,
    /// The lowest record that must be there.
    pub floor: Floor,
    pub(super) recent_hashes: VecDeque<(u64, RecordHash)>,
    pub(super) recent_commits: VecDeque<(CommitId, u64)>,
    /// Index segments.
    pub segments: BTreeMap<SegmentId, SegmentRef>,
    /// Segments of manifest rows, oldest first.
    pub manifest_segments: Vec<ManifestSegmentRef>,
    /// Rows that are in no segment, or replace the one that is.
    pub(super) rows: BTreeMap<ManifestId, ManifestRow>,
    /// What happened to manifests that may have a row in a segment.
    pub(super) pending: BTreeMap<ManifestId, Pending>,
    /// Blobs not to be relied on, and since which revision.
    pub condemned: BTreeMap<BlobRef, u64>,
    /// Blobs whose end is decreed but not recorded, and since which revision.
    pub doomed: BTreeMap<BlobRef, u64>,
    /// Packs that a verification found wanting.
    pub quarantined: BTreeSet<PackId>,
    pub slots: BTreeMap<SlotId, SlotInfo>,
    pub parameters: BTreeMap<String, Vec<u8>>,
    pub policies: BTreeMap<String, Vec<u8>>,
    pub features: BTreeMap<String, FeatureScope>,
    /// What was verified when (COV-1).
    pub verification_map: Option<ContentId>,
    /// Records that count as empty.
    pub voids: BTreeMap<u64, RecordHash>,
    /// The revision of the last doom; 0 if there was none.
    pub last_doom: u64,
    /// Whether dooms have to wait (LOG-9).
    pub hold: Option<Hold>,
    pub(super) history: History,
}

/// The lowest revision whose record is kept (CAT-5): the first one until a record raises it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Floor(pub u64);

impl Default for Floor {
    fn default() -> Floor {
        Floor(1)
    }
}

/// What was folded for a manifest before its row was read from the segments.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending {
    /// Counts only if no segment has a row: putting again changes nothing.
    pub put: Option<ManifestRow>,
    /// What changed in the row of a segment, if one has it.
    pub mark: Option<Mark>,
}

/// The last word on whether a snapshot is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Recalled,
    /// The first forgetting counts, but not one before a recall.
    Forgotten {
        revision: u64,
        was_recalled: bool,
    },
}

/// What no catalog holds: known only for the records that were folded one by one.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    /// All records after this one were folded one by one.
    pub from: u64,
    /// The last record that relied on a pack.
    pub relied: BTreeMap<PackId, u64>,
    pub reaped: BTreeSet<BlobRef>,
    /// The last record that recalled a snapshot, or began or ended a hold: marks before it are outdated.
    pub last_recall: u64,
}

impl State {
    /// Splitter sizes of the repository; `None` if this release does not know its splitter.
    pub fn splitter(&self) -> Option<SplitterSizes> {
        let (kind, least, average, greatest) = decode_splitter(self.parameters.get(SPLITTER)?)?;
        let sizes = SplitterSizes::around(average)?;
        let same = (sizes.least, sizes.greatest) == (least, greatest);
        (kind == SPLITTER_KIND && same).then_some(sizes)
    }

    /// Whether a pack is doomed, or was deleted after a doom since [`State::history_start`].
    pub fn is_lost(&self, pack: &PackId) -> bool {
        BlobRef::packs(pack).iter().any(|blob| self.is_gone(blob))
    }

    /// Whether a pack is condemned: still there, but not to be relied on.
    pub fn is_condemned(&self, pack: &PackId) -> bool {
        BlobRef::packs(pack).iter().any(|blob| self.condemned.contains_key(blob))
    }

    /// Whether a segment is one of manifest rows that this state names.
    pub fn names_manifest_segment(&self, id: &SegmentId) -> bool {
        self.manifest_segments.iter().any(|segment| segment.id == *id)
    }

    /// Whether this state names a segment, of the index or of manifest rows.
    pub fn names_segment(&self, id: &SegmentId) -> bool {
        self.segments.contains_key(id) || self.names_manifest_segment(id)
    }

    /// The revision from which on every record was seen one by one.
    ///
    /// A writer whose base is older than this counts its own uncommitted packs as lost: a doom
    /// and the deletion after it may have come and gone unseen.
    pub fn history_start(&self) -> u64 {
        self.history.from
    }

    /// Whether this commit is known to be in the history; `None` says it is too long ago to tell.
    pub fn has_commit(&self, commit: &CommitId, revision: u64) -> Option<bool> {
        if self.recent_commits.iter().any(|(known, _)| known == commit) {
            return Some(true);
        }
        let oldest = self.recent_commits.front().map_or(self.revision + 1, |(_, oldest)| *oldest);
        let whole = self.recent_commits.len() < RECENT_MAX;
        (whole || oldest <= revision).then_some(false)
    }

    /// The hash of a record, if it is a recent one.
    pub fn hash_of(&self, revision: u64) -> Option<RecordHash> {
        self.recent_hashes.iter().find(|(known, _)| *known == revision).map(|(_, hash)| *hash)
    }

    /// The row of one manifest, with `segments` holding the rows of the manifest segments.
    pub fn manifest(&self, id: &ManifestId, segments: &SegmentRows) -> Option<ManifestRow> {
        if let Some(row) = self.rows.get(id) {
            return Some(row.clone());
        }
        let older = segments.get(id);
        match self.pending.get(id) {
            None => older.cloned(),
            Some(pending) => pending.over(older),
        }
    }

    /// All rows, forgotten ones too, with `segments` holding the rows of the manifest segments.
    pub fn manifests(&self, segments: &SegmentRows) -> BTreeMap<ManifestId, ManifestRow> {
        let mut all = segments.clone();
        all.extend(self.settled(segments));
        all
    }

    /// The rows that the segments lack or have otherwise.
    pub(super) fn settled(&self, segments: &SegmentRows) -> BTreeMap<ManifestId, ManifestRow> {
        let pending = self.pending.iter().filter_map(|(id, pending)| {
            let row = pending.over(segments.get(id))?;
            (segments.get(id) != Some(&row)).then_some((*id, row))
        });
        let mut rows = self.rows.clone();
        rows.extend(pending);
        rows
    }

    /// Whether the row of a manifest can only be told with the rows of the segments.
    pub(super) fn needs_segments(&self, id: &ManifestId) -> bool {
        !self.manifest_segments.is_empty() && !self.rows.contains_key(id)
    }

    pub(super) fn is_gone(&self, blob: &BlobRef) -> bool {
        self.doomed.contains_key(blob) || self.history.reaped.contains(blob)
    }
}

impl Pending {
    fn over(&self, older: Option<&ManifestRow>) -> Option<ManifestRow> {
        let Some(older) = older else { return self.put.clone() };
        let forgotten = match self.mark {
            None => older.forgotten,
            Some(Mark::Recalled) => None,
            Some(Mark::Forgotten { revision, was_recalled: true }) => Some(revision),
            Some(Mark::Forgotten { revision, was_recalled: false }) => older.forgotten.or(Some(revision)),
        };
        Some(ManifestRow { forgotten, ..older.clone() })
    }
}

/// The value of the parameter `splitter` (ACT-10).
pub fn encode_splitter(sizes: &SplitterSizes) -> Vec<u8> {
    let mut w = cbor::Writer::new();
    w.array(4).u64(SPLITTER_KIND);
    w.put(&sizes.least).put(&sizes.average).put(&sizes.greatest);
    w.into_bytes()
}

fn decode_splitter(value: &[u8]) -> Option<(u64, u32, u32, u32)> {
    let mut r = cbor::Reader::new(value);
    let fields = r.tuple(|t| Ok((t.get()?, t.get()?, t.get()?, t.get()?))).ok()?;
    r.end().ok().map(|()| fields)
}
