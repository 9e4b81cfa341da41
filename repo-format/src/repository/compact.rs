//! Keeping index segments few: small ones of one size are merged as commits go by.
//!
//! Every commit adds a segment. When eight of a tier have come together, whoever commits merges
//! them into the next tier, each about eight times as large, so a look-up meets few segments and a
//! row is rewritten once a tier. Segments of full size are left to maintenance.

use std::convert::Infallible;

use super::error::from_commit;
use super::{Repository, RepositoryError};
use crate::codec::{PackId, SegmentId};
use crate::format::segment::SegmentRef;
use crate::index::{TABLE_SIZE, merge};
use crate::log::{Action, CommitError, Invalid};

/// Segments of a tier that are merged into one of the next; a tier's largest is as many times its
/// smallest.
const FAN: u64 = 8;

impl Repository {
    /// Merges a tier of small segments if one is full.
    ///
    /// Losing a race against another compaction is no error: its result does as well.
    ///
    /// # Errors
    /// If segments cannot be read, put or committed. Nothing depends on compaction but time.
    pub(super) fn compact_if_due(&self) -> Result<(), RepositoryError> {
        let state = self.0.log.state();
        let segments: Vec<SegmentRef> = state.segments.values().copied().collect();
        let Some(tier) = full_tier(&segments) else { return Ok(()) };
        self.replace_segments(&tier, |_| true).map(drop)
    }

    /// Merges `segments` into as few as hold their rows, save for those of packs that are not to
    /// `keep`, and commits these in their place. Says whether they took it: another process may have
    /// replaced one first, and then its result does as well.
    ///
    /// # Errors
    /// If segments cannot be read, put or committed.
    pub(crate) fn replace_segments(
        &self,
        segments: &[SegmentRef],
        keep: impl Fn(&PackId) -> bool,
    ) -> Result<bool, RepositoryError> {
        let index = &self.0.index;
        let inputs: Vec<_> = segments.iter().map(|segment| index.rows_of(segment)).collect();
        let mut added = Vec::new();
        let merged = merge(inputs, keep, TABLE_SIZE, |table| {
            added.push(self.put_table(table)?);
            Ok::<(), RepositoryError>(())
        });
        match merged {
            Err(error) if error.is_outdated() && self.is_replaced(segments)? => return Ok(false),
            merged => drop(merged?),
        }
        let removed: Vec<SegmentId> = segments.iter().map(|segment| segment.id).collect();
        let replace = Action::ReplaceSegments { removed, added };
        match self.0.log.commit::<Infallible>(|_| Ok(vec![replace.clone()])) {
            Ok(_) => drop(self.adopt_state()),
            Err(CommitError::Invalid(Invalid::SegmentReplaced { .. } | Invalid::SegmentGone { .. })) => {
                return Ok(false);
            }
            Err(error) => return Err(from_commit(error)),
        }
        Ok(true)
    }

    /// Whether the newest state has not all of `segments` any more.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(crate) fn is_replaced(&self, segments: &[SegmentRef]) -> Result<bool, RepositoryError> {
        self.refresh()?;
        let state = self.state();
        Ok(segments.iter().any(|segment| !state.segments.contains_key(&segment.id)))
    }
}

/// Whether writers merge a segment with others as commits go by.
pub(crate) fn is_small(segment: &SegmentRef) -> bool {
    segment.size < TABLE_SIZE as u64 / 2
}

/// The smallest tier that is full, if one is.
fn full_tier(segments: &[SegmentRef]) -> Option<Vec<SegmentRef>> {
    let tier_of = |segment: &SegmentRef| segment.size.ilog2() / FAN.ilog2();
    let mut small: Vec<&SegmentRef> = segments.iter().filter(|segment| is_small(segment)).collect();
    small.sort_by_key(|segment| tier_of(segment));
    let tiers = small.chunk_by(|a, b| tier_of(a) == tier_of(b));
    let mut full = tiers.filter(|tier| tier.len() as u64 >= FAN);
    full.next().map(|tier| tier.iter().map(|segment| **segment).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::ContentId;

    fn segment(number: u8, size: u64) -> SegmentRef {
        let (first, last) = (ContentId([0; 32]), ContentId([255; 32]));
        SegmentRef { id: SegmentId([number; 32]), count: 1, first, last, size }
    }

    #[test]
    fn only_a_full_tier_of_small_segments_is_merged() {
        let mut segments: Vec<SegmentRef> = (0..7).map(|n| segment(n, 1000)).collect();
        segments.extend((10..30).map(|n| segment(n, 8 << 20)));
        segments.push(segment(40, 100_000));
        assert_eq!(full_tier(&segments), None);
        segments.push(segment(7, 600));
        let tier = full_tier(&segments).expect("eight of one tier");
        assert!(tier.len() == 8 && tier.iter().all(|segment| segment.size <= 1000));
    }
}
