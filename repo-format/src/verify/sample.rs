//! How much is decoded where not all is, and in which order nobody says.

use super::listing::ListedPack;

/// How many packs are decoded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample {
    /// Of the bytes of all packs; from 0 to 100.
    Percent(f64),
    /// So many bytes of packs, at least one pack.
    Bytes(u64),
}

impl Sample {
    /// The bytes to be decoded where all packs come to `total`.
    pub(super) fn bytes_of(self, total: u64) -> u64 {
        match self {
            Sample::Percent(percent) => (total as f64 * percent.clamp(0.0, 100.0) / 100.0).ceil() as u64,
            Sample::Bytes(bytes) => bytes.max(1),
        }
    }
}

/// The packs in an order that `seed` decides.
pub(super) fn shuffled(mut packs: Vec<ListedPack>, seed: &[u8; 32]) -> Vec<ListedPack> {
    packs.sort_by_cached_key(|(_, id, _)| *blake3::keyed_hash(seed, id.as_bytes()).as_bytes());
    packs
}

/// Takes packs from the front of `queue` until they come to `bytes`, or nothing is left.
pub(super) fn take(queue: &mut impl Iterator<Item = ListedPack>, bytes: u64) -> Vec<ListedPack> {
    let (mut taken, mut sum) = (Vec::new(), 0);
    while sum < bytes
        && let Some(pack) = queue.next()
    {
        sum += pack.2;
        taken.push(pack);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::PackId;
    use crate::format::names::PackKind;

    #[test]
    fn a_share_reaches_its_size_and_a_shuffle_changes_with_the_seed() {
        let packs: Vec<_> = (0..100).map(|n| (PackKind::Data, PackId([n; 32]), 1000)).collect();
        let count = |sample: Sample| take(&mut packs.iter().copied(), sample.bytes_of(100_000)).len();
        assert_eq!(count(Sample::Percent(5.0)), 5);
        assert_eq!(count(Sample::Percent(4.01)), 5);
        assert_eq!(count(Sample::Percent(100.0)), 100);
        assert_eq!(count(Sample::Percent(0.0)), 0);
        assert_eq!(count(Sample::Bytes(2500)), 3);
        assert_eq!(count(Sample::Bytes(0)), 1);
        assert_eq!(count(Sample::Bytes(u64::MAX)), 100);
        let first = |seed| shuffled(packs.clone(), &[seed; 32])[..5].to_vec();
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }
}
