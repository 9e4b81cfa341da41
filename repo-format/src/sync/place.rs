//! The two storages: whose repository is copied, and that the copy may be written to (COPY-1, COPY-3).

use super::SyncError;
use crate::codec::{CopyId, RepoId};
use crate::format::copy_marker::{self, CopyMarker};
use crate::format::format_blob;
use crate::format::names::{self, BlobId};
use crate::repository::{RepositoryError, copy_marker as marker_of, refuse_foreign};
use crate::storage::{Blobs, Location, Put, StorageError};

/// A copy that may be written to as long as its marker stays.
pub(super) struct Place<'a> {
    pub blobs: &'a Blobs,
    /// `None` in a dry run where there is no copy yet.
    pub marker: Option<CopyMarker>,
}

impl<'a> Place<'a> {
    /// Looks whether `target` is a copy of the repository, and makes it one if it is empty. The marker
    /// is written before all else.
    ///
    /// # Errors
    /// `SameStorage`, `NotACopy`, `OtherRepository`, `Marker`; another tool's place; what the storage
    /// lacks.
    pub fn prepare(
        source: &Blobs,
        target: &'a Blobs,
        repo: &RepoId,
        dry_run: bool,
    ) -> Result<Place<'a>, SyncError> {
        if is_same(source.storage().location(), target.storage().location()) {
            return Err(SyncError::SameStorage { location: location(target) });
        }
        refuse_foreign(target).map_err(|error| of_target(target, error))?;
        let mut found = found(target, repo)?;
        if found.is_none() && is_taken(target)? {
            // Another first run may have begun between the two looks.
            found = self::found(target, repo)?;
            if found.is_none() {
                return Err(SyncError::NotACopy { location: location(target) });
            }
        }
        let (marker, made) = match found {
            Some(marker) => (marker, false),
            None if dry_run => return Ok(Place { blobs: target, marker: None }),
            None => make(target, repo)?,
        };
        let place = Place { blobs: target, marker: Some(marker) };
        // Whatever the two are called: what was written to one is not to be found in the other.
        if marker_of(source)?.is_some_and(|theirs| theirs == Ok(marker)) {
            unmake(target, made);
            return Err(SyncError::SameStorage { location: location(target) });
        }
        if !dry_run {
            place.name(repo, made)?;
        }
        Ok(place)
    }

    /// Writes the format blob, which also decides against an init that came between.
    fn name(&self, repo: &RepoId, made: bool) -> Result<(), SyncError> {
        let name = BlobId::Format.name();
        let bytes = format_blob::encode(repo).to_vec();
        let put = self.blobs.put_new(&name, bytes.into()).map_err(|source| self.failed(source))?;
        let Put::Theirs(theirs) = put else { return Ok(()) };
        match format_blob::decode(&theirs) {
            Ok(found) => {
                unmake(self.blobs, made);
                Err(SyncError::OtherRepository { location: self.location(), found, expected: *repo })
            }
            // Damage, which is put right like any other.
            Err(_) => {
                self.blobs.delete(&name).map_err(|source| self.failed(source))?;
                self.name(repo, made)
            }
        }
    }

    /// Whether this is still the copy that the run began with.
    ///
    /// # Errors
    /// `Promoted` if not.
    pub fn check(&self) -> Result<(), SyncError> {
        let now = marker_of(self.blobs).map_err(|error| of_target(self.blobs, error))?;
        match (now, self.marker) {
            (Some(Ok(now)), Some(marker)) if now == marker => Ok(()),
            _ => Err(SyncError::Promoted { location: self.location() }),
        }
    }

    /// Where the copy is, for messages.
    pub fn location(&self) -> String {
        location(self.blobs)
    }

    /// A failure of the copy's storage.
    pub fn failed(&self, source: StorageError) -> SyncError {
        failed(self.blobs, source)
    }
}

/// The marker of a copy of this repository, if there is one.
fn found(target: &Blobs, repo: &RepoId) -> Result<Option<CopyMarker>, SyncError> {
    match marker_of(target).map_err(|error| of_target(target, error))? {
        None => Ok(None),
        Some(Ok(marker)) if marker.repo == *repo => Ok(Some(marker)),
        Some(Ok(marker)) => {
            let (found, expected) = (marker.repo, *repo);
            Err(SyncError::OtherRepository { location: location(target), found, expected })
        }
        Some(Err(source)) => Err(SyncError::Marker { location: location(target), source }),
    }
}

/// Makes the marker; of several who do so at once, one decides for all. Says whether this one did.
fn make(target: &Blobs, repo: &RepoId) -> Result<(CopyMarker, bool), SyncError> {
    target.probe().map_err(|source| failed(target, source))?;
    let copy = CopyId::random().map_err(RepositoryError::from)?;
    let marker = CopyMarker { repo: *repo, copy };
    let bytes = copy_marker::encode(&marker).to_vec();
    let put = target.put_new(&BlobId::CopyMarker.name(), bytes.into());
    let made = matches!(put.map_err(|source| failed(target, source))?, Put::Mine);
    match found(target, repo)? {
        Some(marker) => Ok((marker, made)),
        // Even this run's own may come too late, to a copy that another made, and that was promoted.
        None => {
            unmake(target, made);
            Err(SyncError::Promoted { location: location(target) })
        }
    }
}

/// Takes back the marker that this run has made where it should not have. Nobody else needs it.
fn unmake(target: &Blobs, made: bool) {
    if made && let Err(error) = target.delete(&BlobId::CopyMarker.name()) {
        tracing::warn!(%error, "corso.copy could not be removed again");
    }
}

/// Whether a repository, or a part of one, is there.
fn is_taken(target: &Blobs) -> Result<bool, SyncError> {
    for prefix in [names::FORMAT, names::SLOTS, names::LOG, names::CATALOGS, names::PACKS, names::SEGMENTS] {
        let found = target.list_after(prefix, "", 1).map_err(|source| failed(target, source))?;
        if found.iter().any(|info| BlobId::parse(&info.name).is_some()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether two locations are one place, as far as their text tells. Folders may have several names.
fn is_same(a: &Location, b: &Location) -> bool {
    match (a, b) {
        (Location::Folder { path: a }, Location::Folder { path: b }) => {
            match (a.canonicalize(), b.canonicalize()) {
                (Ok(a), Ok(b)) => a == b,
                _ => a == b,
            }
        }
        // Each storage in memory is a place of its own.
        (Location::Memory, Location::Memory) => false,
        _ => a == b,
    }
}

pub(super) fn location(blobs: &Blobs) -> String {
    blobs.storage().location().to_string()
}

pub(super) fn failed(target: &Blobs, source: StorageError) -> SyncError {
    SyncError::Copy { location: location(target), source }
}

/// A failure of the copy's storage, told from one of the source.
fn of_target(target: &Blobs, error: RepositoryError) -> SyncError {
    match error {
        RepositoryError::Storage(source) => failed(target, source),
        other => other.into(),
    }
}
