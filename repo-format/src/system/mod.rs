//! What the crate takes from the system beneath it: threads, locks, waiting, time and randomness.
//!
//! Everything else in the crate takes them from here. In what ships they are the system's own, by another
//! name and at no cost. With the feature `testing` they are wrapped: a thread that belongs to a simulated
//! process gets them as a seed decides, every other thread as always. No setting, no file and no variable
//! reaches this: what ships is built without it.
//!
//! Knows nothing of what the threads do.

#[cfg(any(test, feature = "testing"))]
mod random;
mod real;
#[cfg(any(test, feature = "testing"))]
pub mod simulated;

#[cfg(any(test, feature = "testing"))]
pub use random::Random;
#[cfg(not(any(test, feature = "testing")))]
pub(crate) use real::{
    Condvar, Mutex, Receiver, RwLock, SendError, Sender, begin, bounded, fill, now, scope, sleep, time_ns,
};
#[cfg(any(test, feature = "testing"))]
pub(crate) use simulated::{
    Condvar, Mutex, Receiver, RwLock, SendError, Sender, begin, bounded, fill, now, scope, sleep, time_ns,
};

use std::time::{Duration, Instant};

/// How long ago that was.
pub(crate) fn since(begun: Instant) -> Duration {
    now().saturating_duration_since(begun)
}
