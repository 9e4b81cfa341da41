//! Editing one folder: only the children that change are told.

use std::cell::Cell;

use super::error::shown;
use super::{Entry, TreeError, TreeKey, TreeTotals, decode_value, encode_value};
use crate::codec::ContentId;
use crate::content::ReadContent;
use crate::map::{MapError, MapStore, edit_noting};

/// Applies `edits`, ascending by key, to the tree at `root` whose totals are `totals`: an entry is
/// put, `None` removes. Gives the new root, which is what a fresh build would give, and the totals.
///
/// # Errors
/// [`TreeError`] if a child cannot be put, or a node not be read or stored. Nothing is half done:
/// the old tree stays as it was.
pub fn edit(
    contents: &dyn ReadContent,
    root: &ContentId,
    mut totals: TreeTotals,
    edits: impl IntoIterator<Item = (TreeKey, Option<Entry>)>,
    store: MapStore<'_>,
) -> Result<(ContentId, TreeTotals), TreeError> {
    let mut failed = None;
    let added = Cell::new(TreeTotals::default());
    let encoded = edits.into_iter().map_while(|(key, entry)| {
        let encoded = encode(store, &key, entry.as_ref());
        if let (Ok(_), Some(entry)) = (&encoded, &entry) {
            let mut sum = added.get();
            sum.add(entry);
            added.set(sum);
        }
        encoded.map_err(|error| failed = Some(error)).ok()
    });
    let new = edit_noting::<TreeError>(contents, root, encoded, store, |key, old| {
        if let Some(value) = old {
            totals.take(&decode_value(contents, root, key, value)?);
        }
        Ok(())
    })?;
    let added = added.get();
    totals.size = totals.size.saturating_add(added.size);
    totals.items = totals.items.saturating_add(added.items);
    failed.map_or(Ok((new, totals)), Err)
}

type Encoded = (Vec<u8>, Option<Vec<u8>>);

fn encode(store: MapStore<'_>, key: &TreeKey, entry: Option<&Entry>) -> Result<Encoded, TreeError> {
    let name = || shown(&key.name);
    let bytes = key.to_bytes().map_err(|source| TreeError::Name { name: name(), source })?;
    let value = entry.map(|entry| encode_value(store, entry)).transpose().map_err(|error| match error {
        MapError::Content(error) => TreeError::Content(error),
        source => TreeError::Put { name: name(), source },
    })?;
    Ok((bytes, value))
}
