//! Keys of a tree: name, a zero byte, a discriminator (TREE-1).

/// The key of an entry in its folder's map.
///
/// Local files have an empty discriminator; services use the item ID, because names need not be
/// unique there. A name contains no zero byte and is not empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeKey {
    pub name: Vec<u8>,
    pub discriminator: Vec<u8>,
}
