//! Single names: what no file system takes is written as `%` and two hexadecimal digits.
//!
//! `%` itself is escaped where two such digits follow it, so that [`unescape`] gives every name back.

use std::fmt::Write;

/// Names of devices on Windows, with any extension and in any case.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// The name with everything escaped that Windows, macOS or Linux refuse in a name, or change.
///
/// Its length is not looked at. An empty name, which no tree has, stays empty.
pub fn escape(name: &[u8]) -> String {
    let mut safe = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        let text = chunk.valid();
        for (at, c) in text.char_indices() {
            let is_ambiguous = c == '%' && begins_with_hex(&text.as_bytes()[at + 1..]);
            match is_ambiguous || is_refused(c) {
                true => push_escaped(&mut safe, c.encode_utf8(&mut [0; 4]).as_bytes()),
                false => safe.push(c),
            }
        }
        push_escaped(&mut safe, chunk.invalid());
    }
    // Windows drops them without a word.
    if let Some(last) = safe.chars().last().filter(|c| matches!(c, '.' | ' ')) {
        safe.pop();
        push_escaped(&mut safe, &[last as u8]);
    }
    if is_device(&safe) {
        let (first, rest) = safe.split_at(1);
        return format!("%{:02X}{rest}", first.as_bytes()[0]);
    }
    safe
}

/// The name that [`escape`] was given.
pub fn unescape(safe: &str) -> Vec<u8> {
    let mut name = Vec::with_capacity(safe.len());
    let mut rest = safe.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.split_at_checked(2).filter(|_| *first == b'%' && begins_with_hex(behind));
        match digits.and_then(|(digits, behind)| Some((hex(digits)?, behind))) {
            Some((byte, behind)) => {
                name.push(byte);
                rest = behind;
            }
            None => {
                name.push(*first);
                rest = behind;
            }
        }
    }
    name
}

/// Whether Windows, macOS and Linux all take the name as it is.
pub fn is_portable(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= super::NAME_SIZE_MAX
        && !name.chars().any(is_refused)
        && !name.ends_with(['.', ' '])
        && !is_device(name)
}

/// Control characters, what Windows uses itself, and what is no character.
fn is_refused(c: char) -> bool {
    let is_no_character = matches!(c as u32, 0xfdd0..=0xfdef) || c as u32 & 0xfffe == 0xfffe;
    c.is_control() || matches!(c, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*') || is_no_character
}

/// Windows looks at what stands before the first dot, without the spaces at its end.
fn is_device(name: &str) -> bool {
    let base = name.split('.').next().unwrap_or_default().trim_end_matches(' ');
    let numbered = || {
        let (kind, number) = base.split_at_checked(3)?;
        let is_kind = kind.eq_ignore_ascii_case("COM") || kind.eq_ignore_ascii_case("LPT");
        let mut digits = number.chars();
        let is_number = matches!(digits.next(), Some('0'..='9' | '¹' | '²' | '³')) && digits.next().is_none();
        Some(is_kind && is_number)
    };
    DEVICES.iter().any(|device| base.eq_ignore_ascii_case(device)) || numbered() == Some(true)
}

fn begins_with_hex(bytes: &[u8]) -> bool {
    bytes.get(..2).is_some_and(|two| two.iter().all(|it| matches!(it, b'0'..=b'9' | b'A'..=b'F')))
}

fn hex(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

fn push_escaped(safe: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // A string takes everything.
        write!(safe, "%{byte:02X}").ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_refused_is_escaped() {
        for (name, wanted) in [
            ("letter.txt", "letter.txt"),
            ("a:b?.txt", "a%3Ab%3F.txt"),
            ("..", ".%2E"),
            ("ends. ", "ends.%20"),
            ("con", "%63on"),
            ("Nul .tar.gz", "%4Eul .tar.gz"),
            ("COM¹", "%43OM¹"),
            ("console", "console"),
            ("tab\there", "tab%09here"),
            ("50% off", "50% off"),
            ("a%3Ab", "a%253Ab"),
            ("a%3ab", "a%3ab"),
            ("\u{ffff}\u{1ffff}\u{1fdd0}", "%EF%BF%BF%F0%9F%BF%BF\u{1fdd0}"),
        ] {
            assert_eq!(escape(name.as_bytes()), wanted);
        }
        assert_eq!(escape(b"\xff%41"), "%FF%2541");
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name in prop::collection::vec(prop_oneof![
            any::<u8>(), Just(b'%'), Just(b'.'), Just(b' '), b'0'..=b'F'
        ], 0..40)) {
            let safe = escape(&name);
            prop_assert_eq!(unescape(&safe), name);
        }

        #[test]
        fn what_is_safe_stays(name in "[a-zA-Z0-9 ._%~$é日-]{1,30}") {
            let safe = escape(name.as_bytes());
            prop_assert!(is_portable(&safe), "{}", safe);
            if is_portable(&name) && unescape(&name) == name.as_bytes() {
                prop_assert_eq!(safe, name);
            }
        }
    }
}
