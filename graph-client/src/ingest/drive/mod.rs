//! The backup of one drive, from its feed to a snapshot.
//!
//! Owns the order of things: pages are applied as they come, contents are fetched beside them, marks
//! and links are committed together, rounds follow until one has nothing to tell. Blocks: one thread
//! (the caller's) keeps the ledger and commits, one asks for pages, several fetch contents. All waits
//! for the network happen on the runtime whose handle it is given.
//!
//! | what is under way | at most |
//! |---|---|
//! | contents that wait to be fetched | [`DriveOptions::waiting_max`] |
//! | changes of the ledger without a checkpoint | 48 MiB |
//! | pages read ahead | one |

mod addresses;
mod commit;
mod convert;
mod course;
mod failures;
mod fetch;
mod outcome;
mod pager;
mod run;
mod sharing;
mod work;

use std::time::Duration;

use repo_format::engine::{BackupError, BackupOptions, BackupReport};
use repo_format::repository::RepositoryError;

pub use convert::change_of;
pub use run::backup_drive;

use super::{IngestError, Scope};
use crate::error::GraphError;

/// How a drive is backed up.
#[derive(Debug, Clone)]
pub struct DriveOptions {
    /// What the snapshot is of, how it is stored, when checkpoints are due. Its `threads` is how many
    /// contents are fetched at a time.
    pub backup: BackupOptions,
    /// The part of the drive that is backed up. Another part is another source: `backup` says so.
    pub scope: Scope,
    /// Rounds of the feed that tell something, at most. A drive that never rests ends with the last.
    pub rounds_max: u32,
    /// Contents that may wait to be fetched before the next page is asked for.
    pub waiting_max: usize,
    /// How old an address of a content may be when its turn comes. They expire within the hour.
    pub address_age_max: Duration,
    /// Whether the permissions of shared items are read: five resource units an item.
    pub permissions: bool,
}

impl DriveOptions {
    /// Everything else as it mostly is.
    pub fn new(backup: BackupOptions) -> DriveOptions {
        DriveOptions {
            backup,
            scope: Scope::default(),
            rounds_max: 5,
            waiting_max: 4000,
            address_age_max: Duration::from_secs(45 * 60),
            permissions: true,
        }
    }
}

/// What the backup of a drive came to.
#[derive(Debug, Clone)]
pub struct DriveReport {
    pub backup: BackupReport,
    /// Paths of items whose folder nobody knows: they are below `.orphans`.
    pub orphans: Vec<Vec<u8>>,
    /// Folders of the scope that the drive has not got.
    pub missing: Vec<String>,
    /// Items whose bytes have another hash than was listed, twice the same: what came is stored.
    pub odd_hashes: u64,
    /// Shared items whose permissions could not be read: the next run asks again.
    pub unread: u64,
    /// Items that failed in an earlier run, or were not reached by it, and are stored now.
    pub recovered: u64,
    /// Contents that were fetched, and their bytes.
    pub fetched: u64,
    pub fetched_bytes: u64,
    /// Whether everything was listed, rather than what changed.
    pub enumerated: bool,
}

/// Why the backup of a drive did not end with a snapshot. What it stored is in its checkpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriveError {
    /// The service does not let us go on; it says why.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Ledger or tree cannot be read or stored.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The repository cannot be written.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// Nothing can be committed.
    #[error(transparent)]
    Backup(#[from] BackupError),
}

impl DriveError {
    /// Whether a run that begins anew, from what the repository holds now, may succeed.
    pub fn is_outdated(&self) -> bool {
        match self {
            DriveError::Repository(error) => error.is_outdated(),
            DriveError::Backup(error) => error.is_outdated(),
            DriveError::Graph(_) | DriveError::Ingest(_) => false,
        }
    }
}
