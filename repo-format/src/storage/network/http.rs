//! The HTTP client below the stores, made to say which failure it saw.
//!
//! object_store keeps the status of a failed request to itself, does not read `Retry-After`, and
//! tells a missing bucket from a missing blob nowhere. Here such answers become errors of our own
//! before it sees them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};
use object_store::{ClientOptions, HeaderValue};

use super::object_lock::Signer;
use crate::storage::lock::LockedUntil;

/// No more of a failure's body than this is read.
const BODY_BYTES_MAX: usize = 4096;

/// No more of what it says than this goes into a message.
const SAID_CHARS_MAX: usize = 300;

/// The codes that say that not a blob but the bucket or container is missing.
const CONTAINER_MISSING: [&str; 2] = ["NoSuchBucket", "ContainerNotFound"];

/// An answer that refuses, throttles or fails; 404 only if the bucket or container is missing.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the server answered {status}{}", self.words())]
pub(in crate::storage) struct ServerFailure {
    pub status: u16,
    /// The protocol's word for the failure; empty if there is none.
    pub code: String,
    /// The pause asked for, if it was given in seconds.
    pub retry_after: Option<Duration>,
    /// The sentence that goes with it.
    pub said: String,
}

impl ServerFailure {
    /// Takes no more from a body than its code and message: some servers repeat the request in the
    /// rest, with tokens and signatures.
    pub fn new(status: u16, retry_after: Option<Duration>, body: &str) -> ServerFailure {
        let code = element(body, "Code").unwrap_or_default();
        let said = match element(body, "Message") {
            Some(message) => message,
            None if body.trim_start().starts_with('<') => "",
            // Those who hand out tokens answer in JSON.
            None => body,
        };
        let said = said.trim().lines().next().unwrap_or_default();
        let said = said.chars().take(SAID_CHARS_MAX).collect();
        ServerFailure { status, code: code.to_string(), retry_after, said }
    }

    fn words(&self) -> String {
        let mark =
            |mark: &str, text: &str| if text.is_empty() { String::new() } else { format!("{mark}{text}") };
        mark(" ", &self.code) + &mark(": ", &self.said)
    }
}

/// The text of the first element of this name. A body that was cut is no document to a parser.
pub(super) fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

/// What object_store understands by itself: success, redirects, a missing blob, a condition that
/// does not hold, a range that is not there.
fn is_understood(status: u16) -> bool {
    matches!(status, ..400 | 404 | 409 | 412 | 416)
}

/// Where clouds answer a machine that asks who it is.
const IDENTITY_HOSTS: [&str; 3] = ["169.254.169.254", "169.254.170.2", "metadata.google.internal"];

/// Nobody answered who this machine is, so it is on no cloud, and asking again is no use.
#[derive(Debug, thiserror::Error)]
#[error("no identity service answers on this machine")]
pub(in crate::storage) struct NoIdentity(#[source] HttpError);

fn never_there(error: &HttpError) -> bool {
    matches!(error.kind(), HttpErrorKind::Connect | HttpErrorKind::Timeout)
}

/// Makes clients that turn server failures into [`ServerFailure`], and lock what is put locked.
#[derive(Debug, Default)]
pub(super) struct Connector {
    inner: ReqwestConnector,
    /// Signs what locks add to a put; has no keys where there are no locks.
    pub signer: Arc<Signer>,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Sorting { inner: self.inner.connect(options)?, signer: self.signer.clone() }))
    }
}

#[derive(Debug)]
struct Sorting {
    inner: HttpClient,
    signer: Arc<Signer>,
}

#[async_trait]
impl HttpService for Sorting {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if let Some(lock) = request.extensions_mut().remove::<LockedUntil>() {
            let locked = self.signer.lock(&mut request, &lock).await;
            locked.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        }
        let asks_identity = request.uri().host().is_some_and(|host| IDENTITY_HOSTS.contains(&host));
        let answer = match self.inner.execute(request).await {
            Err(error) if asks_identity && never_there(&error) => {
                return Err(HttpError::new(error.kind(), NoIdentity(error)));
            }
            answer => answer?,
        };
        let status = answer.status().as_u16();
        if is_understood(status) && status != 404 {
            return Ok(answer);
        }
        let (head, body) = answer.into_parts();
        let body = beginning(body.bytes_stream()).await;
        let seconds = |value: &HeaderValue| value.to_str().ok()?.trim().parse().ok();
        let retry_after = head.headers.get("retry-after").and_then(seconds);
        let failure = ServerFailure::new(status, retry_after.map(Duration::from_secs), &body);
        if is_understood(status) && !CONTAINER_MISSING.contains(&failure.code.as_str()) {
            return Ok(HttpResponse::from_parts(head, body.into()));
        }
        Err(HttpError::new(HttpErrorKind::Unknown, failure))
    }
}

async fn beginning(mut body: BoxStream<'static, Result<Bytes, HttpError>>) -> String {
    let mut said = Vec::new();
    while let (true, Some(Ok(bytes))) = (said.len() < BODY_BYTES_MAX, body.next().await) {
        said.extend_from_slice(&bytes[..bytes.len().min(BODY_BYTES_MAX - said.len())]);
    }
    String::from_utf8_lossy(&said).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_body_only_code_and_message_are_taken() {
        let body = "<?xml version=\"1.0\"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>No match.\n\
            Time:12</Message><CanonicalRequest>x-amz-security-token:hidden</CanonicalRequest></Error>";
        let shown = ServerFailure::new(403, None, body).to_string();
        assert_eq!(shown, "the server answered 403 SignatureDoesNotMatch: No match.");
    }

    #[test]
    fn a_body_may_be_anything() {
        let failure = |body| ServerFailure::new(502, None, body);
        assert_eq!(failure("<html>Bad Gateway").to_string(), "the server answered 502");
        assert_eq!(failure("<Code>cut off").code, "");
        assert_eq!(failure("{\"error\": \"invalid_client\"}\nmore").said, "{\"error\": \"invalid_client\"}");
        assert_eq!(failure(&"long".repeat(1000)).said.len(), SAID_CHARS_MAX);
    }
}
