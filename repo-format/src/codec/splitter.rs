//! The splitter: FastCDC 2020 with a gear table made from the master key (SPL-1 to SPL-3).

use fastcdc::v2020::{Normalization, cut_gear, select_masks};

/// Least, average and greatest piece, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitterSizes {
    pub least: u32,
    pub average: u32,
    pub greatest: u32,
}

impl SplitterSizes {
    /// 64 KiB, 256 KiB, 1 MiB.
    pub const DEFAULT: SplitterSizes = SplitterSizes::of_average(256 * 1024);

    const fn of_average(average: u32) -> SplitterSizes {
        SplitterSizes { least: average / 4, average, greatest: average * 4 }
    }

    /// The sizes around `average`, if SPL-1 allows it: 64, 128 or 256 KiB.
    pub fn around(average: u32) -> Option<SplitterSizes> {
        matches!(average, 0x1_0000 | 0x2_0000 | 0x4_0000).then(|| SplitterSizes::of_average(average))
    }
}

/// Cuts streams into pieces.
///
/// ```
/// use repo_format::codec::{Cut, MasterKey, Splitter, SplitterSizes};
/// let splitter = Splitter::new(&MasterKey::from_bytes([7; 32]).subkeys(), SplitterSizes::DEFAULT);
/// assert_eq!(splitter.cut(&[0; 100]), 100);
/// ```
pub struct Splitter {
    sizes: SplitterSizes,
    gear: Box<[u64; 256]>,
    gear_shifted: Box<[u64; 256]>,
    mask_strict: u64,
    mask_wide: u64,
}

/// Where a stream is cut: what objects need of a splitter.
pub trait Cut: Send + Sync {
    /// Length of the first piece of a stream whose remaining bytes start with `bytes`.
    ///
    /// `bytes` must be at least [`Self::max`] long or reach the stream's end.
    fn cut(&self, bytes: &[u8]) -> usize;

    /// The greatest piece, in bytes.
    fn max(&self) -> usize;
}

impl Splitter {
    /// A splitter of `sizes` with the repository's own gear table (SPL-2).
    pub fn new(keys: &super::Subkeys, sizes: SplitterSizes) -> Splitter {
        let mut gear = Box::new([0u64; 256]);
        let mut gear_shifted = Box::new([0u64; 256]);
        let (words, _) = keys.gear().as_chunks::<8>();
        for ((plain, shifted), word) in gear.iter_mut().zip(gear_shifted.iter_mut()).zip(words) {
            *plain = u64::from_le_bytes(*word);
            *shifted = *plain << 1;
        }
        let (mask_strict, mask_wide) = select_masks(sizes.average as usize, Normalization::Level1);
        Splitter { sizes, gear, gear_shifted, mask_strict, mask_wide }
    }

    /// The sizes it cuts to.
    pub fn sizes(&self) -> SplitterSizes {
        self.sizes
    }
}

impl Cut for Splitter {
    fn cut(&self, bytes: &[u8]) -> usize {
        let (_, length) = cut_gear(
            bytes,
            self.sizes.least as usize,
            self.sizes.average as usize,
            self.sizes.greatest as usize,
            self.mask_strict,
            self.mask_wide,
            self.mask_strict << 1,
            self.mask_wide << 1,
            &self.gear[..],
            &self.gear_shifted[..],
        );
        length
    }

    fn max(&self) -> usize {
        self.sizes.greatest as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::MasterKey;

    /// SPL-3 word by word.
    fn naive(gear: &[u64; 256], sizes: SplitterSizes, masks: (u64, u64), bytes: &[u8]) -> usize {
        let (least, average, greatest) =
            (sizes.least as usize, sizes.average as usize, sizes.greatest as usize);
        if bytes.len() <= least {
            return bytes.len();
        }
        let end = bytes.len().min(greatest);
        let center = average.min(bytes.len()) & !1;
        let mut hash = 0u64;
        for (place, byte) in bytes.iter().enumerate().take(end & !1).skip(least) {
            hash = (hash << 1).wrapping_add(gear[*byte as usize]);
            let mask = if place < center { masks.0 } else { masks.1 };
            if hash & mask == 0 {
                return place;
            }
        }
        end
    }

    fn masks_of_the_spec(average: u32) -> (u64, u64) {
        match average {
            0x1_0000 => (0x0000_d907_0353_7000, 0x0000_d90f_0353_0000),
            0x2_0000 => (0x0000_d907_0753_7000, 0x0000_d903_0353_7000),
            _ => (0x0000_d917_0753_7000, 0x0000_d907_0353_7000),
        }
    }

    #[test]
    fn cuts_as_the_spec_says() {
        let mut bytes = vec![0; 3_000_001];
        blake3::Hasher::new().update(b"splitter").finalize_xof().fill(&mut bytes);
        bytes[1_000_000..1_900_000].fill(0);
        let keys = MasterKey::from_bytes([3; 32]).subkeys();
        for average in [0x1_0000, 0x2_0000, 0x4_0000] {
            let sizes = SplitterSizes::around(average).expect("allowed");
            let splitter = Splitter::new(&keys, sizes);
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let length = splitter.cut(rest);
                assert_eq!(length, naive(&splitter.gear, sizes, masks_of_the_spec(average), rest));
                assert!(length > 0 && length <= splitter.max());
                rest = &rest[length..];
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Runs of noise, of text and of zeros; read in whatever portions the source gives.
        #[test]
        fn pieces_put_together_are_the_stream(
            runs in prop::collection::vec((0u64..3, 0usize..400_000), 0..6),
            more in prop::collection::vec(0usize..300_000, 1..8),
        ) {
            let mut bytes = Vec::new();
            for (number, (kind, len)) in (0u64..).zip(runs) {
                let mut run = vec![0; len];
                match kind {
                    0 => blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut run),
                    1 => run.iter_mut().zip(b"so it goes, ".iter().cycle()).for_each(|(to, from)| *to = *from),
                    _ => {}
                }
                bytes.extend(run);
            }
            let sizes = SplitterSizes::around(0x1_0000).expect("allowed");
            let splitter = Splitter::new(&MasterKey::from_bytes([3; 32]).subkeys(), sizes);
            let (mut pieces, mut rest, mut more) = (Vec::new(), &bytes[..], more.iter().cycle());
            while !rest.is_empty() {
                // What lies behind the greatest piece changes nothing.
                let seen = (splitter.max() + more.next().expect("goes on for ever")).min(rest.len());
                let (piece, left) = rest.split_at(splitter.cut(&rest[..seen]));
                prop_assert_eq!(piece.len(), splitter.cut(rest));
                prop_assert!(piece.len() <= sizes.greatest as usize);
                prop_assert!(left.is_empty() || piece.len() >= sizes.least as usize);
                pieces.push(piece);
                rest = left;
            }
            prop_assert!(pieces.concat() == bytes);
        }
    }
}
