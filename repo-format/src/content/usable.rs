//! Which packs may be relied on.

use std::collections::HashSet;

use crate::codec::PackId;
use crate::system::RwLock;

/// Packs that look-ups for deduplication pass over: condemned, doomed, quarantined or missing.
///
/// Passing over a pack costs space, never safety: its contents are stored once more, which is how
/// the next backup heals what its source still has. What a live base reaches is in none that is
/// doomed, or the doom would have been refused; but it may be in one that is lost.
#[derive(Debug, Default)]
pub struct Usable {
    avoided: RwLock<Avoided>,
}

#[derive(Debug, Default)]
struct Avoided {
    /// Going or gone by the log's word.
    leaving: HashSet<PackId>,
    /// Not to be trusted by the log's word.
    quarantined: HashSet<PackId>,
    /// Found missing or damaged by this process.
    lost: HashSet<PackId>,
    /// Packs may be lost that nothing tells of.
    doubted: bool,
}

impl Usable {
    /// Whether a snapshot may rely on the pack.
    pub fn is_usable(&self, pack: &PackId) -> bool {
        let avoided = self.avoided.read();
        ![&avoided.leaving, &avoided.quarantined, &avoided.lost].iter().any(|packs| packs.contains(pack))
    }

    /// Takes over what the log says now: packs that are condemned or doomed, and packs that are
    /// quarantined.
    pub fn set_by_state(
        &self,
        leaving: impl IntoIterator<Item = PackId>,
        quarantined: impl IntoIterator<Item = PackId>,
    ) {
        let avoided = &mut *self.avoided.write();
        avoided.leaving = leaving.into_iter().collect();
        avoided.quarantined = quarantined.into_iter().collect();
    }

    /// A pack was found missing or damaged.
    pub fn add_lost(&self, packs: impl IntoIterator<Item = PackId>) {
        self.avoided.write().lost.extend(packs);
    }

    /// What a base reaches may be in no pack that the index names.
    pub fn doubt(&self) {
        self.avoided.write().doubted = true;
    }

    /// Whether no pack is lost: then what a live base reaches need not be looked at.
    pub fn is_whole(&self) -> bool {
        let avoided = self.avoided.read();
        avoided.quarantined.is_empty() && avoided.lost.is_empty() && !avoided.doubted
    }
}
