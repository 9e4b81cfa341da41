//! Bringing forgotten snapshots back, as long as all of them is still there (ACT-5, LOG-7).

use std::collections::BTreeMap;

use super::error::from_commit;
use super::reach::{Reached, reach};
use super::{Repository, RepositoryError};
use crate::codec::{ManifestId, PackId};
use crate::log::{Action, ManifestRow, State};

/// A walk is made anew so often because somebody committed while it failed.
const TRIES: usize = 10;

/// What a recall came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recalled {
    /// The record that says so.
    pub revision: u64,
    /// How many of the snapshots had to be walked, because packs were doomed since they were forgotten.
    pub walked: u64,
}

impl Repository {
    /// Brings forgotten snapshots back, all of them or none.
    ///
    /// If packs were doomed since one was forgotten, all that it reaches is looked for first, which reads
    /// its folders.
    ///
    /// # Errors
    /// `UnknownSnapshot`, `NotForgotten`, or `Reclaimed` with the path that is without something.
    pub fn recall(&self, ids: &[ManifestId]) -> Result<Recalled, RepositoryError> {
        self.refresh()?;
        let (mut reached, mut overtaken) = (BTreeMap::new(), 0);
        loop {
            // A walk takes long, so it is made between two attempts to commit.
            let mut unsure: Option<ManifestRow> = None;
            let committed = self.0.log.commit::<RepositoryError>(|state| {
                let rows = self.0.log.manifests(state)?;
                unsure = None;
                let mut actions = Vec::new();
                for id in ids {
                    let row = rows.get(id).ok_or(RepositoryError::UnknownSnapshot { id: *id })?;
                    match relied(state, row, reached.get(id))? {
                        Some(relied) => actions.push(Action::Recall { manifest: *id, relied }),
                        None => {
                            unsure = Some(row.clone());
                            return Ok(vec![]);
                        }
                    }
                }
                Ok(actions)
            });
            let revision = committed.map_err(from_commit)?.revision;
            let Some(row) = unsure else {
                self.adopt_state();
                return Ok(Recalled { revision, walked: reached.len() as u64 });
            };
            self.refresh()?;
            let seen = self.state().revision;
            match reach(self, &row) {
                // Maintenance may have moved what the walk went by.
                Err(_) if overtaken < TRIES && self.has_moved_from(seen)? => overtaken += 1,
                walked => drop(reached.insert(row.id, walked?)),
            }
        }
    }

    fn has_moved_from(&self, revision: u64) -> Result<bool, RepositoryError> {
        self.refresh()?;
        Ok(self.state().revision != revision)
    }
}

/// The packs that a recall names: none if no doom followed. `None` if a walk has to find them first.
fn relied(
    state: &State,
    row: &ManifestRow,
    reached: Option<&Reached>,
) -> Result<Option<Vec<PackId>>, RepositoryError> {
    let forgotten = row.forgotten.ok_or(RepositoryError::NotForgotten { id: row.id })?;
    if state.last_doom <= forgotten {
        return Ok(Some(vec![]));
    }
    let valid = |reached: &&Reached| {
        // Dooms and reaps since the walk must have been seen one by one.
        state.history_start() <= reached.revision && !reached.packs.iter().any(|pack| state.is_lost(pack))
    };
    Ok(reached.filter(valid).map(|reached| reached.packs.iter().copied().collect()))
}
