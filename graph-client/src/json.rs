//! JSON as Graph sends it: mostly right, sometimes cut off, now and then with raw control characters.
//!
//! [`decode`] reads strictly first. Only what fails so is mended and read again: control characters
//! within strings are escaped, bytes that are no UTF-8 replaced. Messages give a place and never the
//! text, which may be anybody's.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It ends in the middle. Asking again may bring the rest.
    #[error("the JSON ends in the middle, at line {line} column {column}")]
    Cut { line: usize, column: usize },
    /// It is no JSON.
    #[error("not JSON, at line {line} column {column}")]
    Broken { line: usize, column: usize },
    /// It is JSON, but something in it is of another kind than it should be.
    #[error("JSON of another shape than expected, at line {line} column {column}")]
    Unexpected { line: usize, column: usize },
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        match error.classify() {
            Category::Eof | Category::Io => Self::Cut { line, column },
            Category::Syntax => Self::Broken { line, column },
            Category::Data => Self::Unexpected { line, column },
        }
    }
}

/// Reads one JSON document.
///
/// # Errors
///
/// `Cut` and `Broken` for what is not a document, even when mended; `Unexpected` for another shape.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let strict = serde_json::from_slice(bytes).map_err(JsonError::from);
    match strict {
        Err(JsonError::Broken { .. }) => Ok(serde_json::from_str(&mended(bytes))?),
        strict => strict,
    }
}

/// The document with control characters in strings escaped, and as UTF-8.
fn mended(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut mended = String::with_capacity(text.len() + 16);
    let (mut in_string, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            '"' if !escaped => in_string = !in_string,
            '\0'..='\x1f' if in_string => {
                // After a backslash it would be escaped twice: the backslash becomes a text of its own.
                mended.push_str(if escaped { "\\" } else { "" });
                mended.push_str(&format!("\\u{:04x}", u32::from(c)));
                escaped = false;
                continue;
            }
            _ => {}
        }
        escaped = in_string && c == '\\' && !escaped;
        mended.push(c);
    }
    mended
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(bytes: &[u8]) -> Result<Value, JsonError> {
        decode(bytes)
    }

    #[test]
    fn raw_control_characters_are_read() {
        assert_eq!(read(b"{\"a\":\"b\x01\n\tc\",\n\"d\":1}"), Ok(json!({"a": "b\u{1}\n\tc", "d": 1})));
        assert_eq!(read(b"[\"quoted \\\"\x02\\\" and \\\\\"]"), Ok(json!(["quoted \"\u{2}\" and \\"])));
        assert_eq!(read(b"[\"ends \\\x03\"]"), Ok(json!(["ends \\\u{3}"])));
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(read(b"[\"\xff\"]"), Ok(json!(["\u{fffd}"])));
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(read(b"\xef\xbb\xbf[]"), Ok(json!([])));
    }

    #[test]
    fn a_cut_document_is_told_from_a_broken_one() {
        assert!(matches!(read(b"{\"a\":[1,"), Err(JsonError::Cut { .. })));
        assert!(matches!(read(b"<html>"), Err(JsonError::Broken { .. })));
        assert!(matches!(read(b""), Err(JsonError::Cut { .. })));
        assert!(matches!(decode::<u8>(b"[]"), Err(JsonError::Unexpected { .. })));
    }
}
