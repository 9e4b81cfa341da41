//! Why a restore stopped, and what fails one item alone.

use std::error::Error;
use std::io;

use crate::codec::ContentId;
use crate::content::{ContentError, ReadContent};
use crate::engine::source::{ItemCause, ItemError};
use crate::repository::RepositoryError;
use crate::snapshot::{Failure, get_by_path};
use crate::storage::StorageError;
use crate::tree::TreeError;

/// Why a restore, or the output of one file, ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The snapshot has nothing at this path.
    #[error("the snapshot has nothing at {path:?}")]
    NoSuchPath { path: String },
    /// A service has several items of this name.
    #[error("the snapshot has {count} items at {path:?}")]
    Ambiguous { path: String, count: usize },
    /// Only files have bytes to put out.
    #[error("{path:?} is no file")]
    NotAFile { path: String },
    /// One file was asked for, and it cannot be had.
    #[error("cannot restore {path:?}: {error}")]
    Item { path: String, error: ItemError },
    /// The manifest cannot be read.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The way to the path cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The storage cannot be reached any more; running it again goes on where files are skipped.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// Whoever takes the bytes takes no more.
    #[error("cannot write the file's bytes")]
    Write(#[source] io::Error),
    /// Told to stop before the end.
    #[error("stopped before the end")]
    Stopped,
}

/// Whether the storage could not be reached at all. Every further item would fail the same way, each
/// after its own time-outs.
pub fn is_outage(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<StorageError>().is_some_and(StorageError::is_transient) {
            return true;
        }
        next = error.source();
    }
    false
}

/// What the repository cannot give any more, as the failure of one item.
pub fn lost(error: &dyn Error) -> ItemError {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    ItemError { cause: ItemCause::Lost, message, attempts: 1 }
}

/// Why a file cannot be had whose bytes the backup could not get: what the backup said of it, if its
/// failures, a map (SNAP-4), can be read. Nothing was ever there, so this is no damage, and what the
/// backup skipped is skipped here.
pub fn not_stored(contents: &dyn ReadContent, failures: Option<&ContentId>, path: &[u8]) -> ItemError {
    const WHAT: &str = "its content was not stored when the snapshot was made";
    let failure = failures.and_then(|root| get_by_path::<Failure>(contents, root, path).ok().flatten());
    let Some(failure) = failure else {
        return ItemError { cause: ItemCause::Io, message: WHAT.into(), attempts: 1 };
    };
    let cause = ItemCause::named(&failure.cause).filter(|cause| *cause != ItemCause::Lost);
    let message = format!("{WHAT}: {}", failure.message);
    ItemError { cause: cause.unwrap_or(ItemCause::Io), message, attempts: failure.attempts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreachable_storage_is_told_from_a_blob_that_cannot_be_read() {
        let outage = |error: StorageError| is_outage(&ContentError::Storage(Box::new(error)));
        let name = || "packs/data/00/00".to_owned();
        assert!(outage(StorageError::Unreachable { name: name(), source: "no route".into() }));
        assert!(!outage(StorageError::Io { name: name(), source: "a bad sector".into() }));
        assert!(!outage(StorageError::NotFound { name: name() }));
        assert!(!is_outage(&ContentError::Missing { id: ContentId::ZERO }));
    }
}
