//! How a state comes from catalogs and the records behind them (CAT-3, LOG-5).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::action::Action;
use super::catalog;
use super::error::{LogError, Warning};
use super::listed::{Listed, records_from, records_of};
use super::record::{self, OpenedRecord};
use super::sealed::BlobError;
use super::state::State;
use crate::codec::{HeaderError, RecordHash, RepoId, Subkeys};
use crate::format::names::{self, BlobId};
use crate::storage::Blobs;

/// Names that a bucket's server lists in one answer.
const LISTED_AT_ONCE: usize = 1000;

/// The blobs of a log and what opens them.
#[derive(Debug, Clone)]
pub(super) struct Access {
    pub blobs: Blobs,
    pub keys: Arc<Subkeys>,
    pub repo: RepoId,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Reading {
    pub state: State,
    /// The newest catalog that was there afterwards; 0 if there was none.
    pub catalog: u64,
    /// Why the state is not that of the log's end.
    pub broken: Option<LogError>,
    pub warnings: Vec<Warning>,
}

impl Reading {
    /// A state that nobody has read: it was made of what is left, or is about to be written.
    pub fn made(state: State) -> Reading {
        Reading { state, catalog: 0, broken: None, warnings: Vec::new() }
    }
}

impl Access {
    /// Reads the state at the end of the log, or at `at` at most.
    pub fn read(&self, at: Option<u64>) -> Result<Reading, LogError> {
        let (mut newest, mut listed) = self.look(at)?;
        loop {
            let mut warnings = Vec::new();
            let mut state = self.base(newest, &mut warnings)?;
            let broken = match listed.take() {
                Some(listed) => self.advance_over(&mut state, listed, at)?,
                None => self.advance(&mut state, at)?,
            };
            // What is missing may have been trimmed, and what is there may be the leftover of a
            // writer that lost, if a catalog appeared in the meantime.
            match self.newest_catalog(at)? {
                again if again != newest => newest = again,
                catalog => return Ok(Reading { state, catalog, broken, warnings }),
            }
        }
    }

    /// The newest catalog, and all records if they are few: behind a network both are asked for at once.
    fn look(&self, at: Option<u64>) -> Result<(u64, Option<Vec<Listed>>), LogError> {
        if self.blobs.storage().is_near() {
            return Ok((self.newest_catalog(at)?, None));
        }
        let (newest, listed) = self
            .blobs
            .both(|| self.newest_catalog(at), || self.blobs.list_after(names::LOG, "", LISTED_AT_ONCE));
        let listed = listed?;
        Ok((newest?, (listed.len() < LISTED_AT_ONCE).then(|| records_of(&listed))))
    }

    /// The revision of the newest catalog, up to `at`; 0 if there is none.
    pub fn newest_catalog(&self, at: Option<u64>) -> Result<u64, LogError> {
        let mut after = match at.and_then(|at| at.checked_add(1)) {
            Some(newer) => BlobId::Catalog(newer).name().to_string(),
            None => String::new(),
        };
        loop {
            let found = self.blobs.list_after(names::CATALOGS, &after, 1)?;
            let Some(first) = found.first() else { return Ok(0) };
            match BlobId::parse(&first.name) {
                Some(BlobId::Catalog(revision)) => return Ok(revision),
                _ => after = first.name.to_string(),
            }
        }
    }

    /// The state of one catalog.
    pub fn catalog(&self, revision: u64) -> Result<State, LogError> {
        let blob = BlobId::Catalog(revision);
        let bytes = self.blobs.get(&blob.name())?;
        catalog::decode(&self.keys, &self.repo, revision, &bytes)
            .map_err(|source| LogError::Blob { blob, source })
    }

    /// Folds the records behind `state`; an answer says why it went no further.
    pub fn advance(&self, state: &mut State, at: Option<u64>) -> Result<Option<LogError>, LogError> {
        let listed = records_from(&self.blobs, state.revision + 1)?;
        self.advance_over(state, listed, at)
    }

    /// The same, of the records that were listed.
    fn advance_over(
        &self,
        state: &mut State,
        mut listed: Vec<Listed>,
        at: Option<u64>,
    ) -> Result<Option<LogError>, LogError> {
        listed.retain(|&(revision, _)| revision > state.revision && at.is_none_or(|at| revision <= at));
        let Some((last, _)) = listed.last().copied() else { return Ok(None) };
        let mut records = self.records(&listed)?;
        match fold(state, &mut records, last) {
            // What it says cannot be known, so the state before it is not what the repository is.
            Some(error) if is_newer(&error) => Err(error),
            broken => Ok(broken),
        }
    }

    /// The newest catalog from `newest` downwards that can be used, or the empty state.
    pub fn base(&self, mut newest: u64, warnings: &mut Vec<Warning>) -> Result<State, LogError> {
        while newest > 0 {
            match self.catalog(newest) {
                Err(error) if passes_over(&error) => {
                    warnings.push(Warning::CatalogPassedOver(Arc::new(error)));
                    newest = self.newest_catalog(Some(newest - 1))?;
                }
                state => return state,
            }
        }
        Ok(State::default())
    }

    /// What listed records hold. What cannot be opened is dropped as it comes: a storage that is full of it takes
    /// no memory.
    pub fn records(&self, listed: &[Listed]) -> Result<Records, LogError> {
        let names: Vec<_> =
            listed.iter().map(|(revision, size)| (BlobId::Record(*revision).name(), *size)).collect();
        let mut records = Records::new();
        for ((revision, _), answer) in listed.iter().zip(self.blobs.get_listed(&names)) {
            let bytes = match answer {
                Ok(bytes) => bytes,
                // Trimmed since it was listed.
                Err(error) if error.is_not_found() => continue,
                Err(error) => return Err(error.into()),
            };
            let opened = record::decode(&self.keys, &self.repo, *revision, &bytes);
            let blob = BlobId::Record(*revision);
            records.insert(*revision, opened.map_err(|source| LogError::Blob { blob, source }));
        }
        Ok(records)
    }
}

pub(super) type Records = BTreeMap<u64, Result<OpenedRecord, LogError>>;

pub(super) fn is_newer(error: &LogError) -> bool {
    matches!(error, LogError::Blob { source: BlobError::Header(header), .. } if header.is_newer())
}

/// Damage and loss can be read around, and another blob in a catalog's place; a wrong key or a newer format
/// cannot.
pub(super) fn passes_over(error: &LogError) -> bool {
    match error {
        LogError::Storage(error) => error.is_not_found(),
        LogError::Blob { source: BlobError::Header(header), .. } => {
            !header.is_newer() && !matches!(header, HeaderError::WrongKey)
        }
        LogError::Blob { .. } => true,
        _ => false,
    }
}

/// Folds records up to `last`, as far as they go.
fn fold(state: &mut State, records: &mut Records, last: u64) -> Option<LogError> {
    let voids = voids(records);
    while state.revision < last {
        let revision = state.revision + 1;
        if let Some(hash) = voids.get(&revision) {
            state.pass_void(void_hash(hash, records.get(&(revision + 1))));
            continue;
        }
        match records.remove(&revision) {
            None => return Some(LogError::Missing { revision }),
            Some(Err(error)) => return Some(error),
            Some(Ok(opened)) if opened.record.previous != state.hash => {
                return Some(LogError::Chain { revision });
            }
            Some(Ok(opened)) => state.apply(&opened),
        }
    }
    None
}

/// The records that later ones declare void.
pub(super) fn voids(records: &Records) -> BTreeMap<u64, RecordHash> {
    let opened = records.values().flatten();
    opened
        .flat_map(|opened| {
            opened.record.actions.iter().filter_map(|action| match action {
                Action::VoidRecord { revision, hash } if *revision < opened.record.revision => {
                    Some((*revision, *hash))
                }
                _ => None,
            })
        })
        .collect()
}

/// What the successor of a void record chains to: if the voider did not know it, the successor does.
pub(super) fn void_hash(hash: &RecordHash, next: Option<&Result<OpenedRecord, LogError>>) -> RecordHash {
    match next {
        Some(Ok(next)) if hash.is_zero() => next.record.previous,
        _ => *hash,
    }
}
