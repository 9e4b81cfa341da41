//! Keys of a drive's ledger: a letter for what stands there, and the item's ID.

/// What is known of an item.
pub(super) const ITEM: u8 = b'i';
/// An item whose content is not stored: to be fetched, failed or skipped.
pub(super) const WANTED: u8 = b'w';
/// An item that the tree has below `.orphans`.
pub(super) const ORPHAN: u8 = b'o';
/// A shared item whose permissions are not read yet, or could not be.
pub(super) const SHARED: u8 = b'p';
/// A folder that was deleted in this run: what is still in it goes with it when the run ends.
pub(super) const DOOMED: u8 = b'd';
/// An item that the enumeration of this number has met. Serves the run alone.
pub(super) const SEEN: u8 = b's';

pub(super) fn key(kind: u8, id: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + id.len());
    key.push(kind);
    key.extend_from_slice(id.as_bytes());
    key
}

pub(super) fn seen_key(epoch: u32, id: &str) -> Vec<u8> {
    let mut key = seen_prefix(epoch);
    key.extend_from_slice(id.as_bytes());
    key
}

pub(super) fn seen_prefix(epoch: u32) -> Vec<u8> {
    let mut key = vec![SEEN];
    key.extend_from_slice(&epoch.to_be_bytes());
    key
}

/// The ID in a key behind a prefix; `None` once keys have another.
pub(super) fn id_of<'k>(prefix: &[u8], key: &'k [u8]) -> Option<&'k str> {
    std::str::from_utf8(key.strip_prefix(prefix)?).ok()
}

/// Whether a finished snapshot's ledger keeps what stands under a key.
pub(super) fn is_kept(key: &[u8]) -> bool {
    key.first() != Some(&SEEN)
}
