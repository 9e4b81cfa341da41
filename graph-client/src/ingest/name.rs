//! Names of items as keys of a tree.

use repo_format::tree::{NAME_SIZE_MAX, TreeKey};

/// The key of an item in its folder: its name, mended where a tree can have no such name, and its ID.
///
/// The name as the service has it is among the facts, so nothing is lost by mending: slashes and zero
/// bytes become underscores, names of dots alone get one in front, long ones are cut.
pub fn tree_key(name: &str, id: &str) -> TreeKey {
    let mut mended = name.replace(['/', '\0'], "_");
    if mended == "." || mended == ".." {
        mended.insert(0, '_');
    }
    if mended.is_empty() {
        mended.push('_');
    }
    let end = (0..=NAME_SIZE_MAX.min(mended.len())).rev().find(|end| mended.is_char_boundary(*end));
    mended.truncate(end.unwrap_or(0));
    TreeKey { name: mended.into_bytes(), discriminator: id.as_bytes().to_vec() }
}

/// What names are compared by: those of a drive do not differ by case alone.
pub(super) fn fold(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_becomes_one_that_a_tree_can_have() {
        for (name, key) in [("a/b\0c", "a_b_c"), ("..", "_.."), (".", "_."), ("", "_"), ("plain", "plain")] {
            assert_eq!(tree_key(name, "01A").name, key.as_bytes());
        }
        let long = tree_key(&"é".repeat(600), "01A");
        assert_eq!(long.name.len(), 1024);
        assert!(long.to_bytes().is_ok());
        assert_ne!(tree_key("same", "01A"), tree_key("same", "01B"));
    }
}
