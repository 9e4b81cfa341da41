//! Comparing: two cursors side by side, over what is equal and into what is not.

use std::cmp::Ordering;

use bytes::Bytes;

use super::cursor::{Cursor, Item};
use super::{Map, NodeEntry};
use crate::codec::ContentId;
use crate::content::{ContentError, ReadContent};

/// One key whose value differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Only the second map has it.
    Added { key: Bytes, value: Bytes },
    /// Only the first map has it.
    Removed { key: Bytes, value: Bytes },
    /// Both have it, with other values.
    Changed { key: Bytes, old: Bytes, new: Bytes },
}

impl Change {
    /// The key that differs.
    pub fn key(&self) -> &Bytes {
        match self {
            Change::Added { key, .. } | Change::Removed { key, .. } | Change::Changed { key, .. } => key,
        }
    }
}

/// What differs between two maps, in order of keys. Reads only what differs.
///
/// # Errors
/// [`ContentError`] if a root cannot be read.
pub fn diff<'a>(
    contents: &'a dyn ReadContent,
    old: &ContentId,
    new: &ContentId,
) -> Result<Diff<'a>, ContentError> {
    let cursors = match old == new {
        true => None,
        false => Some((Map::open(contents, old)?.cursor(), Map::open(contents, new)?.cursor())),
    };
    Ok(Diff { cursors })
}

/// Changes in order of keys. Ends after the first error.
pub struct Diff<'a> {
    /// Nothing once all was compared.
    cursors: Option<(Cursor<'a>, Cursor<'a>)>,
}

/// What to do where the cursors stand.
enum Step {
    SkipBoth,
    EnterOld,
    EnterNew,
    EnterBoth,
    Added(NodeEntry),
    Removed(NodeEntry),
    Changed(NodeEntry, NodeEntry),
    Done,
}

fn step(old: Option<Item<'_>>, new: Option<Item<'_>>) -> Step {
    let order = match (&old, &new) {
        (None, None) => return Step::Done,
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some(old), Some(new)) => old.entry.key.cmp(&new.entry.key),
    };
    match (order, old, new) {
        (Ordering::Less, Some(old), _) if old.level == 0 => Step::Removed(old.entry.clone()),
        (Ordering::Less, ..) => Step::EnterOld,
        (Ordering::Greater, _, Some(new)) if new.level == 0 => Step::Added(new.entry.clone()),
        (Ordering::Greater, ..) => Step::EnterNew,
        (Ordering::Equal, Some(old), Some(new)) => match old.level.cmp(&new.level) {
            Ordering::Greater => Step::EnterOld,
            Ordering::Less => Step::EnterNew,
            Ordering::Equal if old.entry.value == new.entry.value => Step::SkipBoth,
            Ordering::Equal if old.level == 0 => Step::Changed(old.entry.clone(), new.entry.clone()),
            Ordering::Equal => Step::EnterBoth,
        },
        (Ordering::Equal, ..) => Step::Done,
    }
}

/// Goes on to the next change.
fn advance(old: &mut Cursor<'_>, new: &mut Cursor<'_>) -> Result<Option<Change>, ContentError> {
    loop {
        match step(old.item(), new.item()) {
            Step::SkipBoth => {
                old.skip();
                new.skip();
            }
            Step::EnterOld => old.enter()?,
            Step::EnterNew => new.enter()?,
            Step::EnterBoth => {
                old.enter()?;
                new.enter()?;
            }
            Step::Added(NodeEntry { key, value }) => {
                new.skip();
                return Ok(Some(Change::Added { key, value }));
            }
            Step::Removed(NodeEntry { key, value }) => {
                old.skip();
                return Ok(Some(Change::Removed { key, value }));
            }
            Step::Changed(from, to) => {
                old.skip();
                new.skip();
                return Ok(Some(Change::Changed { key: from.key, old: from.value, new: to.value }));
            }
            Step::Done => return Ok(None),
        }
    }
}

impl Iterator for Diff<'_> {
    type Item = Result<Change, ContentError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (old, new) = self.cursors.as_mut()?;
        let next = advance(old, new).transpose();
        if !matches!(next, Some(Ok(_))) {
            self.cursors = None;
        }
        next
    }
}
