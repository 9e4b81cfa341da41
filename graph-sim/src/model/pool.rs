//! The contents of a million files, made of few blocks, with true hashes at no cost.
//!
//! A generated content is a run of blocks of 65,600 bytes, the last one cut. Each block is one of the
//! pool's 256, drawn from the content's seed, but for its first row of 160 bytes, which is drawn from
//! (seed, block number): no two files share blocks, so a backup that deduplicates does not fold all
//! files into the pool. Its quickXorHash is the XOR of what is stored for the pool's blocks and of the
//! own rows; any range of it is arithmetic.

use bytes::Bytes;

use super::quickxor::{self, ROW, Register, fold, xor};
use crate::seed::Seed;

/// Bytes of a block: 410 rows, so every block begins at a multiple of 160.
pub const BLOCK: usize = 410 * ROW;
const BLOCKS: usize = 256;
const WORDS: &[&str] = &[
    "the ",
    "of ",
    "report ",
    "and ",
    "quarter ",
    "to ",
    "budget ",
    "in ",
    "meeting ",
    "for ",
    "project ",
    "is ",
    "customer ",
    "with ",
    "figures ",
    "on ",
    "summary\n",
    "by ",
    "draft ",
    "this ",
    "review ",
    "plan.\n",
    "as ",
    "delivery ",
    "contract ",
    "from ",
    "schedule ",
    "at ",
    "notes:\n",
    "team ",
    "was ",
    "approved ",
];

/// What a generated content is made from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recipe {
    pub seed: u64,
    /// Bytes.
    pub size: u64,
    /// Words, which shrink well, in place of noise.
    pub text: bool,
}

/// The shared blocks and the registers of their row prefixes: 17 MB and 2 MB.
pub struct Pool {
    blocks: Vec<Bytes>,
    /// Of rows 1 to n of each block, by block and n; row 0 is never used.
    prefixes: Vec<Register>,
}

impl Pool {
    /// The pool of a tenant; the first half of its blocks are words, the others noise.
    pub fn new(seed: Seed) -> Self {
        let block = |index: usize| {
            let seed = seed.with(index as u64);
            if index < BLOCKS / 2 { words(seed) } else { noise(seed, BLOCK) }
        };
        let blocks: Vec<Bytes> = (0..BLOCKS).map(|index| Bytes::from(block(index))).collect();
        let prefixes = blocks.iter().flat_map(|block| prefixes(block)).collect();
        Pool { blocks, prefixes }
    }

    /// The quickXorHash of a whole content.
    pub fn hash(&self, recipe: &Recipe) -> Register {
        let mut register = [0; 20];
        let mut rows = [0; ROW];
        let mut left = recipe.size;
        for number in 0..recipe.size.div_ceil(BLOCK as u64) {
            let length = left.min(BLOCK as u64) as usize;
            left -= length as u64;
            xor(&mut rows, &own_row(recipe, number)[..length.min(ROW)]);
            let index = self.index(recipe, number);
            let whole = length / ROW;
            xor(&mut register, &self.prefixes[index * (BLOCK / ROW + 1) + whole]);
            if whole > 0 {
                xor(&mut rows, &self.blocks[index][whole * ROW..length]);
            }
        }
        xor(&mut register, &fold(&rows));
        quickxor::with_length(register, recipe.size)
    }

    /// The bytes from `offset` on, as far as one piece reaches: never empty before `recipe.size`, and
    /// shared with the pool but for own rows.
    pub fn piece(&self, recipe: &Recipe, offset: u64) -> Bytes {
        let number = offset / BLOCK as u64;
        let within = (offset % BLOCK as u64) as usize;
        let length = recipe.size.saturating_sub(number * BLOCK as u64).min(BLOCK as u64) as usize;
        if within < ROW.min(length) {
            return Bytes::copy_from_slice(&own_row(recipe, number)[within..ROW.min(length)]);
        }
        self.blocks[self.index(recipe, number)].slice(within.min(length)..length)
    }

    fn index(&self, recipe: &Recipe, number: u64) -> usize {
        let half = BLOCKS / 2;
        let drawn = Seed(recipe.seed).with(number).below(half as u64) as usize;
        if recipe.text { drawn } else { half + drawn }
    }
}

/// Row 0 of a block: the content's own.
fn own_row(recipe: &Recipe, number: u64) -> [u8; ROW] {
    let seed = Seed(recipe.seed ^ 0x5eed_0f00).with(number);
    let mut row = [0; ROW];
    for (index, eight) in row.chunks_exact_mut(8).enumerate() {
        let drawn = crate::seed::mix(seed.0.wrapping_add(index as u64));
        if recipe.text {
            let letters = drawn.to_le_bytes().map(|byte| b'a' + byte % 26);
            eight.copy_from_slice(&letters);
        } else {
            eight.copy_from_slice(&drawn.to_le_bytes());
        }
    }
    row
}

fn words(seed: Seed) -> Vec<u8> {
    let mut text = Vec::with_capacity(BLOCK + 16);
    let mut count = 0;
    while text.len() < BLOCK {
        text.extend_from_slice(seed.with(count).pick(WORDS).as_bytes());
        count += 1;
    }
    text.truncate(BLOCK);
    text
}

fn noise(seed: Seed, length: usize) -> Vec<u8> {
    (0..length.div_ceil(8) as u64).flat_map(|index| seed.with(index).0.to_le_bytes()).take(length).collect()
}

/// Registers of rows 1 to n, for n of 0 and 1 (nothing), 2, … 410.
fn prefixes(block: &[u8]) -> Vec<Register> {
    let mut sum = [0; 20];
    let mut all = vec![sum, sum];
    for row in block.chunks_exact(ROW).skip(1) {
        let row: &[u8; ROW] = row.try_into().expect("chunks of a row's length");
        xor(&mut sum, &fold(row));
        all.push(sum);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(pool: &Pool, recipe: &Recipe, from: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while from + (bytes.len() as u64) < recipe.size {
            bytes.extend_from_slice(&pool.piece(recipe, from + bytes.len() as u64));
        }
        bytes
    }

    #[test]
    fn hash_by_arithmetic_is_hash_of_the_bytes() {
        let pool = Pool::new(Seed(7));
        let block = BLOCK as u64;
        let sizes =
            [0, 1, 159, 160, 161, 319, 320, 4_000, block - 1, block, block + 1, block + 161, 5 * block + 777];
        for size in sizes {
            for text in [false, true] {
                let recipe = Recipe { seed: size ^ 99, size, text };
                let bytes = whole(&pool, &recipe, 0);
                assert_eq!(bytes.len() as u64, size);
                assert_eq!(pool.hash(&recipe), quickxor::hash(&bytes), "size {size}");
            }
        }
    }

    #[test]
    fn any_range_is_the_same_bytes() {
        let pool = Pool::new(Seed(7));
        let recipe = Recipe { seed: 3, size: 3 * BLOCK as u64 + 5, text: false };
        let bytes = whole(&pool, &recipe, 0);
        for from in [0, 1, 159, 160, 161, BLOCK - 1, BLOCK, BLOCK + 200, 3 * BLOCK + 4] {
            assert_eq!(whole(&pool, &recipe, from as u64), bytes[from..]);
        }
    }

    #[test]
    fn no_two_files_share_blocks_and_seeds_decide() {
        let pool = Pool::new(Seed(7));
        let one = Recipe { seed: 1, size: BLOCK as u64, text: true };
        let other = Recipe { seed: 2, ..one };
        assert_ne!(pool.hash(&one), pool.hash(&other));
        assert_eq!(pool.hash(&one), Pool::new(Seed(7)).hash(&one));
    }
}
