//! Maps: sorted tables from key to value, kept as trees of contents (MAP-1 to MAP-5).
//!
//! Owns nodes and where they end. The same entries give the same root, however they came
//! together; an edit rewrites the paths it touches, a difference reads what differs. Knows
//! nothing of what keys and values mean.
//!
//! Writing needs a [`MapStore`]: where contents go, what cuts large values, and the key that
//! decides boundaries. [`MapBuilder`] takes sorted entries, [`edit()`] changes a map, [`Map`]
//! reads one and [`diff()`] compares two.

mod boundary;
mod build;
mod cursor;
mod diff;
mod edit;
mod error;
mod node;
mod read;
mod value;

pub use boundary::MapKey;
pub use build::MapBuilder;
pub use diff::{Change, Diff, diff};
pub use edit::{edit, edit_noting};
pub use error::MapError;
pub use node::{HEIGHT_MAX, KEY_SIZE_MAX, NODE_ENTRIES_MAX, Node, NodeEntry, VALUE_SIZE_MAX};
pub use read::{Entries, Map};
pub use value::{BOXED_SIZE_MAX, box_value, unbox_value};

use crate::codec::Cut;
use crate::content::WriteContent;

/// What writing a map needs.
#[derive(Clone, Copy)]
pub struct MapStore<'a> {
    /// Where nodes and large values go.
    pub contents: &'a dyn WriteContent,
    /// Cuts values that are stored as objects.
    pub splitter: &'a dyn Cut,
    /// Decides where nodes end.
    pub key: &'a MapKey,
}

#[cfg(test)]
mod tests;
