//! From `ID:PATH` to what is there.

use repo_format::codec::ContentId;
use repo_format::log::ManifestRow;
use repo_format::repository::Repository;
use repo_format::tree::{Entry, EntryKind, find};

use crate::args::values::Place;
use crate::exit::CliError;
use crate::report::Escaped;

/// A snapshot, and one entry of it.
pub struct Found {
    pub row: ManifestRow,
    pub path: Vec<Vec<u8>>,
    pub entry: Entry,
}

impl Found {
    /// The folder's tree.
    ///
    /// # Errors
    /// `WrongKind` if it is no folder.
    pub fn tree(&self) -> Result<ContentId, CliError> {
        match self.entry.kind {
            EntryKind::Folder(tree) => Ok(tree),
            _ => Err(CliError::WrongKind { path: shown(&self.path), wanted: "folder" }),
        }
    }
}

/// The entry at a place. Of several items of one name, which only services have, none is taken.
///
/// # Errors
/// `NothingMatched`, or what keeps the snapshot from being read.
pub fn locate(repository: &Repository, place: &Place) -> anyhow::Result<Found> {
    let row = repository.resolve(&place.snapshot)?;
    let manifest = repository.manifest(&row.id)?;
    let path = place.path.clone();
    if path.is_empty() {
        let entry = manifest.root.clone();
        return Ok(Found { row, path, entry });
    }
    let names: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
    let mut found = find(repository.contents(), &manifest.tree(), &names)?.into_iter();
    match (found.next(), found.next()) {
        (Some((_, entry)), None) => Ok(Found { row, path, entry }),
        (None, _) => Err(CliError::NothingMatched { what: shown(&path) }.into()),
        (Some(_), Some(_)) => Err(CliError::Usage {
            what: format!("several items are called {}", shown(&path)),
            hint: "name the folder, and look at it with `corso snapshot ls`",
        }
        .into()),
    }
}

/// A path as messages show it.
pub fn shown(path: &[Vec<u8>]) -> String {
    match path {
        [] => "the root".to_owned(),
        path => Escaped(&path.join(&b'/')).to_string(),
    }
}
