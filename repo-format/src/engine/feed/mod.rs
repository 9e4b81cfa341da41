//! Backups of sources that tell what changed, instead of being walked.
//!
//! Owns the run: its bases, how streams are stored, when checkpoints are due, and what is committed.
//! Knows nothing of the feed: whoever reads it keeps a ledger ([`crate::ledger`]) and a cursor, which
//! are committed together with the data that they speak of, and edits the tree by what changed
//! ([`TreeUpdate`]).
//!
//! One thread reads the feed and commits; any number of threads [`FeedRun::store`] items.

mod run;
mod tree;

pub use run::{FeedRun, FeedState, StoreError, Stored};
pub use tree::{ChildEdit, FolderBase, FolderNo, TreeUpdate};
