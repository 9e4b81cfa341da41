//! Names as file systems compare them.

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// A form that two texts share if some file system may take them for the same name: without
/// differences of case, of Unicode normalisation, or of characters that are not seen.
///
/// It puts together more than any single file system does.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(text);
    // By way of the upper case, which has one form where the lower has two (σ and ς, s and ſ).
    let same = decomposed.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    let seen: String = same.filter(|c| !is_ignored(*c)).collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&seen).into_owned()
}

/// Characters that HFS+ leaves out when it compares names.
fn is_ignored(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

#[test]
fn what_a_file_system_takes_for_the_same_folds_alike() {
    for (one, other) in [
        ("Report.DOCX", "report.docx"),
        ("caf\u{e9}", "cafe\u{301}"),
        ("\u{c9}t\u{e9}", "e\u{301}te\u{301}"),
        ("ΣΑΣ", "σας"),
        ("\u{212a}elvin", "kelvin"),
        ("a\u{200d}b", "ab"),
    ] {
        assert_eq!(fold(one), fold(other), "{one}");
    }
    assert_ne!(fold("a"), fold("b"));
}
