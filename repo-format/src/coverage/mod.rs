//! Coverage: which pack was verified when, as a queue (COV-1 to COV-4).
//!
//! Owns the rows of the verification map, their order and their sums. The map is the queue: the pack that
//! was decoded longest ago stands at its front, one that was never looked at where it was queued. The order
//! is that of the log's revisions; no clock decides anything. Knows nothing of how packs are verified, and
//! nothing of commits.
//!
//! Who decodes packs from the front until they come to x % of [`Coverage::bytes_promised`] at each run
//! has decoded, after 100 / x runs, every pack that was there before the first, whatever came and went
//! meanwhile: see [`Coverage::bytes_promised`].
//!
//! ```
//! use repo_format::{codec::PackId, coverage::Coverage, format::names::PackKind};
//!
//! let packs = [1, 2, 3].map(|n| (PackKind::Data, PackId([n; 32]), 100));
//! let mut coverage = Coverage::default();
//! coverage.queue(packs, 5, 0);
//! coverage.decoded(PackKind::Data, PackId([1; 32]), 100, 6, 0);
//! let order: Vec<u8> = coverage.in_order().iter().map(|(place, _)| place.pack.0[0]).collect();
//! assert_eq!(order, [2, 3, 1]);
//! assert_eq!(coverage.summary(0).decoded_bytes, 100);
//! ```

mod row;
mod stored;

use std::collections::BTreeMap;

pub use row::{Place, Reached, Row, Summary};
pub use stored::{Front, edits, front, read, write};

use crate::codec::{PackId, TimeNs};
use crate::format::names::PackKind;

/// What was verified when: a row for each pack. About 150 bytes of memory each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    rows: BTreeMap<(PackKind, PackId), (u64, Row)>,
    /// What the rows' sizes come to. A row may claim any size, so this is wider than each of them.
    size: u128,
}

impl Coverage {
    /// Number of packs.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no packs.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What is known of a pack.
    pub fn get(&self, kind: PackKind, pack: &PackId) -> Option<(Place, Row)> {
        let (revision, row) = self.rows.get(&(kind, *pack))?;
        Some((Place { revision: *revision, kind, pack: *pack }, *row))
    }

    /// Puts packs of these sizes that have no row at the end of the queue, as of `revision`.
    pub fn queue(
        &mut self,
        packs: impl IntoIterator<Item = (PackKind, PackId, u64)>,
        revision: u64,
        time_ns: TimeNs,
    ) {
        let mut fresh: Vec<(PackKind, PackId, u64)> = packs.into_iter().collect();
        fresh.retain(|(kind, pack, _)| !self.rows.contains_key(&(*kind, *pack)));
        let total = self.bytes().saturating_add(fresh.iter().map(|(_, _, size)| size).sum());
        for (kind, pack, size) in fresh {
            self.put(kind, pack, revision, Row { reached: Reached::Nothing, size, time_ns, total });
        }
    }

    /// Puts a row in the place of any that the pack has, and gives that one.
    fn put(&mut self, kind: PackKind, pack: PackId, revision: u64, row: Row) -> Option<(u64, Row)> {
        self.size += u128::from(row.size);
        let before = self.rows.insert((kind, pack), (revision, row));
        self.size -= before.map_or(0, |(_, row)| u128::from(row.size));
        before
    }

    /// Takes out the packs that are not `there`. Rows from behind `revision` stay: whoever put one saw a
    /// pack that a listing from before may lack.
    pub fn leave(&mut self, there: impl Fn(PackKind, &PackId) -> bool, revision: u64) {
        self.rows.retain(|(kind, pack), (place, _)| *place > revision || there(*kind, pack));
        self.size = self.rows.values().map(|(_, row)| u128::from(row.size)).sum();
    }

    /// A pack was decoded to its last content: it goes to the end of the queue.
    pub fn decoded(&mut self, kind: PackKind, pack: PackId, size: u64, revision: u64, time_ns: TimeNs) {
        self.queue([(kind, pack, size)], revision, time_ns);
        let total = self.bytes();
        let row = Row { reached: Reached::Decoded, size, time_ns, total };
        self.put(kind, pack, revision, row);
    }

    /// A pack's hash was compared. It keeps its place: a hash says nothing of what the pack decodes to.
    pub fn hashed(&mut self, kind: PackKind, pack: PackId) {
        if let Some((_, row)) = self.rows.get_mut(&(kind, pack)) {
            row.reached = row.reached.max(Reached::Hash);
        }
    }

    /// All packs, the longest unverified first.
    pub fn in_order(&self) -> Vec<(Place, Row)> {
        let place = |(&(kind, pack), &(revision, row)): (&_, &_)| (Place { revision, kind, pack }, row);
        let mut rows: Vec<(Place, Row)> = self.rows.iter().map(place).collect();
        rows.sort_unstable_by_key(|(place, _)| *place);
        rows
    }

    /// The bytes that a share is taken of: the most that all packs came to when one of the rows got its
    /// place.
    ///
    /// What stands before a pack when it gets its place is no more than all packs are then, and nothing
    /// ever joins before it. So runs that each decode x % of this from the front reach it after at most
    /// 100 / x of them, also if the repository shrinks meanwhile; a share of what is left might never.
    pub fn bytes_promised(&self) -> u64 {
        self.rows.values().map(|(_, row)| row.total).max().unwrap_or(0).max(self.bytes())
    }

    fn bytes(&self) -> u64 {
        u64::try_from(self.size).unwrap_or(u64::MAX)
    }

    /// What all rows come to.
    pub fn summary(&self, time_ns: TimeNs) -> Summary {
        let (packs, bytes) = (self.rows.len() as u64, self.bytes());
        let mut summary = Summary { packs, bytes, time_ns, ..Summary::default() };
        for (_, row) in self.rows.values() {
            if row.reached == Reached::Decoded {
                summary.decoded_packs += 1;
                summary.decoded_bytes = summary.decoded_bytes.saturating_add(row.size);
            }
        }
        summary
    }
}

#[cfg(test)]
mod tests;
