//! When a failed attempt is repeated. The one retry loop: object_store's own is turned off, so that
//! layers do not multiply, every attempt is signed anew, and `Retry-After` is heard.

use std::time::{Duration, Instant};

use super::error::StorageError;
use super::options::StorageOptions;
use crate::system;

/// A server may ask for no longer pause than this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// The pauses between the attempts of one logical call.
pub(super) struct Backoff<'a> {
    options: &'a StorageOptions,
    began: Instant,
    retries: u32,
}

impl<'a> Backoff<'a> {
    pub fn new(options: &'a StorageOptions) -> Backoff<'a> {
        Backoff { options, began: system::now(), retries: 0 }
    }

    /// Waits until the next attempt is due.
    ///
    /// # Errors
    ///
    /// Gives `error` back when it will not pass by itself or patience is at an end.
    pub async fn pause(&mut self, error: StorageError) -> Result<(), StorageError> {
        if !error.is_transient() || self.retries >= self.options.retries_max {
            return Err(error);
        }
        let pause = self.next_pause(error.retry_after());
        if system::since(self.began) + pause > self.options.retry_deadline {
            return Err(error);
        }
        self.retries += 1;
        tracing::debug!(%error, retry = self.retries, ?pause, "storage request is repeated");
        system::sleep(pause).await;
        Ok(())
    }

    fn next_pause(&self, asked: Option<Duration>) -> Duration {
        let doubled = self.options.retry_delay.saturating_mul(1 << self.retries.min(16));
        let longest = doubled.min(self.options.retry_delay_max);
        // Without randomness the pause is only less scattered, never wrong.
        let mut random = [0; 4];
        let share = system::fill(&mut random)
            .map_or(1.0, |()| f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX));
        let pause = longest.mul_f64(0.5 + share / 2.0);
        pause.max(asked.unwrap_or_default().min(RETRY_AFTER_MAX))
    }
}
