//! quickXorHash, the hash by which business drives name a file's content.
//!
//! A register of 160 bits, zero at first. Byte *i* of the content is XORed in at bit 11·*i* mod 160,
//! bits past the last wrap to the first; at the end the length, eight bytes little-endian, is XORed
//! into bytes 12 to 19. Two bytes 160 apart meet the same bits, so the content may be folded first:
//! [`QuickXorHash::update`] XORs it into a row of 160 bytes, word by word, and the 160 positions are
//! placed once, at the end.
//!
//! ```
//! use graph_client::quickxor::QuickXorHash;
//!
//! let mut hash = QuickXorHash::new();
//! hash.update(b"hello ");
//! hash.update(b"world");
//! assert_eq!(hash.finish().to_string(), "aCgDG9jwBhDc4Q1yawMZAAAAAAA=");
//! ```

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// After so many bytes a byte meets the same bits again.
const PERIOD: usize = 160;
/// Bits of the register.
const BITS: usize = 160;
/// Bytes of a state.
const STATE_SIZE: usize = 8 + PERIOD;
/// How far one byte stands from the one before it, in bits.
const SHIFT: usize = 11;

/// A hash in the making. It may be cloned, to go on from here later.
#[derive(Clone)]
pub struct QuickXorHash {
    /// The content so far, folded: byte *i* of it is XORed into place *i* mod 160.
    row: [u8; PERIOD],
    /// Bytes seen.
    length: u64,
}

/// A finished hash, 20 bytes; shown and read as base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct QuickXor(pub [u8; 20]);

impl QuickXorHash {
    /// The hash of nothing so far.
    pub fn new() -> Self {
        Self { row: [0; PERIOD], length: 0 }
    }

    /// Takes the next bytes of the content.
    pub fn update(&mut self, bytes: &[u8]) {
        let at = usize::try_from(self.length % PERIOD as u64).expect("less than 160");
        let (head, rest) = bytes.split_at(bytes.len().min((PERIOD - at) % PERIOD));
        xor(&mut self.row[at..], head);
        for row in rest.chunks(PERIOD) {
            xor(&mut self.row, row);
        }
        self.length = self.length.wrapping_add(bytes.len() as u64);
    }

    /// Takes back the `last` bytes that were seen.
    pub fn take_back(&mut self, last: &[u8]) {
        let before = self.length.wrapping_sub(last.len() as u64);
        self.length = before;
        // XORed in at the same places once more, they are out.
        self.update(last);
        self.length = before;
    }

    /// The state, to go on from elsewhere: the length in eight bytes little-endian, and the row.
    pub fn to_bytes(&self) -> [u8; STATE_SIZE] {
        let mut bytes = [0; STATE_SIZE];
        bytes[..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..].copy_from_slice(&self.row);
        bytes
    }

    /// A state that [`Self::to_bytes`] gave; `None` for another number of bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (length, row) = bytes.split_first_chunk()?;
        Some(Self { row: row.try_into().ok()?, length: u64::from_le_bytes(*length) })
    }

    /// Bytes seen so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The hash of all that was seen.
    pub fn finish(&self) -> QuickXor {
        // One byte more than the register: a byte that begins in its last bits ends past them.
        let mut register = [0_u8; BITS / 8 + 1];
        for (place, byte) in self.row.iter().enumerate() {
            let bit = SHIFT * place % BITS;
            let placed = u16::from(*byte) << (bit % 8);
            let [low, high] = placed.to_le_bytes();
            register[bit / 8] ^= low;
            register[bit / 8 + 1] ^= high;
        }
        let [mut hash @ .., wrapped] = register;
        hash[0] ^= wrapped;
        xor(&mut hash[12..], &self.length.to_le_bytes());
        QuickXor(hash)
    }
}

impl Default for QuickXorHash {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for QuickXorHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QuickXorHash({} after {} bytes)", self.finish(), self.length)
    }
}

impl fmt::Display for QuickXor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for QuickXor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QuickXor({self})")
    }
}

/// The text is not 20 bytes in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a quickXorHash")]
pub struct NotQuickXor;

impl FromStr for QuickXor {
    type Err = NotQuickXor;

    fn from_str(text: &str) -> Result<Self, NotQuickXor> {
        let bytes = STANDARD.decode(text).map_err(|_| NotQuickXor)?;
        bytes.try_into().map(QuickXor).map_err(|_| NotQuickXor)
    }
}

/// XORs `from` into the front of `into`, which is at least as long.
fn xor(into: &mut [u8], from: &[u8]) {
    for (into, from) in into.iter_mut().zip(from) {
        *into ^= from;
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{SHA256, digest};
    use proptest::prelude::*;

    use super::*;

    /// The definition, bit by bit.
    fn by_definition(bytes: &[u8]) -> QuickXor {
        let mut register = [0_u8; 20];
        for (at, byte) in bytes.iter().enumerate() {
            for bit in (0..8).filter(|bit| byte >> bit & 1 == 1) {
                let to = (SHIFT * at + bit) % BITS;
                register[to / 8] ^= 1 << (to % 8);
            }
        }
        xor(&mut register[12..], &(bytes.len() as u64).to_le_bytes());
        QuickXor(register)
    }

    fn hash(bytes: &[u8]) -> QuickXor {
        let mut hash = QuickXorHash::new();
        hash.update(bytes);
        hash.finish()
    }

    /// The first `length` bytes of SHA-256(0), SHA-256(1), …
    fn noise(length: usize) -> Vec<u8> {
        let block = |k: u64| digest(&SHA256, &k.to_le_bytes()).as_ref().to_vec();
        let mut bytes: Vec<u8> = (0..length.div_ceil(32) as u64).flat_map(block).collect();
        bytes.truncate(length);
        bytes
    }

    #[derive(serde::Deserialize)]
    struct Vectors {
        vectors: Vec<Vector>,
    }

    #[derive(serde::Deserialize)]
    struct Vector {
        ascii: Option<String>,
        len: usize,
        #[serde(rename = "quickXorHash")]
        hash: String,
    }

    #[test]
    fn every_vector_is_met() {
        let text = include_str!("../tests/examples/_vectors/quickxorhash.json");
        let vectors: Vectors = serde_json::from_str(text).unwrap();
        assert_eq!(vectors.vectors.len(), 28);
        for vector in vectors.vectors {
            let bytes = vector.ascii.map_or_else(|| noise(vector.len), String::into_bytes);
            assert_eq!(bytes.len(), vector.len);
            assert_eq!(hash(&bytes).to_string(), vector.hash, "{} bytes", vector.len);
        }
    }

    #[test]
    fn only_twenty_bytes_are_a_hash() {
        assert_eq!("AAAA".parse::<QuickXor>(), Err(NotQuickXor));
        assert_eq!("not base64!".parse::<QuickXor>(), Err(NotQuickXor));
    }

    proptest! {
        #[test]
        fn the_fast_form_is_the_definition(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
            prop_assert_eq!(hash(&bytes), by_definition(&bytes));
        }

        #[test]
        fn what_is_taken_back_was_never_there_and_a_state_goes_on(
            bytes in prop::collection::vec(any::<u8>(), 0..2000),
            kept in 0..2000_usize,
        ) {
            let kept = kept.min(bytes.len());
            let mut whole = QuickXorHash::new();
            whole.update(&bytes);
            whole.take_back(&bytes[kept..]);
            prop_assert_eq!((whole.length(), whole.finish()), (kept as u64, hash(&bytes[..kept])));
            let state = whole.to_bytes();
            let mut again = QuickXorHash::from_bytes(&state).unwrap();
            again.update(&bytes[kept..]);
            prop_assert_eq!(again.finish(), hash(&bytes));
            prop_assert!(QuickXorHash::from_bytes(&state[1..]).is_none());
        }

        #[test]
        fn cuts_do_not_matter(
            bytes in prop::collection::vec(any::<u8>(), 0..2000),
            cuts in prop::collection::vec(0..400_usize, 0..9),
        ) {
            let mut rest = bytes.as_slice();
            let mut cut = QuickXorHash::new();
            for length in cuts {
                let (head, tail) = rest.split_at(length.min(rest.len()));
                cut.update(head);
                rest = tail;
            }
            cut.update(rest);
            prop_assert_eq!(cut.finish(), hash(&bytes));
            prop_assert_eq!(cut.finish().to_string().parse(), Ok(cut.finish()));
        }
    }
}
