//! Processes whose threads run one at a time, in an order that a seed decides.
//!
//! A thread runs until it waits: for a lock, a message, the end of another thread, or because whoever plays
//! the storage calls [`pause`]. Then the seed says which of the process's threads runs next; now and then it
//! says so at a lock that is free. Time passes when somebody looks at it or sleeps, and when all wait for
//! nothing else. Random bytes come from the seed. So the same seed gives the same run, to the last byte.
//!
//! A thread belongs to a process from [`Process::run`] on, and so do the threads that it begins.
//!
//! ```
//! use repo_format::codec::RunId;
//! use repo_format::system::simulated::{Clock, Process};
//!
//! let clock = std::sync::Arc::new(Clock::new(0));
//! let id = |seed| Process::new(seed, clock.clone()).run(|| RunId::random().unwrap());
//! assert_eq!(id(1), id(1));
//! assert_ne!(id(1), id(2));
//! ```

mod baton;
mod channel;
mod clock;
mod locks;
mod process;
mod threads;

pub(crate) use channel::{Receiver, SendError, Sender, bounded};
pub use clock::Clock;
pub(crate) use locks::{Condvar, Mutex, RwLock};
pub use process::{Process, pause};
pub(crate) use process::{fill, now, sleep, time_ns};
pub(crate) use threads::{begin, scope};

#[cfg(test)]
mod tests;
