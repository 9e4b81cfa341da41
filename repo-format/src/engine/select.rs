//! What of a snapshot is wanted, and what it is called where it goes.
//!
//! Services can have several items of one name, and names that no file system takes. Whoever wants
//! only a part, or other names, says so folder by folder: [`Selection::folder`] may read all of a
//! folder before the first of its children is named.

use crate::tree::{Entry, Tree, TreeError, TreeKey};

/// What of a snapshot is wanted. Asked by one thread, folder by folder, from the top down.
pub trait Selection: Sync {
    /// What is wanted of the folder at `path`, whose children are in `tree`.
    ///
    /// `path` is what the snapshot calls it; empty for the folder that was asked for.
    ///
    /// # Errors
    /// If the folder has to be read for that, and cannot be.
    fn folder<'a>(
        &'a self,
        path: &[TreeKey],
        tree: &Tree<'_>,
    ) -> Result<Box<dyn FolderSelection + 'a>, TreeError>;
}

/// What is wanted of one folder.
pub trait FolderSelection: Send {
    /// What becomes of a child.
    fn pick(&self, key: &TreeKey, entry: &Entry) -> Pick;
}

/// What becomes of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// Not wanted, nor anything below it.
    Pass,
    /// Wanted, under this name.
    Take(Vec<u8>),
    /// A folder that is wanted under this name if anything below it is.
    Look(Vec<u8>),
}

/// All there is, under its own names.
pub struct Everything;

impl Selection for Everything {
    fn folder<'a>(&'a self, _: &[TreeKey], _: &Tree<'_>) -> Result<Box<dyn FolderSelection + 'a>, TreeError> {
        Ok(Box::new(Everything))
    }
}

impl FolderSelection for Everything {
    fn pick(&self, key: &TreeKey, _: &Entry) -> Pick {
        Pick::Take(key.name.clone())
    }
}
