//! Commits: appending one record, whoever else does so too (LOG-3, LOG-4, LOG-7).

use std::sync::Arc;

use bytes::Bytes;

use super::action::Action;
use super::error::{CommitError, LogError, Warning};
use super::handle::{Head, Log};
use super::record::{self, OpenedRecord, Record};
use super::state::{SegmentRows, State};
use super::validate::Invalid;
use crate::codec::{CommitId, ManifestId, random_bytes};
use crate::format::names::BlobId;
use crate::storage::Put;

/// Whoever commits a multiple of this many revisions writes a catalog (CAT-1).
const CATALOG_EVERY: u64 = 64;

/// What a commit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The revision that holds the actions; the one there was if there were none.
    pub revision: u64,
    /// Groups that were left out, by their place, and why.
    pub refused: Vec<(usize, Invalid)>,
}

/// The actions of the groups that may be appended.
#[derive(Default)]
struct Admitted {
    actions: Vec<Action>,
    refused: Vec<(usize, Invalid)>,
}

impl Log {
    /// Commits actions as one record.
    ///
    /// `prepare` makes the actions for the state it is given; it is called again whenever another
    /// writer was faster, with the state that this one left. It may compare its base with
    /// [`State::history_start`]. It must neither commit to nor refresh this log. No actions, no
    /// commit.
    ///
    /// # Errors
    ///
    /// `Prepare` is what `prepare` said; `Invalid` if the actions break LOG-7 on the very state
    /// they were made for; `Log` otherwise. After a storage error the record may still appear.
    pub fn commit<E: std::error::Error + 'static>(
        &self,
        mut prepare: impl FnMut(&Arc<State>) -> Result<Vec<Action>, E>,
    ) -> Result<Committed, CommitError<E>> {
        let mut committed = self.commit_groups(|state| Ok(vec![prepare(state)?]))?;
        match committed.refused.pop() {
            Some((_, invalid)) => Err(invalid.into()),
            None => Ok(committed),
        }
    }

    /// Commits groups of actions as one record; a group that breaks LOG-7 is left out whole.
    ///
    /// # Errors
    ///
    /// As for [`Log::commit`], but groups that are left out are no error.
    pub fn commit_groups<E: std::error::Error + 'static>(
        &self,
        mut prepare: impl FnMut(&Arc<State>) -> Result<Vec<Vec<Action>>, E>,
    ) -> Result<Committed, CommitError<E>> {
        let _turn = self.0.turn.lock();
        loop {
            let head = self.writable_head()?;
            let groups = prepare(&head.state).map_err(CommitError::Prepare)?;
            let Admitted { actions, refused } = self.admit(&head.state, groups)?;
            if actions.is_empty() {
                return Ok(Committed { revision: head.state.revision, refused });
            }
            if let Some(revision) = self.append(&head, actions)? {
                self.write_catalog_if_due(revision);
                return Ok(Committed { revision, refused });
            }
        }
    }

    /// Checks each group against the state that the groups before it lead to.
    fn admit(&self, state: &State, groups: Vec<Vec<Action>>) -> Result<Admitted, LogError> {
        let mut needed = groups.iter().flatten().flat_map(Action::manifests_needed);
        let rows = match needed.any(|id| state.needs_segments(id)) {
            true => self.segment_rows(state)?,
            false => Arc::default(),
        };
        let mut admitted = Admitted::default();
        let mut so_far = state.clone();
        for (place, group) in groups.into_iter().enumerate() {
            match after(&so_far, &group, &rows) {
                Ok(next) => {
                    so_far = next;
                    admitted.actions.extend(group);
                }
                Err(invalid) => admitted.refused.push((place, invalid)),
            }
        }
        Ok(admitted)
    }

    /// Appends a record behind `head`. `None`: another writer was faster, the head has moved.
    fn append(&self, head: &Head, actions: Vec<Action>) -> Result<Option<u64>, LogError> {
        let (opened, bytes) = self.seal(&head.state, actions)?;
        let revision = opened.record.revision;
        match self.0.access.blobs.put_new(&BlobId::Record(revision).name(), bytes)? {
            Put::Theirs(_) => {
                self.catch_up()?;
                self.moved_from(head)?;
                Ok(None)
            }
            Put::Mine if self.stands(&opened)? => {
                let mut state = (*head.state).clone();
                state.apply(&opened);
                self.set_head(state, head.catalog);
                Ok(Some(revision))
            }
            Put::Mine => {
                self.catch_up()?;
                Ok(None)
            }
        }
    }

    pub(super) fn seal(
        &self,
        state: &State,
        actions: Vec<Action>,
    ) -> Result<(OpenedRecord, Bytes), LogError> {
        let access = &self.0.access;
        let record = Record {
            revision: state.revision + 1,
            previous: state.hash,
            commit: CommitId::random()?,
            writer: self.0.options.writer.clone(),
            time: (self.0.options.clock)(),
            actions,
        };
        let bytes = record::encode(&access.keys, &access.repo, random_bytes()?, &record)
            .map_err(|_| LogError::TooLarge { blob: BlobId::Record(record.revision) })?;
        Ok((OpenedRecord { record, hash: record::hash(&bytes) }, bytes))
    }

    /// Somebody has this name, so there must be something to fold, or the log is broken there.
    fn moved_from(&self, head: &Head) -> Result<(), LogError> {
        let now = self.head();
        if now.broken.is_none() && now.state.revision == head.state.revision {
            return Err(LogError::Missing { revision: head.state.revision + 1 });
        }
        Ok(())
    }

    /// The floor check (LOG-4): whether a record that was created is part of the log.
    pub(super) fn stands(&self, opened: &OpenedRecord) -> Result<bool, LogError> {
        let record = &opened.record;
        let Some(catalog) = self.catalog_from(record.revision)? else { return Ok(true) };
        match catalog.has_commit(&record.commit, record.revision) {
            Some(known) => Ok(known),
            None => self.has_manifests(&catalog, &record.actions),
        }
    }

    /// The newest catalog, if it is of `revision` or a later one.
    fn catalog_from(&self, revision: u64) -> Result<Option<State>, LogError> {
        let access = &self.0.access;
        let mut newest = access.newest_catalog(None)?;
        while newest >= revision {
            match access.catalog(newest) {
                // It went because a newer one came; if none did, that is an error.
                Err(LogError::Storage(error)) if error.is_not_found() => {
                    match access.newest_catalog(None)? {
                        same if same == newest => return Err(error.into()),
                        newer => newest = newer,
                    }
                }
                catalog => return catalog.map(Some),
            }
        }
        Ok(None)
    }

    fn has_manifests(&self, catalog: &State, actions: &[Action]) -> Result<bool, LogError> {
        let put: Vec<ManifestId> = actions
            .iter()
            .filter_map(|action| match action {
                Action::PutManifest { row, .. } => Some(row.id),
                _ => None,
            })
            .collect();
        let rows = self.segment_rows(catalog)?;
        Ok(!put.is_empty() && put.iter().all(|id| catalog.manifest(id, &rows).is_some()))
    }

    fn write_catalog_if_due(&self, revision: u64) {
        if revision.is_multiple_of(CATALOG_EVERY)
            && let Err(error) = self.write_catalog_at(revision)
        {
            self.warn(Warning::CatalogNotWritten(Arc::new(error)));
        }
    }
}

/// The state behind a group of actions, if all may be appended.
fn after(state: &State, group: &[Action], rows: &SegmentRows) -> Result<State, Invalid> {
    let mut next = state.clone();
    for action in group {
        next.validate(action, rows)?;
        next.apply_action(action, state.revision + 1);
    }
    Ok(next)
}
