//! The rules by name, and what breaks one.

use std::fmt;

use super::action::{Blob, Id, Revision};

/// Why an action may not be appended, or an event may not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A put or recalled snapshot relies on no pack that is doomed or reaped (LOG-7, INV-10).
    PackLost(Id),
    /// A named base is live in the prefix (LOG-7).
    BaseGone(Id),
    /// Every content outside the bases is in a pack that the put names (LOG-7).
    NotNamed(Id),
    /// A replaced segment is still in the state (LOG-7).
    SegmentReplaced(Id),
    /// An added segment is neither doomed nor reaped (LOG-7).
    SegmentLost(Id),
    /// An added segment names no pack that is doomed or reaped.
    SegmentNamesLost { segment: Id, pack: Id },
    /// There is such a snapshot.
    NoSuchSnapshot(Id),
    /// A recalled snapshot was forgotten (LOG-7).
    NotForgotten(Id),
    /// A recall without a walk follows no doom (LOG-7).
    DoomFollowed(Revision),
    /// No doom, recall or jump lies behind the mark (ACT-7, LOG-7).
    MarkOutdated { marked: Revision, by: Revision },
    /// No record behind the mark relies on a doomed pack, the state names no doomed segment (LOG-7).
    InUse(Blob),
    /// Nothing is doomed while there is a hold (LOG-9).
    Held,
    /// A step of the hold follows the one before (LOG-9).
    NotSettled,
    /// What is reaped is doomed (LOG-7).
    NotDoomed(Blob),
    /// What is reaped is deleted already (INV-1).
    ReapedBeforeDeletion(Blob),
    /// No segment of the state names a reaped pack.
    StillNamed(Id),
    /// The floor is at most the revision that the record extends (ACT-17).
    FloorAhead(Revision),
    /// Only doomed or reaped blobs are deleted (INV-8).
    DeletedUndoomed(Blob),
    /// Every content of a live snapshot is found by the state in a pack that is stored (INV-16).
    Dangles { snapshot: Id, content: Id },
    /// A catalog folds records that are there.
    CatalogAhead(Revision),
    /// A record is deleted below the floor of a durable catalog, from the lowest up (CAT-5, INV-7).
    TrimmedTooEarly(Revision),
}

/// A rule is broken.
pub type Refusal = Rule;

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::PackLost(pack) => write!(f, "pack {pack} is relied on but doomed or reaped (LOG-7)"),
            Rule::BaseGone(base) => write!(f, "base {base} is not live (LOG-7)"),
            Rule::NotNamed(content) => write!(f, "content {content} is in no pack that is named (LOG-7)"),
            Rule::SegmentReplaced(segment) => write!(f, "segment {segment} is not in the state (LOG-7)"),
            Rule::SegmentLost(segment) => write!(f, "added segment {segment} is lost (LOG-7)"),
            Rule::SegmentNamesLost { segment, pack } => {
                write!(f, "added segment {segment} names pack {pack}, which is doomed or reaped")
            }
            Rule::NoSuchSnapshot(snapshot) => write!(f, "there is no snapshot {snapshot}"),
            Rule::NotForgotten(snapshot) => write!(f, "snapshot {snapshot} is not forgotten (LOG-7)"),
            Rule::DoomFollowed(doom) => write!(f, "a doom followed in revision {doom} (LOG-7)"),
            Rule::MarkOutdated { marked, by } => {
                write!(f, "the mark at revision {marked} is outdated by revision {by} (LOG-7)")
            }
            Rule::InUse(blob) => write!(f, "{blob:?} is in use (LOG-7)"),
            Rule::Held => write!(f, "dooms are held (LOG-9)"),
            Rule::NotSettled => write!(f, "a step of a hold that there is not (LOG-9)"),
            Rule::NotDoomed(blob) => write!(f, "{blob:?} is reaped but not doomed (LOG-7)"),
            Rule::ReapedBeforeDeletion(blob) => write!(f, "{blob:?} is reaped but still there (INV-1)"),
            Rule::StillNamed(pack) => write!(f, "pack {pack} is reaped but a segment names it"),
            Rule::FloorAhead(floor) => write!(f, "floor {floor} is beyond the log's end (ACT-17)"),
            Rule::DeletedUndoomed(blob) => write!(f, "{blob:?} is deleted but not doomed (INV-8)"),
            Rule::Dangles { snapshot, content } => {
                write!(f, "content {content} of live snapshot {snapshot} is not found (INV-16)")
            }
            Rule::CatalogAhead(revision) => write!(f, "catalog {revision} folds records that are not there"),
            Rule::TrimmedTooEarly(record) => write!(f, "record {record} is deleted too early (CAT-5)"),
        }
    }
}
