//! Choosing packs to decode.

use crate::codec::PackId;
use crate::format::names::PackKind;

/// How many packs are decoded. Each verification chooses others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample {
    /// Of the bytes of all packs; from 0 to 100.
    Percent(f64),
    /// So many bytes of packs, at least one pack.
    Bytes(u64),
}

impl Sample {
    /// As many packs as reach the size, in an order that `seed` decides.
    pub(super) fn choose(
        self,
        mut packs: Vec<(PackKind, PackId, u64)>,
        seed: &[u8; 32],
    ) -> Vec<(PackKind, PackId, u64)> {
        let total: u64 = packs.iter().map(|(_, _, size)| size).sum();
        let wanted = match self {
            Sample::Percent(percent) => (total as f64 * percent.clamp(0.0, 100.0) / 100.0).ceil() as u64,
            Sample::Bytes(bytes) => bytes.max(1),
        };
        packs.sort_by_cached_key(|(_, id, _)| *blake3::keyed_hash(seed, id.as_bytes()).as_bytes());
        let mut chosen = 0;
        packs.retain(|(_, _, size)| {
            let more = chosen < wanted;
            chosen += if more { *size } else { 0 };
            more
        });
        packs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_reaches_its_size_and_changes_with_the_seed() {
        let packs: Vec<_> = (0..100).map(|n| (PackKind::Data, PackId([n; 32]), 1000)).collect();
        let chosen = |sample: Sample, seed| sample.choose(packs.clone(), &[seed; 32]);
        assert_eq!(chosen(Sample::Percent(5.0), 1).len(), 5);
        assert_ne!(chosen(Sample::Percent(5.0), 1), chosen(Sample::Percent(5.0), 2));
        assert_eq!(chosen(Sample::Percent(100.0), 1).len(), 100);
        assert_eq!(chosen(Sample::Percent(0.0), 1).len(), 0);
        assert_eq!(chosen(Sample::Bytes(2500), 1).len(), 3);
        assert_eq!(chosen(Sample::Bytes(0), 1).len(), 1);
        assert_eq!(chosen(Sample::Bytes(u64::MAX), 1).len(), 100);
    }
}
