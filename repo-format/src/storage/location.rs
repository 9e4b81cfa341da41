//! Which storage is meant, as a value, as a URL and in a configuration file. Never holds a secret.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;
use url::form_urlencoded::Serializer;

/// Where a storage is.
///
/// As text: a plain path or `file:///path`, `s3://bucket/prefix`, `azure://account/container/prefix`,
/// `gs://bucket/prefix`, `memory:`. What else a store needs follows as a query, for example
/// `s3://bucket?endpoint=https://s3.example.org:9000&path_style=true`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Location {
    /// A folder of this machine.
    Folder { path: PathBuf },
    /// A bucket on S3 or a server that speaks its protocol.
    S3 {
        bucket: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
        /// The server's URL; Amazon's own when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
        /// Whether the bucket stands in the URL's path or in the host's name. By default in the
        /// path for an endpoint of one's own, in the name on Amazon's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path_style: Option<bool>,
        /// PEM certificates to trust besides the system's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca_file: Option<PathBuf>,
    },
    /// A container of Azure Blob Storage.
    Azure {
        account: String,
        container: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
        /// The blob service's URL, for other clouds and emulators.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca_file: Option<PathBuf>,
    },
    /// A bucket of Google Cloud Storage.
    Gcs {
        bucket: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
    },
    /// Memory of this process; for tests.
    Memory,
}

/// Why a location cannot be used as it is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// Neither a path nor one of the URL schemes.
    #[error("{0:?} is not a location: use a path, s3://, azure://, gs:// or file://")]
    Scheme(String),
    /// Something that the scheme needs is missing.
    #[error("{location:?} names no {part}")]
    Missing { location: String, part: &'static str },
    /// The prefix has characters or segments that stores treat differently.
    #[error("prefix {0:?} may only have letters, digits and . _ / - and no empty or dot segments")]
    Prefix(String),
    /// An option that the scheme does not have, or a value it does not take.
    #[error("{location:?} has an option {option:?} that is unknown or wrong")]
    Option { location: String, option: String },
    /// An endpoint that is no HTTP URL, or that carries a user or password.
    #[error("an endpoint is an http or https URL without user or password")]
    Endpoint,
}

impl Location {
    /// What stands before every blob's name; empty for none. Without a `/` at either end.
    pub fn prefix(&self) -> &str {
        match self {
            Location::S3 { prefix, .. } | Location::Azure { prefix, .. } | Location::Gcs { prefix, .. } => {
                prefix.trim_matches('/')
            }
            Location::Folder { .. } | Location::Memory => "",
        }
    }

    /// Checks what types cannot: a location may also come from a configuration file.
    ///
    /// # Errors
    ///
    /// `Prefix` and `Endpoint`.
    pub fn validate(&self) -> Result<(), LocationError> {
        check_prefix(self.prefix())?;
        match self {
            Location::S3 { endpoint: Some(endpoint), .. }
            | Location::Azure { endpoint: Some(endpoint), .. } => check_endpoint(endpoint),
            _ => Ok(()),
        }
    }
}

fn check_prefix(prefix: &str) -> Result<(), LocationError> {
    let taken = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'-');
    let segment = |segment: &str| matches!(segment, "" | "." | "..");
    if !prefix.is_empty() && (!prefix.bytes().all(taken) || prefix.split('/').any(segment)) {
        return Err(LocationError::Prefix(prefix.to_string()));
    }
    Ok(())
}

fn check_endpoint(endpoint: &str) -> Result<(), LocationError> {
    let url = Url::parse(endpoint).map_err(|_| LocationError::Endpoint)?;
    let web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if web && bare { Ok(()) } else { Err(LocationError::Endpoint) }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Folder { path } => write!(f, "{}", path.display()),
            Location::S3 { bucket, endpoint, region, path_style, ca_file, .. } => {
                write!(f, "s3://{bucket}{}", Tail(self.prefix()))?;
                let style = path_style.map(|path_style| path_style.to_string());
                let ca_file = text(ca_file);
                write_query(
                    f,
                    &[
                        ("endpoint", endpoint),
                        ("region", region),
                        ("path_style", &style),
                        ("ca_file", &ca_file),
                    ],
                )
            }
            Location::Azure { account, container, endpoint, ca_file, .. } => {
                write!(f, "azure://{account}/{container}{}", Tail(self.prefix()))?;
                write_query(f, &[("endpoint", endpoint), ("ca_file", &text(ca_file))])
            }
            Location::Gcs { bucket, .. } => write!(f, "gs://{bucket}{}", Tail(self.prefix())),
            Location::Memory => f.write_str("memory:"),
        }
    }
}

/// A prefix with the `/` in front, if there is one.
struct Tail<'a>(&'a str);

impl fmt::Display for Tail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "/{}", self.0) }
    }
}

fn text(path: &Option<PathBuf>) -> Option<String> {
    path.as_ref().map(|path| path.display().to_string())
}

fn write_query(f: &mut fmt::Formatter<'_>, pairs: &[(&str, &Option<String>)]) -> fmt::Result {
    let mut query = Serializer::new(String::new());
    for (key, value) in pairs {
        if let Some(value) = value {
            query.append_pair(key, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { Ok(()) } else { write!(f, "?{query}") }
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Location, LocationError> {
        let location = match text.split_once(':') {
            Some(("s3", _)) => parse_s3(text)?,
            Some(("azure" | "az", _)) => parse_azure(text)?,
            Some(("gs", _)) => parse_gcs(text)?,
            Some(("file", _)) => parse_file(text)?,
            Some(("memory", "")) => Location::Memory,
            Some((scheme, rest)) if rest.starts_with("//") && !scheme.contains('/') => {
                return Err(LocationError::Scheme(text.to_string()));
            }
            _ if text.is_empty() => return Err(LocationError::Scheme(String::new())),
            _ => Location::Folder { path: PathBuf::from(text) },
        };
        location.validate()?;
        Ok(location)
    }
}

fn parse_file(text: &str) -> Result<Location, LocationError> {
    let url = parse_url(text)?;
    if let Some(query) = url.query() {
        return Err(wrong(text, query));
    }
    let path = url.to_file_path().map_err(|()| missing(text, "path"))?;
    Ok(Location::Folder { path })
}

fn parse_s3(text: &str) -> Result<Location, LocationError> {
    let url = parse_url(text)?;
    let (bucket, prefix) = (host(&url, text, "bucket")?, path_of(&url));
    let (mut endpoint, mut region, mut path_style, mut ca_file) = (None, None, None, None);
    for (option, value) in url.query_pairs() {
        match option.as_ref() {
            "endpoint" => endpoint = Some(value.into_owned()),
            "region" => region = Some(value.into_owned()),
            "path_style" => {
                path_style = Some(value.parse().map_err(|_| wrong(text, &option))?);
            }
            "ca_file" => ca_file = Some(PathBuf::from(value.as_ref())),
            _ => return Err(wrong(text, &option)),
        }
    }
    Ok(Location::S3 { bucket, prefix, endpoint, region, path_style, ca_file })
}

fn parse_azure(text: &str) -> Result<Location, LocationError> {
    let url = parse_url(text)?;
    let account = host(&url, text, "account")?;
    let path = path_of(&url);
    let (container, prefix) = path.split_once('/').unwrap_or((&path, ""));
    if container.is_empty() {
        return Err(missing(text, "container"));
    }
    let (mut endpoint, mut ca_file) = (None, None);
    for (option, value) in url.query_pairs() {
        match option.as_ref() {
            "endpoint" => endpoint = Some(value.into_owned()),
            "ca_file" => ca_file = Some(PathBuf::from(value.as_ref())),
            _ => return Err(wrong(text, &option)),
        }
    }
    let (container, prefix) = (container.to_string(), prefix.trim_matches('/').to_string());
    Ok(Location::Azure { account, container, prefix, endpoint, ca_file })
}

fn parse_gcs(text: &str) -> Result<Location, LocationError> {
    let url = parse_url(text)?;
    if let Some((option, _)) = url.query_pairs().next() {
        return Err(wrong(text, &option));
    }
    Ok(Location::Gcs { bucket: host(&url, text, "bucket")?, prefix: path_of(&url) })
}

/// A URL without what no location has; dropped in silence, it would lead to another place.
fn parse_url(text: &str) -> Result<Url, LocationError> {
    let url = Url::parse(text).map_err(|_| LocationError::Scheme(text.to_string()))?;
    match (url.port(), url.fragment()) {
        (Some(port), _) => Err(wrong(text, &port.to_string())),
        (_, Some(fragment)) => Err(wrong(text, fragment)),
        _ => Ok(url),
    }
}

fn host(url: &Url, text: &str, part: &'static str) -> Result<String, LocationError> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(LocationError::Endpoint);
    }
    url.host_str().map(str::to_string).ok_or_else(|| missing(text, part))
}

fn path_of(url: &Url) -> String {
    Path::new(url.path()).to_string_lossy().trim_matches('/').to_string()
}

fn missing(location: &str, part: &'static str) -> LocationError {
    LocationError::Missing { location: location.to_string(), part }
}

fn wrong(location: &str, option: &str) -> LocationError {
    LocationError::Option { location: location.to_string(), option: option.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_back() {
        for text in [
            "/srv/backup",
            "relative/folder",
            "s3://bucket",
            "s3://bucket/a/b?endpoint=https%3A%2F%2Fs3.example.org%3A9000&region=eu&path_style=true",
            "s3://bucket?ca_file=%2Fetc%2Fca.pem",
            "azure://account/container/prefix",
            "gs://bucket/prefix",
            "memory:",
        ] {
            let location: Location = text.parse().unwrap();
            assert_eq!(location.to_string(), text);
        }
    }

    #[test]
    fn a_configuration_file_holds_only_what_is_set() {
        let location: Location = "s3://bucket/a?endpoint=http://host:1".parse().unwrap();
        let json = serde_json::to_string(&location).unwrap();
        let expected = r#"{"kind":"s3","bucket":"bucket","prefix":"a","endpoint":"http://host:1"}"#;
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<Location>(&json).unwrap(), location);
        assert!(serde_json::from_str::<Location>(r#"{"kind":"s3","bucket":"b","key":"k"}"#).is_err());
    }

    #[test]
    fn files_may_be_urls_and_odd_paths() {
        let folder = |path: &str| Location::Folder { path: path.into() };
        assert_eq!("file:///srv/a%20b".parse(), Ok(folder("/srv/a b")));
        assert_eq!("c:/x".parse(), Ok(folder("c:/x")));
        assert_eq!("/srv/a://b".parse(), Ok(folder("/srv/a://b")));
        assert_eq!("azure://a/c//b".parse::<Location>(), "azure://a/c/b".parse());
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for text in [
            "",
            "ftp://host/path",
            "s3://",
            "s3://key:secret@bucket",
            "s3://bucket?color=red",
            "s3://bucket?path_style=maybe",
            "s3://bucket?endpoint=https://user:pass@host",
            "s3://bucket?endpoint=unix:/socket",
            "s3://bucket/a%20b",
            "azure://account",
            "gs://bucket?endpoint=x",
            "s3://bucket:9000/a",
            "azure://account/container/a#b",
            "file:///srv/a#b",
            "file:///srv/a?b",
        ] {
            assert!(text.parse::<Location>().is_err(), "{text}");
        }
    }
}
