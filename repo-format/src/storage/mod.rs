//! Where blobs live.

mod name;

pub use name::{BlobName, NameError};
