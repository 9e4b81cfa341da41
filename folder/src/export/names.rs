//! Names of a folder's children, safe on every system and no two of them the same anywhere.
//!
//! A child keeps its [escaped](super::escape()) name unless that is too long, or another child's name
//! is the same but for case, normalisation or discriminator, or it looks like one of the names made
//! here or by Windows. Then it is marked: `~` and 16 characters that hash its key stand before the
//! extension. So the same folder gives the same names, whatever part of it is asked for.

use repo_format::tree::TreeKey;

use super::escape::escape;
use crate::fold::fold;

/// Most bytes in a name: the limit of ext4, XFS and APFS. NTFS takes as many UTF-16 units.
pub const NAME_SIZE_MAX: usize = 255;
/// Characters of a mark, five bits each.
const MARK_SIZE: usize = 16;
const MARK_DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// A longer extension is none.
const EXTENSION_SIZE_MAX: usize = 16;

/// Names a folder's children. Holds eight bytes for each child while it looks at them, and for each
/// clash afterwards.
#[derive(Debug, Clone, Default)]
pub struct ExportNames {
    /// Hashes of folded names that several children share, ascending.
    clashes: Vec<u64>,
}

impl ExportNames {
    /// Looks at all of a folder's keys.
    ///
    /// # Errors
    /// The iterator's.
    pub fn of<E>(keys: impl Iterator<Item = Result<TreeKey, E>>) -> Result<ExportNames, E> {
        let mut hashes = keys.map(|key| Ok(short_hash(&fold(&escape(&key?.name)))));
        let mut hashes: Vec<u64> = hashes.by_ref().collect::<Result<_, E>>()?;
        hashes.sort_unstable();
        let mut clashes: Vec<u64> =
            hashes.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0]).collect();
        clashes.dedup();
        Ok(ExportNames { clashes })
    }

    /// The name of a child.
    pub fn name(&self, key: &TreeKey) -> String {
        let safe = escape(&key.name);
        let folded = fold(&safe);
        let is_taken = self.clashes.binary_search(&short_hash(&folded)).is_ok();
        match is_taken || safe.is_empty() || safe.len() > NAME_SIZE_MAX || looks_made(&folded) {
            true => marked(&safe, key),
            false => safe,
        }
    }
}

fn short_hash(text: &str) -> u64 {
    let hash = blake3::hash(text.as_bytes());
    hash.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

/// The name with its mark, cut to what fits.
fn marked(safe: &str, key: &TreeKey) -> String {
    let (stem, extension) = split_extension(safe);
    let mut room = NAME_SIZE_MAX - extension.len() - MARK_SIZE - 1;
    while !stem.is_char_boundary(room.min(stem.len())) {
        room -= 1;
    }
    format!("{}~{}{extension}", &stem[..room.min(stem.len())], mark(key))
}

/// The name up to its extension, and the extension with its dot; empty if there is none.
fn split_extension(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= EXTENSION_SIZE_MAX => name.split_at(dot),
        _ => (name, ""),
    }
}

/// What tells a key from all others: 80 bits of a hash.
fn mark(key: &TreeKey) -> String {
    let hash = blake3::hash(&[&key.name[..], &[0], &key.discriminator[..]].concat());
    let bits = hash.as_bytes().first_chunk().map_or(0, |first| u128::from_le_bytes(*first));
    (0..MARK_SIZE).map(|place| char::from(MARK_DIGITS[(bits >> (5 * place)) as usize % 32])).collect()
}

/// Whether a folded name could be one that was made here, or one that Windows makes besides a long
/// name (`LETTER~1.TXT`), behind which another file may stand.
fn looks_made(folded: &str) -> bool {
    let is_marked = |rest: &str| {
        let (mark, behind) = rest.split_at_checked(MARK_SIZE)?;
        let is_mark = mark.bytes().all(|byte| MARK_DIGITS.contains(&byte));
        Some(is_mark && (behind.is_empty() || behind.starts_with('.')))
    };
    let is_short = |at: usize, rest: &str| {
        let number = rest.split('.').next().unwrap_or_default();
        at <= 6 && (1..=6).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    folded
        .match_indices('~')
        .any(|(at, _)| is_marked(&folded[at + 1..]) == Some(true) || is_short(at, &folded[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::super::escape::{is_portable, unescape};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::convert::Infallible;

    fn key(name: &str, id: &str) -> TreeKey {
        TreeKey { name: name.into(), discriminator: id.into() }
    }

    fn names(keys: &[TreeKey]) -> Vec<String> {
        let all = ExportNames::of(keys.iter().cloned().map(Ok::<_, Infallible>)).unwrap();
        keys.iter().map(|key| all.name(key)).collect()
    }

    #[test]
    fn a_name_alone_keeps_its_name() {
        let long = "x".repeat(NAME_SIZE_MAX);
        for name in ["letter.txt", ".profile", "a~b.txt", "~$lock.docx", "résumé", &long] {
            assert_eq!(names(&[key(name, "1")]), [name]);
        }
    }

    #[test]
    fn those_that_clash_are_told_apart_and_keep_their_extension() {
        let keys = [key("a.txt", "1"), key("a.txt", "2"), key("A.TXT", "3"), key("b.txt", "4")];
        let made = names(&keys);
        assert_eq!(made[3], "b.txt");
        assert!(made[..2].iter().all(|it| it.starts_with("a~") && it.ends_with(".txt") && it.len() == 22));
        assert_ne!(made[0], made[1]);
        // Whatever else is in the folder, a clash gives the same names.
        assert_eq!(names(&keys[..2]), made[..2]);
    }

    #[test]
    fn long_names_are_cut_at_a_character() {
        for name in ["é".repeat(500), format!("{}.docx", "日本".repeat(200)), "%:".repeat(200)] {
            let made = names(&[key(&name, "1")]).remove(0);
            assert!(is_portable(&made) && made.len() > 240, "{made}");
        }
    }

    #[test]
    fn names_that_look_made_are_marked() {
        let made = names(&[key("a.txt", "1"), key("a.txt", "2")]).remove(0);
        for name in [&*made, &made.to_uppercase(), "PROGRA~1", "letter~12.txt"] {
            assert_ne!(names(&[key(name, "9")]), [name]);
        }
    }

    fn any_name() -> impl Strategy<Value = Vec<u8>> {
        let small = prop::collection::vec(
            prop_oneof![
                Just("a"),
                Just("A"),
                Just("é"),
                Just("e\u{301}"),
                Just("."),
                Just(" "),
                Just(":"),
                Just("%"),
                Just("3A"),
                Just("~"),
                Just("1"),
                Just("\u{200d}"),
                Just("con")
            ],
            1..5,
        );
        prop_oneof![
            4 => small.prop_map(|parts| parts.concat().into_bytes()),
            1 => prop::collection::vec(1u8.., 1..300),
        ]
    }

    proptest! {
        #[test]
        fn no_two_are_the_same_anywhere(
            keys in prop::collection::btree_set((any_name(), 0u8..3), 1..12)
        ) {
            let keys: Vec<TreeKey> = keys.into_iter()
                .map(|(name, id)| TreeKey { name, discriminator: vec![id] }).collect();
            let made = names(&keys);
            for name in &made {
                prop_assert!(is_portable(name), "{}", name);
            }
            let distinct: BTreeSet<String> = made.iter().map(|name| fold(name)).collect();
            prop_assert_eq!(distinct.len(), keys.len());
            for (key, name) in keys.iter().zip(&made) {
                prop_assert!(unescape(name) == key.name || looks_made(&fold(name)));
            }
        }
    }
}
