//! The maps of a snapshot, and what each of them is for.

use super::Manifest;
use crate::codec::ContentId;

/// What a map of a snapshot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MapUse {
    /// A folder's entries (TREE-1).
    Tree,
    /// SNAP-4.
    Failures,
    /// SNAP-6.
    Parts,
    /// What a service knows of its items (SNAP-8).
    Ledger,
}

impl Manifest {
    /// The roots of the snapshot's maps.
    pub fn maps(&self) -> impl Iterator<Item = (MapUse, ContentId)> {
        let beside = [(MapUse::Failures, self.failures), (MapUse::Parts, self.parts)];
        let beside = beside.into_iter().filter_map(|(of, root)| Some((of, root?)));
        let layers = self.ledger.clone().into_iter().map(|root| (MapUse::Ledger, root));
        [(MapUse::Tree, self.tree())].into_iter().chain(beside).chain(layers)
    }
}
