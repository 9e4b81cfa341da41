//! Contents on their way into a pack: what waits in open frames, and what was taken out of them.

use std::collections::HashSet;

use super::probe::is_compressible;
use super::tickets::{Ticket, Tickets};
use crate::codec::{ContentId, ContentKind};
use crate::format::names::PackKind;
use crate::pack::{ContentRow, RawFrame};

/// A frame taken out of the gathering, to be compressed and put into a pack. The ticket is
/// kept until that is done.
pub(super) struct Taken {
    pub ticket: Ticket,
    pub frame: RawFrame,
    pub kind: PackKind,
    /// Whether compressing is worth trying.
    pub compressible: bool,
}

/// The open frames: data that compresses, data that does not, metadata.
pub(super) struct Gather {
    pending: HashSet<ContentId>,
    frames: [RawFrame; 3],
    data_frame_size: usize,
    meta_frame_size: usize,
    pub tickets: Tickets,
}

const COMPRESSIBLE: usize = 0;
const NOISE: usize = 1;
const META: usize = 2;

impl Gather {
    pub fn new(data_frame_size: usize, meta_frame_size: usize) -> Gather {
        Gather {
            pending: HashSet::new(),
            frames: Default::default(),
            data_frame_size,
            meta_frame_size,
            tickets: Tickets::default(),
        }
    }

    /// Whether the content was taken in and its commit is still to come.
    pub fn is_pending(&self, id: &ContentId) -> bool {
        self.pending.contains(id)
    }

    /// How many contents wait for a commit.
    pub fn pending_count(&self) -> usize {
        self.pending.len()
    }

    /// Takes a content in, unless it is there already; gives a frame that became full by it.
    ///
    /// Naming a content pending and putting it into its frame are one step under one lock: who
    /// sees it pending may rely on the next flush.
    pub fn add(&mut self, kind: ContentKind, id: ContentId, plaintext: &[u8]) -> Added {
        if !self.pending.insert(id) {
            return Added { new: false, full: None };
        }
        let (slot, limit) = match PackKind::of(kind) {
            PackKind::Meta => (META, self.meta_frame_size),
            PackKind::Data if is_compressible(plaintext) => (COMPRESSIBLE, self.data_frame_size),
            PackKind::Data => (NOISE, self.data_frame_size),
        };
        let full = (!self.frames[slot].fits(plaintext.len(), limit)).then(|| self.take(slot));
        self.frames[slot].push(ContentRow { id, kind, len: plaintext.len() as u32 }, plaintext);
        Added { new: true, full }
    }

    /// Takes all frames that hold something.
    pub fn take_all(&mut self) -> Vec<Taken> {
        let full: Vec<usize> = (0..self.frames.len()).filter(|slot| !self.frames[*slot].is_empty()).collect();
        full.into_iter().map(|slot| self.take(slot)).collect()
    }

    fn take(&mut self, slot: usize) -> Taken {
        Taken {
            ticket: self.tickets.give(),
            frame: std::mem::take(&mut self.frames[slot]),
            kind: if slot == META { PackKind::Meta } else { PackKind::Data },
            compressible: slot != NOISE,
        }
    }

    /// The commit that names these contents is done: the index knows them now.
    pub fn settle<'a>(&mut self, ids: impl Iterator<Item = &'a ContentId>) {
        for id in ids {
            self.pending.remove(id);
        }
    }
}

/// What [`Gather::add`] did.
pub(super) struct Added {
    pub new: bool,
    pub full: Option<Taken>,
}
