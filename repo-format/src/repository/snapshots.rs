//! The snapshots of a repository: listed, found, forgotten.

use std::collections::HashSet;
use std::convert::Infallible;

use super::error::from_commit;
use super::{Repository, RepositoryError};
use crate::codec::ManifestId;
use crate::log::{Action, ManifestRow, SnapshotState, State};
use crate::snapshot::Manifest;

/// Why a text names no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    #[error("no snapshot has an ID that begins with {text:?}")]
    NoMatch { text: String },
    #[error("there is no snapshot yet")]
    None,
    #[error("{text:?} could be {}", candidates.iter().map(|id| id.to_string()[..16].to_owned()).collect::<Vec<_>>().join(" or "))]
    Ambiguous { text: String, candidates: Vec<ManifestId> },
    #[error("{text:?} is no snapshot ID: expected hexadecimal digits or \"latest\"")]
    Malformed { text: String },
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl Repository {
    /// The live snapshots, checkpoints included, in the order of their commits.
    ///
    /// # Errors
    /// If the manifest segments cannot be read.
    pub fn snapshots(&self) -> Result<Vec<ManifestRow>, RepositoryError> {
        self.snapshots_in(&self.0.log.state(), true)
    }

    /// The snapshots that were forgotten and can still be told of, in the order of their commits.
    ///
    /// # Errors
    /// If the manifest segments cannot be read.
    pub fn forgotten_snapshots(&self) -> Result<Vec<ManifestRow>, RepositoryError> {
        self.snapshots_in(&self.0.log.state(), false)
    }

    fn snapshots_in(&self, state: &State, live: bool) -> Result<Vec<ManifestRow>, RepositoryError> {
        let mut rows: Vec<ManifestRow> = self.0.log.manifests(state)?.into_values().collect();
        rows.retain(|row| row.is_live() == live);
        rows.sort_by_key(|row| (row.revision, row.start_ns));
        Ok(rows)
    }

    /// The snapshot that `text` means: `latest` (checkpoints aside), or the beginning of an ID.
    ///
    /// # Errors
    /// [`ResolveError`] tells none, several and nonsense apart.
    pub fn resolve(&self, text: &str) -> Result<ManifestRow, ResolveError> {
        let rows = self.snapshots()?;
        if text == "latest" {
            let finished = rows.iter().rfind(|row| row.state != SnapshotState::Checkpoint);
            return finished.or(rows.last()).cloned().ok_or(ResolveError::None);
        }
        by_prefix(rows, text)
    }

    /// The forgotten snapshot whose ID begins with `text`.
    ///
    /// # Errors
    /// As [`Repository::resolve`]; `NotForgotten` for one that is live.
    pub fn resolve_forgotten(&self, text: &str) -> Result<ManifestRow, ResolveError> {
        match by_prefix(self.forgotten_snapshots()?, text) {
            Err(ResolveError::NoMatch { text }) => match by_prefix(self.snapshots()?, &text) {
                Ok(live) => Err(RepositoryError::NotForgotten { id: live.id }.into()),
                Err(error) => Err(error),
            },
            found => found,
        }
    }

    /// A snapshot's manifest.
    ///
    /// # Errors
    /// If it cannot be read, or breaks SNAP-1.
    pub fn manifest(&self, id: &ManifestId) -> Result<Manifest, RepositoryError> {
        Ok(Manifest::load(self.reader(), id)?)
    }

    /// Removes snapshots from the state. Nothing is deleted; what only they need can be reclaimed
    /// by maintenance. Gives the revision.
    ///
    /// # Errors
    /// `UnknownSnapshot` if one is not there or was forgotten already.
    pub fn forget(&self, ids: &[ManifestId]) -> Result<u64, RepositoryError> {
        self.begin_task()?;
        let rows = self.0.log.manifests(&self.0.log.state())?;
        let live = |id: &ManifestId| rows.get(id).is_some_and(ManifestRow::is_live);
        if let Some(id) = ids.iter().find(|id| !live(id)) {
            return Err(RepositoryError::UnknownSnapshot { id: *id });
        }
        let actions = vec![Action::Forget(ids.to_vec())];
        self.with_reserve(|| {
            let done = self.0.log.commit::<Infallible>(|_| Ok(actions.clone()));
            Ok(done.map_err(from_commit)?.revision)
        })
    }

    /// Forgetting is how a full disk is emptied: where there is no room for the record that says so, the
    /// reserve gives it.
    fn with_reserve<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, RepositoryError>,
    ) -> Result<T, RepositoryError> {
        match attempt() {
            Err(error) if error.is_full() && self.0.blobs.free_reserve()? => attempt(),
            ended => ended,
        }
    }

    /// Removes the snapshots that `choose` picks out of the live ones, in one record. It is called again
    /// for the state that another writer left, so that nothing is forgotten on outdated grounds; nothing is
    /// committed if it picks none. Gives the revision.
    ///
    /// # Errors
    /// What `choose` says; `UnknownSnapshot` if it picks one that is not there; and if the snapshots cannot
    /// all be told.
    pub fn forget_chosen(
        &self,
        mut choose: impl FnMut(&State, &[ManifestRow]) -> Result<Vec<ManifestId>, RepositoryError>,
    ) -> Result<u64, RepositoryError> {
        self.begin_task()?;
        self.with_reserve(|| {
            let done = self.0.log.commit::<RepositoryError>(|state| {
                let rows = self.snapshots_in(state, true)?;
                let ids = choose(state, &rows)?;
                let live: HashSet<&ManifestId> = rows.iter().map(|row| &row.id).collect();
                match ids.iter().find(|id| !live.contains(id)) {
                    Some(id) => Err(RepositoryError::UnknownSnapshot { id: *id }),
                    None if ids.is_empty() => Ok(vec![]),
                    None => Ok(vec![Action::Forget(ids)]),
                }
            });
            Ok(done.map_err(from_commit)?.revision)
        })
    }
}

fn by_prefix(rows: Vec<ManifestRow>, text: &str) -> Result<ManifestRow, ResolveError> {
    let prefix = text.to_ascii_lowercase();
    if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(ResolveError::Malformed { text: text.into() });
    }
    let mut found: Vec<ManifestRow> =
        rows.into_iter().filter(|row| row.id.to_string().starts_with(&prefix)).collect();
    match found.len() {
        0 => Err(ResolveError::NoMatch { text: text.into() }),
        1 => Ok(found.remove(0)),
        _ => Err(ResolveError::Ambiguous {
            text: text.into(),
            candidates: found.into_iter().map(|row| row.id).collect(),
        }),
    }
}
