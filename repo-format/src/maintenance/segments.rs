//! Index segments in maintenance: rows of packs that are gone leave, and segments that lie over
//! each other become few.

use std::collections::HashSet;

use super::MaintenanceError;
use crate::codec::PackId;
use crate::engine::progress::Stop;
use crate::format::segment::SegmentRef;
use crate::index::IndexError;
use crate::log::State;
use crate::repository::{Repository, is_small};

/// More segments than this that cover one place of the key space are merged.
const DEPTH_MAX: usize = 4;
/// Bytes of segments that one merge reads. A small merge is soon committed, before a writer merges
/// one of its inputs.
const MERGE_BYTES: u64 = 64 << 20;
/// So often a merge that lost against a writer is tried again.
const TRIES: usize = 20;

/// Rewrites the segments that name packs which the state as it was read last dooms, or `missing` ones,
/// without them. Says whether none is left; a run that is told to stop, or loses too often, leaves some
/// for the next.
///
/// No segment comes to name such a pack later: who commits one checks that its packs are not doomed
/// (LOG-7), and who merges some takes such rows from one that is named here, whose replacement then fails.
///
/// # Errors
/// If segments cannot be read, put or committed.
pub(crate) fn drop_rows(
    repository: &Repository,
    missing: &HashSet<PackId>,
    stop: &Stop,
) -> Result<bool, MaintenanceError> {
    for round in 0..TRIES {
        if round > 0 {
            repository.refresh()?;
        }
        let state = repository.state();
        let gone = |pack: &PackId| state.is_lost(pack) || missing.contains(pack);
        let affected = match naming(repository, &state, gone) {
            // Another maintainer was faster.
            Err(error) if error.is_gone() && repository.is_replaced(&all(&state))? => continue,
            affected => affected?,
        };
        let mut all_done = true;
        for group in groups(affected) {
            if stop.is_requested() {
                return Ok(false);
            }
            // A writer that was faster merged some of them; the next round sees the result.
            all_done &= repository.replace_segments(&group, |pack| !gone(pack))?;
        }
        if all_done {
            return Ok(true);
        }
    }
    Ok(false)
}

fn all(state: &State) -> Vec<SegmentRef> {
    state.segments.values().copied().collect()
}

/// The segments that have rows of such packs.
fn naming(
    repository: &Repository,
    state: &State,
    is_wanted: impl Fn(&PackId) -> bool,
) -> Result<Vec<SegmentRef>, IndexError> {
    let mut naming = Vec::new();
    for segment in state.segments.values() {
        if repository.index().packs_of(segment)?.iter().any(&is_wanted) {
            naming.push(*segment);
        }
    }
    Ok(naming)
}

/// Merges segments that lie over each other more than a few deep: the large ones, which writers leave
/// alone, and by themselves the small ones, which a writer may merge before.
///
/// # Errors
/// If segments cannot be read, put or committed.
pub(super) fn merge(repository: &Repository, stop: &Stop) -> Result<(), MaintenanceError> {
    for small in [false, true] {
        let deep = || {
            let mut segments = all(&repository.state());
            segments.retain(|segment| is_small(segment) == small);
            (depth(&segments) > DEPTH_MAX).then_some(segments)
        };
        if deep().is_none() || stop.is_requested() {
            continue;
        }
        // Whoever is busy beside us may have merged them.
        repository.refresh()?;
        if let Some(segments) = deep() {
            repository.replace_segments(&segments, |_| true)?;
        }
    }
    Ok(())
}

/// How many segments cover the place of the key space that most cover.
pub(super) fn depth(segments: &[SegmentRef]) -> usize {
    let mut ends: Vec<(&[u8; 32], bool)> = Vec::with_capacity(2 * segments.len());
    for segment in segments {
        // An end sorts behind a beginning at the same place.
        ends.push((&segment.first.0, false));
        ends.push((&segment.last.0, true));
    }
    ends.sort_unstable();
    let (mut open, mut deepest) = (0usize, 0);
    for (_, is_end) in ends {
        match is_end {
            true => open -= 1,
            false => open += 1,
        }
        deepest = deepest.max(open);
    }
    deepest
}

/// Segments in the order of their keys, in groups of bounded size.
fn groups(mut segments: Vec<SegmentRef>) -> Vec<Vec<SegmentRef>> {
    // Small ones last, each group soon read and committed: they are what writers merge, too.
    segments.sort_by_key(|segment| (std::cmp::Reverse(segment.size >> 22), segment.first));
    let mut groups: Vec<Vec<SegmentRef>> = Vec::new();
    let mut bytes = u64::MAX;
    for segment in segments {
        if bytes.saturating_add(segment.size) > MERGE_BYTES {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += segment.size;
        groups.last_mut().into_iter().for_each(|group| group.push(segment));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{ContentId, SegmentId};

    fn segment(number: u8, first: u8, last: u8, size: u64) -> SegmentRef {
        let key = |byte| ContentId([byte; 32]);
        SegmentRef { id: SegmentId([number; 32]), count: 1, first: key(first), last: key(last), size }
    }

    #[test]
    fn depth_counts_segments_over_one_key() {
        assert_eq!(depth(&[]), 0);
        let row = [segment(1, 0, 9, 1), segment(2, 10, 20, 1), segment(3, 21, 255, 1)];
        assert_eq!(depth(&row), 1);
        assert_eq!(depth(&[segment(1, 0, 10, 1), segment(2, 10, 20, 1)]), 2);
        assert_eq!(depth(&[row[0], row[1], segment(4, 5, 12, 1), segment(5, 11, 11, 1)]), 3);
    }

    #[test]
    fn groups_hold_everything_once_and_no_more_than_they_may() {
        let segments: Vec<SegmentRef> = (0..40).map(|n| segment(n, n, n, 8 << 20)).collect();
        let groups = groups(segments.clone());
        assert!(groups.iter().all(|group| group.iter().map(|s| s.size).sum::<u64>() <= MERGE_BYTES));
        assert_eq!(groups.concat(), segments);
        assert_eq!(super::groups(vec![segment(1, 0, 0, u64::MAX)]).len(), 1);
    }
}
