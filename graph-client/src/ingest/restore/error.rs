//! What stops a restore, and what fails one item alone.

use repo_format::content::ContentError;
use repo_format::engine::Broken;
use repo_format::engine::source::{ItemCause, ItemError};
use repo_format::repository::RepositoryError;

use super::journal::JournalError;
use crate::error::GraphError;

/// Why a restore did not get to its end. Run again, it goes on from its journal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriveRestoreError {
    /// The service does not let us go on; it says why.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The manifest cannot be read.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The storage of the repository cannot be reached any more.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// What is done cannot be written down, so nothing more may be done.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The folder to restore into cannot be had: something else has its name, or part of it.
    #[error("cannot restore into {path:?}: {why}")]
    Destination { path: String, why: &'static str },
    /// The snapshot's root cannot be read: the repository is damaged.
    #[error("cannot read the snapshot: {what}")]
    Broken { what: String },
}

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The run was told to end.
    Stopped,
    /// Nothing else can be done either.
    Fatal(DriveRestoreError),
    /// The service did not do it.
    Graph(GraphError),
    /// It cannot be done, and the service was not asked.
    Item(ItemError),
}

impl Trouble {
    /// A failure of one item, for a cause that no call has told.
    pub fn item(cause: ItemCause, message: impl Into<String>) -> Trouble {
        Trouble::Item(ItemError { cause, message: message.into(), attempts: 1 })
    }
}

impl From<GraphError> for Trouble {
    fn from(error: GraphError) -> Trouble {
        match error.stops_everything() {
            true => Trouble::Fatal(error.into()),
            false => Trouble::Graph(error),
        }
    }
}

impl From<Broken> for Trouble {
    fn from(error: Broken) -> Trouble {
        match error {
            Broken::Item(error) => Trouble::Item(error),
            Broken::Outage(error) => Trouble::Fatal(error.into()),
        }
    }
}

impl From<JournalError> for Trouble {
    fn from(error: JournalError) -> Trouble {
        Trouble::Fatal(error.into())
    }
}

/// The failure of an item, told apart by cause.
pub(super) fn item_error(error: &GraphError) -> ItemError {
    let (cause, attempts) = match error {
        GraphError::Forbidden { .. } => (ItemCause::Denied, 1),
        GraphError::Exhausted { attempts, .. } => (ItemCause::Io, *attempts),
        _ => (ItemCause::Io, 1),
    };
    let message = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    ItemError { cause, message, attempts }
}
