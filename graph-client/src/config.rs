//! The settings of a client.

use std::sync::Arc;
use std::time::Duration;

use crate::auth::{Cloud, Credential};
use crate::budget::Limits;
use crate::clock::{Clock, SystemClock};

/// All that a client has to be told.
#[derive(Debug, Clone)]
pub struct GraphConfig {
    pub cloud: Cloud,
    /// The tenant's ID or one of its domains.
    pub tenant: String,
    /// The application's ID.
    pub client_id: String,
    pub credential: Credential,
    /// Whom Microsoft sees as the sender of our traffic: `User-Agent: ISV|company|Corso/version`.
    pub company: String,
    /// Calls at a time, at most; also how many idle connections are kept.
    pub parallelism: usize,
    pub deadlines: Deadlines,
    pub pace: Pace,
    /// Certificates to trust beside the system's: PEM, one or more.
    pub extra_roots: Option<Vec<u8>>,
    pub clock: Arc<dyn Clock>,
}

impl GraphConfig {
    /// Everything else as it mostly is: the public cloud, 16 calls at a time, this machine's clock.
    pub fn new(tenant: impl Into<String>, client_id: impl Into<String>, credential: Credential) -> Self {
        Self {
            cloud: Cloud::Global,
            tenant: tenant.into(),
            client_id: client_id.into(),
            credential,
            company: "Corso".into(),
            parallelism: 16,
            deadlines: Deadlines::default(),
            pace: Pace::default(),
            extra_roots: None,
            clock: Arc::new(SystemClock::new()),
        }
    }
}

/// How long is waited for what. One call, with all its retries, has one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// For a connection.
    pub connect: Duration,
    /// For the head of an answer.
    pub answer: Duration,
    /// For the next bytes of a body.
    pub idle: Duration,
    /// For a call in all, waits that the service asked for left out.
    pub call: Duration,
    /// For waits that the service asked for, in one call.
    pub throttled: Duration,
    /// Attempts of a call that fails; refusals with a wait are not counted.
    pub attempts: u32,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            answer: Duration::from_secs(120),
            idle: Duration::from_secs(60),
            call: Duration::from_secs(30 * 60),
            throttled: Duration::from_secs(2 * 60 * 60),
            attempts: 8,
        }
    }
}

/// How fast each budget begins, and how fast it may get.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// OneDrive and SharePoint.
    pub files: Limits,
    /// Units that a day has for them, at least: what the service tells of its minute, and what it is
    /// found to bear, may say more. Infinite for services that count no days.
    pub files_per_day: f64,
    /// Users and groups.
    pub directory: Limits,
}

impl Default for Pace {
    /// Four fifths of what the smallest tenant is granted at first, all of what the largest is at most.
    fn default() -> Self {
        Self {
            files: Limits { rate: 16.6, rate_max: 101.0, burst: 20.0, concurrency: 256 },
            files_per_day: 1_200_000.0,
            directory: Limits { rate: 280.0, rate_max: 776.0, burst: 400.0, concurrency: 256 },
        }
    }
}

impl Pace {
    /// As fast as the service lets us, for services that set no limit.
    pub fn unlimited() -> Self {
        let limits = Limits { rate: 1e6, rate_max: 1e6, burst: 1e5, concurrency: 256 };
        Self { files: limits, files_per_day: f64::INFINITY, directory: limits }
    }
}
