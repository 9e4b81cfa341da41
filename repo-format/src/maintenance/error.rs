//! Why maintenance ended without having done its work.

use crate::content::ContentError;
use crate::index::IndexError;
use crate::log::{Hold, LogError};
use crate::pack::PackError;
use crate::reach::ReachError;
use crate::repository::RepositoryError;
use crate::storage::StorageError;

/// What a caller can do differs by variant. Nothing that a snapshot needs is ever lost by it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MaintenanceError {
    /// A live snapshot cannot be read whole, so nobody can say what it needs.
    #[error("nothing was reclaimed, because not all that snapshots need is known")]
    Unreadable(#[source] Box<ReachError>),
    /// Records of the log were lost, and what is left was not verified yet.
    #[error("nothing is reclaimed: records of the log were lost, and it was {} in revision {}", held(.0), .0.since)]
    Held(Hold),
    /// What was verified when cannot be reached for now. (What is lost of it keeps nothing from going.)
    #[error("the verification map cannot be read")]
    VerificationMap(#[source] Box<ContentError>),
    /// Other maintainers doomed or recalled something each time when this run had marked.
    #[error("other maintenance was faster {tries} times; nothing is lost, and it can be run again")]
    Overtaken { tries: usize },
    /// A pack that is to be rewritten does not open.
    #[error("pack {pack} cannot be rewritten")]
    Pack { pack: String, source: PackError },
    /// The table of marks cannot be kept.
    #[error("cannot keep a table of marks in {place}")]
    Marks { place: String, source: std::io::Error },
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Index(#[from] IndexError),
}

fn held(hold: &Hold) -> &'static str {
    if hold.found { "repaired" } else { "repaired in part" }
}

impl MaintenanceError {
    /// Whether the storage had no room left.
    pub(super) fn is_full(&self) -> bool {
        match self {
            MaintenanceError::Repository(error) => error.is_full(),
            // It passes itself off as what it holds, whose source is the next one down.
            MaintenanceError::Storage(error) => StorageError::is_full_within(error),
            error => StorageError::is_full_within(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_storage_is_seen_through_whatever_it_is_told_by() {
        let of = |full: bool| {
            let (name, source) = ("packs/data/00/00".to_owned(), "none left".into());
            if full { StorageError::Full { name, source } } else { StorageError::NotFound { name } }
        };
        for full in [true, false] {
            assert_eq!(MaintenanceError::Storage(of(full)).is_full(), full);
            assert_eq!(MaintenanceError::Repository(RepositoryError::Storage(of(full))).is_full(), full);
            assert_eq!(MaintenanceError::Log(LogError::Storage(of(full))).is_full(), full);
        }
    }

    #[test]
    fn why_nothing_is_reclaimed_says_how_much_was_found() {
        for (found, words) in
            [(true, "it was repaired in revision 7"), (false, "it was repaired in part in revision 7")]
        {
            let hold = Hold { since: 7, found };
            assert!(MaintenanceError::Held(hold).to_string().contains(words));
        }
    }
}
