//! The log of a copy that becomes a repository of its own: it begins anew above its source's (COPY-8).

use super::error::LogError;
use super::handle::{Log, LogOptions};
use super::read::{Access, Reading};
use super::state::State;
use super::survey::far_above;
use crate::cbor;
use crate::codec::RecordHash;
use crate::storage::Blobs;

/// The log of a copy that is promoted begins at the next multiple of this: its source never comes there, not even when
/// its own log begins anew.
const STEP: u64 = 1 << 48;
/// The parameter that tells what a promoted log goes on from.
const PROMOTED: &str = "promoted";

/// What a promoted log goes on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Promotion {
    /// The copy's last revision, and the hash of its record.
    pub revision: u64,
    pub hash: RecordHash,
    /// The revision that the log begins with. None between the two was ever in it.
    pub begins: u64,
}

/// Whether the log of a copy may have begun anew with this revision when it was promoted.
pub(crate) fn is_promoted(revision: u64) -> bool {
    revision > 0 && revision.is_multiple_of(STEP)
}

impl State {
    /// What the log goes on from, if it is a promoted one's. A value that is none says nothing.
    pub(super) fn promotion(&self) -> Option<Promotion> {
        let mut r = cbor::Reader::new(self.parameters.get(PROMOTED)?);
        let fields = r.tuple(|t| Ok((t.get()?, t.get()?, t.get()?))).ok()?;
        let (revision, hash, begins) = r.end().ok().map(|()| fields)?;
        Some(Promotion { revision, hash, begins })
    }

    /// The same state far above all that whoever copies its log may still put there; `None` if it is the one that a
    /// promotion with this hash began with.
    fn promoted(&self, hash: RecordHash) -> Result<Option<State>, LogError> {
        if is_promoted(self.revision) && self.hash == hash {
            return Ok(None);
        }
        let mut state = self.clone();
        let begins = far_above(self.revision, STEP)?;
        state.begin(begins, hash);
        let mut w = cbor::Writer::new();
        w.array(3).put(&self.revision).put(&self.hash).put(&begins);
        state.parameters.insert(PROMOTED.to_owned(), w.into_bytes());
        Ok(Some(state))
    }
}

impl Log {
    /// Lets the log of a copy begin anew with a state of it, in `blobs`, its storage: far above the revisions of its
    /// source, so that nothing that whoever copies still puts counts any more. `hash` tells the promotion of this copy
    /// from others: where it has begun, all is well.
    ///
    /// Says whether the log begins with it; if not, another's came in between.
    ///
    /// # Errors
    /// `NoRoom`; and as for any writing.
    pub fn promote(&self, state: &State, blobs: Blobs, hash: RecordHash) -> Result<bool, LogError> {
        let Some(state) = state.promoted(hash)? else { return Ok(true) };
        let Access { keys, repo, .. } = &self.0.access;
        let access = Access { blobs, keys: keys.clone(), repo: *repo };
        let log = Log::new(access, LogOptions::default(), false, Reading::made(state.clone()));
        let revision = state.revision;
        Ok(log.begin_with(state)? || log.0.access.catalog(revision)?.hash == hash)
    }
}
