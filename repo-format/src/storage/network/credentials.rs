//! Who asks: gathered from an environment that the caller hands in.

use std::path::PathBuf;

use super::azure::AzureCredentials;
use super::gcs::GcsCredentials;
use super::s3::AwsCredentials;
use crate::storage::error::StorageError;
use crate::storage::location::Location;

/// Credentials for one storage. `Debug` shows no secret.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Credentials {
    /// For folders and memory; or the machine's own identity on a cloud.
    #[default]
    None,
    Aws(AwsCredentials),
    Azure(AzureCredentials),
    Gcs(GcsCredentials),
}

impl Credentials {
    /// Looks where the tools of each cloud look, in their order. `env` gives a variable's value.
    ///
    /// # Errors
    ///
    /// `Setup` if a source is named that cannot be used: half a key pair, a profile that is not
    /// there, a file that cannot be read.
    pub fn from_environment(
        location: &Location,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Credentials, StorageError> {
        // A variable that is set to nothing is not set.
        let env = |name: &str| env(name).filter(|value| !value.is_empty());
        Ok(match location {
            Location::Folder { .. } | Location::Memory => Credentials::None,
            Location::S3 { .. } => Credentials::Aws(AwsCredentials::from_environment(&env)?),
            Location::Azure { .. } => Credentials::Azure(AzureCredentials::from_environment(&env)?),
            Location::Gcs { .. } => Credentials::Gcs(GcsCredentials::from_environment(&env)),
        })
    }
}

/// A source that was named and cannot be used.
pub(super) fn unusable(what: impl Into<String>) -> StorageError {
    StorageError::Setup { what: what.into(), source: None }
}

/// Where a user's files are kept, for those that a variable does not name.
pub(super) fn in_home(env: &dyn Fn(&str) -> Option<String>, path: &str) -> Option<PathBuf> {
    let home = env("HOME").or_else(|| env("USERPROFILE"))?;
    Some(PathBuf::from(home).join(path))
}
