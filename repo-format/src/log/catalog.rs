//! Catalogs: the stored form of a state (CAT-1, CAT-2).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::manifests::CATALOG_ROWS_MAX;
use super::parts::{BlobRef, SlotInfo};
use super::row::ManifestRow;
use super::sealed::{self, BlobError, TooLarge};
use super::state::{Floor, History, RECENT_MAX, State};
use crate::cbor::{self, Cbor, CborError, MapReader, Reader, Writer};
use crate::codec::{BlobKind, CommitId, Header, PackId, RecordHash, RepoId, Subkeys};
use crate::format::segment::SegmentRef;

/// Seals the catalog of `state` under a fresh `salt`.
///
/// What is pending is not written: [`State::settled`] rows come first.
pub(super) fn encode(
    keys: &Subkeys,
    repo: &RepoId,
    salt: [u8; 32],
    state: &State,
) -> Result<Bytes, TooLarge> {
    debug_assert!(state.pending.is_empty() && state.rows.len() <= CATALOG_ROWS_MAX);
    let header = Header { kind: BlobKind::Catalog, repo: *repo, salt };
    sealed::encode(keys, &header, state.revision, cbor::encode(state))
}

/// Checks and opens the catalog that is found under `revision`.
///
/// # Errors
/// [`BlobError`] names the first check that failed, in the order of CONV-10 and CONV-9.
pub fn decode(keys: &Subkeys, repo: &RepoId, revision: u64, blob: &[u8]) -> Result<State, BlobError> {
    let body = sealed::decode(keys, repo, BlobKind::Catalog, revision, blob)?;
    let state: State = cbor::decode_padded(&body)?;
    match state.revision {
        found if found == revision => Ok(state),
        found => Err(BlobError::Revision { found }),
    }
}

impl Cbor for State {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.put(0, &self.revision);
            m.put(1, &self.hash);
            m.put(2, &self.floor.0);
            m.put_with(3, |w| write_all(w, self.recent_hashes.iter()));
            m.put_with(4, |w| write_all(w, self.recent_commits.iter()));
            m.put_with(5, |w| write_all(w, self.segments.values()));
            m.put(6, &self.manifest_segments);
            m.put_with(7, |w| write_all(w, self.rows.values()));
            m.put_with(8, |w| write_marks(w, self.condemned.iter()));
            m.put_with(9, |w| write_marks(w, self.doomed.iter()));
            m.put_with(10, |w| write_all(w, self.quarantined.iter()));
            m.put_with(11, |w| write_all(w, self.slots.values()));
            m.put_with(12, |w| write_pairs(w, self.parameters.iter()));
            m.put_with(13, |w| write_pairs(w, self.policies.iter()));
            m.put_with(14, |w| write_pairs(w, self.features.iter()));
            m.put_some(15, &self.verification_map);
            m.put_with(16, |w| write_pairs(w, self.voids.iter()));
            m.put(17, &self.last_doom);
            m.put_some(18, &self.hold);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.map(|m| {
            let state = State {
                revision: m.get(0)?,
                hash: m.get(1)?,
                floor: Floor(m.get(2)?),
                recent_hashes: m.get::<Vec<(u64, RecordHash)>>(3)?.into(),
                recent_commits: m.get::<Vec<(CommitId, u64)>>(4)?.into(),
                segments: read_all(m, 5, |segment: SegmentRef| (segment.id, segment))?,
                manifest_segments: m.get(6)?,
                rows: read_all(m, 7, |row: ManifestRow| (row.id, row))?,
                condemned: read_all(m, 8, |mark: Mark| mark.0)?,
                doomed: read_all(m, 9, |mark: Mark| mark.0)?,
                quarantined: read_all(m, 10, |pack: PackId| (pack, ()))?.into_keys().collect(),
                slots: read_all(m, 11, |slot: SlotInfo| (slot.id, slot))?,
                parameters: read_all(m, 12, |pair| pair)?,
                policies: read_all(m, 13, |pair| pair)?,
                features: read_all(m, 14, |pair| pair)?,
                verification_map: m.get_some(15)?,
                voids: read_all(m, 16, |pair| pair)?,
                last_doom: m.get(17)?,
                hold: m.get_some(18)?,
                ..State::default()
            };
            let history = History { from: state.revision, ..History::default() };
            state.check().map(|()| State { history, ..state }).map_err(|what| m.error(what))
        })
    }
}

impl State {
    fn check(&self) -> Result<(), &'static str> {
        let recent = self.recent_hashes.len().max(self.recent_commits.len());
        if recent > RECENT_MAX || self.rows.len() > CATALOG_ROWS_MAX {
            return Err("too many recent entries or rows (CAT-2)");
        }
        let hashes = self.recent_hashes.iter().map(|(revision, _)| *revision);
        let commits = self.recent_commits.iter().map(|(_, revision)| *revision);
        if !hashes.is_sorted_by(|a, b| a < b) || !commits.is_sorted_by(|a, b| a < b) {
            return Err("recent entries do not ascend (CAT-2)");
        }
        // What is folded next ascends from here, too.
        if self.revision == u64::MAX || self.recent_commits.back().is_some_and(|last| last.1 > self.revision)
        {
            return Err("a recent commit, or the record that follows, is beyond the last revision (CAT-2)");
        }
        match self.recent_hashes.back() {
            Some(last) if *last != (self.revision, self.hash) => Err("another last hash (CAT-2)"),
            _ => Ok(()),
        }
    }
}

fn write_all<'a, T: Cbor + 'a>(w: &mut Writer, items: impl ExactSizeIterator<Item = &'a T>) {
    w.array(items.len());
    items.for_each(|item| item.write(w));
}

fn write_pairs<'a, K: Cbor + 'a, V: Cbor + 'a>(
    w: &mut Writer,
    pairs: impl ExactSizeIterator<Item = (&'a K, &'a V)>,
) {
    w.array(pairs.len());
    for (key, value) in pairs {
        w.array(2).put(key).put(value);
    }
}

fn write_marks<'a>(w: &mut Writer, marks: impl ExactSizeIterator<Item = (&'a BlobRef, &'a u64)>) {
    w.array(marks.len());
    marks.for_each(|(blob, revision)| Mark((*blob, *revision)).write(w));
}

/// A blob and the revision that condemned or doomed it: `[kind, ID, revision]`.
struct Mark((BlobRef, u64));

impl Cbor for Mark {
    fn write(&self, w: &mut Writer) {
        let Mark((blob, revision)) = self;
        blob.write_items(w.array(3));
        w.put(revision);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.tuple(|t| Ok(Mark((BlobRef::read_items(t)?, t.get()?))))
    }
}

/// Reads an array of items whose keys ascend.
fn read_all<T: Cbor, K: Ord, V>(
    m: &mut MapReader<'_, '_>,
    key: u64,
    pair: impl Fn(T) -> (K, V),
) -> Result<BTreeMap<K, V>, CborError> {
    let order = m.error("items do not ascend (CAT-2)");
    let items: Vec<(K, V)> = m.get::<Vec<T>>(key)?.into_iter().map(pair).collect();
    match items.is_sorted_by(|(a, _), (b, _)| a < b) {
        true => Ok(items.into_iter().collect()),
        false => Err(order),
    }
}
