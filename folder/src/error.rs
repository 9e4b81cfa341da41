//! Errors of making a source or a sink, and how the system's errors become item errors.

use std::path::PathBuf;

use repo_format::engine::source::{ItemCause, ItemError};
use rustix::io::Errno;

/// Why a source or a sink could not be made. Single items fail with an [`ItemError`] instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// A source needs at least one path.
    #[error("no path to read from")]
    NoPath,
    /// Paths are absolute and have no `..`, so that a snapshot says where it came from.
    #[error("path {} is not absolute or contains `..`", path.display())]
    NotAbsolute { path: PathBuf },
    /// The path does not exist or may not be looked at.
    #[error("cannot look at {}", path.display())]
    Unreachable { path: PathBuf, source: std::io::Error },
    /// An exclude pattern is not in gitignore syntax.
    #[error("exclude pattern `{pattern}` is malformed")]
    BadPattern { pattern: String, source: ignore::Error },
    /// The target folder could not be made or opened.
    #[error("cannot use {} as the target", path.display())]
    Target { path: PathBuf, source: std::io::Error },
}

/// An item error that says what was tried and what the system answered.
pub(crate) fn item_error(what: &str, errno: Errno) -> ItemError {
    let cause = match errno {
        Errno::NOENT => ItemCause::Vanished,
        Errno::ACCESS | Errno::PERM => ItemCause::Denied,
        _ => ItemCause::Io,
    };
    caused(cause, format!("{what}: {}", std::io::Error::from(errno)))
}

/// An item error of our own finding, after one attempt.
pub(crate) fn caused(cause: ItemCause, message: impl Into<String>) -> ItemError {
    ItemError { cause, message: message.into(), attempts: 1 }
}

/// The system's error number in a standard I/O error.
pub(crate) fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
