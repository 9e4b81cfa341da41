//! The first record (INIT-1).

use std::convert::Infallible;
use std::sync::Arc;

use super::action::Action;
use super::error::{CommitError, LogError};
use super::handle::{Log, LogOptions};
use super::parts::SlotInfo;
use super::read::Access;
use super::state::{SPLITTER, encode_splitter};
use crate::codec::{RepoId, SplitterSizes, Subkeys};
use crate::storage::Blobs;

/// What a repository begins with.
#[derive(Debug, Clone)]
pub struct Genesis {
    pub splitter: SplitterSizes,
    /// The slots that were written; at least the one that opened the key.
    pub slots: Vec<SlotInfo>,
    /// Further parameters: names and values.
    pub parameters: Vec<(String, Vec<u8>)>,
}

impl Log {
    /// Writes the first record if there is none, and opens the log either way.
    ///
    /// So it also completes an init that was not finished; of several at once, one decides.
    ///
    /// # Errors
    ///
    /// As for [`Log::open`], `Empty` apart. A log that this client has seen and that is empty now is
    /// `RolledBack`, not begun again.
    pub fn create(
        blobs: Blobs,
        keys: Arc<Subkeys>,
        repo: RepoId,
        options: LogOptions,
        genesis: &Genesis,
    ) -> Result<Log, LogError> {
        let log = Log::load(Access { blobs, keys, repo }, options)?;
        if log.state().revision > 0 {
            return Ok(log);
        }
        let first = genesis.actions();
        let begun = log.commit::<Infallible>(|state| match state.revision {
            0 => Ok(first.clone()),
            _ => Ok(Vec::new()),
        });
        match begun {
            Ok(_) => Ok(log),
            Err(CommitError::Log(error)) => Err(error),
            Err(CommitError::Prepare(never)) => match never {},
            Err(CommitError::Invalid(_)) => Err(LogError::Empty),
        }
    }
}

impl Genesis {
    fn actions(&self) -> Vec<Action> {
        let put = |name: &str, value: Vec<u8>| Action::PutParameter { name: name.into(), value: Some(value) };
        let mut actions = vec![put(SPLITTER, encode_splitter(&self.splitter))];
        actions.extend(self.parameters.iter().map(|(name, value)| put(name, value.clone())));
        actions.extend(self.slots.iter().cloned().map(Action::AddSlot));
        actions
    }
}
