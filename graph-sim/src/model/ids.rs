//! Identifiers that look like Microsoft's and say, to who knows the seed, which thing they name.
//!
//! Each holds an index, whitened by the seed, and bytes that only the seed gives: one that was not made
//! here is not found.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::seed::{Seed, mix};

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Which kind of thing a GUID names; each has numbers of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Guid {
    User,
    /// The one in an item's eTag and download URL. The index is (drive << 32 | item).
    ListItem,
    Request,
    Site,
}

/// A driveItem's id: `01` and 32 letters. The first 8 are those of its drive.
pub fn item(seed: Seed, drive: u32, index: u32) -> String {
    let mut id = String::with_capacity(34);
    id.push_str("01");
    let bytes = item_bytes(seed, drive, index);
    for five in bytes.chunks_exact(5) {
        let value = five.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        id.extend((0..8).rev().map(|place| char::from(BASE32[(value >> (5 * place)) as usize & 31])));
    }
    id
}

/// The index in an id that [`item`] made for this drive.
pub fn parse_item(seed: Seed, drive: u32, id: &str) -> Option<u32> {
    let letters = id.strip_prefix("01").filter(|letters| letters.len() == 32)?;
    let digit = |letter: &u8| BASE32.iter().position(|known| known == letter);
    let digits: Option<Vec<usize>> = letters.as_bytes().iter().map(digit).collect();
    // Bytes 5 to 8 are the whitened index: letters 8 to 15 hold bytes 5 to 9.
    let five = digits?[8..16].iter().fold(0u64, |value, digit| value << 5 | *digit as u64);
    let index = (five >> 8) as u32 ^ drive_seed(seed, drive).with(1).0 as u32;
    (item(seed, drive, index) == id).then_some(index)
}

fn item_bytes(seed: Seed, drive: u32, index: u32) -> [u8; 20] {
    let drive = drive_seed(seed, drive);
    let own = drive.with(2).with(u64::from(index));
    let mut bytes = [0; 20];
    bytes[..5].copy_from_slice(&drive.0.to_be_bytes()[..5]);
    bytes[5..9].copy_from_slice(&(index ^ drive.with(1).0 as u32).to_be_bytes());
    bytes[9..17].copy_from_slice(&own.0.to_be_bytes());
    bytes[17..].copy_from_slice(&mix(own.0).to_be_bytes()[..3]);
    bytes
}

fn drive_seed(seed: Seed, drive: u32) -> Seed {
    seed.named("items").with(u64::from(drive))
}

/// A drive's id: `b!` and 64 letters, whose case matters.
pub fn drive(seed: Seed, index: u32) -> String {
    let mut bytes = [0; 48];
    let own = seed.named("drive").with(u64::from(index));
    for (place, eight) in bytes.chunks_exact_mut(8).enumerate() {
        eight.copy_from_slice(&own.with(place as u64).0.to_be_bytes());
    }
    format!("b!{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// A GUID in small letters.
pub fn guid(seed: Seed, kind: Guid, index: u64) -> String {
    let own = seed.named("guid").with(kind as u64).with(index);
    let (high, low) = (own.0, own.with(1).0);
    format!(
        "{:08x}-{:04x}-4{:03x}-{:x}{:03x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        8 + (low >> 62),
        low >> 48 & 0xfff,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_ids_name_their_item_and_no_other() {
        for index in [0, 1, 77, 1_000_000, u32::MAX] {
            let id = item(Seed(1), 3, index);
            assert_eq!(id.len(), 34);
            assert_eq!(parse_item(Seed(1), 3, &id), Some(index));
            assert_eq!(parse_item(Seed(1), 4, &id), None);
            assert_eq!(parse_item(Seed(2), 3, &id), None);
        }
        assert_eq!(parse_item(Seed(1), 3, "root"), None);
        assert_eq!(parse_item(Seed(1), 3, "01ÄÖÜ4567890123456789012345678901234"), None);
    }

    #[test]
    fn ids_have_their_shapes() {
        assert_eq!(drive(Seed(1), 0).len(), 66);
        assert_eq!(guid(Seed(1), Guid::User, 0).len(), 36);
    }
}
