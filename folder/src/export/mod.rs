//! Exports: what a snapshot holds, for any system and without the service that it came from.
//!
//! [`Export`] is the selection that both forms share: it gives every entry a [name](ExportNames) that
//! Windows, macOS and Linux take, no two of a folder the same. A folder is written by the engine's
//! restore and [`FolderSink`](crate::FolderSink), an archive by [`archive()`].

mod archive;
mod escape;
mod names;
mod zip;

use repo_format::engine::select::{FolderSelection, Pick, Selection};
use repo_format::tree::{Entry, Tree, TreeError, TreeKey};

pub use self::archive::{ArchiveError, ArchiveOptions, archive};
pub use self::escape::{escape, is_portable, unescape};
pub use self::names::{ExportNames, NAME_SIZE_MAX};
use crate::select::{Meant, Scope, Selector};

/// What a selector means, under safe names.
pub struct Export<'a> {
    pub selector: &'a Selector,
}

struct ExportFolder<'a> {
    scope: Scope<'a>,
    names: ExportNames,
}

impl Selection for Export<'_> {
    fn folder<'a>(
        &'a self,
        path: &[TreeKey],
        tree: &Tree<'_>,
    ) -> Result<Box<dyn FolderSelection + 'a>, TreeError> {
        // All children are named, so that a part of a folder has the names that the whole has.
        // One that cannot be read has none; it fails when its turn comes.
        let readable = tree.children().filter_map(|child| child.ok().map(|(key, _)| Ok(key)));
        let names = ExportNames::of::<TreeError>(readable)?;
        Ok(Box::new(ExportFolder { scope: self.selector.scope(path), names }))
    }
}

impl FolderSelection for ExportFolder<'_> {
    fn pick(&self, key: &TreeKey, entry: &Entry) -> Pick {
        let name = || self.names.name(key).into_bytes();
        match self.scope.judge(key, entry) {
            Meant::No => Pick::Pass,
            Meant::Below => Pick::Look(name()),
            Meant::Yes => Pick::Take(name()),
        }
    }
}
