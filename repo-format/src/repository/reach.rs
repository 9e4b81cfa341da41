//! What a snapshot reaches, and the packs in which all of it still is (LOG-7).

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::{Repository, RepositoryError};
use crate::codec::{ContentId, PackId};
use crate::content::{ContentError, ContentKind, ReadContent};
use crate::index::Location;
use crate::ledger::Ledger;
use crate::log::{ManifestRow, State};
use crate::object::{ObjectReader, ObjectRef};
use crate::snapshot::{Failure, Manifest, Part, read_by_path};
use crate::tree::{EntryKind, Tree, TreeError};

/// What a walk found all of a snapshot in.
pub(super) struct Reached {
    /// The state that the walk went by.
    pub revision: u64,
    pub packs: BTreeSet<PackId>,
}

/// Walks all that a snapshot reaches: manifest, trees, ledger, failures, parts, objects. Nodes and lists
/// are read; of files' contents it is told whether they are there.
///
/// # Errors
/// `Reclaimed` names the first path that is without something.
pub(super) fn reach(repository: &Repository, row: &ManifestRow) -> Result<Reached, RepositoryError> {
    let state = repository.0.log.state();
    let revision = state.revision;
    let there = repository.packs_there()?;
    let kept = Kept { repository, state, there, packs: Mutex::default() };
    let mut walk = Walk { kept: &kept, seen: HashSet::new() };
    let Err(Stop { path, error }) = walk.manifest(row) else {
        return Ok(Reached { revision, packs: kept.packs.into_inner() });
    };
    Err(match *error {
        TreeError::Content(source @ ContentError::Missing { .. }) => {
            RepositoryError::Reclaimed { id: row.id, path, source: Box::new(source) }
        }
        TreeError::Content(error) => error.into(),
        error => RepositoryError::Tree(Box::new(error)),
    })
}

/// Contents in packs that are neither doomed nor gone; notes from which ones it gave any.
struct Kept<'r> {
    repository: &'r Repository,
    state: Arc<State>,
    there: HashSet<PackId>,
    packs: Mutex<BTreeSet<PackId>>,
}

impl Kept<'_> {
    /// The places of a content that a snapshot may rely on.
    fn places(&self, id: &ContentId) -> Result<Vec<Location>, ContentError> {
        let mut places = self.repository.reader().locate(id)?;
        places.retain(|at| !self.state.is_lost(&at.pack) && self.there.contains(&at.pack));
        if places.is_empty() { Err(ContentError::Missing { id: *id }) } else { Ok(places) }
    }

    fn note(&self, pack: PackId) {
        self.packs.lock().insert(pack);
    }
}

impl ReadContent for Kept<'_> {
    fn get(&self, kind: ContentKind, id: &ContentId) -> Result<Bytes, ContentError> {
        let reader = self.repository.reader();
        let mut first_error = None;
        for at in self.places(id)? {
            match reader.frame(id, &at).and_then(|raw| reader.take(kind, id, &at, &raw)) {
                Ok(plaintext) => {
                    self.note(at.pack);
                    return Ok(plaintext);
                }
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
        Err(first_error.unwrap_or(ContentError::Missing { id: *id }))
    }
}

/// Where a walk came to its end before it was through.
struct Stop {
    path: String,
    error: Box<TreeError>,
}

struct Walk<'k, 'r> {
    kept: &'k Kept<'r>,
    /// Trees and lists that were walked already.
    seen: HashSet<ContentId>,
}

impl Walk<'_, '_> {
    fn manifest(&mut self, row: &ManifestRow) -> Result<(), Stop> {
        // The row names it, so no other pack will do.
        if self.kept.state.is_lost(&row.pack) {
            let error = ContentError::Missing { id: ContentId(row.id.0) };
            return Err(at(b"its manifest")(error.into()));
        }
        let manifest = Manifest::load(self.kept, &row.id).map_err(TreeError::from);
        let manifest = manifest.map_err(at(b"its manifest"))?;
        self.tree(manifest.tree())?;
        for root in &manifest.ledger {
            self.ledger(root)?;
        }
        if let Some(root) = &manifest.failures {
            let failures = read_by_path::<Failure>(self.kept, root).map_err(TreeError::from);
            for failure in failures.map_err(at(b"its list of failures"))? {
                failure.map_err(TreeError::from).map_err(at(b"its list of failures"))?;
            }
        }
        if let Some(root) = &manifest.parts {
            let parts = read_by_path::<Part>(self.kept, root).map_err(TreeError::from);
            for part in parts.map_err(at(b"its unfinished files"))? {
                let (path, part) = part.map_err(TreeError::from).map_err(at(b"its unfinished files"))?;
                self.object(part.object, &path)?;
            }
        }
        Ok(())
    }

    /// A folder and all below.
    fn tree(&mut self, root: ContentId) -> Result<(), Stop> {
        let mut waiting = vec![(root, Vec::new())];
        while let Some((tree, path)) = waiting.pop() {
            if !self.seen.insert(tree) {
                continue;
            }
            let opened = Tree::open(self.kept, &tree).map_err(TreeError::from);
            for child in opened.map_err(at(&path))?.children() {
                let (key, entry) = child.map_err(at(&path))?;
                let path = match path.is_empty() {
                    true => key.name,
                    false => [&path[..], b"/", &key.name].concat(),
                };
                match entry.kind {
                    EntryKind::Folder(tree) => waiting.push((tree, path)),
                    EntryKind::File(Some(object)) => self.object(object, &path)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// One layer, entries that later ones hide included (SNAP-8).
    fn ledger(&mut self, root: &ContentId) -> Result<(), Stop> {
        let layer = Ledger::open(self.kept, std::slice::from_ref(root)).map_err(TreeError::from);
        for entry in layer.map_err(at(b"its ledger"))?.iter() {
            let (key, entry) = entry.map_err(TreeError::from).map_err(at(b"its ledger"))?;
            if let Some(object) = entry.object {
                self.object(object, &key)?;
            }
        }
        Ok(())
    }

    fn object(&mut self, object: ObjectRef, path: &[u8]) -> Result<(), Stop> {
        if object.depth > 0 && !self.seen.insert(object.content) {
            return Ok(());
        }
        let found = ObjectReader::open(self.kept, object).and_then(|reader| {
            reader.all_rows().try_for_each(|row| {
                self.kept.places(&row?.content).map(|places| self.kept.note(places[0].pack))
            })
        });
        found.map_err(TreeError::from).map_err(at(path))
    }
}

/// Says where an error was met; the root is `.`.
fn at(path: &[u8]) -> impl Fn(TreeError) -> Stop {
    let shown = if path.is_empty() { b"." } else { path };
    let path = String::from_utf8_lossy(shown).escape_debug().to_string();
    move |error| Stop { path: path.clone(), error: Box::new(error) }
}
