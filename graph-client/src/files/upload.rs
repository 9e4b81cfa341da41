//! Large contents: upload sessions, fragment by fragment, resumable for days.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_RANGE, HeaderValue};
use serde_json::{Map, json};

use super::change::{NewFile, UploadTo};
use super::pre_auth;
use crate::error::{Fault, GraphError, Place};
use crate::graph::Graph;
use crate::http::{Call, Repeat, Reply};
use crate::json;
use crate::model::{DriveId, DriveItem, ItemId, UploadStatus};
use crate::secret::Secret;

/// A fragment, unless it is the last, is a multiple of so many bytes.
pub const FRAGMENT_UNIT: usize = 327_680;
/// A good size of a fragment: 10 MiB.
pub const FRAGMENT_SIZE: usize = 32 * FRAGMENT_UNIT;
/// No fragment may be as large as this.
const FRAGMENT_LIMIT: usize = 60 << 20;
/// Up to so many bytes a content goes in one piece.
pub const SMALL_FILE_MAX: usize = 4 << 20;
/// A new session may not be known everywhere yet.
const SETTLING: Duration = Duration::from_secs(5);

/// A content being written. Nothing of it is seen until its last fragment is there.
pub struct UploadSession {
    graph: Graph,
    drive: DriveId,
    /// The folder or the item, for messages.
    to: ItemId,
    url: Secret,
    total: u64,
    next: u64,
    /// Whether the service has answered on it.
    is_settled: bool,
}

impl fmt::Debug for UploadSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UploadSession({} of {} bytes to {})", self.next, self.total, self.to)
    }
}

/// How far an upload is.
#[derive(Debug, Clone, PartialEq)]
pub enum UploadStep {
    /// The service waits for the bytes from [`UploadSession::next`] on, which may be fewer than
    /// were sent.
    More,
    /// All is there: the item.
    Done(Box<DriveItem>),
}

impl Graph {
    /// Begins to write a content of `total` bytes, at least one.
    ///
    /// # Errors
    ///
    /// `NameTaken`, `Precondition` and `QuotaFull` as they say; `Setup` for no bytes.
    pub async fn create_upload_session(
        &self,
        drive: &DriveId,
        to: &UploadTo,
        file: &NewFile,
        total: u64,
    ) -> Result<UploadSession, GraphError> {
        if total == 0 {
            return Err(GraphError::Setup { what: "an empty file needs no upload session".into() });
        }
        let mut item = Map::new();
        let at = match to {
            UploadTo::New { parent, name, conflict } => {
                item.insert("@microsoft.graph.conflictBehavior".into(), json!(conflict.as_str()));
                item.insert("name".into(), json!(name));
                parent
            }
            UploadTo::Over { item, .. } => item,
        };
        if let Some(info) = file.file_system_info() {
            item.insert("fileSystemInfo".into(), info);
        }
        // One session too many does no harm: it expires.
        let call = self.upload_call(Method::POST, drive, to, "createUploadSession", "", Repeat::Safe)?;
        let call = call.json(&json!({"item": item}));
        let status: UploadStatus = self.json(&call).await?;
        let url =
            status.upload_url.clone().ok_or_else(|| call.protocol("an upload session without an address"))?;
        let next = status.next().unwrap_or(0);
        let (graph, drive, to) = (self.clone(), drive.clone(), at.clone());
        Ok(UploadSession { graph, drive, to, url, total, next, is_settled: false })
    }

    /// Goes on with the session at `url`, to the folder or item `to`.
    ///
    /// # Errors
    ///
    /// `SessionGone` if it has expired, was cancelled, or is complete.
    pub async fn resume_upload(
        &self,
        drive: &DriveId,
        to: &ItemId,
        url: Secret,
        total: u64,
    ) -> Result<UploadSession, GraphError> {
        let (graph, drive, to) = (self.clone(), drive.clone(), to.clone());
        let mut session = UploadSession { graph, drive, to, url, total, next: 0, is_settled: true };
        session.status().await?;
        Ok(session)
    }
}

impl UploadSession {
    /// Where the session is. Its bearer can go on with it: keep it as a secret.
    pub fn url(&self) -> &Secret {
        &self.url
    }

    /// The first byte that the service has not got.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Bytes of the whole content.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Sends the bytes from [`UploadSession::next`] on: a multiple of [`FRAGMENT_UNIT`], or all the rest.
    ///
    /// # Errors
    ///
    /// `SessionGone` if it is not there any more: if this was the last fragment, look for the file
    /// first. `NameTaken` and `QuotaFull` at the end. `Setup` for bytes that make no fragment.
    pub async fn put(&mut self, bytes: Bytes) -> Result<UploadStep, GraphError> {
        let call = self.fragment(bytes)?;
        let mut answer = self.exchange(&call).await;
        if !self.is_settled && matches!(answer, Err(GraphError::SessionGone { .. })) {
            self.graph.clock().sleep(SETTLING).await;
            answer = self.exchange(&call).await;
        }
        let sent = match call.payload {
            crate::http::Payload::Bytes(bytes) => bytes.len() as u64,
            _ => 0,
        };
        let answer = answer?;
        self.is_settled = true;
        match answer.status {
            200 | 201 => Ok(UploadStep::Done(Box::new(self.read(&answer)?))),
            // It has these bytes already, or others than we think: it knows.
            416 => {
                self.status().await?;
                Ok(UploadStep::More)
            }
            _ => {
                let status: UploadStatus = self.read(&answer)?;
                self.next = status.next().unwrap_or(self.next + sent).min(self.total);
                Ok(UploadStep::More)
            }
        }
    }

    /// Asks how far it is.
    ///
    /// # Errors
    ///
    /// `SessionGone` if it is not there any more.
    pub async fn status(&mut self) -> Result<(), GraphError> {
        let answer = self.exchange(&self.call(Method::GET)?).await?;
        let status: UploadStatus = self.read(&answer)?;
        self.next = status.next().unwrap_or(0).min(self.total);
        Ok(())
    }

    /// Gives it up: nothing of the content remains.
    ///
    /// # Errors
    ///
    /// What kept the service from being told; the session then expires by itself.
    pub async fn cancel(self) -> Result<(), GraphError> {
        match self.exchange(&self.call(Method::DELETE)?).await {
            Err(GraphError::SessionGone { .. }) => Ok(()),
            answer => answer.map(drop),
        }
    }

    fn fragment(&self, bytes: Bytes) -> Result<Call, GraphError> {
        let setup = |what: &str| Err(GraphError::Setup { what: what.into() });
        let end = self.next + bytes.len() as u64;
        if bytes.is_empty() || end > self.total || bytes.len() >= FRAGMENT_LIMIT {
            return setup("a fragment that is empty, too large, or past the end");
        }
        if end < self.total && !bytes.len().is_multiple_of(FRAGMENT_UNIT) {
            return setup("a fragment that is no multiple of 327,680 bytes, and not the last");
        }
        let range = HeaderValue::from_str(&format!("bytes {}-{}/{}", self.next, end - 1, self.total));
        let Ok(range) = range else { return setup("a range that no header can hold") };
        Ok(self.call(Method::PUT)?.header(CONTENT_RANGE, range).bytes(bytes))
    }

    fn call(&self, method: Method) -> Result<Call, GraphError> {
        pre_auth(method, &self.url, "upload to", (&self.drive, &self.to))
    }

    async fn exchange(&self, call: &Call) -> Result<Reply, GraphError> {
        let reply = self.graph.http().run(call, None, Ok::<_, Fault>).await;
        reply.map_err(|error| match error {
            GraphError::Expired { place } | GraphError::NotFound { place } => {
                GraphError::SessionGone { place }
            }
            other => other,
        })
    }

    fn read<T: serde::de::DeserializeOwned>(&self, reply: &Reply) -> Result<T, GraphError> {
        json::decode(&reply.body).map_err(|why| GraphError::Ambiguous {
            place: Place::of(format!("PUT upload to {}", self.to)),
            source: why.into(),
        })
    }
}
