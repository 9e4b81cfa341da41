//! What proves that we are the application: one of four kinds.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::secret::Secret;

/// What is shown to a person who signs in by a code.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct DevicePrompt {
    /// What they type.
    pub user_code: String,
    /// Where they type it.
    pub verification_uri: String,
    /// Both in a sentence, in the service's words.
    #[serde(default)]
    pub message: String,
}

impl fmt::Debug for DevicePrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevicePrompt")
            .field("verification_uri", &self.verification_uri)
            .finish_non_exhaustive()
    }
}

/// Shows a prompt to a person.
pub type ShowPrompt = Arc<dyn Fn(&DevicePrompt) + Send + Sync>;

/// How the application proves who it is. `Debug` names the kind alone.
#[derive(Clone)]
pub enum Credential {
    /// A password of the application.
    Secret(Secret),
    /// A certificate and its RSA key, both in one PEM text. The key does not leave the process.
    Certificate { pem: Secret },
    /// A file with a token of another issuer, as Kubernetes keeps it. It is read at each sign-in,
    /// because it is rewritten from time to time.
    FederatedTokenFile(PathBuf),
    /// A person signs in elsewhere with a code. `show` tells them how.
    DeviceCode { show: ShowPrompt },
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret(_) => "Secret",
            Self::Certificate { .. } => "Certificate",
            Self::FederatedTokenFile(_) => "FederatedTokenFile",
            Self::DeviceCode { .. } => "DeviceCode",
        })
    }
}

/// What the device endpoint answers.
#[derive(Deserialize)]
pub(super) struct DeviceStart {
    pub device_code: Secret,
    /// Seconds.
    #[serde(default = "fifteen_minutes")]
    pub expires_in: u64,
    /// Seconds between questions.
    #[serde(default = "five_seconds")]
    pub interval: u64,
    #[serde(flatten)]
    pub prompt: DevicePrompt,
}

impl DeviceStart {
    pub fn interval(&self) -> Duration {
        Duration::from_secs(self.interval.clamp(1, 60))
    }

    pub fn life(&self) -> Duration {
        Duration::from_secs(self.expires_in.min(3600))
    }
}

fn fifteen_minutes() -> u64 {
    900
}

fn five_seconds() -> u64 {
    5
}
