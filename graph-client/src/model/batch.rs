//! Several calls in one: what `$batch` takes and answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// At most so many calls go into one batch.
pub const BATCH_SIZE_MAX: usize = 20;

/// The calls of a batch.
#[derive(Debug, Serialize)]
pub struct BatchRequest {
    pub requests: Vec<BatchCall>,
}

/// One of them: a read.
#[derive(Debug, Serialize)]
pub struct BatchCall {
    /// By which its answer is found.
    pub id: String,
    pub method: &'static str,
    /// From the version on: `/drives/…`.
    pub url: String,
}

/// The answers, in any order.
#[derive(Debug, Deserialize)]
pub struct BatchReply {
    pub responses: Vec<BatchAnswer>,
}

/// The answer to one call.
#[derive(Debug, Deserialize)]
pub struct BatchAnswer {
    pub id: String,
    pub status: u16,
    /// Names in any case.
    #[serde(default)]
    pub headers: Option<BTreeMap<String, Box<RawValue>>>,
    /// JSON, or base64 in a string for anything else.
    #[serde(default)]
    pub body: Option<Box<RawValue>>,
}

impl BatchAnswer {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut headers = self.headers.iter().flatten();
        let (_, value) = headers.find(|(header, _)| header.eq_ignore_ascii_case(name))?;
        Some(serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_in_any_case_and_kind() {
        let answer = r#"{"id":"1","status":429,"headers":{"retry-after":"7","Number":8}}"#;
        let answer: BatchAnswer = serde_json::from_str(answer).unwrap();
        assert_eq!(answer.header("Retry-After").as_deref(), Some("7"));
        assert_eq!(answer.header("number").as_deref(), Some("8"));
        assert_eq!(answer.header("other"), None);
    }
}
