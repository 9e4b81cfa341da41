//! AES-256-GCM with a zero nonce, for keys that meet one message each (SEAL-3).
//!
//! Two implementations: `aws-lc-rs`, many times faster where the processor helps, and the pure-Rust
//! `aes-gcm`, for builds without a C compiler and as the second opinion in tests.

pub(super) const TAG_SIZE: usize = 16;

#[cfg(feature = "aws-lc")]
pub(super) use aws::{open_in_place, seal_in_place};
#[cfg(not(feature = "aws-lc"))]
pub(super) use rust::{open_in_place, seal_in_place};

/// The tag did not match.
#[derive(Debug)]
pub(super) struct TagMismatch;

#[cfg(feature = "aws-lc")]
pub(super) mod aws {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

    use super::{TAG_SIZE, TagMismatch};

    fn key(bytes: &[u8; 32]) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).expect("the key has AES-256's size"))
    }

    fn nonce() -> Nonce {
        Nonce::assume_unique_for_key([0; 12])
    }

    pub(in crate::codec) fn seal_in_place(bytes: &[u8; 32], aad: &[u8], data: &mut [u8]) -> [u8; TAG_SIZE] {
        let tag = key(bytes)
            .seal_in_place_separate_tag(nonce(), Aad::from(aad), data)
            .expect("a part is far below GCM's limit");
        tag.as_ref().try_into().expect("GCM's tag has 16 bytes")
    }

    pub(in crate::codec) fn open_in_place(
        bytes: &[u8; 32],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_SIZE],
    ) -> Result<(), TagMismatch> {
        key(bytes)
            .open_in_place_separate_tag(nonce(), Aad::from(aad), tag, data)
            .map(|_| ())
            .map_err(|_| TagMismatch)
    }
}

#[cfg(any(test, not(feature = "aws-lc")))]
pub(super) mod rust {
    use aes_gcm::aead::{AeadInOut, KeyInit};
    use aes_gcm::{Aes256Gcm, Nonce, Tag};

    use super::{TAG_SIZE, TagMismatch};

    pub(in crate::codec) fn seal_in_place(bytes: &[u8; 32], aad: &[u8], data: &mut [u8]) -> [u8; TAG_SIZE] {
        Aes256Gcm::new(bytes.into())
            .encrypt_inout_detached(&Nonce::from([0; 12]), aad, data.into())
            .expect("a part is far below GCM's limit")
            .into()
    }

    pub(in crate::codec) fn open_in_place(
        bytes: &[u8; 32],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_SIZE],
    ) -> Result<(), TagMismatch> {
        Aes256Gcm::new(bytes.into())
            .decrypt_inout_detached(&Nonce::from([0; 12]), aad, data.into(), &Tag::from(*tag))
            .map_err(|_| TagMismatch)
    }
}
