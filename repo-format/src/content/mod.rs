//! Contents: plaintext pieces found by their content ID.
//!
//! The two traits are all that objects and maps know of what lies below.

mod ahead;
mod error;
mod frames;
mod gather;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
mod probe;
mod reader;
mod tickets;
mod usable;
mod writer;

pub use crate::codec::ContentKind;
pub use error::ContentError;
pub use reader::{ContentReader, News};
pub use usable::Usable;
pub use writer::{ContentWriter, WriterOptions, Written};

use bytes::Bytes;

use crate::codec::ContentId;

/// Most bytes in a content (CID-1).
pub const CONTENT_SIZE_MAX: usize = 1 << 20;

/// Reads contents.
pub trait ReadContent: Send + Sync {
    /// The plaintext of `id`, decrypted and re-hashed. Blocks.
    ///
    /// # Errors
    /// [`ContentError`] tells missing, damaged and unreadable apart.
    fn get(&self, kind: ContentKind, id: &ContentId) -> Result<Bytes, ContentError>;
}

/// Stores contents.
pub trait WriteContent: Send + Sync {
    /// Stores `plaintext` (1 byte to 1 MiB) unless it is there, and gives its ID. Blocks while
    /// too much is under way. The content is durable only after the commit that follows.
    ///
    /// # Errors
    /// What stops the run: the storage refuses, or the disk is full.
    fn put(&self, kind: ContentKind, plaintext: &[u8]) -> Result<ContentId, ContentError>;
}
