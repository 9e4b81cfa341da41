//! A repository whose log is to be mended: opened by storage and secret alone (LOG-8, LOG-10).

use std::sync::Arc;

use super::copy::copy_marker;
use super::init::found_slots;
use super::unlock::{Doors, Unlocked, unlock};
use super::{OpenOptions, Repository, RepositoryError};
use crate::codec::{RepoId, SplitterSizes, Subkeys};
use crate::format::slot::Secret;
use crate::log::{Action, Log, LogError, SPLITTER, SlotInfo, Survey, encode_splitter};
use crate::storage::Blobs;

/// A repository that was unlocked, whatever its log is like.
pub struct BrokenLog {
    blobs: Blobs,
    unlocked: Unlocked,
    keys: Arc<Subkeys>,
    options: OpenOptions,
}

impl BrokenLog {
    /// Unlocks the repository in a storage; its log is not read.
    ///
    /// # Errors
    /// As [`Repository::open`] up to the key; `ReadOnly` for an older revision.
    pub fn unlock(blobs: Blobs, secret: &Secret, options: OpenOptions) -> Result<BrokenLog, RepositoryError> {
        if options.at.is_some() {
            return Err(LogError::ReadOnly.into());
        }
        let doors = Doors::of(&blobs);
        // Who copies mends a copy; what is wrong with it can be told all the same. A copy has its marker before
        // it has slots.
        let blobs = match copy_marker(&blobs)? {
            Some(_) => blobs.for_reading(),
            None => blobs,
        };
        let unlocked = unlock(&blobs, doors, secret)?;
        unlocked.restore_format_blob(&blobs);
        let keys = Arc::new(unlocked.master.subkeys());
        Ok(BrokenLog { blobs, unlocked, keys, options })
    }

    /// The repository's ID.
    pub fn id(&self) -> RepoId {
        self.unlocked.repo
    }

    /// Looks at the whole log; changes nothing.
    ///
    /// # Errors
    /// As [`Log::survey`].
    pub fn survey(&self) -> Result<Survey, RepositoryError> {
        let options = self.options.log_options(&self.blobs, &self.id());
        Ok(Log::survey(self.blobs.clone(), self.keys.clone(), self.id(), &options)?)
    }

    /// The repository as it is without what its log lost, for reading.
    ///
    /// # Errors
    /// `UnknownSplitter`.
    pub fn view(&self, survey: &Survey) -> Result<Repository, RepositoryError> {
        self.assemble(Log::view(self.blobs.clone(), self.keys.clone(), self.id(), survey))
    }

    /// Writes what makes the log whole, and `splitter` into it where no record says how streams are cut.
    /// Says whether this call did it; if not, somebody else was faster.
    ///
    /// # Errors
    /// As [`Log::mend`]; `Copy` for a copy.
    pub fn mend(&self, survey: &Survey, splitter: SplitterSizes) -> Result<bool, RepositoryError> {
        if self.blobs.is_for_reading() {
            return Err(LogError::Copy.into());
        }
        let mut further = Vec::new();
        if survey.needs_splitter() {
            let value = Some(encode_splitter(&splitter));
            further.push(Action::PutParameter { name: SPLITTER.to_owned(), value });
        }
        if survey.state().slots.is_empty() {
            further.extend(found_slots(&self.blobs, &self.id())?.into_iter().map(Action::AddSlot));
        }
        let options = self.options.log_options(&self.blobs, &self.id());
        Ok(Log::mend(self.blobs.clone(), self.keys.clone(), self.id(), options, survey, &further)?)
    }

    /// Opens the repository, its log whole.
    ///
    /// # Errors
    /// As [`Repository::open`].
    pub fn open(&self) -> Result<Repository, RepositoryError> {
        let options = self.options.log_options(&self.blobs, &self.id());
        self.assemble(Log::open(self.blobs.clone(), self.keys.clone(), self.id(), options)?)
    }

    fn assemble(&self, log: Log) -> Result<Repository, RepositoryError> {
        let Unlocked { repo, master, slot, .. } = &self.unlocked;
        let (blobs, keys, options) = (self.blobs.clone(), self.keys.clone(), self.options.clone());
        Repository::assemble(blobs, keys, *repo, log, options, master.clone(), Some(slot.id))
    }
}

impl Repository {
    /// The slots of this repository that are in the storage and can be read, whatever the log says.
    ///
    /// # Errors
    /// If the storage cannot be read.
    pub(crate) fn slots_there(&self) -> Result<Vec<SlotInfo>, RepositoryError> {
        found_slots(&self.0.blobs, &self.0.repo)
    }
}
