//! Coverage as a map of contents: read whole, looked at from the front, written, changed.

use super::row::SUMMARY_KEY;
use super::{Coverage, Place, Row, Summary};
use crate::cbor::{self, Cbor};
use crate::codec::{ContentId, TimeNs};
use crate::content::{ContentError, ReadContent};
use crate::map::{Map, MapBuilder, MapError, MapStore};

/// What the first entries of a map tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Front {
    pub summary: Summary,
    /// The pack that is unverified longest; `None` if there are no packs.
    pub longest: Option<(Place, Row)>,
}

/// Reads the map at `root`.
///
/// # Errors
/// [`ContentError`] if a node cannot be read, or an entry breaks COV-1 or COV-2.
pub fn read(contents: &dyn ReadContent, root: &ContentId) -> Result<Coverage, ContentError> {
    let mut coverage = Coverage::default();
    let mut entries = Map::open(contents, root)?.iter();
    read_summary(root, entries.next())?;
    for entry in entries {
        let (place, row) = read_row(root, entry?)?;
        if coverage.put(place.kind, place.pack, place.revision, row).is_some() {
            return Err(ContentError::Malformed { id: *root, clause: "COV-1: a pack has one row" });
        }
    }
    Ok(coverage)
}

/// Reads what the map at `root` begins with: one path of nodes, whatever its size.
///
/// # Errors
/// As for [`read`].
pub fn front(contents: &dyn ReadContent, root: &ContentId) -> Result<Front, ContentError> {
    let mut entries = Map::open(contents, root)?.iter();
    let summary = read_summary(root, entries.next())?;
    let longest = entries.next().map(|entry| read_row(root, entry?)).transpose()?;
    Ok(Front { summary, longest })
}

type Entry = (bytes::Bytes, bytes::Bytes);

fn read_summary(
    root: &ContentId,
    entry: Option<Result<Entry, ContentError>>,
) -> Result<Summary, ContentError> {
    match entry.transpose()? {
        Some((key, value)) if key == SUMMARY_KEY => decode(root, &value),
        _ => Err(ContentError::Malformed { id: *root, clause: "COV-1: a summary comes first" }),
    }
}

fn read_row(root: &ContentId, (key, value): Entry) -> Result<(Place, Row), ContentError> {
    let clause = "COV-1: a row's key is a revision and a pack";
    let place = Place::from_key(&key).ok_or(ContentError::Malformed { id: *root, clause })?;
    Ok((place, decode(root, &value)?))
}

fn decode<T: Cbor>(root: &ContentId, value: &[u8]) -> Result<T, ContentError> {
    cbor::decode(value).map_err(|source| ContentError::MalformedCbor { id: *root, clause: "COV-2", source })
}

/// Writes a whole map, and gives its root.
///
/// # Errors
/// [`MapError`] if a node cannot be stored.
pub fn write(coverage: &Coverage, time_ns: TimeNs, store: MapStore<'_>) -> Result<ContentId, MapError> {
    let mut map = MapBuilder::new(store);
    map.push(SUMMARY_KEY, &cbor::encode(&coverage.summary(time_ns)))?;
    for (place, row) in coverage.in_order() {
        map.push(&place.key(), &cbor::encode(&row))?;
    }
    Ok(map.finish()?)
}

/// What makes the map of `old` that of `new`, in order of keys. Queued packs go to one end and decoded ones
/// leave the other, so a few nodes change, however many packs there are.
pub fn edits(old: &Coverage, new: &Coverage, time_ns: TimeNs) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let place = |(kind, pack), revision| Place { revision, kind, pack };
    let mut edits = vec![(SUMMARY_KEY.to_vec(), Some(cbor::encode(&new.summary(time_ns))))];
    for (pack, (revision, _)) in &old.rows {
        if new.rows.get(pack).is_none_or(|(now, _)| now != revision) {
            edits.push((place(*pack, *revision).key(), None));
        }
    }
    for (pack, row) in &new.rows {
        if old.rows.get(pack) != Some(row) {
            edits.push((place(*pack, row.0).key(), Some(cbor::encode(&row.1))));
        }
    }
    edits.sort_unstable();
    edits
}
