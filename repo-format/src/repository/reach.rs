//! The packs in which all that a snapshot reaches still is (LOG-7).

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::{Repository, RepositoryError};
use crate::codec::{ContentId, PackId};
use crate::content::{ContentError, ContentKind, ReadContent};
use crate::index::Location;
use crate::log::{ManifestRow, State};
use crate::reach::{ReachError, Reached as Walker, Walked, reach as walk};

/// What a walk found all of a snapshot in.
pub(super) struct Reached {
    /// The state that the walk went by.
    pub revision: u64,
    pub packs: BTreeSet<PackId>,
}

/// Walks all that a snapshot reaches. Nodes and lists are read; of files' contents it is told whether they
/// are there.
///
/// # Errors
/// `Reclaimed` names the first path that is without something.
pub(super) fn reach(repository: &Repository, row: &ManifestRow) -> Result<Reached, RepositoryError> {
    let state = repository.0.log.state();
    let revision = state.revision;
    let there = repository.packs_there()?;
    let kept = Kept { repository, state, there, packs: Mutex::default(), walked: Mutex::default() };
    let manifest = ContentId(row.id.0);
    let Err(error) = walk(&kept, &[row.id], &kept, 1, &|| false) else {
        return Ok(Reached { revision, packs: kept.packs.into_inner() });
    };
    let ReachError { path, source, .. } = *error;
    Err(match source {
        source @ ContentError::Missing { .. } => {
            let path = shown(&path, matches!(source, ContentError::Missing { id } if id == manifest));
            RepositoryError::Reclaimed { id: row.id, path, source: Box::new(source) }
        }
        error => error.into(),
    })
}

fn shown(path: &[u8], is_manifest: bool) -> String {
    match path {
        [] if is_manifest => "its manifest".to_owned(),
        [] => ".".to_owned(),
        path => String::from_utf8_lossy(path).escape_debug().to_string(),
    }
}

/// Contents in packs that are neither doomed nor gone; notes from which ones it gave any.
struct Kept<'r> {
    repository: &'r Repository,
    state: Arc<State>,
    there: HashSet<PackId>,
    packs: Mutex<BTreeSet<PackId>>,
    walked: Mutex<HashSet<(Walked, ContentId)>>,
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
        let (pack, plaintext) = self.repository.reader().get_from(kind, id, &self.places(id)?)?;
        self.note(pack);
        Ok(plaintext)
    }
}

impl Walker for Kept<'_> {
    fn reach(&self, id: &ContentId, walked: Walked) -> Result<bool, ContentError> {
        match walked {
            Walked::Whole => {
                self.note(self.places(id)?[0].pack);
                Ok(true)
            }
            walked => Ok(self.walked.lock().insert((walked, *id))),
        }
    }
}
