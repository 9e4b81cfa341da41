//! Snapshots: what is recorded of one tree at one time (SNAP-1 to SNAP-7, CAT-4).
//!
//! Owns manifests, the rows that list them, and the tables beside the tree: failures, and parts
//! of large files in the making. Knows nothing of how a snapshot becomes true; the log does that.

mod by_path;
mod error;
mod failure;
mod manifest;
mod maps;
mod part;
mod statistics;

pub use by_path::{ByPath, PathValue, get_by_path, join_path, path_key, read_by_path, write_by_path};
pub use error::SnapshotError;
pub use failure::Failure;
pub use manifest::Manifest;
pub use maps::MapUse;
pub use part::Part;
pub use statistics::Statistics;

#[cfg(test)]
mod tests;
