//! Opaque tokens with a seal: delta and page links, download URLs, access tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::seed::{Seed, hash_bytes, mix};

/// Why a token was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadToken;

/// Seals numbers into a token: base64url of the fields and an 8-byte seal.
pub fn seal(seed: Seed, purpose: &str, fields: &[u64]) -> String {
    let mut bytes = Vec::with_capacity(fields.len() * 5 + 8);
    for field in fields {
        varint(*field, &mut bytes);
    }
    let mark = mark(seed, purpose, &bytes);
    bytes.extend_from_slice(&mark.to_le_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The numbers of a token that [`seal`] made with the same seed, purpose and count.
///
/// # Errors
///
/// If a letter of it was changed.
pub fn unseal<const N: usize>(seed: Seed, purpose: &str, token: &str) -> Result<[u64; N], BadToken> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadToken)?;
    let (mut body, seal) = bytes.split_last_chunk::<8>().ok_or(BadToken)?;
    if mark(seed, purpose, body) != u64::from_le_bytes(*seal) {
        return Err(BadToken);
    }
    let mut fields = [0; N];
    for field in &mut fields {
        *field = read_varint(&mut body).ok_or(BadToken)?;
    }
    Ok(fields)
}

fn mark(seed: Seed, purpose: &str, bytes: &[u8]) -> u64 {
    mix(hash_bytes(bytes) ^ seed.named("token").named(purpose).0)
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_numbers_come_back_and_changed_ones_do_not() {
        let token = seal(Seed(1), "delta", &[0, 1, 300, u64::MAX]);
        assert_eq!(unseal::<4>(Seed(1), "delta", &token), Ok([0, 1, 300, u64::MAX]));
        assert_eq!(unseal::<4>(Seed(1), "url", &token), Err(BadToken));
        assert_eq!(unseal::<4>(Seed(2), "delta", &token), Err(BadToken));
        let changed = format!("A{}", &token[1..]);
        assert!(changed == token || unseal::<4>(Seed(1), "delta", &changed).is_err());
        assert_eq!(unseal::<4>(Seed(1), "delta", "!"), Err(BadToken));
    }
}
