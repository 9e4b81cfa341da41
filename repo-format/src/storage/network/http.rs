//! The HTTP client below the stores, made to say which failure it saw.
//!
//! object_store keeps the status of a failed request to itself, does not read `Retry-After`, and
//! tells a missing bucket from a missing blob nowhere. Here such answers become errors of our own
//! before it sees them.

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

/// No more of a failure's body than this is read and goes into a message.
const SAID_BYTES_MAX: usize = 500;

/// What a body says when not a blob but the bucket or container is missing.
const CONTAINER_MISSING: [&str; 2] = ["NoSuchBucket", "ContainerNotFound"];

/// An answer that refuses, throttles or fails; 404 only if the bucket or container is missing.
#[derive(Debug, Clone, thiserror::Error)]
#[error("status {status}: {said}")]
pub(in crate::storage) struct ServerFailure {
    pub status: u16,
    /// The pause asked for, if it was given in seconds.
    pub retry_after: Option<Duration>,
    /// The beginning of the body.
    pub said: String,
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

/// Makes clients that turn server failures into [`ServerFailure`].
#[derive(Debug, Default)]
pub(super) struct Connector(ReqwestConnector);

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Sorting(self.0.connect(options)?)))
    }
}

#[derive(Debug)]
struct Sorting(HttpClient);

#[async_trait]
impl HttpService for Sorting {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let asks_identity = request.uri().host().is_some_and(|host| IDENTITY_HOSTS.contains(&host));
        let answer = match self.0.execute(request).await {
            Err(error) if asks_identity && never_there(&error) => {
                return Err(HttpError::new(error.kind(), NoIdentity(error)));
            }
            answer => answer?,
        };
        let status = answer.status().as_u16();
        if !matches!(status, 401 | 403 | 404 | 408 | 429 | 500..) {
            return Ok(answer);
        }
        let (head, body) = answer.into_parts();
        let said = beginning(body.bytes_stream()).await;
        if status == 404 && !CONTAINER_MISSING.iter().any(|code| said.contains(code)) {
            return Ok(HttpResponse::from_parts(head, said.into()));
        }
        let seconds = |value: &HeaderValue| value.to_str().ok()?.trim().parse().ok();
        let retry_after = head.headers.get("retry-after").and_then(seconds);
        let retry_after = retry_after.map(Duration::from_secs);
        let failure = ServerFailure { status, retry_after, said };
        Err(HttpError::new(HttpErrorKind::Unknown, failure))
    }
}

async fn beginning(mut body: BoxStream<'static, Result<Bytes, HttpError>>) -> String {
    let mut said = Vec::new();
    while let (true, Some(Ok(bytes))) = (said.len() < SAID_BYTES_MAX, body.next().await) {
        said.extend_from_slice(&bytes[..bytes.len().min(SAID_BYTES_MAX - said.len())]);
    }
    String::from_utf8_lossy(&said).into_owned()
}
