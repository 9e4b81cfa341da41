//! Codecs of stored bytes (PACK-4).

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

/// How stored bytes are made of raw ones. Numbers are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Codec {
    /// Stored as they are.
    Raw = 0,
    /// One zstd frame.
    Zstd = 1,
}

impl Codec {
    /// The codec with this number, if there is one.
    pub fn from_number(number: u8) -> Option<Codec> {
        match number {
            0 => Some(Codec::Raw),
            1 => Some(Codec::Zstd),
            _ => None,
        }
    }
}

/// Stored bytes did not decode to what their context promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its bytes do not decompress to the promised {raw_len} (PACK-4)")]
pub struct CodecError {
    pub raw_len: u64,
}

thread_local! {
    // A context costs more to set up than a small frame to compress.
    static COMPRESSOR: RefCell<Option<(i32, Compressor<'static>)>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses `raw` with zstd `level` if that shrinks it; `None` says: store it raw.
pub fn compress(raw: &[u8], level: i32) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|slot| {
        if slot.as_ref().is_none_or(|(known, _)| *known != level) {
            *slot = Some((level, Compressor::new(level).ok()?));
        }
        let (_, compressor) = slot.as_mut()?;
        // A destination no larger than the input makes zstd give up early on what does not shrink.
        let mut stored = Vec::with_capacity(raw.len().saturating_sub(1));
        compressor.compress_to_buffer(raw, &mut stored).ok()?;
        (stored.len() < raw.len()).then_some(stored)
    })
}

/// The raw bytes behind `stored`; never allocates more than `raw_len`.
///
/// # Errors
/// [`CodecError`] if the result is not exactly `raw_len` bytes, or `stored` is not one zstd frame.
pub fn decompress(codec: Codec, stored: Vec<u8>, raw_len: u64) -> Result<Vec<u8>, CodecError> {
    let error = CodecError { raw_len };
    match codec {
        Codec::Raw => (stored.len() as u64 == raw_len).then_some(stored).ok_or(error),
        Codec::Zstd if frame_len(&stored) == Some(stored.len()) => decompress_frame(&stored, raw_len),
        Codec::Zstd => Err(error),
    }
}

/// Bytes of the zstd frame at the front of `stored`.
fn frame_len(stored: &[u8]) -> Option<usize> {
    zstd::zstd_safe::find_frame_compressed_size(stored).ok()
}

fn decompress_frame(frame: &[u8], raw_len: u64) -> Result<Vec<u8>, CodecError> {
    let error = CodecError { raw_len };
    let length = usize::try_from(raw_len).map_err(|_| error)?;
    DECOMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = Decompressor::new().ok();
        }
        let decompressor = slot.as_mut().ok_or(error)?;
        let mut raw = Vec::with_capacity(length);
        match decompressor.decompress_to_buffer(frame, &mut raw) {
            Ok(found) if found == length => Ok(raw),
            _ => Err(error),
        }
    })
}

/// Decodes the one zstd frame at the front of `stored`; only zeros may stand behind it (LOG-2).
///
/// # Errors
/// [`CodecError`] if the frame is not exactly `raw_len` bytes, or something else follows.
pub fn decompress_padded(stored: &[u8], raw_len: u64) -> Result<Vec<u8>, CodecError> {
    let error = CodecError { raw_len };
    let (frame, padding) = frame_len(stored).and_then(|end| stored.split_at_checked(end)).ok_or(error)?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(error);
    }
    decompress_frame(frame, raw_len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shrinks_comes_back_and_the_rest_stays_raw() {
        let text = b"so it goes, so it goes, so it goes, so it goes".repeat(9);
        let stored = compress(&text, 3).expect("shrinks");
        assert!(stored.len() < text.len());
        assert_eq!(decompress(Codec::Zstd, stored.clone(), text.len() as u64), Ok(text.clone()));
        assert!(decompress(Codec::Zstd, stored.clone(), text.len() as u64 - 1).is_err());
        assert!(decompress(Codec::Zstd, stored.clone(), text.len() as u64 + 1).is_err());
        let two_frames = [&stored[..], &stored[..]].concat();
        assert!(decompress(Codec::Zstd, two_frames, 2 * text.len() as u64).is_err());
        let mut noise = vec![0; 1000];
        blake3::Hasher::new().finalize_xof().fill(&mut noise);
        assert_eq!(compress(&noise, 3), None);
        assert_eq!(compress(&[], 3), None);
    }

    #[test]
    fn padding_behind_a_frame_is_zeros() {
        let text = b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        let mut stored = compress(text, 3).expect("shrinks");
        stored.extend([0; 9]);
        assert_eq!(decompress_padded(&stored, text.len() as u64).expect("decodes"), text);
        *stored.last_mut().expect("not empty") = 1;
        assert!(decompress_padded(&stored, text.len() as u64).is_err());
    }
}
