//! The actions of the log, as plain data.

use std::collections::BTreeSet;

/// Names a snapshot, a content, a pack or a segment; which one, the field says.
pub type Id = u64;
pub type Ids = BTreeSet<Id>;
/// The number of a record; the first is 1.
pub type Revision = u64;

/// What can be doomed and deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blob {
    Pack(Id),
    Segment(Id),
}

pub type Blobs = BTreeSet<Blob>;

/// A content and a pack that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    pub content: Id,
    pub pack: Id,
}

pub type Locations = BTreeSet<Location>;

/// An index segment. The log carries only its ID; who makes a trace reads the blob.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Segment {
    pub id: Id,
    pub locations: Locations,
}

impl Segment {
    pub fn names(&self, pack: Id) -> bool {
        self.locations.iter().any(|location| location.pack == pack)
    }
}

/// One change of the state (ACT-0). Actions that have no part in what is kept or deleted are left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    AddSegments(Vec<Segment>),
    ReplaceSegments {
        removed: Ids,
        added: Vec<Segment>,
    },
    PutManifest {
        snapshot: Id,
        /// Every content that the snapshot reaches.
        needs: Ids,
        /// The packs that it relies on outside its bases, that of its manifest among them.
        relied: Ids,
        /// Live snapshots that protect what they reach.
        bases: Ids,
    },
    Forget(Ids),
    Recall {
        snapshot: Id,
        /// The packs in which a walk found everything; none if there was no walk.
        relied: Ids,
    },
    Condemn(Blobs),
    Doom {
        marked: Revision,
        blobs: Blobs,
    },
    Reap(Blobs),
    RaiseFloor(Revision),
    /// A record that is lost counts as empty (LOG-8).
    Void(Revision),
    /// A step of the hold that a void begins; the last one if all was verified (LOG-9).
    Settle {
        verified: bool,
    },
}

/// One record: its actions in order, and the commit that made it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    pub commit: Id,
    pub actions: Vec<Action>,
}

impl Record {
    /// The snapshots that it puts.
    pub fn puts(&self) -> impl Iterator<Item = Id> {
        self.actions.iter().filter_map(|action| match action {
            Action::PutManifest { snapshot, .. } => Some(*snapshot),
            _ => None,
        })
    }
}
