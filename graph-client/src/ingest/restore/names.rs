//! Names that a drive takes, and names beside those that are taken.

use super::key::Key;
use crate::ingest::name::fold;

/// UTF-16 units in a name.
const NAME_UNITS_MAX: usize = 255;
/// What may stand in no name, and what stands in for it: the same sign in its full width.
const FORBIDDEN: [(char, char); 9] = [
    ('"', '＂'),
    ('*', '＊'),
    (':', '：'),
    ('<', '＜'),
    ('>', '＞'),
    ('?', '？'),
    ('/', '／'),
    ('\\', '＼'),
    ('|', '｜'),
];
/// Names that are taken by the service itself, in any case.
const RESERVED: [&str; 6] = ["con", "prn", "aux", "nul", "desktop.ini", ".lock"];

/// The name that an item gets: its own, mended where a drive takes no such name.
///
/// Names of a drive are its own already; those of a folder on disk, or of another kind of drive, may
/// not be. Two that become the same are told apart by [`numbered`].
pub(super) fn drive_name(name: &str, is_folder: bool) -> String {
    let mut mended: String = name.chars().map(permitted).collect();
    if mended.is_empty() {
        mended.push('_');
    }
    if mended.starts_with(' ') {
        mended.replace_range(..1, "␠");
    }
    if is_folder && mended.starts_with('~') {
        mended.replace_range(..1, "～");
    }
    let folded = mended.to_lowercase();
    let port = folded.strip_prefix("com").or(folded.strip_prefix("lpt"));
    let is_port = port.is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit());
    if RESERVED.contains(&folded.as_str()) || is_port {
        mended.push('_');
    }
    if folded.contains("_vti_") {
        mended = mended.replace('_', "＿");
    }
    let mut mended = cut(&mended, NAME_UNITS_MAX);
    if mended.ends_with(' ') {
        mended.pop();
        mended.push('␠');
    }
    if mended.ends_with('.') {
        mended.pop();
        mended.push('．');
    }
    mended
}

fn permitted(c: char) -> char {
    match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('_'),
        '\x7f' => '␡',
        _ => FORBIDDEN.iter().find(|(bad, _)| *bad == c).map_or(c, |(_, good)| *good),
    }
}

/// The name with a number in front of its ending: `a (2).txt`.
pub(super) fn numbered(name: &str, number: u32) -> String {
    let (stem, ending) = match name.rfind('.') {
        // An ending of some length is none.
        Some(dot) if dot > 0 && name.len() - dot <= 16 => name.split_at(dot),
        _ => (name, ""),
    };
    let tail = format!(" ({number}){ending}");
    cut(stem, NAME_UNITS_MAX.saturating_sub(units(&tail))) + &tail
}

/// The name under which a file is uploaded that is to replace another: nobody else uses it.
pub(super) fn temporary(restore: Key, item: Key) -> String {
    format!("corso-restore-{}.tmp", Key::of(&[restore.to_string().as_bytes(), item.to_string().as_bytes()]))
}

/// A hash of a name as it is compared.
pub(super) fn fold_hash(name: &str) -> u64 {
    Key::of(&[fold(name).as_bytes()]).short()
}

/// Whether the service may rewrite a file with this name when it takes it.
pub(super) fn may_be_rewritten(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let endings = [
        "docx", "docm", "dotx", "xlsx", "xlsm", "xltx", "pptx", "pptm", "potx", "vsdx", "htm", "html", "aspx",
    ];
    ending.is_some_and(|ending| endings.contains(&ending.as_str()))
}

fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The front of a text, at most so many UTF-16 units of it.
fn cut(text: &str, most: usize) -> String {
    let mut left = most;
    let fits = |c: &char| {
        let fits = c.len_utf16() <= left;
        left = left.saturating_sub(c.len_utf16());
        fits
    };
    text.chars().take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What GRAPH's rules say that no name may be.
    fn is_refused(name: &str, is_folder: bool) -> bool {
        let bad = |c: char| "\"*:<>?/\\|".contains(c) || c < ' ';
        name.is_empty()
            || name.chars().any(bad)
            || name.starts_with(' ')
            || name.ends_with([' ', '.'])
            || (is_folder && name.starts_with('~'))
            || RESERVED.contains(&name.to_lowercase().as_str())
            || name.to_lowercase().contains("_vti_")
            || units(name) > NAME_UNITS_MAX
    }

    #[test]
    fn names_that_a_drive_takes_stay_as_they_are() {
        for name in
            ["a.txt", "100% done #1", "~$lock.docx", "a：b", "it's {odd} & [odd]", "日本語", ".hidden"]
        {
            assert_eq!(drive_name(name, false), name);
        }
        assert_eq!(drive_name("~tilde", true), "～tilde");
        assert_eq!(drive_name("a:b?.txt. ", false), "a：b？.txt.␠");
        assert_eq!(drive_name("NUL", false), "NUL_");
        assert_eq!(drive_name("com1", true), "com1_");
        assert_eq!(drive_name("company", true), "company");
        assert_eq!(drive_name("end.", false), "end．");
    }

    #[test]
    fn numbers_go_before_the_ending() {
        assert_eq!(numbered("a.txt", 2), "a (2).txt");
        assert_eq!(numbered("a", 3), "a (3)");
        assert_eq!(numbered(".profile", 2), ".profile (2)");
        assert_eq!(units(&numbered(&format!("{}.txt", "é".repeat(255)), 10)), 255);
    }

    proptest! {
        #[test]
        fn a_mended_name_is_one_that_a_drive_takes(name in any::<String>(), is_folder: bool) {
            let mended = drive_name(&name, is_folder);
            prop_assert!(!is_refused(&mended, is_folder), "{mended:?}");
            if !is_refused(&name, is_folder) && !name.contains('\x7f') && !name.to_lowercase().starts_with(['c', 'l']) {
                prop_assert_eq!(&mended, &name);
            }
            prop_assert_eq!(drive_name(&mended, is_folder), mended);
        }
    }
}
