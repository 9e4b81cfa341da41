//! Errors as one line of text, for warnings and findings, which outlive them.

use std::error::Error;

/// An error's message and those of its sources.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
