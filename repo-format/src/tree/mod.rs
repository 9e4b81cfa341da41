//! Trees: one folder of a snapshot, a map from name to entry (TREE-1 to TREE-3).
//!
//! Owns names and the bytes of entries. Knows nothing of file systems or services.

mod build;
mod edit;
mod encode;
mod entry;
mod error;
mod name;
mod read;

pub use crate::codec::TimeNs;
pub use build::{TreeBuilder, TreeTotals};
pub use edit::edit;
pub use encode::{decode_value, encode_value};
pub use entry::{Entry, EntryKind, Meta};
pub use error::TreeError;
pub use name::{DISCRIMINATOR_SIZE_MAX, NAME_SIZE_MAX, NameError, TreeKey};
pub(crate) use read::StoredChildren;
pub use read::{Children, Tree, find};

#[cfg(test)]
mod tests;
