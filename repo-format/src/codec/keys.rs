//! The master key and what is derived from it (KEY-1, KEY-2).

use std::cell::RefCell;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{CommitId, ContentId, CopyId, RepoId, RunId, SlotId};
use crate::system;

/// A key from which the keys of sealed parts are derived: the master key of a repository, or the
/// key-encryption key of a slot. Never printed, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// Takes 32 secret bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> MasterKey {
        MasterKey(bytes)
    }

    /// A new key from the system's randomness.
    ///
    /// # Errors
    /// [`NoRandomness`] if the system has none to give.
    pub fn random() -> Result<MasterKey, NoRandomness> {
        Ok(MasterKey(random_bytes()?))
    }

    /// The key's bytes, to be wrapped by a slot.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The subkeys, one for each purpose.
    pub fn subkeys(&self) -> Subkeys {
        let derive = |purpose: &str| blake3::derive_key(&context(purpose), &self.0);
        let mut gear = Box::new([0; 2048]);
        blake3::Hasher::new_derive_key(&context("splitter gear"))
            .update(&self.0)
            .finalize_xof()
            .fill(&mut gear[..]);
        Subkeys {
            id: derive("content id"),
            part: derive("part key"),
            synthetic: derive("part synthetic"),
            commitment: derive("key commitment"),
            map: derive("map boundary"),
            cache: derive("cache page"),
            gear,
        }
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(secret)")
    }
}

fn context(purpose: &str) -> String {
    format!("corso 2026-11-22 v0 {purpose}")
}

/// Keys for one purpose each (KEY-2).
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Subkeys {
    id: [u8; 32],
    pub(super) part: [u8; 32],
    pub(super) synthetic: [u8; 32],
    pub(super) commitment: [u8; 32],
    map: [u8; 32],
    cache: [u8; 32],
    gear: Box<[u8; 2048]>,
}

/// As many chunks of BLAKE3 as the widest processors hash side by side.
const HEAD_SIZE: usize = 16 << 10;

thread_local! {
    // Given the kind by itself the hasher would cut the rest one byte off, and hash the first chunks one by one:
    // small contents have no others.
    static HEAD: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Subkeys {
    /// The ID of a content: keyed hash of kind and plaintext (CID-1).
    pub fn content_id(&self, kind: u8, plaintext: &[u8]) -> ContentId {
        let (head, rest) = plaintext.split_at(plaintext.len().min(HEAD_SIZE - 1));
        let hash = HEAD.with_borrow_mut(|joined| {
            joined.clear();
            joined.push(kind);
            joined.extend_from_slice(head);
            match rest {
                [] => blake3::keyed_hash(&self.id, joined),
                rest => blake3::Hasher::new_keyed(&self.id).update(joined).update(rest).finalize(),
            }
        });
        ContentId(*hash.as_bytes())
    }

    /// What decides the boundaries of map nodes (MAP-3).
    pub fn map(&self) -> &[u8; 32] {
        &self.map
    }

    /// What checks the pages of local caches.
    pub fn cache(&self) -> &[u8; 32] {
        &self.cache
    }

    /// The bytes of the gear table (SPL-2).
    pub(super) fn gear(&self) -> &[u8; 2048] {
        &self.gear
    }
}

impl std::fmt::Debug for Subkeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Subkeys(secret)")
    }
}

/// The system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomness(#[from] getrandom::Error);

/// `N` bytes from the system's randomness.
///
/// # Errors
/// [`NoRandomness`] if the system has none to give.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    system::fill(&mut bytes)?;
    Ok(bytes)
}

macro_rules! random_id {
    ($($name:ident),*) => {$(
        impl $name {
            /// A new one from the system's randomness.
            ///
            /// # Errors
            /// [`NoRandomness`] if the system has none to give.
            pub fn random() -> Result<Self, NoRandomness> {
                random_bytes().map(Self)
            }
        }
    )*};
}

random_id!(RepoId, SlotId, CommitId, RunId, CopyId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_id_is_the_hash_of_kind_and_plaintext_whatever_the_size() {
        let keys = MasterKey::from_bytes([3; 32]).subkeys();
        let mut bytes = vec![0; 70_000];
        blake3::Hasher::new().finalize_xof().fill(&mut bytes);
        let around = |size: usize| size - 2..size + 3;
        let sizes = [2, 1024, 4096, HEAD_SIZE, 2 * HEAD_SIZE, 65_536].into_iter().flat_map(around);
        for size in sizes {
            let in_two = blake3::Hasher::new_keyed(&keys.id).update(&[7]).update(&bytes[..size]).finalize();
            assert_eq!(keys.content_id(7, &bytes[..size]).0, *in_two.as_bytes(), "{size} bytes");
        }
    }

    #[test]
    fn keys_are_not_printed() {
        let key = MasterKey::from_bytes([0xab; 32]);
        assert_eq!(format!("{key:?} {:#?}", key.subkeys()), "MasterKey(secret) Subkeys(secret)");
    }
}
