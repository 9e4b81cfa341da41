//! Keys of a tree: name, a zero byte, a discriminator (TREE-1).

use std::cmp::Ordering;

/// Most bytes in a name.
pub const NAME_SIZE_MAX: usize = 1024;
/// Most bytes in a discriminator.
pub const DISCRIMINATOR_SIZE_MAX: usize = 75;

/// The key of an entry in its folder's map.
///
/// Local files have an empty discriminator; services use the item ID, because names need not be
/// unique there. A name contains no zero byte and is not empty. Keys order as their bytes do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeKey {
    pub name: Vec<u8>,
    pub discriminator: Vec<u8>,
}

/// Which rule of TREE-1 a key breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("the name is empty")]
    Empty,
    #[error("the name has {found} bytes; 1024 are possible")]
    TooLong { found: usize },
    #[error("`.` and `..` are no names")]
    Dots,
    #[error("the name holds a slash")]
    Slash,
    #[error("the name holds a zero byte")]
    Zero,
    #[error("the key has no zero byte behind the name")]
    Unended,
    #[error("the discriminator has {found} bytes; 75 are possible")]
    DiscriminatorTooLong { found: usize },
}

impl TreeKey {
    /// The key of a local file: the name alone.
    pub fn of_name(name: impl Into<Vec<u8>>) -> Self {
        TreeKey { name: name.into(), discriminator: Vec::new() }
    }

    /// The key's bytes in the map.
    ///
    /// # Errors
    /// [`NameError`] if a tree can have no such key.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NameError> {
        check_name(&self.name)?;
        check_discriminator(&self.discriminator)?;
        Ok([&self.name[..], &[0], &self.discriminator[..]].concat())
    }

    /// How the key's bytes compare with those of a stored one, which need not be taken apart for that.
    pub(crate) fn cmp_bytes(&self, stored: &[u8]) -> Ordering {
        match stored.split_at_checked(self.name.len()) {
            Some((name, rest)) => self.name[..].cmp(name).then_with(|| match rest.split_first() {
                Some((0, discriminator)) => self.discriminator[..].cmp(discriminator),
                // It goes on where this name ends, or ends where this key goes on.
                Some(_) => Ordering::Less,
                None => Ordering::Greater,
            }),
            None => self.name[..].cmp(stored),
        }
    }

    /// Takes a key's bytes apart.
    ///
    /// # Errors
    /// [`NameError`] if a tree can have no such key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NameError> {
        let end = bytes.iter().position(|byte| *byte == 0).ok_or(NameError::Unended)?;
        let (name, discriminator) = (&bytes[..end], &bytes[end + 1..]);
        check_name(name)?;
        check_discriminator(discriminator)?;
        Ok(TreeKey { name: name.to_vec(), discriminator: discriminator.to_vec() })
    }
}

/// Checks what TREE-1 asks of a name.
pub(super) fn check_name(name: &[u8]) -> Result<(), NameError> {
    match name {
        b"" => Err(NameError::Empty),
        b"." | b".." => Err(NameError::Dots),
        _ if name.len() > NAME_SIZE_MAX => Err(NameError::TooLong { found: name.len() }),
        _ if name.contains(&b'/') => Err(NameError::Slash),
        _ if name.contains(&0) => Err(NameError::Zero),
        _ => Ok(()),
    }
}

fn check_discriminator(discriminator: &[u8]) -> Result<(), NameError> {
    match discriminator.len() {
        0..=DISCRIMINATOR_SIZE_MAX => Ok(()),
        found => Err(NameError::DiscriminatorTooLong { found }),
    }
}
