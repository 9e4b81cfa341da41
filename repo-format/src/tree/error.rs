//! Why a tree could not be read or written.

use super::NameError;
use crate::cbor::CborError;
use crate::codec::ContentId;
use crate::content::ContentError;
use crate::map::MapError;

/// What a caller can do differs by variant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// A content could not be read or stored.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The entry does not fit, or comes out of order. Only this entry is to blame.
    #[error("{name:?} cannot be put into a tree")]
    Put { name: String, source: MapError },
    /// A key to be written, or to be looked for, is none that a tree can have.
    #[error("{name:?} is no name of a tree's entry")]
    Name { name: String, source: NameError },
    /// A stored key breaks TREE-1.
    #[error("tree {tree} has a key that breaks TREE-1")]
    StoredName { tree: ContentId, source: NameError },
    /// A stored entry breaks TREE-3.
    #[error("tree {tree}: entry {name:?} breaks TREE-3")]
    StoredEntry { tree: ContentId, name: String, source: CborError },
}

impl From<MapError> for TreeError {
    fn from(error: MapError) -> TreeError {
        match error {
            MapError::Content(error) => TreeError::Content(error),
            source => TreeError::Put { name: String::from("an entry"), source },
        }
    }
}

/// A name as messages show it.
pub(super) fn shown(name: &[u8]) -> String {
    name.utf8_chunks().fold(String::new(), |mut shown, chunk| {
        shown.push_str(chunk.valid());
        shown.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
        shown
    })
}
