//! Names of blobs (STO-1).

use crate::codec::{PackId, SegmentId, SlotId};
use crate::storage::BlobName;

/// The format blob's name.
pub const FORMAT: &str = "corso.format";
/// The name of what marks a copy.
pub const COPY_MARKER: &str = "corso.copy";
/// The name of what says that this is a copy no more.
pub const PROMOTED: &str = "corso.promoted";
/// What the names of key slots begin with.
pub const SLOTS: &str = "keys/";
/// What the names of records begin with.
pub const LOG: &str = "log/";
/// What the names of catalogs begin with.
pub const CATALOGS: &str = "catalog/";
/// What the names of segments begin with.
pub const SEGMENTS: &str = "segments/";
/// What the names of packs begin with.
pub const PACKS: &str = "packs/";

/// What a pack holds, and so where it is (PACK-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PackKind {
    /// Pieces of streams.
    Data,
    /// Lists, map nodes and manifests.
    Meta,
}

/// What a blob's name says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlobId {
    Format,
    CopyMarker,
    /// The marker of a copy that was promoted (COPY-8).
    Promoted,
    Slot(SlotId),
    Pack(PackKind, PackId),
    Segment(SegmentId),
    Record(u64),
    Catalog(u64),
}

impl BlobId {
    /// The blob's name.
    pub fn name(&self) -> BlobName {
        let text = match self {
            BlobId::Format => FORMAT.to_owned(),
            BlobId::CopyMarker => COPY_MARKER.to_owned(),
            BlobId::Promoted => PROMOTED.to_owned(),
            BlobId::Slot(id) => format!("{SLOTS}{id}"),
            BlobId::Pack(PackKind::Data, id) => hashed("packs/data/", &id.to_string()),
            BlobId::Pack(PackKind::Meta, id) => hashed("packs/meta/", &id.to_string()),
            BlobId::Segment(id) => hashed(SEGMENTS, &id.to_string()),
            BlobId::Record(revision) => format!("{LOG}{revision:020}"),
            // Counting down, so that the newest catalog is the first in a listing.
            BlobId::Catalog(revision) => format!("{CATALOGS}{:020}", u64::MAX - revision),
        };
        BlobName::new(text).expect("made of hexadecimal and decimal digits")
    }

    /// What `name` names; `None` if it fits no row of STO-1.
    pub fn parse(name: &BlobName) -> Option<BlobId> {
        let text = name.as_str();
        let id = match text.split_once('/') {
            None if text == FORMAT => BlobId::Format,
            None if text == COPY_MARKER => BlobId::CopyMarker,
            None if text == PROMOTED => BlobId::Promoted,
            None => return None,
            Some(("keys", id)) => BlobId::Slot(id.parse().ok()?),
            Some(("log", number)) => BlobId::Record(number.parse().ok()?),
            Some(("catalog", number)) => BlobId::Catalog(u64::MAX - number.parse::<u64>().ok()?),
            Some(("segments", rest)) => BlobId::Segment(rest.split_once('/')?.1.parse().ok()?),
            Some(("packs", rest)) => {
                let (kind, rest) = rest.split_once('/')?;
                let kind = match kind {
                    "data" => PackKind::Data,
                    "meta" => PackKind::Meta,
                    _ => return None,
                };
                BlobId::Pack(kind, rest.split_once('/')?.1.parse().ok()?)
            }
            Some(_) => return None,
        };
        // One blob has one name: what is spelled otherwise is not Corso's.
        (id.name() == *name).then_some(id)
    }
}

fn hashed(prefix: &str, id: &str) -> String {
    format!("{prefix}{}/{id}", &id[..2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_near_misses_do_not() {
        let ids = [
            BlobId::Format,
            BlobId::CopyMarker,
            BlobId::Promoted,
            BlobId::Slot(SlotId([0xab; 16])),
            BlobId::Pack(PackKind::Data, PackId([1; 32])),
            BlobId::Pack(PackKind::Meta, PackId([255; 32])),
            BlobId::Segment(SegmentId([3; 32])),
            BlobId::Record(1),
            BlobId::Record(u64::MAX),
            BlobId::Catalog(64),
        ];
        for id in ids {
            assert_eq!(BlobId::parse(&id.name()), Some(id));
        }
        assert!(BlobId::Catalog(65).name() < BlobId::Catalog(64).name());
        for other in ["log/1", "log/+0000000000000000001", "keys/ab", "packs/data/ff/00", "probe/x", "readme"]
        {
            assert_eq!(
                BlobId::parse(&BlobName::new(other).unwrap_or_else(|_| BlobId::Format.name()))
                    .filter(|id| *id != BlobId::Format),
                None,
                "{other}"
            );
        }
    }
}
