//! quickXorHash, the content hash of OneDrive and SharePoint.
//!
//! A register of 160 bits; byte `i` of the input is XORed in at bit `11 * i mod 160` and wraps around;
//! at the end the length, 8 bytes little-endian, is XORed into bytes 12 to 19. Since 11 * 160 is a
//! multiple of 160, what stands 160 bytes apart meets the same bits: rows of 160 bytes may be XORed
//! together first and brought into the register once. So hashes of parts that begin at multiples of 160
//! combine by XOR.

/// Bytes after which the bit offset repeats.
pub const ROW: usize = 160;

/// A register without its length: what XORs together.
pub type Register = [u8; 20];

/// A running hash over bytes in order.
#[derive(Clone)]
pub struct QuickXor {
    row: [u8; ROW],
    length: u64,
}

impl Default for QuickXor {
    fn default() -> Self {
        QuickXor { row: [0; ROW], length: 0 }
    }
}

impl QuickXor {
    /// Takes in the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        let at = (self.length % ROW as u64) as usize;
        self.length += bytes.len() as u64;
        if at != 0 {
            let (head, rest) = bytes.split_at(bytes.len().min(ROW - at));
            xor(&mut self.row[at..], head);
            bytes = rest;
        }
        for row in bytes.chunks(ROW) {
            xor(&mut self.row, row);
        }
    }

    /// The 20 bytes of the hash.
    pub fn finish(&self) -> Register {
        with_length(fold(&self.row), self.length)
    }
}

/// XORs `other` into the front of `into`.
pub fn xor(into: &mut [u8], other: &[u8]) {
    into.iter_mut().zip(other).for_each(|(to, from)| *to ^= from);
}

/// Brings rows that were XORed together into a register.
pub fn fold(row: &[u8; ROW]) -> Register {
    let mut register = [0; 20];
    for (index, byte) in row.iter().enumerate() {
        let bit = 11 * index % 160;
        let wide = u16::from(*byte) << (bit % 8);
        register[bit / 8] ^= wide as u8;
        register[(bit / 8 + 1) % 20] ^= (wide >> 8) as u8;
    }
    register
}

/// The last step of a hash.
pub fn with_length(mut register: Register, length: u64) -> Register {
    xor(&mut register[12..], &length.to_le_bytes());
    register
}

/// The hash of bytes that are all at hand.
pub fn hash(bytes: &[u8]) -> Register {
    let mut running = QuickXor::default();
    running.update(bytes);
    running.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    /// The definition, bit by bit.
    fn by_definition(bytes: &[u8]) -> Register {
        let mut bits = [false; 160];
        for (index, byte) in bytes.iter().enumerate() {
            for bit in 0..8 {
                bits[(11 * index + bit) % 160] ^= byte >> bit & 1 == 1;
            }
        }
        let mut register = [0; 20];
        for (index, bit) in bits.iter().enumerate() {
            register[index / 8] |= u8::from(*bit) << (index % 8);
        }
        with_length(register, bytes.len() as u64)
    }

    fn noise(length: usize) -> Vec<u8> {
        (0..length as u64).map(|index| crate::seed::mix(index) as u8).collect()
    }

    #[test]
    fn known_strings_have_their_hashes() {
        for (text, expected) in [
            ("", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            ("a", "YQAAAAAAAAAAAAAAAQAAAAAAAAA="),
            ("hello world", "aCgDG9jwBhDc4Q1yawMZAAAAAAA="),
            ("The quick brown fox jumps over the lazy dog", "bMSlbysmxJL6S75XwfMcQZOpcr4="),
        ] {
            assert_eq!(STANDARD.encode(hash(text.as_bytes())), expected);
        }
    }

    #[test]
    fn rows_give_what_the_definition_gives() {
        for length in [0, 1, 14, 15, 16, 20, 159, 160, 161, 320, 1760, 4001] {
            assert_eq!(hash(&noise(length)), by_definition(&noise(length)), "length {length}");
        }
    }

    #[test]
    fn pieces_give_what_the_whole_gives() {
        let bytes = noise(5000);
        for step in [1, 7, 160, 999] {
            let mut running = QuickXor::default();
            bytes.chunks(step).for_each(|piece| running.update(piece));
            assert_eq!(running.finish(), hash(&bytes));
        }
    }
}
