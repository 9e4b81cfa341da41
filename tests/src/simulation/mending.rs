//! A process that repairs what is whole: it has nothing to find, whatever goes on beside it.

use repo_format::engine::progress::{Progress, Stop};
use repo_format::repair::{self, LogRepairOptions, RepairError};
use repo_format::repository::{BrokenLog, OpenOptions};
use repo_format::storage::testing::Random;

use super::ProcessStore;
use super::world::{World, blobs};
use crate::{chain, secret};

/// What a repair may end with beside others who commit.
fn told<T>(what: &str, repair: Result<T, RepairError>) -> Result<Option<T>, String> {
    match repair {
        Ok(repair) => Ok(Some(repair)),
        Err(RepairError::Overtaken { .. }) => Ok(None),
        Err(error) => Err(format!("repair of {what}: {}", chain(&error))),
    }
}

/// Fails with what was found where nothing is to be found.
fn nothing(is_clean: bool, found: impl std::fmt::Debug) -> Result<(), String> {
    if is_clean { Ok(()) } else { Err(format!("found: {found:#?}")) }
}

impl World<'_> {
    /// Repairs this and that.
    pub fn mend(&self, store: &ProcessStore, mut random: Random) -> Result<(), String> {
        let (progress, stop) = (Progress::default(), Stop::default());
        for _ in 0..1 + random.below(3) {
            match random.below(4) {
                0 => {
                    let blobs = blobs(&self.beginning.runtime, store.clone());
                    let broken = BrokenLog::unlock(blobs, &secret(), OpenOptions::default());
                    let broken = broken.map_err(|error| format!("unlock: {}", chain(&error)))?;
                    let repair = repair::log(&broken, &LogRepairOptions::default(), &progress, &stop);
                    if let Some(repair) = told("the log", repair)? {
                        nothing(repair.is_clean() && repair.is_log_whole(), repair)?;
                    }
                }
                1 => {
                    let repair = repair::index(&self.open(store)?, false, &progress, &stop);
                    // What others have put and not committed yet may get its rows twice.
                    if let Some(repair) = told("the index", repair)? {
                        nothing(repair.broken_segments.is_empty() && repair.unreadable.is_empty(), repair)?;
                    }
                }
                2 => {
                    let repair = repair::packs(&self.open(store)?, false, &progress, &stop);
                    if let Some(repair) = told("packs", repair)? {
                        nothing(repair.is_clean(), repair)?;
                    }
                }
                _ => {
                    let repair = repair::snapshots(&self.open(store)?, false, &progress, &stop);
                    if let Some(repair) = told("snapshots", repair)? {
                        nothing(repair.is_clean(), repair)?;
                    }
                }
            }
        }
        Ok(())
    }
}
