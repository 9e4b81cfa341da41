//! How long blobs are locked against deletion.

use std::fmt;

use repo_format::policy::Span;
use repo_format::storage::Retention;
use serde::Serialize;

/// A retention that is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct RetentionText {
    /// `governance` or `compliance`.
    pub mode: String,
    pub seconds: u64,
}

impl RetentionText {
    pub fn new(retention: &Retention) -> RetentionText {
        RetentionText { mode: retention.mode.name().to_owned(), seconds: retention.seconds }
    }
}

impl fmt::Display for RetentionText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seconds % 3600 {
            0 => write!(f, "{} in {} mode", Span(self.seconds), self.mode),
            _ => write!(f, "{} s in {} mode", self.seconds, self.mode),
        }
    }
}

/// The retention of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct RetentionSummary {
    /// Absent if blobs are not locked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<RetentionText>,
    /// The revision that says so, if it was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

impl fmt::Display for RetentionSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.retention, self.revision) {
            (None, None) => f.write_str("Blobs are not locked against deletion."),
            (None, Some(_)) => {
                f.write_str("Blobs that are written from now on are not locked; what is locked stays so.")
            }
            (Some(retention), None) => write!(f, "Blobs are locked for {retention}."),
            (Some(retention), Some(_)) => write!(
                f,
                "Blobs that are written from now on are locked for {retention}.\n\
                 `corso maintenance run` locks those that are there, once less than half of it is left to them."
            ),
        }
    }
}
