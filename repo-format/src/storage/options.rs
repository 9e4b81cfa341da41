//! How patient a storage is, and who it says it is.

use std::time::Duration;

use super::network::Credentials;

/// Settings of a storage. The defaults suit a slow home uplink as well as a data centre.
#[derive(Debug, Clone)]
pub struct StorageOptions {
    /// How long one attempt may take, not counting the bytes it moves. Not for folders, where an
    /// attempt cannot be called off.
    pub request_timeout: Duration,
    /// An attempt that moves bytes gets the time that they take at this rate on top: the slowest
    /// link that is still worked with. 32 MiB get 17 minutes at the default of 32 KiB/s.
    pub bytes_per_second_min: u64,
    /// How often an attempt is repeated after a failure that may pass. 0 never repeats.
    pub retries_max: u32,
    /// No attempt is begun later than this after the first one began.
    pub retry_deadline: Duration,
    /// The pause before the first repetition; it doubles up to `retry_delay_max`, less a random
    /// part of up to a half, so that clients do not return all at once.
    pub retry_delay: Duration,
    /// No pause is longer, except where the server asks for it.
    pub retry_delay_max: Duration,
    /// Requests in flight at any time, over all clones.
    pub concurrency_max: usize,
    /// Bytes that a network carries in about the time that a request takes by itself: 1 MiB are 20 ms at
    /// 50 MiB/s. So many are rather read than asked around.
    pub request_bytes: u64,
    /// Who asks. Unused on a folder and in memory.
    pub credentials: Credentials,
}

impl Default for StorageOptions {
    fn default() -> StorageOptions {
        StorageOptions {
            request_timeout: Duration::from_secs(30),
            bytes_per_second_min: 32 << 10,
            retries_max: 12,
            retry_deadline: Duration::from_secs(15 * 60),
            retry_delay: Duration::from_millis(500),
            retry_delay_max: Duration::from_secs(30),
            concurrency_max: 32,
            request_bytes: 1 << 20,
            credentials: Credentials::default(),
        }
    }
}

impl StorageOptions {
    /// The time one attempt gets that moves `bytes`.
    pub(super) fn timeout_for(&self, bytes: u64) -> Duration {
        let moving = bytes / self.bytes_per_second_min.max(1);
        self.request_timeout.saturating_add(Duration::from_secs(moving))
    }
}
