//! Storages behind a network: S3 and its kin, Azure Blob Storage, Google Cloud Storage.

mod azure;
mod credentials;
mod gcs;
mod http;
mod object_lock;
mod profile;
mod s3;

use std::path::Path;

use object_store::{BackoffConfig, Certificate, ClientOptions, RetryConfig};

pub use azure::AzureCredentials;
pub use credentials::Credentials;
pub use gcs::GcsCredentials;
pub(super) use http::{NoIdentity, ServerFailure};
pub use s3::{AwsCredentials, AwsSource};

use super::error::StorageError;
use super::location::{Location, LocationError};
use super::open::Opened;
use super::options::StorageOptions;

/// Opens a bucket or container. Sends nothing yet.
pub(super) fn open(location: &Location, options: &StorageOptions) -> Result<Opened, StorageError> {
    location.validate()?;
    match location {
        Location::S3 { .. } => s3::open(location, options),
        Location::Azure { .. } => azure::open(location, options),
        Location::Gcs { bucket, .. } => gcs::open(bucket, options),
        Location::Folder { .. } | Location::Memory => Err(LocationError::Scheme(location.to_string()).into()),
    }
}

/// Time-outs and retries are ours, over the whole of a logical call, so those below are off. Only
/// a connection that does not come about is given up early.
fn client_options(
    ca_file: Option<&Path>,
    endpoint: Option<&str>,
    options: &StorageOptions,
) -> Result<ClientOptions, StorageError> {
    let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http:"));
    let mut client = ClientOptions::new()
        .with_timeout_disabled()
        .with_connect_timeout(options.request_timeout)
        .with_allow_http(plain);
    if let Some(path) = ca_file {
        let pem = std::fs::read(path).map_err(|error| unusable_ca(path, error.into()))?;
        let certificates =
            Certificate::from_pem_bundle(&pem).map_err(|error| unusable_ca(path, error.into()))?;
        for certificate in certificates {
            client = client.with_root_certificate(certificate);
        }
    }
    Ok(client)
}

fn unusable_ca(path: &Path, source: super::error::Cause) -> StorageError {
    let what = format!("certificates in {} cannot be used", path.display());
    StorageError::Setup { what, source: Some(source) }
}

fn no_retries(options: &StorageOptions) -> RetryConfig {
    RetryConfig { max_retries: 0, retry_timeout: options.retry_deadline, backoff: BackoffConfig::default() }
}

fn setup(what: &str, source: object_store::Error) -> StorageError {
    StorageError::Setup { what: what.to_string(), source: Some(source.into()) }
}
