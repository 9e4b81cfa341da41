//! Trees: one folder of a snapshot, a map from name to entry (TREE-1 to TREE-3).

mod entry;
mod name;

pub use entry::{Entry, EntryKind, Meta, TimeNs};
pub use name::TreeKey;
