//! What can go wrong with a log, told apart by what one can do about it.

use std::path::PathBuf;
use std::sync::Arc;

use super::hold::Hold;
use super::manifests::RowsError;
use super::parts::FeatureScope;
use super::sealed::BlobError;
use super::validate::Invalid;
use crate::codec::{NoRandomness, RecordHash, SegmentId};
use crate::format::names::BlobId;
use crate::storage::StorageError;

/// Why the log could not be read or extended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The storage refused. After a write the record may still appear; to commit again is safe.
    #[error("cannot use the log")]
    Storage(#[from] StorageError),
    /// A record or catalog is damaged, of a newer release, or not of this repository and key.
    #[error("{} cannot be used", blob.name())]
    Blob { blob: BlobId, source: BlobError },
    /// A manifest segment is damaged.
    #[error("manifest segment {segment} cannot be used")]
    Rows { segment: SegmentId, source: RowsError },
    /// The record is sound, but not the successor of the one before: the log was tampered with.
    #[error("record {revision} does not continue the record before it (LOG-1)")]
    Chain { revision: u64 },
    /// Later records are there, and no catalog knows this one.
    #[error("record {revision} is missing, later ones are there (LOG-5)")]
    Missing { revision: u64 },
    /// There is neither a record nor a catalog: an init was not finished, or this is no repository.
    #[error("the log is empty")]
    Empty,
    /// The records that lead to this revision were trimmed, or it is not there yet.
    #[error("the state at revision {revision} is not kept")]
    NotKept { revision: u64 },
    /// The repository asks for a newer release than this one.
    #[error(
        "the repository requires the feature {feature:?} of its {scope}, which this release does not know"
    )]
    Unsupported { feature: String, scope: FeatureScope },
    /// The storage shows less than this client has seen: an older copy, or records were deleted.
    #[error("the log ends at revision {head}, but this client has seen revision {seen}")]
    RolledBack { seen: u64, head: u64 },
    /// The storage shows another history than this client has seen.
    #[error("record {revision} is {found}, but this client has seen {seen} there")]
    Forked { revision: u64, seen: RecordHash, found: RecordHash },
    /// Nothing is written to a log that is broken; the source says where and how.
    #[error("the log is broken, and nothing is written until it is repaired")]
    Broken { source: Arc<LogError> },
    /// The log is open at an older revision, or a catalog for one is asked of it.
    #[error("the log is open for reading only")]
    ReadOnly,
    /// The log is a copy's: only whoever copies writes there, until the copy is promoted.
    #[error("this is a copy of the repository, and read-only until it is promoted")]
    Copy,
    /// A blob's name claims a revision that leaves no room for others behind it; no client made it.
    #[error("{} leaves no room for revisions behind it", blob.name())]
    NoRoom { blob: BlobId },
    /// The actions do not fit into a blob.
    #[error("{} would be larger than a blob may be", blob.name())]
    TooLarge { blob: BlobId },
    #[error("cannot make a record")]
    Randomness(#[from] NoRandomness),
}

impl LogError {
    /// Whether this may come of records or catalogs that were trimmed while they were read, or of a record that a
    /// writer that lost has created in the place of one (LOG-4).
    pub(super) fn is_trimmed(&self) -> bool {
        match self {
            LogError::Missing { .. } | LogError::NotKept { .. } | LogError::Chain { .. } => true,
            LogError::Storage(error) => error.is_not_found(),
            _ => false,
        }
    }
}

/// Why a commit did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitError<E: std::error::Error + 'static> {
    /// The caller could not prepare against the state it was given.
    #[error("cannot prepare the commit")]
    Prepare(#[source] E),
    /// What was prepared may not be appended to the state it was prepared for.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// What went wrong without stopping what was asked for.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// The log cannot be read to its end; the state is the one before.
    #[error("the log is broken, this is its state before")]
    Broken(#[source] Arc<LogError>),
    /// A catalog could not be used; the records behind an older one were read instead.
    #[error("a catalog was passed over")]
    CatalogPassedOver(#[source] Arc<LogError>),
    /// The commit counts; opening takes longer until somebody writes a catalog.
    #[error("no catalog was written")]
    CatalogNotWritten(#[source] Arc<LogError>),
    /// Records were lost, and what is left was not verified yet (LOG-9).
    #[error("{}", held(.0))]
    Held(Hold),
    /// What this client has seen could not be read or kept: a rollback may go unseen.
    #[error("{} cannot keep what was seen of the log; a rollback may go unseen", file.display())]
    NotRemembered { file: PathBuf, source: Arc<std::io::Error> },
}

fn held(hold: &Hold) -> String {
    match hold.found {
        true => format!(
            "records were lost and the log was repaired (revision {}); nothing is reclaimed until all of it was verified",
            hold.since
        ),
        false => format!(
            "records were lost, and the repair of the log that was begun in revision {} did not end",
            hold.since
        ),
    }
}

impl std::fmt::Display for FeatureScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FeatureScope::Writers => "writers",
            FeatureScope::Readers => "readers",
        })
    }
}
