//! The names that blobs may have.

use std::fmt;
use std::str::FromStr;

/// A name may have this many bytes; every file system and every store takes them.
const NAME_BYTES_MAX: usize = 255;

/// A blob's key: `[a-z0-9._-]` segments joined by `/`.
///
/// Such names mean the same on every storage: nothing is escaped, no case is folded, none leaves
/// the folder it is in, and the byte order is the listing order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobName(String);

/// Why a string is no blob name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The whole name is empty or has more than 255 bytes.
    #[error("a blob name has 1 to {NAME_BYTES_MAX} bytes, not {0}")]
    Length(usize),
    /// A byte outside `[a-z0-9._/-]`; the offset counts from the start of the name.
    #[error("byte {0} of a blob name is none of a-z 0-9 . _ / -")]
    Byte(usize),
    /// An empty segment, `.` or `..`.
    #[error("a blob name has an empty segment, `.` or `..`")]
    Segment,
}

impl BlobName {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// [`NameError`] says which rule the string breaks.
    pub fn new(name: impl Into<String>) -> Result<BlobName, NameError> {
        let name = name.into();
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(NameError::Length(name.len()));
        }
        if let Some(at) = name.bytes().position(|byte| !is_name_byte(byte)) {
            return Err(NameError::Byte(at));
        }
        if name.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(NameError::Segment);
        }
        Ok(BlobName(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_name_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'/' | b'-')
}

impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for BlobName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for BlobName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<BlobName, NameError> {
        BlobName::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_any_storage_would_bend_are_refused() {
        for name in ["", "/a", "a/", "a//b", ".", "a/../b", "A", "a b", "a#1", "ä", "a\0", "a\\b"] {
            assert!(BlobName::new(name).is_err(), "{name:?}");
        }
        assert!(BlobName::new("a".repeat(256)).is_err());
    }

    #[test]
    fn names_of_the_repository_are_taken() {
        for name in ["corso.format", "keys/0a", "packs/data/ff/0-1_2", "log/00000000000000000001"] {
            assert_eq!(BlobName::new(name).unwrap().as_str(), name);
        }
    }
}
