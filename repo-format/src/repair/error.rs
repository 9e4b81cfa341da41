//! Why a repair could not be made.

use crate::content::ContentError;
use crate::index::Contradiction;
use crate::index::IndexError;
use crate::log::LogError;
use crate::maintenance::MaintenanceError;
use crate::map::MapError;
use crate::repository::RepositoryError;
use crate::snapshot::SnapshotError;
use crate::storage::StorageError;
use crate::tree::TreeError;
use crate::verify::VerifyError;

/// What a caller can do differs by variant. Nothing was removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepairError {
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Content(#[from] ContentError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Map(#[from] MapError),
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Maintenance(#[from] MaintenanceError),
    /// Others wrote to the log each time when this repair was about to.
    #[error("others wrote to the log {tries} times meanwhile; let nothing else use the repository")]
    Overtaken { tries: usize },
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// Two packs of one name say different things, which none that is whole can.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
}

/// What was read; `None` if it is lost. What is out of reach for now is an error, and no reason to go on without it.
pub(super) fn unless_lost<T>(read: Result<T, ContentError>) -> Result<Option<T>, ContentError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.is_loss() => Ok(None),
        Err(error) => Err(error),
    }
}
