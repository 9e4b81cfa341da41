//! Packs and segments: written whole, never overwritten, deleted at any time after their doom.

use std::sync::Arc;

use super::World;
use crate::bounds::Bounds;
use crate::flaw::Flaw;
use crate::rules::{Blob, Blobs, Id, Ids, Location, Locations, Segment, State};

/// A pack that was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PackBlob {
    /// What its footer lists.
    pub contents: Arc<Ids>,
    /// Whether it was not deleted yet.
    pub stored: bool,
}

/// An index segment that was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SegmentBlob {
    pub locations: Arc<Locations>,
    /// Whether it was not deleted yet.
    pub stored: bool,
}

impl World {
    pub fn write_pack(&mut self, contents: Ids) -> Id {
        self.packs.push(PackBlob { contents: contents.into(), stored: true });
        self.packs.len() as Id - 1
    }

    /// Writes a pack of one content whose name follows from it: the broken naming.
    pub fn write_pack_by_content(&mut self, content: Id) -> Id {
        let only = Ids::from([content]);
        match self.packs.iter().position(|pack| *pack.contents == only) {
            Some(same) => {
                self.packs[same].stored = true;
                same as Id
            }
            None => self.write_pack(only),
        }
    }

    pub fn write_segment(&mut self, locations: Locations) -> Segment {
        self.segments.push(SegmentBlob { locations: locations.clone().into(), stored: true });
        Segment { id: self.segments.len() as Id - 1, locations }
    }

    /// What the footers of some packs say, as a segment of them would.
    pub fn footers(&self, packs: impl IntoIterator<Item = Id>) -> Locations {
        let contents = |pack: Id| self.packs[pack as usize].contents.iter();
        packs
            .into_iter()
            .flat_map(|pack| contents(pack).map(move |content| Location { content: *content, pack }))
            .collect()
    }

    pub fn segment(&self, id: Id) -> Segment {
        Segment { id, locations: (*self.segments[id as usize].locations).clone() }
    }

    pub fn is_stored(&self, blob: Blob) -> bool {
        match blob {
            Blob::Pack(id) => self.packs[id as usize].stored,
            Blob::Segment(id) => self.segments[id as usize].stored,
        }
    }

    pub fn delete(&mut self, blob: Blob) {
        match blob {
            Blob::Pack(id) => self.packs[id as usize].stored = false,
            Blob::Segment(id) => self.segments[id as usize].stored = false,
        }
    }

    /// What a listing of the storage shows: packs, and segments too where they are collected.
    pub fn listing(&self, bounds: &Bounds) -> Blobs {
        let packs = (0..self.packs.len()).map(|id| Blob::Pack(id as Id));
        let segments = (0..self.segments.len()).map(|id| Blob::Segment(id as Id));
        let segments = segments.filter(|_| bounds.segments_collected);
        packs.chain(segments).filter(|blob| self.is_stored(*blob)).collect()
    }

    /// Whether a process holds a pack to be lost. Where names come back, dooms say nothing and a
    /// look at the storage has to do.
    pub fn holds_lost(&self, state: &State, pack: Id, flaw: Option<Flaw>) -> bool {
        match flaw {
            Some(Flaw::NamesUsedTwice) => !self.is_stored(Blob::Pack(pack)),
            _ => state.is_lost(Blob::Pack(pack)),
        }
    }

    /// A pack in which the state finds a content, and which is really there, by a segment that is.
    pub fn reads(&self, state: &State, content: Id) -> bool {
        let segments = state.segments.iter().filter(|(id, _)| self.is_stored(Blob::Segment(**id)));
        segments
            .flat_map(|(_, locations)| locations)
            .any(|location| location.content == content && self.is_stored(Blob::Pack(location.pack)))
    }
}
