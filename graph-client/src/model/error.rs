//! The body of a refusal.

use super::object::object;
use crate::json::{JsonError, decode};

object! {
    /// `{"error": {…}}`.
    pub struct GraphErrorBody {
        error: Option<GraphErrorDetail> = "error",
    }
}

object! {
    /// A code, and perhaps a more exact one within.
    pub struct GraphErrorDetail {
        code: Option<String> = "code",
        /// For developers. It may quote items, so it is compared and never shown.
        message: Option<String> = "message",
        inner: Option<Box<GraphErrorDetail>> = "innerError" | "innererror",
        request_id: Option<String> = "request-id",
    }
}

impl GraphErrorBody {
    /// Reads the body of a refusal.
    ///
    /// # Errors
    ///
    /// It is no JSON, as from a gateway, or of another shape.
    pub fn decode(bytes: &[u8]) -> Result<Self, JsonError> {
        decode(bytes)
    }

    /// The codes, outermost first.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.details().filter_map(|detail| detail.code.as_deref()).filter(|code| !code.is_empty())
    }

    /// Whether a message says `words`, in any case. For the few refusals that have no code.
    pub fn says(&self, words: &str) -> bool {
        let said = |message: &str| message.to_ascii_lowercase().contains(words);
        self.details().filter_map(|detail| detail.message.as_deref()).any(said)
    }

    fn details(&self) -> impl Iterator<Item = &GraphErrorDetail> {
        std::iter::successors(self.error.as_ref(), |detail| detail.inner.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_however_deep() {
        let body = br#"{"error":{"code":"invalidRange","innererror":{"code":"","innerError":
            {"code":"fragmentOverlap","message":"Has Overlap"}}}}"#;
        let body = GraphErrorBody::decode(body).unwrap();
        assert_eq!(body.codes().collect::<Vec<_>>(), ["invalidRange", "fragmentOverlap"]);
        assert!(body.says("overlap") && !body.says("mysite"));
    }
}
