//! What is answered, before faults are laid over it.

use std::ops::Range;

use bytes::Bytes;

use super::json::Json;
use super::time;
use crate::model::drive::Content;

/// The media type of Graph's bodies.
pub const JSON_TYPE: &str =
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// A response.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Payload,
}

/// A response's body.
#[derive(Clone, Debug)]
pub enum Payload {
    Bytes(Bytes),
    /// A part of a file's content.
    Content(Content, Range<u64>),
}

impl Answer {
    pub fn empty(status: u16) -> Self {
        Answer { status, headers: Vec::new(), body: Payload::Bytes(Bytes::new()) }
    }

    pub fn json(status: u16, body: Json) -> Self {
        Answer::bytes(status, JSON_TYPE, body.finish())
    }

    pub fn bytes(status: u16, media_type: &str, body: impl Into<Bytes>) -> Self {
        Answer {
            status,
            headers: vec![("content-type", media_type.into())],
            body: Payload::Bytes(body.into()),
        }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Bytes of the body.
    pub fn length(&self) -> u64 {
        match &self.body {
            Payload::Bytes(bytes) => bytes.len() as u64,
            Payload::Content(_, range) => range.end - range.start,
        }
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// A refusal in Graph's form.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    /// The code of the inner error.
    pub inner: Option<&'static str>,
    pub headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Refusal { status, code, message: message.into(), inner: None, headers: Vec::new() }
    }

    #[must_use]
    pub fn inner(mut self, code: &'static str) -> Self {
        self.inner = Some(code);
        self
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn not_found() -> Self {
        Refusal::new(404, "itemNotFound", "The resource could not be found.")
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Refusal::new(400, "invalidRequest", message)
    }

    /// The response; `request_id` and `client_request_id` stand in the inner error.
    pub fn answer(self, request_id: &str, client_request_id: &str, now_ms: i64) -> Answer {
        let mut json = Json::default();
        json.open().key("error").open().text("code", self.code).text("message", &self.message);
        json.key("innerError").open();
        if let Some(inner) = self.inner {
            json.text("code", inner);
        }
        json.text("date", time::from_ms(now_ms).split('.').next().unwrap_or_default());
        json.text("request-id", request_id);
        let client = if client_request_id.is_empty() { request_id } else { client_request_id };
        json.text("client-request-id", client).close().close().close();
        let mut answer = Answer::json(self.status, json);
        answer.headers.extend(self.headers);
        answer
    }
}

/// What a handler gives.
pub type Outcome = Result<Answer, Refusal>;
