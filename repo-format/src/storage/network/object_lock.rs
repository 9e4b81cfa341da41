//! Object lock on S3: headers that a put carries, and requests that object_store does not make.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::TryStreamExt;
use jiff::Timestamp;
use object_store::aws::{AwsAuthorizer, AwsCredentialProvider};
use object_store::client::{HttpClient, HttpConnector, HttpRequest, HttpRequestBody, HttpResponse};
use object_store::{ClientOptions, Error, HeaderMap, HeaderValue, Result};

use super::http::{Connector, element};
use crate::storage::lock::{LockedUntil, ObjectLock, Protection, RetentionMode};

const STORE: &str = "S3";
const MODE: &str = "x-amz-object-lock-mode";
const UNTIL: &str = "x-amz-object-lock-retain-until-date";
const LEGAL_HOLD: &str = "x-amz-object-lock-legal-hold";
const DIGEST: &str = "x-amz-content-sha256";
const CHECKSUM: &str = "x-amz-checksum-sha256";

/// No answer of ours is longer: a page of versions has a thousand, each of some hundred bytes.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// So many versions of one name are looked at; nobody makes more but on purpose.
const VERSIONS_MAX: usize = 10_000;

/// Signs with the keys of a bucket. Filled once the store is there that knows them.
#[derive(Debug, Default)]
pub(super) struct Signer(OnceLock<Keys>);

struct Keys {
    region: String,
    credentials: AwsCredentialProvider,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Signer {
    pub fn fill(&self, region: &str, credentials: &AwsCredentialProvider) {
        let _ = self.0.set(Keys { region: region.to_owned(), credentials: credentials.clone() });
    }

    /// Adds a lock to a put, and signs it anew.
    pub async fn lock(&self, request: &mut HttpRequest, lock: &LockedUntil) -> Result<()> {
        let headers = request.headers_mut();
        headers.insert(MODE, HeaderValue::from_static(lock.mode.word()));
        headers.insert(UNTIL, text(&date(lock.until_ns)?)?);
        self.sign(request).await
    }

    /// Signs a request. One that has a body gets the checksum which locks ask for.
    async fn sign(&self, request: &mut HttpRequest) -> Result<()> {
        let keys = self.0.get().ok_or_else(|| odd("there are no keys to sign with"))?;
        let credential = keys.credentials.get_credential().await?;
        let authorizer = AwsAuthorizer::new(&credential, "s3", &keys.region);
        if !request.headers().contains_key(DIGEST) {
            authorizer.try_authorize(request, None)?;
        }
        // Hashed once: by object_store, or just now.
        let digest = request.headers().get(DIGEST).and_then(|digest| hex::decode(digest).ok());
        if let (Some(digest), false) = (&digest, request.body().is_empty()) {
            let checksum = text(&BASE64_STANDARD.encode(digest))?;
            request.headers_mut().insert(CHECKSUM, checksum);
        }
        authorizer.try_authorize(request, digest.as_deref())
    }
}

/// A bucket whose blobs can be locked.
pub(super) struct Bucket {
    /// Its URL, without a `/` at the end.
    url: String,
    signer: Arc<Signer>,
    options: ClientOptions,
    /// Made when the first request is: most commands send none.
    client: OnceLock<HttpClient>,
}

impl Bucket {
    pub fn new(url: String, signer: Arc<Signer>, options: ClientOptions) -> Bucket {
        Bucket { url, signer, options, client: OnceLock::new() }
    }

    fn client(&self) -> Result<&HttpClient> {
        if self.client.get().is_none() {
            // Two that are made at once are as good as one.
            let _ = self.client.set(Connector::default().connect(&self.options)?);
        }
        self.client.get().ok_or_else(|| odd("there is no client"))
    }

    /// Sends a request about a key, or about the bucket if it is empty. Keys of ours need no escaping.
    async fn send(&self, method: &str, key: &str, query: &str, body: String) -> Result<HttpResponse> {
        let mut request = HttpRequest::new(HttpRequestBody::from(body));
        *request.method_mut() = method.parse().map_err(failed)?;
        *request.uri_mut() = format!("{}/{key}?{query}", self.url).parse().map_err(failed)?;
        self.signer.sign(&mut request).await?;
        let answer = self.client()?.execute(request).await.map_err(failed)?;
        let not_found = || Error::NotFound { path: key.to_owned(), source: "the server answered 404".into() };
        match answer.status().as_u16() {
            200..300 => Ok(answer),
            404 => Err(not_found()),
            status => Err(odd(format!("the server answered {status}"))),
        }
    }
}

#[async_trait]
impl ObjectLock for Bucket {
    async fn is_enabled(&self) -> Result<bool> {
        match self.send("GET", "", "object-lock=", String::new()).await {
            Ok(answer) => {
                let said = body(answer).await?;
                Ok(element(&said, "ObjectLockEnabled") == Some("Enabled"))
            }
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn protection(&self, key: &str, version: Option<&str>) -> Result<Protection> {
        let query = version.map(|version| format!("versionId={}", escaped(version))).unwrap_or_default();
        let answer = self.send("HEAD", key, &query, String::new()).await?;
        read_protection(answer.headers())
    }

    async fn extend(&self, key: &str, lock: LockedUntil) -> Result<()> {
        let (mode, until) = (lock.mode.word(), date(lock.until_ns)?);
        let body = format!(
            "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>{mode}</Mode>\
             <RetainUntilDate>{until}</RetainUntilDate></Retention>"
        );
        self.send("PUT", key, "retention=", body).await.map(drop)
    }

    async fn versions(&self, key: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut from = String::new();
        loop {
            let query = format!("versions=&prefix={}{from}", escaped(key));
            let page = read_versions(&body(self.send("GET", "", &query, String::new()).await?).await?, key)?;
            found.extend(page.versions);
            match page.next {
                Some(next) if found.len() < VERSIONS_MAX => {
                    from = format!("&key-marker={}&version-id-marker={}", escaped(key), escaped(&next));
                }
                _ => return Ok(found),
            }
        }
    }

    async fn delete_version(&self, key: &str, version: &str) -> Result<()> {
        let query = format!("versionId={}", escaped(version));
        self.send("DELETE", key, &query, String::new()).await.map(drop)
    }
}

/// The versions of a name that one page lists.
struct Page {
    versions: Vec<String>,
    /// The last of them, if there are more of the same name.
    next: Option<String>,
}

/// Reads a page of versions: of those that begin with `key` the ones that are called so.
fn read_versions(said: &str, key: &str) -> Result<Page> {
    if !said.contains("<ListVersionsResult") {
        return Err(odd("the server answered with no list of versions"));
    }
    let mut versions = Vec::new();
    for name in ["Version", "DeleteMarker"] {
        for part in said.split(&format!("<{name}>")).skip(1) {
            let part = part.split(&format!("</{name}>")).next().unwrap_or_default();
            match (element(part, "Key"), element(part, "VersionId")) {
                (Some(named), Some(version)) if named == key => versions.push(version.to_owned()),
                (Some(_), Some(_)) => {}
                _ => return Err(odd("the server lists a version without a name")),
            }
        }
    }
    let is_cut = element(said, "IsTruncated") == Some("true") && element(said, "NextKeyMarker") == Some(key);
    let next = element(said, "NextVersionIdMarker").filter(|next| is_cut && !next.is_empty());
    Ok(Page { versions, next: next.map(str::to_owned) })
}

/// What the answer to a HEAD says of locks.
fn read_protection(headers: &HeaderMap) -> Result<Protection> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let retention = match (header(MODE), header(UNTIL)) {
        (None, _) | (_, None) => None,
        (Some(mode), Some(until)) => {
            let mode = match mode {
                "GOVERNANCE" => RetentionMode::Governance,
                "COMPLIANCE" => RetentionMode::Compliance,
                other => return Err(odd(format!("the server names an unknown kind of lock, {other:?}"))),
            };
            let until: Timestamp = until.parse().map_err(|_| odd("the server gives no date of a lock"))?;
            let until_ns = i64::try_from(until.as_nanosecond()).unwrap_or(i64::MAX);
            Some(LockedUntil { mode, until_ns })
        }
    };
    Ok(Protection { retention, legal_hold: header(LEGAL_HOLD) == Some("ON") })
}

/// A time in whole seconds, as the protocol has it.
fn date(time_ns: i64) -> Result<String> {
    let seconds = time_ns.div_euclid(1_000_000_000);
    Ok(Timestamp::from_second(seconds).map_err(failed)?.to_string())
}

async fn body(answer: HttpResponse) -> Result<String> {
    let mut stream = answer.into_body().bytes_stream();
    let mut said = Vec::new();
    while let Some(bytes) = stream.try_next().await.map_err(failed)? {
        if said.len() + bytes.len() > ANSWER_BYTES_MAX {
            return Err(odd("the server's answer is too long"));
        }
        said.extend_from_slice(&bytes);
    }
    String::from_utf8(said).map_err(failed)
}

fn text(value: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(value).map_err(failed)
}

fn escaped(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: STORE, source: Box::new(error) }
}

fn odd(what: impl Into<String>) -> Error {
    Error::Generic { store: STORE, source: what.into().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "<?xml version=\"1.0\"?>\n<ListVersionsResult><IsTruncated>false</IsTruncated>\
        <Version><Key>p/a</Key><VersionId>2</VersionId><IsLatest>false</IsLatest></Version>\
        <DeleteMarker><Key>p/a</Key><VersionId>3</VersionId></DeleteMarker>\
        <Version><Key>p/a</Key><VersionId>null</VersionId></Version>\
        <Version><Key>p/ab</Key><VersionId>4</VersionId></Version></ListVersionsResult>";

    #[test]
    fn every_version_of_the_name_is_found_and_none_of_another() {
        let page = read_versions(LISTED, "p/a").unwrap();
        assert_eq!((page.versions, page.next), (vec!["2".into(), "null".into(), "3".into()], None));
        assert_eq!(read_versions(LISTED, "p/ab").unwrap().versions, ["4"]);
        assert!(read_versions(LISTED, "p").unwrap().versions.is_empty());
    }

    #[test]
    fn a_list_that_is_cut_is_gone_on_with_only_within_the_name() {
        let cut = |key: &str| {
            let markers =
                format!("<NextKeyMarker>{key}</NextKeyMarker><NextVersionIdMarker>7</NextVersionIdMarker>");
            let said = LISTED.replace("<IsTruncated>false</IsTruncated>", "<IsTruncated>true</IsTruncated>");
            read_versions(&said.replace("<Version><Key>p/a<", &format!("{markers}<Version><Key>p/a<")), "p/a")
        };
        assert_eq!(cut("p/a").unwrap().next.as_deref(), Some("7"));
        assert_eq!(cut("p/ab").unwrap().next, None);
    }

    #[test]
    fn what_is_no_list_of_versions_is_refused() {
        for said in
            ["", "<html>", "<ListVersionsResult><Version></Version>", "<ListVersionsResult><Version><Key>p"]
        {
            assert!(read_versions(said, "p/a").is_err(), "{said}");
        }
    }

    #[test]
    fn locks_are_read_from_headers_or_refused() {
        let read = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_str(value).unwrap());
            }
            read_protection(&headers)
        };
        assert_eq!(read(&[]).unwrap(), Protection::default());
        for until in ["1970-01-01T00:01:40Z", "1970-01-01T00:01:40.000Z"] {
            let lock = LockedUntil { mode: RetentionMode::Compliance, until_ns: 100_000_000_000 };
            let there = read(&[(MODE, "COMPLIANCE"), (UNTIL, until)]).unwrap();
            assert_eq!(there, Protection { retention: Some(lock), legal_hold: false });
            assert_eq!(date(lock.until_ns + 999_999_999).unwrap(), "1970-01-01T00:01:40Z");
        }
        assert!(read(&[(LEGAL_HOLD, "ON")]).unwrap().legal_hold);
        assert!(read(&[(MODE, "GOVERNANCE"), (UNTIL, "soon")]).is_err());
        assert!(read(&[(MODE, "SOMETHING"), (UNTIL, "1970-01-01T00:01:40Z")]).is_err());
        assert!(date(i64::MAX).is_ok());
    }
}
