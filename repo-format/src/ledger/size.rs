//! Which layers are merged when new entries come on top.
//!
//! Sizes at least halve from each layer to the next. So there are few, and whenever an entry is
//! written again it is in a layer half as large again: a run with n checkpoints writes each entry
//! about log n times, not n times.

use super::LAYERS_MAX;

/// The first of the layers that `fresh` new entries are merged with; their number for none.
///
/// `sizes` are entries of each layer, the oldest first. Those below `floor` are left alone unless
/// there is no room else.
pub(super) fn merge_from(sizes: &[u64], floor: usize, fresh: u64) -> usize {
    let (mut from, mut total) = (sizes.len(), fresh);
    while from > floor && (sizes[from - 1] / 2 < total || from >= LAYERS_MAX) {
        from -= 1;
        total = total.saturating_add(sizes[from]);
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes `count` times `fresh` entries; gives the most layers there were and entries written.
    fn run(mut sizes: Vec<u64>, floor: usize, fresh: u64, count: u64) -> (usize, u64) {
        let (mut most, mut written) = (0, 0);
        for _ in 0..count {
            let from = merge_from(&sizes, floor, fresh);
            let merged = fresh + sizes[from..].iter().sum::<u64>();
            sizes.truncate(from);
            sizes.push(merged);
            written += merged;
            most = most.max(sizes.len());
        }
        (most, written)
    }

    #[test]
    fn a_hundred_checkpoints_write_each_entry_a_few_times() {
        let (most, written) = run(vec![1_000_000], 1, 3333, 100);
        assert!(most <= 8, "{most} layers");
        assert!(written < 3333 * 100 * 7, "{written} entries for {}", 3333 * 100);
    }

    #[test]
    fn however_many_layers_come_they_stay_few() {
        assert!(run(Vec::new(), 0, 1, 70_000).0 <= LAYERS_MAX);
        assert!(run(vec![9; 3], 3, 1, 70_000).0 <= LAYERS_MAX);
    }
}
