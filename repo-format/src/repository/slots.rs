//! Key slots of an open repository (SLOT-6).

use std::convert::Infallible;

use super::causes::with_causes;
use super::error::from_commit;
use super::init::write_slot;
use super::{Repository, RepositoryError};
use crate::codec::SlotId;
use crate::format::names::BlobId;
use crate::format::slot::{KdfCost, Secret};
use crate::log::{Action, SlotInfo};

impl Repository {
    /// The slots that open this repository.
    pub fn slots(&self) -> Vec<SlotInfo> {
        self.0.log.state().slots.values().cloned().collect()
    }

    /// The slot that this process opened the repository with, if it was opened with one.
    pub fn opened_with(&self) -> Option<SlotId> {
        self.0.opened_with
    }

    /// Adds a slot for another secret. The new slot is written, read back and opened before the log
    /// names it.
    ///
    /// # Errors
    /// If the slot cannot be written, does not read back, or the commit fails.
    pub fn add_slot(&self, secret: &Secret, label: &str, cost: KdfCost) -> Result<SlotId, RepositoryError> {
        self.0.log.check_writable()?;
        let slot = write_slot(&self.0.blobs, &self.0.repo, &self.0.master, secret, label, cost)?;
        let id = slot.id;
        let added = self.0.log.commit::<Infallible>(|_| Ok(vec![Action::AddSlot(slot.clone())]));
        added.map_err(from_commit)?;
        Ok(id)
    }

    /// Drops a slot: first from the log, then from the storage. Who copied it keeps what it opens.
    ///
    /// # Errors
    /// `LastSlot`, `UnknownSlot`, or what the storage says.
    pub fn drop_slot(&self, slot: &SlotId) -> Result<(), RepositoryError> {
        let state = self.0.log.refresh()?;
        if !state.slots.contains_key(slot) {
            return Err(RepositoryError::UnknownSlot { slot: *slot });
        }
        if state.slots.len() == 1 {
            return Err(RepositoryError::LastSlot { slot: *slot });
        }
        let dropped = self.0.log.commit::<Infallible>(|_| Ok(vec![Action::DropSlot(*slot)]));
        let revision = dropped.map_err(from_commit)?.revision;
        // Whoever copies takes a slot for needed until a catalog tells otherwise (COPY-5). It goes in any case.
        if let Err(error) = self.0.log.write_catalog_behind(revision) {
            self.warn(format!("no catalog of revision {revision} could be written: {}", with_causes(&error)));
        }
        let name = BlobId::Slot(*slot).name();
        let there = self.retention().and_then(|_| self.0.blobs.protection(&name).ok().flatten());
        self.0.blobs.delete(&name)?;
        if there.is_some_and(|there| there.locked_until(self.0.log.now_ns()).is_some()) {
            self.warn(format!(
                "{name} is locked, so it is only hidden: who has its secret and may read deleted versions can open \
                 the repository until somebody deletes them"
            ));
        }
        Ok(())
    }
}
