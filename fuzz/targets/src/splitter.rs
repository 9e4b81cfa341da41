//! The splitter (SPL-1 to SPL-3) against the clause word by word.

use std::sync::LazyLock;

use repo_format::codec::{Cut, Splitter, SplitterSizes};

use crate::forge::{MASTER, keys};

/// Streams longer than this take too long and show nothing new.
const STREAM_SIZE_MAX: usize = 1 << 20;
/// Bytes that make a run: a seed, and a length in steps of 16.
const RUN_SIZE: usize = 3;

/// Averages, and the two masks that SPL-3 gives each.
const MASKS: [(u32, u64, u64); 3] = [
    (0x1_0000, 0x0000_d907_0353_7000, 0x0000_d90f_0353_0000),
    (0x2_0000, 0x0000_d907_0753_7000, 0x0000_d903_0353_7000),
    (0x4_0000, 0x0000_d917_0753_7000, 0x0000_d907_0353_7000),
];

/// The gear table as SPL-2 derives it.
static GEAR: LazyLock<[u64; 256]> = LazyLock::new(|| {
    let mut bytes = [0; 2048];
    let mut hasher = blake3::Hasher::new_derive_key("corso 2026-11-22 v0 splitter gear");
    hasher.update(&MASTER).finalize_xof().fill(&mut bytes);
    let (words, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|place| u64::from_le_bytes(words[place]))
});

pub fn run(data: &[u8]) -> bool {
    let Some((choice, runs)) = data.split_first() else { return false };
    let (average, strict, wide) = MASKS[usize::from(*choice) % MASKS.len()];
    let sizes = SplitterSizes::around(average).expect("SPL-1 allows it");
    let splitter = Splitter::new(keys(), sizes);
    let (runs, behind) = runs.as_chunks::<RUN_SIZE>();
    let stream = stream(runs);
    let mut rest = &stream[..];
    while !rest.is_empty() {
        let length = splitter.cut(rest);
        assert_eq!(length, plain_cut(sizes, (strict, wide), rest), "a piece ends where SPL-3 says");
        assert!((1..=splitter.max()).contains(&length), "no piece is empty or too long");
        rest = &rest[length..];
    }
    !stream.is_empty() && behind.is_empty()
}

/// Runs of one byte each, for even seeds, or of noise.
fn stream(runs: &[[u8; RUN_SIZE]]) -> Vec<u8> {
    let mut stream = Vec::new();
    for [seed, length @ ..] in runs {
        let start = stream.len();
        let length = usize::from(u16::from_le_bytes(*length)) * 16;
        stream.resize((start + length).min(STREAM_SIZE_MAX), *seed);
        if seed % 2 == 1 {
            blake3::Hasher::new().update(&[*seed]).finalize_xof().fill(&mut stream[start..]);
        }
    }
    stream
}

fn plain_cut(sizes: SplitterSizes, (strict, wide): (u64, u64), bytes: &[u8]) -> usize {
    let [least, average, greatest] = [sizes.least, sizes.average, sizes.greatest].map(|size| size as usize);
    if bytes.len() <= least {
        return bytes.len();
    }
    let end = bytes.len().min(greatest);
    let center = average.min(bytes.len()) & !1;
    let mut hash = 0u64;
    for (place, byte) in bytes.iter().enumerate().take(end & !1).skip(least) {
        hash = (hash << 1).wrapping_add(GEAR[usize::from(*byte)]);
        if hash & (if place < center { strict } else { wide }) == 0 {
            return place;
        }
    }
    end
}

pub fn seeds() -> Vec<Vec<u8>> {
    let run = |seed: u8, length: u16| [&[seed][..], &length.to_le_bytes()].concat();
    (0..3).map(|choice| [&[choice][..], &run(1, 0x6000), &run(0, 0x2000), &run(3, 0x3001)].concat()).collect()
}
