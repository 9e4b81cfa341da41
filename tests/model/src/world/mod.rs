//! What is stored, what is in flight, and where every process stands.

mod log;
mod loss;
mod storage;

use std::sync::Arc;

pub use log::{Answer, Create, TrueLog, View};
pub use storage::{PackBlob, SegmentBlob};

use std::collections::{BTreeMap, BTreeSet};

use crate::actors::{Collector, Compactor, Reader, Recaller, Writer};
use crate::bounds::Bounds;
use crate::rules::{Action, Blobs, Id, Ids, Record, Revision};

/// A state of the model. The log is the true one; who knows how much of it is said by a [`View`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// All packs that were ever written, by ID.
    pub packs: Vec<PackBlob>,
    /// All index segments that were ever written, by ID.
    pub segments: Vec<SegmentBlob>,
    pub log: TrueLog,
    /// The lowest record that is still stored.
    pub kept: Revision,
    /// Records that were created once more below `kept`, after they were trimmed.
    pub ghosts: BTreeMap<Revision, Arc<Record>>,
    /// The revision of the newest catalog.
    pub catalog: Revision,
    /// Creates of records that nobody waits for and that may still take effect.
    pub late: BTreeSet<Create>,
    /// Blobs that some process holds to be doomed and deletes.
    pub deleting: Blobs,
    pub writers: Vec<Writer>,
    pub collectors: Vec<Collector>,
    pub compactors: Vec<Compactor>,
    pub recallers: Vec<Recaller>,
    pub readers: Vec<Reader>,
    /// What the packs of a lost record show: a snapshot, and what it needs.
    pub lost: Option<(Id, Ids)>,
    pub spent: Spent,
}

/// How much of the bounds is used up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Spent {
    pub forgets: u8,
    pub catalogs: u8,
    pub floors: u8,
    pub crashes: u8,
    pub unanswered: u8,
    pub copies: u8,
    pub losses: u8,
}

/// The snapshot that is there from the beginning. It needs contents 0 and 1.
pub const FIRST: Id = 100;

impl World {
    /// A repository with one snapshot of the contents 0 and 1, in one pack or in two.
    pub fn new(bounds: &Bounds) -> World {
        let contents: &[&[Id]] = if bounds.one_pack { &[&[0, 1]] } else { &[&[0], &[1]] };
        let mut world = World {
            packs: Vec::new(),
            segments: Vec::new(),
            log: TrueLog::default(),
            kept: 1,
            ghosts: BTreeMap::new(),
            catalog: 0,
            late: BTreeSet::new(),
            deleting: Blobs::new(),
            writers: bounds.jobs.iter().map(|_| Writer::default()).collect(),
            collectors: vec![Collector::default(); bounds.collectors],
            compactors: vec![Compactor::default(); bounds.compactors],
            recallers: vec![Recaller::default(); bounds.recallers],
            readers: vec![Reader::default(); bounds.readers],
            lost: None,
            spent: Spent::default(),
        };
        let packs: Vec<Id> =
            contents.iter().map(|held| world.write_pack(held.iter().copied().collect())).collect();
        let added = packs.iter().map(|pack| world.write_segment(world.footers([*pack]))).collect();
        let put = Action::PutManifest {
            snapshot: FIRST,
            needs: [0, 1].into(),
            relied: packs.into_iter().collect(),
            bases: [].into(),
        };
        world.append(vec![Action::AddSegments(added), put]);
        world
    }

    /// Whether more records may be appended within the bounds.
    pub fn has_room(&self, bounds: &Bounds) -> bool {
        self.log.records().len() < bounds.records_max
    }
}
