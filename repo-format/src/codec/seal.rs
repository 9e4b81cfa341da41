//! Sealed parts: authenticated encryption with keys that meet one message each (SEAL-1 to SEAL-4).

use super::aead;
use super::header::{FORMAT_VERSION, Header, KEY_EPOCH, SUITE};
use super::{SlotId, Subkeys};

/// What sealing adds to the stored bytes: the synthetic hash in front, the tag behind.
pub const SEAL_OVERHEAD: usize = SYN_SIZE + aead::TAG_SIZE;
/// The part index of the footer of a pack or segment (SEAL-6).
pub const FOOTER_PART: u32 = u32::MAX;

const SYN_SIZE: usize = 16;
const CONTEXT_SIZE: usize = 182;

/// All that identifies a part; key and associated data are made of it.
#[derive(Debug, Clone, Copy)]
pub struct PartContext<'a> {
    pub header: &'a Header,
    pub index: u32,
    /// Number of the codec (PACK-4).
    pub codec: u8,
    /// Bytes before compression.
    pub raw_len: u64,
    /// Hash of the ordered list of contents (PACK-5); zeros without contents.
    pub list_hash: [u8; 32],
    /// Records and catalogs; else 0.
    pub revision: u64,
    /// Key slots; else zero.
    pub slot: SlotId,
}

impl<'a> PartContext<'a> {
    /// A part without contents, revision or slot.
    pub fn plain(header: &'a Header, index: u32, codec: u8, raw_len: u64) -> PartContext<'a> {
        PartContext { header, index, codec, raw_len, list_hash: [0; 32], revision: 0, slot: SlotId::ZERO }
    }

    fn encode(&self, stored_len: u64) -> [u8; CONTEXT_SIZE] {
        let mut bytes = [0; CONTEXT_SIZE];
        bytes[..2].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[2] = SUITE;
        bytes[3] = self.header.kind as u8;
        bytes[4..8].copy_from_slice(&KEY_EPOCH.to_le_bytes());
        bytes[8..24].copy_from_slice(&self.header.repo.0);
        bytes[24..56].copy_from_slice(&self.header.salt);
        bytes[56..60].copy_from_slice(&self.index.to_le_bytes());
        bytes[60] = self.codec;
        bytes[62..70].copy_from_slice(&self.raw_len.to_le_bytes());
        bytes[70..78].copy_from_slice(&stored_len.to_le_bytes());
        bytes[78..110].copy_from_slice(&self.list_hash);
        bytes[110..118].copy_from_slice(&self.revision.to_le_bytes());
        bytes[118..134].copy_from_slice(&self.slot.0);
        bytes
    }
}

/// A part did not open: its bytes, place or context are not those it was sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its seal does not open (SEAL-4)")]
pub struct SealBroken;

/// Appends the sealed part of `stored` to `out`.
pub fn seal(keys: &Subkeys, context: &PartContext<'_>, stored: &[u8], out: &mut Vec<u8>) {
    let context = context.encode(stored.len() as u64);
    let syn = synthetic(keys, &context, stored);
    let (key, aad) = key_and_aad(keys, &context, &syn);
    out.reserve(stored.len() + SEAL_OVERHEAD);
    out.extend_from_slice(&syn);
    let start = out.len();
    out.extend_from_slice(stored);
    let tag = aead::seal_in_place(&key, &aad, &mut out[start..]);
    out.extend_from_slice(&tag);
}

/// The stored bytes of a sealed part.
///
/// # Errors
/// [`SealBroken`] if anything differs from what was sealed.
pub fn unseal(keys: &Subkeys, context: &PartContext<'_>, part: &[u8]) -> Result<Vec<u8>, SealBroken> {
    let stored_len = part.len().checked_sub(SEAL_OVERHEAD).ok_or(SealBroken)?;
    let context = context.encode(stored_len as u64);
    let (syn, sealed) = part.split_first_chunk::<SYN_SIZE>().ok_or(SealBroken)?;
    let (ciphertext, tag) = sealed.split_last_chunk::<{ aead::TAG_SIZE }>().ok_or(SealBroken)?;
    let (key, aad) = key_and_aad(keys, &context, syn);
    let mut stored = ciphertext.to_vec();
    aead::open_in_place(&key, &aad, &mut stored, tag).map_err(|_| SealBroken)?;
    if synthetic(keys, &context, &stored) != *syn {
        return Err(SealBroken);
    }
    Ok(stored)
}

fn synthetic(keys: &Subkeys, context: &[u8; CONTEXT_SIZE], stored: &[u8]) -> [u8; SYN_SIZE] {
    let mut hasher = blake3::Hasher::new_keyed(&keys.synthetic);
    hasher.update(context).update(stored);
    let mut syn = [0; SYN_SIZE];
    syn.copy_from_slice(&hasher.finalize().as_bytes()[..SYN_SIZE]);
    syn
}

fn key_and_aad(
    keys: &Subkeys,
    context: &[u8; CONTEXT_SIZE],
    syn: &[u8; SYN_SIZE],
) -> ([u8; 32], [u8; CONTEXT_SIZE + SYN_SIZE]) {
    let mut aad = [0; CONTEXT_SIZE + SYN_SIZE];
    aad[..CONTEXT_SIZE].copy_from_slice(context);
    aad[CONTEXT_SIZE..].copy_from_slice(syn);
    (*blake3::keyed_hash(&keys.part, &aad).as_bytes(), aad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{BlobKind, MasterKey, RepoId};

    fn header() -> Header {
        Header { kind: BlobKind::DataPack, repo: RepoId([1; 16]), salt: [2; 32] }
    }

    #[test]
    fn a_part_opens_only_where_it_was_sealed() {
        let keys = MasterKey::from_bytes([9; 32]).subkeys();
        let header = header();
        let context = PartContext::plain(&header, 3, 0, 5);
        let mut part = Vec::new();
        seal(&keys, &context, b"hello", &mut part);
        assert_eq!(part.len(), 5 + SEAL_OVERHEAD);
        assert_eq!(unseal(&keys, &context, &part).expect("opens"), b"hello");

        let elsewhere = [
            PartContext { index: 4, ..context },
            PartContext { codec: 1, ..context },
            PartContext { raw_len: 6, ..context },
            PartContext { revision: 1, ..context },
            PartContext { list_hash: [1; 32], ..context },
            PartContext { slot: SlotId([1; 16]), ..context },
            PartContext { header: &Header { salt: [3; 32], ..header }, ..context },
            PartContext { header: &Header { kind: BlobKind::MetaPack, ..header }, ..context },
            PartContext { header: &Header { repo: RepoId([2; 16]), ..header }, ..context },
        ];
        for context in &elsewhere {
            assert_eq!(unseal(&keys, context, &part), Err(SealBroken), "{context:?}");
        }
        let other_keys = MasterKey::from_bytes([8; 32]).subkeys();
        assert_eq!(unseal(&other_keys, &context, &part), Err(SealBroken));
    }

    #[test]
    fn every_flipped_bit_breaks_the_seal() {
        let keys = MasterKey::from_bytes([9; 32]).subkeys();
        let header = header();
        let context = PartContext::plain(&header, 0, 0, 3);
        let mut part = Vec::new();
        seal(&keys, &context, b"abc", &mut part);
        for place in 0..part.len() * 8 {
            let mut forged = part.clone();
            forged[place / 8] ^= 1 << (place % 8);
            assert_eq!(unseal(&keys, &context, &forged), Err(SealBroken));
        }
        for length in 0..part.len() {
            assert_eq!(unseal(&keys, &context, &part[..length]), Err(SealBroken));
        }
    }

    #[cfg(feature = "aws-lc")]
    mod implementations {
        use proptest::prelude::*;

        use crate::codec::aead::{aws, rust};

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(192))]

            /// Whatever one seals the other opens, and what is spoilt neither does.
            #[test]
            fn both_implementations_say_the_same(
                key: [u8; 32],
                aad in prop::collection::vec(any::<u8>(), 0..400),
                plain in prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..70),
                    prop::collection::vec(any::<u8>(), 4000..70_000),
                ],
                spoilt: prop::sample::Index,
                bit in 0..8u8,
            ) {
                let (mut a, mut b) = (plain.clone(), plain.clone());
                let tag_a = aws::seal_in_place(&key, &aad, &mut a);
                let tag_b = rust::seal_in_place(&key, &aad, &mut b);
                prop_assert_eq!((&a, tag_a), (&b, tag_b));

                let mut whole = [&a[..], &tag_a].concat();
                let place = spoilt.index(whole.len());
                whole[place] ^= 1 << bit;
                let (bytes, tag) = whole.split_last_chunk::<16>().expect("ends in a tag");
                prop_assert!(aws::open_in_place(&key, &aad, &mut bytes.to_vec(), tag).is_err());
                prop_assert!(rust::open_in_place(&key, &aad, &mut bytes.to_vec(), tag).is_err());
                let other = [&aad[..], &[bit]].concat();
                prop_assert!(aws::open_in_place(&key, &other, &mut a.clone(), &tag_a).is_err());
                prop_assert!(rust::open_in_place(&key, &other, &mut a.clone(), &tag_a).is_err());

                rust::open_in_place(&key, &aad, &mut a, &tag_a).expect("opens");
                aws::open_in_place(&key, &aad, &mut b, &tag_b).expect("opens");
                prop_assert_eq!((&a, &b), (&plain, &plain));
            }
        }
    }
}
