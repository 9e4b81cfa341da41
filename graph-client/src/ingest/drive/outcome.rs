//! What a failure means for one item.

use repo_format::engine::source::{ItemCause, ItemError};

use crate::error::GraphError;
use crate::ingest::Facts;

/// The failure of an item's content, told apart by cause.
pub(super) fn item_error(error: &GraphError, facts: &Facts, attempts: u32) -> ItemError {
    let (cause, attempts) = match error {
        GraphError::Vanished { .. } | GraphError::NotFound { .. } => (ItemCause::Vanished, attempts),
        GraphError::Changed { .. } => (ItemCause::Changing, attempts),
        GraphError::Malware { .. } => (ItemCause::Refused, attempts),
        GraphError::Forbidden { .. } => (ItemCause::Denied, attempts),
        GraphError::Exhausted { attempts, .. } => (ItemCause::Io, *attempts),
        _ => (ItemCause::Io, attempts),
    };
    // Notebooks' files often cannot be downloaded at all, whatever the service answers.
    let notebook = cause == ItemCause::Io && is_notebook(facts);
    let message = match (notebook, std::error::Error::source(error)) {
        (true, _) => format!("a file of a notebook, which the service does not serve: {error}"),
        (false, Some(source)) => format!("{error}: {source}"),
        (false, None) => error.to_string(),
    };
    ItemError { cause: if notebook { ItemCause::Refused } else { cause }, message, attempts }
}

fn is_notebook(facts: &Facts) -> bool {
    let name = facts.name.to_ascii_lowercase();
    facts.mime.eq_ignore_ascii_case("application/msonenote")
        || [".one", ".onetoc2"].iter().any(|ending| name.ends_with(ending))
}

/// Whether an item that was marked with this cause is tried again though it did not change.
pub(super) fn is_tried_again(cause: &str) -> bool {
    cause != ItemCause::Refused.name()
}

/// The cause with this name.
pub(super) fn cause_of(name: &str) -> ItemCause {
    let causes =
        [ItemCause::Denied, ItemCause::Vanished, ItemCause::Changing, ItemCause::Refused, ItemCause::Lost];
    causes.into_iter().find(|cause| cause.name() == name).unwrap_or(ItemCause::Io)
}
