//! Google Cloud Storage. Configured as documented, not yet exercised against the real service.

use std::path::PathBuf;

use object_store::gcp::GoogleCloudStorageBuilder;

use super::credentials::{Credentials, in_home};
use super::http::Connector;
use super::{client_options, no_retries, setup};
use crate::storage::error::StorageError;
use crate::storage::open::Opened;
use crate::storage::options::StorageOptions;

/// How requests to Google are authorised.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum GcsCredentials {
    /// A file with a service account's key or a user's application default credentials.
    File(PathBuf),
    /// The machine's own identity.
    #[default]
    Machine,
}

impl GcsCredentials {
    /// `GOOGLE_APPLICATION_CREDENTIALS`, then the file that `gcloud` writes, then the machine.
    pub(super) fn from_environment(env: &dyn Fn(&str) -> Option<String>) -> GcsCredentials {
        if let Some(path) = env("GOOGLE_APPLICATION_CREDENTIALS") {
            return GcsCredentials::File(path.into());
        }
        match in_home(env, ".config/gcloud/application_default_credentials.json") {
            Some(path) if path.exists() => GcsCredentials::File(path),
            _ => GcsCredentials::Machine,
        }
    }
}

/// Opens a bucket.
pub(super) fn open(bucket: &str, options: &StorageOptions) -> Result<Opened, StorageError> {
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(bucket)
        .with_retry(no_retries(options))
        .with_client_options(client_options(None, None, options)?)
        .with_http_connector(Connector::default());
    if let Credentials::Gcs(GcsCredentials::File(path)) = &options.credentials {
        builder = builder.with_application_credentials(path.to_string_lossy());
    }
    Ok(Opened::paged(builder.build().map_err(|error| setup("Google Cloud Storage", error))?))
}
