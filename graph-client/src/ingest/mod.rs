//! Ingestion: how a drive's feed of changes becomes a snapshot with a ledger.
//!
//! Owns what is known of each item ([`Facts`], [`Known`]), where that is kept ([`DriveLedger`]), the
//! rules by which a page of the feed changes it ([`apply`]), and the tree that follows from it
//! ([`update_tree`]). It is the one part of this crate that knows the repository, and knows nothing of
//! HTTP: a page is a list of [`ItemChange`]s.
//!
//! Items are told by ID alone; where they are follows when a run ends, from the parents that they
//! name. So the order of a feed does not matter, a child may come before its folder, and a folder's
//! rename is one entry.
//!
//! | memory | for |
//! |---|---|
//! | changes of the ledger | what came since the last checkpoint; the caller bounds it |
//! | 16 bytes an item | which IDs the ledger may have, while everything is listed |
//! | some 200 bytes a folder | folders that changed or have changes below them, while the tree is edited |
//! | 16 bytes a changed item | where it was and goes, while the tree is edited |
//! | one batch | children of changed folders, 64 MiB at most, or those of one folder |

mod change;
mod cursor;
mod delta;
pub mod drive;
mod enumerate;
mod error;
mod item;
mod key;
mod ledger;
mod name;
mod past;
pub mod restore;
mod scope;
mod settle;
mod table;
mod tree;

pub use change::{ChangeKind, ItemChange};
pub use cursor::{Counts, Cursor, Phase};
pub use delta::{Applied, Verdict, apply, judge};
pub use enumerate::finish_enumeration;
pub use error::IngestError;
pub use item::{Facts, Kind, Known, Mark, Person};
pub use ledger::{DriveLedger, Item};
pub use name::tree_key;
pub use past::Past;
pub use scope::Scope;
pub use settle::settle;
pub use tree::{Updated, update_tree};

#[cfg(test)]
mod tests;
