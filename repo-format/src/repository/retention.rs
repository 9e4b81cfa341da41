//! How long blobs are locked against deletion: a parameter of the repository (RET-1).

use super::{Repository, RepositoryError};
use crate::cbor::{self, Cbor, CborError, Reader, Writer};
use crate::log::{Action, State};
use crate::storage::{Blobs, Retain, Retention, RetentionMode, StorageError};

/// The parameter's name.
pub(super) const RETENTION: &str = "retention";

impl Cbor for Retention {
    fn write(&self, w: &mut Writer) {
        let mode: u64 = match self.mode {
            RetentionMode::Governance => 1,
            RetentionMode::Compliance => 2,
        };
        w.array(2).u64(mode).u64(self.seconds);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let (unknown, none) = (r.error("unknown mode of retention (RET-1)"), r.error("no retention (RET-1)"));
        let (mode, seconds) = r.tuple(|t| Ok((t.get::<u64>()?, t.get::<u64>()?)))?;
        let mode = match mode {
            1 => RetentionMode::Governance,
            2 => RetentionMode::Compliance,
            _ => return Err(unknown),
        };
        if seconds == 0 { Err(none) } else { Ok(Retention { mode, seconds }) }
    }
}

/// The retention that a state asks for; `None` also for one that breaks RET-1.
pub(super) fn of_state(state: &State) -> Option<Retention> {
    cbor::decode(state.parameters.get(RETENTION)?).ok()
}

/// The parameters of a repository that is made with a retention.
pub(super) fn parameters(retention: Option<Retention>) -> Vec<(String, Vec<u8>)> {
    retention.iter().map(|retention| (RETENTION.to_owned(), cbor::encode(retention))).collect()
}

impl Repository {
    /// The retention that blobs get, if the repository has one set and this release understands it.
    pub fn retention(&self) -> Option<Retention> {
        of_state(&self.0.log.state())
    }

    /// Sets or takes away the retention of what is put from now on. What is there gets it with the next full
    /// maintenance; what is locked stays so. Gives the revision that says so.
    ///
    /// # Errors
    /// `NoLocks` where blobs cannot be locked, and as for a commit.
    pub fn set_retention(&self, retention: Option<Retention>) -> Result<u64, RepositoryError> {
        self.refresh()?;
        self.0.log.check_writable()?;
        if retention.is_some() {
            check_lockable(&self.0.blobs)?;
        }
        let value = retention.map(|retention| cbor::encode(&retention));
        let committed =
            self.commit_actions(|state| match state.parameters.get(RETENTION) == value.as_ref() {
                true => Vec::new(),
                false => vec![Action::PutParameter { name: RETENTION.to_owned(), value: value.clone() }],
            })?;
        Ok(committed.revision)
    }

    /// Lets the storage give every put the retention that the state asks for.
    pub(super) fn adopt_retention(&self, state: &State) {
        let clock = self.0.log.clock();
        self.0.blobs.retain(of_state(state).map(|retention| Retain { retention, clock }));
    }

    /// Says what keeps blobs from getting the retention that they are to have.
    pub(super) fn warn_of_retention(&self) {
        let state = self.0.log.state();
        if !state.parameters.contains_key(RETENTION) || self.is_copy() {
            return;
        }
        if of_state(&state).is_none() {
            self.warn(
                "the retention that is set is none that this release knows: blobs are not locked".into(),
            );
        } else if !self.0.blobs.storage().is_lockable() {
            let location = self.0.blobs.storage().location();
            self.warn(format!("a retention is set, but {location} has no object lock: blobs are not locked"));
        }
    }
}

/// Refuses a storage whose blobs cannot be locked, before anything relies on it.
///
/// # Errors
/// `NoLocks`; or what keeps the storage from saying so.
pub(super) fn check_lockable(blobs: &Blobs) -> Result<(), RepositoryError> {
    let location = || blobs.storage().location().to_string();
    if !blobs.storage().is_lockable() {
        return Err(RepositoryError::NoLocks { location: location(), why: "only S3 has object lock here" });
    }
    match blobs.takes_locks() {
        Ok(true) => Ok(()),
        Ok(false) => Err(RepositoryError::NoLocks { location: location(), why: "object lock is off there" }),
        Err(source @ StorageError::Denied { .. }) => {
            Err(RepositoryError::LocksUnknown { location: location(), source })
        }
        Err(error) => Err(error.into()),
    }
}
