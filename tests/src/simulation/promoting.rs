//! Processes that promote a copy while it is made, and go on with it as with any repository.

use repo_format::format::names::BlobId;
use repo_format::storage::testing::Random;
use repo_format::sync::{SyncError, promote};

use super::world::{Promise, World, blobs};
use super::{Image, ProcessStore};
use crate::chain;

/// So often it is looked whether there is a copy yet, or whether it is promoted.
const LOOKS: u64 = 300;

/// Whether whoever copies has to stop because it comes too late.
fn is_too_late(error: &SyncError) -> bool {
    matches!(
        error,
        SyncError::Promoted { .. }
            | SyncError::NotACopy { .. }
            | SyncError::Diverged { .. }
            | SyncError::PromotionBegun { .. }
    )
}

impl World<'_> {
    /// Copies, until the copy is one no more.
    pub fn copy_until_promoted(&self, store: &ProcessStore, random: Random) -> Result<(), String> {
        self.copies(store, random, is_too_late)
    }

    /// Promotes the copy, some time after there is something to read in it.
    pub fn promote(&self, store: &ProcessStore, mut random: Random) -> Result<(), String> {
        let store = store.of_copy();
        for _ in 0..LOOKS / 10 {
            match self.open_copy(store.clone()).map_err(|error| chain(&error))? {
                Some(copy) if copy.is_copy() && random.below(4) == 0 => {
                    let target = blobs(&self.beginning.runtime, store);
                    return match promote(&copy, &target, false) {
                        Ok(_) | Err(SyncError::NothingToPromote { .. }) => Ok(()),
                        Err(error) => Err(format!("promotion: {}", chain(&error))),
                    };
                }
                Some(copy) if !copy.is_copy() => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Does `body` with the copy's storage, once that is promoted.
    pub fn once_promoted(
        &self,
        store: &ProcessStore,
        body: impl FnOnce(&ProcessStore) -> Result<(), String>,
    ) -> Result<(), String> {
        let store = store.of_copy();
        let (blobs, name) = (blobs(&self.beginning.runtime, store.clone()), BlobId::Promoted.name());
        for _ in 0..LOOKS {
            if blobs.size(&name).map_err(|error| chain(&error))?.is_some() {
                return body(&store);
            }
        }
        Ok(())
    }

    /// Forgets some of what is owed here.
    pub fn thin(&self, store: &ProcessStore, mut random: Random) -> Result<(), String> {
        let repository = self.open(store)?;
        for _ in 0..1 + random.below(3) {
            let owed = self.owed();
            repository.refresh().map_err(|error| format!("refresh: {}", chain(&error)))?;
            for (id, _) in owed {
                if random.below(3) == 0 {
                    self.promise(Promise::LetGo(id));
                    repository.forget(&[id]).map_err(|error| format!("forget: {}", chain(&error)))?;
                }
            }
        }
        Ok(())
    }

    /// What is in the copy's storage at an image reads as it was made, and what the promoted copy owes is there.
    /// `source` is the world that it was copied from. Gives whether it was promoted.
    pub fn check_promoted(&self, source: &World<'_>, image: &Image) -> bool {
        let place = format!("after {} steps", image.step);
        let copy =
            self.open_copy(image.copy.fork()).unwrap_or_else(|error| panic!("{place}: {}", chain(&error)));
        let Some(copy) = copy else { return false };
        assert!(copy.log().broken().is_none(), "{place}: {:?}", copy.log().broken());
        source.assert_reads(&copy, &place);
        if copy.is_copy() {
            return false;
        }
        self.check(&image.copy, image.step);
        true
    }
}
