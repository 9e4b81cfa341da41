//! What is decided of an entry before anything is asked of the service.

use repo_format::tree::{Entry, EntryKind};

use super::key::Key;
use super::place::Existing;
use super::target::Collisions;
use crate::ingest::{Facts, Kind};
use crate::model::ItemKind;
use crate::quickxor::QuickXor;

/// A file or folder of the snapshot.
pub(super) struct Found {
    pub key: Key,
    /// As the service had it.
    pub name: String,
    pub facts: Option<Facts>,
    pub entry: Entry,
}

/// Why an entry cannot be restored at all, if so.
pub(super) fn refused(found: &Found) -> Option<&'static str> {
    match (&found.entry.kind, found.facts.as_ref().map(|facts| &facts.kind)) {
        (_, Some(Kind::Package(_))) => Some("a notebook cannot be made by uploading its parts"),
        (_, Some(Kind::Pointer(..))) => Some("a shortcut to an item of another drive cannot be restored"),
        (EntryKind::File(None), _) if found.facts.as_ref().is_some_and(|facts| facts.malware) => {
            Some("the service held it to be malware, and its content was never had")
        }
        (EntryKind::File(_) | EntryKind::Folder(_), _) => None,
        _ => Some("a drive holds files and folders alone"),
    }
}

/// Why what is there is not replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Collided {
    Exists(&'static str),
    Identical(&'static str),
    /// By policy it would have to go, and may not.
    Fail(&'static str),
}

/// Whether what is there may be replaced.
pub(super) fn collision(there: &Existing, policy: Collisions, found: &Found) -> Result<(), Collided> {
    match (policy, there.kind) {
        (Collisions::Replace, ItemKind::File) if is_identical(there, found) => {
            Err(Collided::Identical("the same content is there"))
        }
        (Collisions::Replace, ItemKind::File) => Ok(()),
        (Collisions::Replace, _) => Err(Collided::Fail("something that is no file has its name")),
        _ => Err(Collided::Exists("something of this name is there")),
    }
}

/// Whether the drive lists the content that the snapshot's source listed.
fn is_identical(there: &Existing, found: &Found) -> bool {
    let Some(facts) = &found.facts else { return false };
    match (facts.hash.map(QuickXor), there.hash) {
        (Some(then), Some(now)) => then == now && facts.size == there.size,
        _ => facts.size == 0 && there.size == 0,
    }
}

/// A warning, if an item could not have its name; a copy beside what is there is none to warn of.
pub(super) fn renamed(name: &str, mended: &str, given: &str, collisions: Collisions) -> Option<String> {
    match name == mended {
        true if given == name || collisions == Collisions::Copy => None,
        true => Some(format!("another item of the snapshot has its name; it is called {given:?}")),
        false => Some(format!("a drive takes no such name; it is called {given:?}")),
    }
}
