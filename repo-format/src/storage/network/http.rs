//! The HTTP client below the stores, made to say which failure it saw.
//!
//! object_store keeps the status of a failed request to itself and does not read `Retry-After`.
//! Here such answers become errors of our own before it sees them.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};

/// No more of a failure's body than this is read and goes into a message.
const SAID_BYTES_MAX: usize = 500;

/// A server's answer that says that it, not the request, is at fault.
#[derive(Debug, Clone, thiserror::Error)]
#[error("status {status}: {said}")]
pub(in crate::storage) struct ServerFailure {
    pub status: u16,
    /// The pause asked for, if it was given in seconds.
    pub retry_after: Option<Duration>,
    /// The beginning of the body.
    pub said: String,
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
        let answer = self.0.execute(request).await?;
        let status = answer.status().as_u16();
        if !(status >= 500 || status == 429 || status == 408) {
            return Ok(answer);
        }
        let retry_after = answer
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.trim().parse().ok().map(Duration::from_secs));
        let said = beginning(answer.into_body().bytes_stream()).await;
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
