//! Which packs may be relied on.

use std::collections::HashSet;

use parking_lot::RwLock;

use crate::codec::PackId;

/// Packs that look-ups for deduplication pass over: condemned, doomed, quarantined or missing.
///
/// Passing over a pack costs space, never safety: its contents are stored once more, which is how
/// the next backup heals what its source still has.
#[derive(Debug, Default)]
pub struct Usable {
    avoided: RwLock<Avoided>,
}

#[derive(Debug, Default)]
struct Avoided {
    /// Told by the log.
    by_state: HashSet<PackId>,
    /// Found missing or damaged by this process.
    lost: HashSet<PackId>,
}

impl Usable {
    /// Whether a snapshot may rely on the pack.
    pub fn is_usable(&self, pack: &PackId) -> bool {
        let avoided = self.avoided.read();
        !avoided.by_state.contains(pack) && !avoided.lost.contains(pack)
    }

    /// Takes over what the log says now.
    pub fn set_by_state(&self, packs: impl IntoIterator<Item = PackId>) {
        self.avoided.write().by_state = packs.into_iter().collect();
    }

    /// A pack was found missing or damaged.
    pub fn add_lost(&self, packs: impl IntoIterator<Item = PackId>) {
        self.avoided.write().lost.extend(packs);
    }

    /// Whether every pack is usable: then what a base reaches need not be looked at.
    pub fn is_whole(&self) -> bool {
        let avoided = self.avoided.read();
        avoided.by_state.is_empty() && avoided.lost.is_empty()
    }
}
