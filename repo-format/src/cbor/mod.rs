//! CBOR bodies in the one encoding that is allowed (CONV-4).
//!
//! Owns strictness: shortest heads, definite lengths, ascending integer keys, no floats, tags or
//! duplicates, bounded depth, and what may stand behind a body. Knows nothing of what the bodies
//! mean. What decodes, encodes to the same bytes, unknown keys aside.
//!
//! ```
//! use repo_format::cbor::{self, Cbor, CborError, Reader, Writer};
//!
//! #[derive(Debug, PartialEq)]
//! struct Shelf { name: String, books: u64, signs: Vec<String> }
//!
//! impl Cbor for Shelf {
//!     fn write(&self, w: &mut Writer) {
//!         w.map(|m| {
//!             m.put(0, &self.name);
//!             m.put_unless(1, &self.books, &0);
//!             m.put_unless(2, &self.signs, &vec![]);
//!         });
//!     }
//!     fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
//!         r.map(|m| Ok(Shelf { name: m.get(0)?, books: m.get_or(1, 0)?, signs: m.get_or(2, vec![])? }))
//!     }
//! }
//!
//! let shelf = Shelf { name: "maps".into(), books: 3, signs: vec!["atlas".into()] };
//! let bytes = cbor::encode(&shelf);
//! assert_eq!(cbor::decode::<Shelf>(&bytes)?, shelf);
//! # Ok::<(), CborError>(())
//! ```

mod parts;
mod read;
mod types;
mod write;

pub use parts::{MapReader, TupleReader};
pub use read::Reader;
pub use write::{MapWriter, Writer};

/// Deepest nesting of arrays and maps that is read (CONV-4).
pub const DEPTH_MAX: usize = 16;

/// Map keys from here up are skipped by readers that do not know them (CONV-4).
pub const KEY_OPTIONAL: u64 = 1000;

/// Bytes that are not CBOR as CONV-4 wants it, or not of the shape that was asked for.
///
/// `offset` counts from the start of the body. The caller adds which blob or content it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("CBOR at byte {offset}: {what}")]
pub struct CborError {
    pub offset: usize,
    pub what: &'static str,
}

/// A value with one encoding.
pub trait Cbor: Sized {
    /// Appends the value's encoding.
    fn write(&self, w: &mut Writer);

    /// Reads one value and leaves the reader behind it.
    ///
    /// # Errors
    /// [`CborError`] if the bytes break CONV-4 or are not such a value.
    fn read(r: &mut Reader<'_>) -> Result<Self, CborError>;
}

/// Most values that there are many of fit in so many bytes.
const COMMON_SIZE: usize = 512;

/// The encoding of a value.
pub fn encode<T: Cbor>(value: &T) -> Vec<u8> {
    let mut w = Writer::with_capacity(COMMON_SIZE);
    value.write(&mut w);
    let mut bytes = w.into_bytes();
    bytes.shrink_to_fit();
    bytes
}

/// Decodes a body that fills `bytes`.
///
/// # Errors
/// [`CborError`], also if anything stands behind the value.
pub fn decode<T: Cbor>(bytes: &[u8]) -> Result<T, CborError> {
    let mut r = Reader::new(bytes);
    let value = T::read(&mut r)?;
    r.end()?;
    Ok(value)
}

/// Decodes a body with nothing but zeros behind it (CONV-5).
///
/// # Errors
/// [`CborError`], also if anything but zeros stands behind the value.
pub fn decode_padded<T: Cbor>(bytes: &[u8]) -> Result<T, CborError> {
    let mut r = Reader::new(bytes);
    let value = T::read(&mut r)?;
    r.end_padded()?;
    Ok(value)
}

#[cfg(test)]
mod tests;
