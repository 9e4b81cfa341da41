//! Which blobs have to be there.

use crate::format::names::BlobId;
use crate::log::{BlobRef, CATALOGS_KEPT, State};

/// Of the blobs that are there those that a state needs, or may come to need: no garbage that is known as such.
/// A pack that nobody has looked at counts; so does one that no record names yet.
pub(crate) fn needed<'b>(state: &State, blobs: impl Iterator<Item = &'b BlobId>) -> Vec<BlobId> {
    let (mut needed, mut catalogs) = (Vec::new(), Vec::new());
    for blob in blobs.copied() {
        match blob {
            BlobId::Catalog(revision) if revision <= state.revision => catalogs.push(revision),
            blob if is_needed(state, &blob) => needed.push(blob),
            _ => {}
        }
    }
    catalogs.sort_unstable_by(|a, b| b.cmp(a));
    needed.extend(catalogs.into_iter().take(CATALOGS_KEPT).map(BlobId::Catalog));
    needed
}

fn is_needed(state: &State, blob: &BlobId) -> bool {
    let is_leaving = |blob: &BlobRef| state.condemned.contains_key(blob) || state.doomed.contains_key(blob);
    match blob {
        BlobId::Format => true,
        BlobId::Slot(id) => state.slots.contains_key(id),
        BlobId::Record(revision) => (state.floor.0..=state.revision).contains(revision),
        BlobId::Segment(id) => state.names_segment(id),
        BlobId::Pack(kind, id) => !is_leaving(&BlobRef::Pack(*kind, *id)),
        // Asked about before; and a copy's own affair.
        BlobId::Catalog(_) | BlobId::CopyMarker | BlobId::Promoted => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::PackId;
    use crate::format::names::PackKind;

    #[test]
    fn what_goes_and_what_lies_below_the_floor_is_not_needed() {
        let pack = |byte| BlobId::Pack(PackKind::Data, PackId([byte; 32]));
        let leaving = |byte| BlobRef::Pack(PackKind::Data, PackId([byte; 32]));
        let mut state = State::default();
        (state.revision, state.floor.0) = (9, 5);
        state.condemned.insert(leaving(1), 7);
        state.doomed.insert(leaving(2), 8);
        let there: Vec<BlobId> = [BlobId::Format, BlobId::CopyMarker, pack(1), pack(2), pack(3)]
            .into_iter()
            .chain((3..=10).map(BlobId::Record))
            .chain([2, 4, 8, 10].map(BlobId::Catalog))
            .collect();
        let expected: Vec<BlobId> = [BlobId::Format, pack(3)]
            .into_iter()
            .chain((5..=9).map(BlobId::Record))
            .chain([8, 4].map(BlobId::Catalog))
            .collect();
        assert_eq!(needed(&state, there.iter()), expected);
    }
}
