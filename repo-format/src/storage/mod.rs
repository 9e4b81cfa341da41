//! Where blobs live: a folder, a bucket, memory.
//!
//! This module owns requests: which storage a [`Location`] names, the one way a blob is written
//! ([`Storage::put_new`]), retries, time-outs, the bound on requests in flight, and the counters.
//! It knows nothing about what is in a blob, and never reads the process environment itself.
//!
//! ```
//! use bytes::Bytes;
//! use repo_format::storage::{BlobName, Put, Storage};
//!
//! # tokio_test(async {
//! let storage = Storage::memory();
//! let name = BlobName::new("log/00000000000000000001")?;
//! assert!(matches!(storage.put_new(&name, Bytes::from("ours")).await?, Put::Mine));
//! assert!(matches!(storage.put_new(&name, Bytes::from("late")).await?, Put::Theirs(_)));
//! assert_eq!(storage.get(&name).await?, "ours");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # });
//! # fn tokio_test(f: impl Future<Output = Result<(), Box<dyn std::error::Error>>>) {
//! #     let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
//! #     runtime.unwrap().block_on(f).unwrap();
//! # }
//! ```

mod backoff;
mod blobs;
mod counters;
mod error;
mod folder;
mod list;
mod location;
mod lock;
mod name;
mod network;
mod open;
mod options;
mod probe;
mod put;
mod read;
mod secret;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use blobs::Blobs;
pub(crate) use blobs::at_once;
pub use counters::Counters;
pub use error::{Cause, Property, StorageError};
pub use folder::Swept;
pub use list::BlobInfo;
pub use location::{Location, LocationError};
pub use lock::{LockedUntil, Protection, Reclaimed, Retain, Retention, RetentionMode};
pub use name::{BlobName, NameError};
pub use network::{AwsCredentials, AwsSource, AzureCredentials, Credentials, GcsCredentials};
pub use open::Storage;
pub use options::StorageOptions;
pub use put::Put;
pub use secret::Secret;

/// No blob is larger than this; what claims to be is refused unread.
pub const BLOB_SIZE_BYTES_MAX: u64 = 64 << 20;
