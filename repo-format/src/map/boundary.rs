//! Where nodes end (MAP-3).

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A node ends only after so many entries.
const ENTRIES_LEAST: usize = 8;
/// And then at every 24th key, as its hash has it: 2^64 / 24 rounded down.
const THRESHOLD: u64 = 768_614_336_404_564_650;

/// The key of the hash that decides where nodes end: K_map (KEY-2).
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MapKey([u8; 32]);

impl MapKey {
    /// Takes the 32 bytes of K_map.
    pub fn new(key: [u8; 32]) -> Self {
        MapKey(key)
    }

    /// Whether a node of `level` ends after `key`, which is its `count`-th entry.
    pub(super) fn ends_node(&self, level: u8, key: &[u8], count: usize) -> bool {
        count >= super::NODE_ENTRIES_MAX || (count >= ENTRIES_LEAST && self.hash(level, key) < THRESHOLD)
    }

    fn hash(&self, level: u8, key: &[u8]) -> u64 {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&[level]).update(key);
        let mut first = [0; 8];
        hasher.finalize_xof().fill(&mut first);
        u64::from_le_bytes(first)
    }
}

impl std::fmt::Debug for MapKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MapKey(secret)")
    }
}
