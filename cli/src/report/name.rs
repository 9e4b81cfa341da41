//! Names of files, which are bytes and may try to be more.

use std::fmt::{self, Write};

use serde::Serialize;

/// Bytes as a terminal may show them: control characters, those that reorder text, backslashes and
/// what is not UTF-8 are escaped.
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\\' => f.write_str("\\\\")?,
                    c if c.is_control() || reorders(c) => write!(f, "{}", c.escape_default())?,
                    c => f.write_char(c)?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02X}")?;
            }
        }
        Ok(())
    }
}

/// Whether a character changes the order in which others are shown, or breaks lines.
fn reorders(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{061c}')
}

/// A path in JSON: as text, and in hexadecimal where the text is not the whole truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct PathText {
    /// The path; what is not UTF-8 is replaced by U+FFFD.
    pub path: String,
    /// The path's bytes, if they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path_hex: Option<String>,
}

impl PathText {
    /// Describes a path.
    pub fn new(bytes: &[u8]) -> PathText {
        PathText {
            path: String::from_utf8_lossy(bytes).into_owned(),
            path_hex: str::from_utf8(bytes).is_err().then(|| hex::encode(bytes)),
        }
    }

    /// Describes names below a root.
    pub fn below(names: &[impl AsRef<[u8]>]) -> PathText {
        let names: Vec<&[u8]> = names.iter().map(AsRef::as_ref).collect();
        PathText::new(&names.join(&b'/'))
    }

    fn bytes(&self) -> Vec<u8> {
        let hex = self.path_hex.as_ref().and_then(|text| hex::decode(text).ok());
        hex.unwrap_or_else(|| self.path.clone().into_bytes())
    }
}

impl fmt::Display for PathText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.bytes()).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_speak_to_the_terminal() {
        let shown = |bytes: &[u8]| Escaped(bytes).to_string();
        assert_eq!(shown("grün/日本".as_bytes()), "grün/日本");
        assert_eq!(shown(b"a\x1b[2Jb\nc\rd"), "a\\u{1b}[2Jb\\nc\\rd");
        assert_eq!(shown(b"x\xff\xc3y"), "x\\xFF\\xC3y");
        assert_eq!(shown("\u{202e}gnp.exe".as_bytes()), "\\u{202e}gnp.exe");
        assert_eq!(shown("\u{9b}31m".as_bytes()), "\\u{9b}31m");
        assert_eq!(shown(b"back\\slash"), "back\\\\slash");
    }

    #[test]
    fn json_keeps_what_text_cannot() {
        assert_eq!(PathText::new(b"plain").path_hex, None);
        let odd = PathText::below(&[b"a".as_slice(), b"\xff"]);
        assert_eq!((odd.path.as_str(), odd.path_hex.as_deref()), ("a/\u{fffd}", Some("612fff")));
        assert_eq!(odd.to_string(), "a/\\xFF");
    }
}
