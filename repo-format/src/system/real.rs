//! The system's own.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::runtime::Handle;

#[cfg(not(any(test, feature = "testing")))]
pub(crate) use {
    crossbeam_channel::{Receiver, SendError, Sender, bounded},
    parking_lot::{Condvar, Mutex, RwLock},
    std::thread::scope,
};

/// Fills `bytes` with random ones.
///
/// # Errors
/// If the system has none to give.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), getrandom::Error> {
    getrandom::fill(bytes)
}

/// A clock that only goes forward.
pub(crate) fn now() -> Instant {
    // The runtime's, which its own tests can stop.
    tokio::time::Instant::now().into_std()
}

/// Nanoseconds since 1970 UTC, as this machine believes.
pub(crate) fn time_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Waits.
pub(crate) async fn sleep(pause: Duration) {
    tokio::time::sleep(pause).await;
}

/// Begins what goes on beside its caller.
pub(crate) fn begin(runtime: &Handle, task: impl Future<Output = ()> + Send + 'static) {
    runtime.spawn(task);
}
