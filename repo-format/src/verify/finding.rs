//! What a verification finds.

use crate::codec::{ContentId, ManifestId};
use crate::storage::BlobName;

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The blob that is to blame, if it is one.
    pub blob: Option<BlobName>,
    pub kind: FindingKind,
    /// For people.
    pub what: String,
    /// Contents that cannot be had from any pack because of it.
    pub contents: u64,
    /// The first few of them, in order of their IDs.
    pub content_ids: Vec<ContentId>,
    /// Live snapshots that need one of them.
    pub snapshots: Vec<ManifestId>,
    /// Paths in those snapshots, names joined by `/`: the first few.
    pub paths: Vec<Vec<u8>>,
    /// Paths altogether; the same path in two snapshots counts twice.
    pub path_count: u64,
}

/// What kind of thing it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// Something that must be there is not.
    Missing,
    /// Bytes are not those that were written.
    Damaged,
    /// A whole blob under a name that is another's.
    WrongName,
    /// Authentic, but against a rule of the format: a broken writer made it.
    Structure,
    /// The storage would not give it; trying again may help.
    Unreadable,
    /// There and whole, but not locked against deletion as it was asked to be: no damage yet.
    Unlocked,
    /// There, but nothing knows it: no damage.
    Unknown,
}

impl FindingKind {
    /// Whether something is wrong with the repository.
    pub fn is_damage(self) -> bool {
        !matches!(self, FindingKind::Unlocked | FindingKind::Unknown)
    }

    /// The kind's name in reports and JSON.
    pub fn name(self) -> &'static str {
        match self {
            FindingKind::Missing => "missing",
            FindingKind::Damaged => "damaged",
            FindingKind::WrongName => "wrong-name",
            FindingKind::Structure => "structure",
            FindingKind::Unreadable => "unreadable",
            FindingKind::Unlocked => "unlocked",
            FindingKind::Unknown => "unknown",
        }
    }
}

impl Finding {
    /// A finding about a blob; whom it hurts is filled in later.
    pub(super) fn of(blob: Option<BlobName>, kind: FindingKind, what: impl Into<String>) -> Finding {
        Finding {
            blob,
            kind,
            what: what.into(),
            contents: 0,
            content_ids: Vec::new(),
            snapshots: Vec::new(),
            paths: Vec::new(),
            path_count: 0,
        }
    }
}
