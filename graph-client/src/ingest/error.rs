//! Why a drive could not be taken in.

use repo_format::cbor::CborError;
use repo_format::content::ContentError;
use repo_format::engine::BackupError;
use repo_format::map::MapError;
use repo_format::tree::TreeError;

/// What stops the backup of a drive. Items that cannot be had are no errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// The ledger or the tree of an earlier run cannot be read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A ledger cannot be stored.
    #[error(transparent)]
    Map(#[from] MapError),
    /// A folder cannot be stored.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The ledger holds something else under an item's key.
    #[error("the ledger's entry of an item cannot be read")]
    Entry(#[source] CborError),
    /// The cursor of an earlier run is none, or is of a newer release.
    #[error("the cursor of the snapshot that the run builds on cannot be read")]
    Cursor(#[source] CborError),
    /// The feed never told of the drive's root.
    #[error("the drive's feed names no root folder")]
    NoRoot,
    /// The snapshot could not be committed.
    #[error(transparent)]
    Backup(#[from] BackupError),
}
