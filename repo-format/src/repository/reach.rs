//! The packs in which all that a snapshot reaches still is (LOG-7).

use std::collections::{BTreeSet, HashSet};

use bytes::Bytes;

use super::{Repository, RepositoryError};
use crate::codec::{ContentId, PackId};
use crate::content::{ContentError, ContentKind, ReadContent};
use crate::index::Location;
use crate::log::{ManifestRow, State};
use crate::reach::{ReachError, Reached as Walker, Walked, reach as walk};
use crate::system::Mutex;

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
    let (there, whole) = (repository.packs_there()?, HashSet::new());
    let kept = Kept::new(repository, &state, &there, &whole);
    let manifest = ContentId(row.id.0);
    let Err(error) = walk(&kept, &[row.id], &kept, 1, &|| false) else {
        return Ok(Reached { revision, packs: kept.into_parts().0 });
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
pub(crate) struct Kept<'k> {
    repository: &'k Repository,
    state: &'k State,
    there: &'k HashSet<PackId>,
    /// Whose reach is known to be kept, and is not walked again.
    whole: &'k HashSet<(Walked, ContentId)>,
    packs: Mutex<BTreeSet<PackId>>,
    walked: Mutex<HashSet<(Walked, ContentId)>>,
}

impl<'k> Kept<'k> {
    /// By `state`, with the packs that are `there`.
    pub fn new(
        repository: &'k Repository,
        state: &'k State,
        there: &'k HashSet<PackId>,
        whole: &'k HashSet<(Walked, ContentId)>,
    ) -> Kept<'k> {
        Kept { repository, state, there, whole, packs: Mutex::default(), walked: Mutex::default() }
    }

    /// Whether a pack is there and not doomed.
    pub fn has(&self, pack: &PackId) -> bool {
        !self.state.is_lost(pack) && self.there.contains(pack)
    }

    /// The places of a content that a snapshot may rely on, at least one.
    ///
    /// # Errors
    /// `Missing`, or a failure to read the index.
    pub fn places(&self, id: &ContentId) -> Result<Vec<Location>, ContentError> {
        let mut places = self.repository.reader().locate(id)?;
        places.retain(|at| self.has(&at.pack));
        if places.is_empty() { Err(ContentError::Missing { id: *id }) } else { Ok(places) }
    }

    /// The packs that gave anything, and what was walked.
    pub fn into_parts(self) -> (BTreeSet<PackId>, HashSet<(Walked, ContentId)>) {
        (self.packs.into_inner(), self.walked.into_inner())
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
            walked if self.whole.contains(&(walked, *id)) => Ok(false),
            walked => Ok(self.walked.lock().insert((walked, *id))),
        }
    }
}
