//! Writing what mends a log: a record that voids those that are lost, or a catalog that the log begins
//! anew with (LOG-8, LOG-10); and catalogs in the place of damaged ones.

use std::convert::Infallible;
use std::sync::Arc;

use super::action::Action;
use super::catalog;
use super::error::{CommitError, LogError};
use super::handle::{Log, LogOptions};
use super::read::{Access, Reading};
use super::state::State;
use super::survey::Survey;
use crate::codec::{RepoId, Subkeys, random_bytes};
use crate::format::names::BlobId;
use crate::storage::{Blobs, Put};

impl Log {
    /// Carries out what a survey found necessary; from then on the log can be opened. `further` are
    /// actions that belong to it. Dooms are held from there on (LOG-9).
    ///
    /// Says whether this call did it; if not, somebody else was faster, and it has to be looked again.
    ///
    /// # Errors
    /// As for any writing.
    pub fn mend(
        blobs: Blobs,
        keys: Arc<Subkeys>,
        repo: RepoId,
        options: LogOptions,
        survey: &Survey,
        further: &[Action],
    ) -> Result<bool, LogError> {
        let mut state = survey.state.clone();
        state.check_writable()?;
        let (access, reading) = (Access { blobs, keys, repo }, Reading::made(state.clone()));
        // What was seen is remembered by whoever opens the mended log.
        let log = Log::new(access, LogOptions { memory: None, ..options }, false, reading);
        let access = &log.0.access;
        if let Some(revision) = survey.begins {
            further.iter().for_each(|action| state.apply_action(action, revision));
            return log.begin_with(state);
        }
        let void =
            survey.lost.iter().map(|lost| Action::VoidRecord { revision: lost.revision, hash: lost.hash });
        let (opened, bytes) = log.seal(&state, void.chain(further.iter().cloned()).collect())?;
        match access.blobs.put_new(&BlobId::Record(opened.record.revision).name(), bytes)? {
            Put::Mine => log.stands(&opened),
            Put::Theirs(_) => Ok(false),
        }
    }

    /// Puts the catalog that the log begins anew with. Says whether this call did it.
    pub(super) fn begin_with(&self, mut state: State) -> Result<bool, LogError> {
        self.settle(&mut state)?;
        let (access, blob) = (&self.0.access, BlobId::Catalog(state.revision));
        let bytes = catalog::encode(&access.keys, &access.repo, random_bytes()?, &state)
            .map_err(|_| LogError::TooLarge { blob })?;
        Ok(matches!(access.blobs.put_new(&blob.name(), bytes)?, Put::Mine))
    }

    /// Writes a catalog of the newest state that can be used: where the name of its revision is taken by
    /// one that cannot, behind a record that changes nothing. Gives its revision.
    ///
    /// # Errors
    /// As for a commit.
    pub fn write_usable_catalog(&self) -> Result<u64, LogError> {
        let state = self.refresh()?;
        let is_broken = match self.0.access.catalog(state.revision) {
            Ok(_) => return Ok(state.revision),
            Err(LogError::Storage(error)) if error.is_not_found() => false,
            Err(LogError::Storage(error)) => return Err(error.into()),
            Err(_) => true,
        };
        if is_broken {
            self.raise_floor(0)?;
        }
        self.write_catalog()?;
        Ok(self.state().revision)
    }

    /// Raises the floor above `revision`, so that nobody misses the records up to there.
    ///
    /// # Errors
    /// As for a commit.
    pub fn raise_floor_above(&self, revision: u64) -> Result<(), LogError> {
        if self.state().revision <= revision {
            self.raise_floor(0)?;
        }
        self.raise_floor(revision + 1)
    }

    /// A record that raises the floor; one that changes nothing where the floor is as high already.
    fn raise_floor(&self, floor: u64) -> Result<(), LogError> {
        match self.commit::<Infallible>(|_| Ok(vec![Action::RaiseFloor(floor)])) {
            Ok(_) => Ok(()),
            Err(CommitError::Log(error)) => Err(error),
            Err(CommitError::Prepare(never)) => match never {},
            Err(CommitError::Invalid(_)) => Err(LogError::NotKept { revision: floor }),
        }
    }
}
