//! Maps from path to a CBOR value, beside the tree (SNAP-4, SNAP-6).

use std::collections::BTreeMap;
use std::marker::PhantomData;

use bytes::Bytes;

use crate::cbor::{self, Cbor};
use crate::codec::ContentId;
use crate::content::{ContentError, ReadContent};
use crate::map::{Entries, KEY_SIZE_MAX, Map, MapBuilder, MapError, MapStore, box_value, unbox_value};

/// What stays of a path that is too long for a key; a hash of the whole follows.
const CUT_SIZE: usize = KEY_SIZE_MAX - 32;

/// What a map holds under a path.
pub trait PathValue: Cbor {
    /// The clause that says what its bytes are.
    const CLAUSE: &'static str;
}

/// A path with one more name.
pub fn join_path(path: &[u8], name: &[u8]) -> Vec<u8> {
    match path {
        [] => name.to_vec(),
        path => [path, b"/", name].concat(),
    }
}

/// The key of a path: its names joined by `/`, or `.` for the root, if that is not too long.
pub fn path_key(path: &[u8]) -> Vec<u8> {
    match path.len() {
        0 => b".".to_vec(),
        1..=KEY_SIZE_MAX => path.to_vec(),
        _ => [&path[..CUT_SIZE], blake3::hash(path).as_bytes()].concat(),
    }
}

/// Stores a map from path to value; no map if there are none. Of equal paths the last one stays.
///
/// # Errors
/// [`MapError`] if a value is beyond all measure, or a node cannot be stored.
pub fn write_by_path<T: PathValue>(
    store: MapStore<'_>,
    items: impl IntoIterator<Item = (Vec<u8>, T)>,
) -> Result<Option<ContentId>, MapError> {
    // Cutting paths can change their order.
    let items: BTreeMap<Vec<u8>, T> =
        items.into_iter().map(|(path, value)| (path_key(&path), value)).collect();
    if items.is_empty() {
        return Ok(None);
    }
    let mut map = MapBuilder::new(store);
    for (key, value) in &items {
        map.push(key, &box_value(store, &cbor::encode(value))?)?;
    }
    Ok(Some(map.finish()?))
}

/// The value of one path in the map at `root`.
///
/// # Errors
/// [`ContentError`] if the map cannot be read, or holds something else.
pub fn get_by_path<T: PathValue>(
    contents: &dyn ReadContent,
    root: &ContentId,
    path: &[u8],
) -> Result<Option<T>, ContentError> {
    let value = Map::open(contents, root)?.get(&path_key(path))?;
    value.map(|value| decode(contents, root, &value)).transpose()
}

/// All of the map at `root`, in order of keys. A long path is cut as [`path_key`] does it.
///
/// # Errors
/// [`ContentError`] if the root cannot be read.
pub fn read_by_path<'a, T: PathValue>(
    contents: &'a dyn ReadContent,
    root: &ContentId,
) -> Result<ByPath<'a, T>, ContentError> {
    let entries = Map::open(contents, root)?.iter();
    Ok(ByPath { contents, root: *root, entries, value: PhantomData })
}

/// Keys and values in order of keys.
pub struct ByPath<'a, T> {
    contents: &'a dyn ReadContent,
    root: ContentId,
    entries: Entries<'a>,
    value: PhantomData<T>,
}

impl<T: PathValue> Iterator for ByPath<'_, T> {
    type Item = Result<(Bytes, T), ContentError>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        Some(entry.and_then(|(key, value)| Ok((key, decode(self.contents, &self.root, &value)?))))
    }
}

fn decode<T: PathValue>(
    contents: &dyn ReadContent,
    root: &ContentId,
    value: &Bytes,
) -> Result<T, ContentError> {
    let body = unbox_value(contents, root, value)?;
    cbor::decode(&body).map_err(|source| ContentError::MalformedCbor { id: *root, clause: T::CLAUSE, source })
}
