//! Which part of a drive is backed up.
//!
//! A feed tells of a whole drive, and where an item is follows only when all folders above it have been
//! told. So the ledger has everything, and who is outside is told from it, again and again: its content
//! is not fetched, and the tree does without it.

use std::collections::HashMap;

use super::name::fold;
use super::{DriveLedger, IngestError, Item};

/// Folders of a drive, by the names that lead to them; all of the drive for none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    folders: Vec<Folder>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Folder {
    /// As somebody wrote it.
    path: String,
    /// As names are compared.
    names: Vec<String>,
}

/// Where a folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    Inside,
    /// On the way to a folder of the scope: the names that lead here, folded.
    Above(Vec<String>),
    Outside,
}

impl Scope {
    /// The folders at these paths, whose names `/` divides. Names are compared as the service does:
    /// without regard to case. The root alone, or an empty path, is all of the drive.
    pub fn of<'p>(paths: impl IntoIterator<Item = &'p String>) -> Scope {
        let folder = |path: &String| {
            let names = path.split('/').filter(|name| !name.is_empty()).map(fold).collect();
            Folder { path: path.clone(), names }
        };
        let folders: Vec<Folder> = paths.into_iter().map(folder).collect();
        match folders.iter().any(|folder| folder.names.is_empty()) {
            true => Scope::default(),
            false => Scope { folders },
        }
    }

    /// Whether nothing is outside.
    pub fn is_all(&self) -> bool {
        self.folders.is_empty()
    }

    fn standing(&self, names: Vec<String>) -> Standing {
        if self.folders.iter().any(|folder| names.starts_with(&folder.names)) {
            Standing::Inside
        } else if self.folders.iter().any(|folder| folder.names.starts_with(&names)) {
            Standing::Above(names)
        } else {
            Standing::Outside
        }
    }
}

/// Tells who is inside, by what a ledger knows at present. Remembers folders: it is for as long as the
/// ledger does not change.
pub(super) struct Inside<'s, 'a> {
    scope: &'s Scope,
    ledger: &'s DriveLedger<'a>,
    root: &'s str,
    folders: HashMap<String, Standing>,
}

impl<'s, 'a> Inside<'s, 'a> {
    pub fn new(scope: &'s Scope, ledger: &'s DriveLedger<'a>, root: &'s str) -> Inside<'s, 'a> {
        Inside { scope, ledger, root, folders: HashMap::new() }
    }

    /// Whether an item belongs to the backup: it is in a folder of the scope, is one, or leads to one.
    /// Items whose folder nobody knows do not, unless everything does.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn has(&mut self, item: &Item) -> Result<bool, IngestError> {
        if self.scope.is_all() {
            return Ok(true);
        }
        let facts = &item.known.facts;
        Ok(match facts.kind.is_container() {
            true => self.folder(&facts.id)? != Standing::Outside,
            false => self.folder(&facts.parent)? == Standing::Inside,
        })
    }

    /// Folders of the scope that are not there, as they were asked for.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn missing(&mut self) -> Result<Vec<String>, IngestError> {
        let mut missing: Vec<&Folder> = self.scope.folders.iter().collect();
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        for item in self.ledger.items() {
            let facts = item?.known.facts;
            if !facts.kind.is_container() {
                continue;
            }
            if let Standing::Above(names) = self.folder(&facts.parent)? {
                let names = [names, vec![fold(&facts.name)]].concat();
                missing.retain(|folder| folder.names != names);
            }
        }
        Ok(missing.into_iter().map(|folder| folder.path.clone()).collect())
    }

    fn folder(&mut self, id: &str) -> Result<Standing, IngestError> {
        let (mut at, mut way) = (id.to_owned(), Vec::new());
        let mut standing = loop {
            if at == self.root {
                break self.scope.standing(Vec::new());
            }
            if let Some(known) = self.folders.get(&at) {
                break known.clone();
            }
            let item = self.ledger.item(&at)?.filter(|item| item.known.facts.kind.is_container());
            let Some(item) = item.filter(|_| !way.iter().any(|(id, _)| *id == at)) else {
                break Standing::Outside;
            };
            way.push((at, fold(&item.known.facts.name)));
            at = item.known.facts.parent;
        };
        for (id, name) in way.into_iter().rev() {
            if let Standing::Above(names) = standing {
                standing = self.scope.standing([names, vec![name]].concat());
            }
            self.folders.insert(id, standing.clone());
        }
        Ok(standing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_and_an_empty_path_are_everything() {
        for paths in [&[][..], &["/".to_owned()], &["a".to_owned(), String::new()]] {
            assert!(Scope::of(paths).is_all());
        }
    }

    #[test]
    fn a_folder_has_what_is_below_it_and_what_leads_to_it() {
        let scope = Scope::of(&["Documents/Work".into(), "/Photos/".into()]);
        let standing =
            |path: &str| scope.standing(path.split('/').filter(|name| !name.is_empty()).map(fold).collect());
        assert_eq!(standing("documents/WORK"), Standing::Inside);
        assert_eq!(standing("photos/2020/may"), Standing::Inside);
        assert_eq!(standing("documents"), Standing::Above(vec!["documents".into()]));
        assert_eq!(standing(""), Standing::Above(Vec::new()));
        assert_eq!(standing("documents/workshop"), Standing::Outside);
        assert_eq!(standing("music"), Standing::Outside);
    }
}
