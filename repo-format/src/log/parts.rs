//! The small things that actions and catalogs name: blobs, segments, slots, features.

use std::fmt;

use crate::cbor::{Cbor, CborError, Reader, TupleReader, Writer};
use crate::codec::{BlobKind, PackId, SegmentId, SlotId};
use crate::format::names::{BlobId, PackKind};
use crate::format::segment::SegmentRef;
use crate::format::slot::SlotKind;

/// A blob that can be condemned, doomed and reaped: a pack or a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlobRef {
    Pack(PackKind, PackId),
    IndexSegment(SegmentId),
    ManifestSegment(SegmentId),
}

impl BlobRef {
    /// The blob's name in the storage.
    pub fn blob_id(&self) -> BlobId {
        match *self {
            BlobRef::Pack(kind, id) => BlobId::Pack(kind, id),
            BlobRef::IndexSegment(id) | BlobRef::ManifestSegment(id) => BlobId::Segment(id),
        }
    }

    /// Both blobs that a pack ID can name: the log names relied packs without their kind.
    pub(super) fn packs(id: &PackId) -> [BlobRef; 2] {
        [BlobRef::Pack(PackKind::Data, *id), BlobRef::Pack(PackKind::Meta, *id)]
    }

    fn encode(&self) -> (BlobKind, &[u8; 32]) {
        match self {
            BlobRef::Pack(PackKind::Data, id) => (BlobKind::DataPack, id.as_bytes()),
            BlobRef::Pack(PackKind::Meta, id) => (BlobKind::MetaPack, id.as_bytes()),
            BlobRef::IndexSegment(id) => (BlobKind::IndexSegment, id.as_bytes()),
            BlobRef::ManifestSegment(id) => (BlobKind::ManifestSegment, id.as_bytes()),
        }
    }

    /// Puts kind and ID, which stand in an array of two or in a catalog's of three.
    pub(super) fn write_items(&self, w: &mut Writer) {
        let (kind, id) = self.encode();
        w.u64(kind as u64).bytes(id);
    }

    pub(super) fn read_items(t: &mut TupleReader<'_, '_>) -> Result<BlobRef, CborError> {
        let wrong = t.error("neither a pack nor a segment (ACT-6)");
        let kind = t.get()?;
        BlobRef::decode(kind, t.get_with(Reader::array_of)?).ok_or(wrong)
    }

    fn decode(kind: u64, id: [u8; 32]) -> Option<BlobRef> {
        match BlobKind::from_number(u8::try_from(kind).ok()?)? {
            BlobKind::DataPack => Some(BlobRef::Pack(PackKind::Data, PackId(id))),
            BlobKind::MetaPack => Some(BlobRef::Pack(PackKind::Meta, PackId(id))),
            BlobKind::IndexSegment => Some(BlobRef::IndexSegment(SegmentId(id))),
            BlobKind::ManifestSegment => Some(BlobRef::ManifestSegment(SegmentId(id))),
            _ => None,
        }
    }
}

impl fmt::Display for BlobRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, id) = self.encode();
        write!(f, "{} {}", kind.name(), hex::encode(id))
    }
}

impl Cbor for BlobRef {
    fn write(&self, w: &mut Writer) {
        self.write_items(w.array(2));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.tuple(BlobRef::read_items)
    }
}

impl Cbor for SegmentRef {
    fn write(&self, w: &mut Writer) {
        w.array(5).put(&self.id).put(&self.count).put(&self.first).put(&self.last).put(&self.size);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.tuple(|t| {
            Ok(SegmentRef { id: t.get()?, count: t.get()?, first: t.get()?, last: t.get()?, size: t.get()? })
        })
    }
}

/// A manifest segment as a catalog names it (CAT-2 key 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManifestSegmentRef {
    pub id: SegmentId,
    pub rows: u32,
    /// Bytes of the whole blob.
    pub size: u64,
}

impl Cbor for ManifestSegmentRef {
    fn write(&self, w: &mut Writer) {
        w.array(3).put(&self.id).put(&self.rows).put(&self.size);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.tuple(|t| Ok(ManifestSegmentRef { id: t.get()?, rows: t.get()?, size: t.get()? }))
    }
}

/// A key slot as the log knows it (ACT-11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotInfo {
    pub id: SlotId,
    pub kind: SlotKind,
    /// What its owner calls it.
    pub label: String,
}

impl SlotInfo {
    /// Puts the three items, which stand in an action and in a row of their own.
    pub(super) fn write_items(&self, w: &mut Writer) {
        w.put(&self.id).u64(self.kind as u64).put(&self.label);
    }

    pub(super) fn from_items(id: SlotId, kind: u64, label: String) -> Result<SlotInfo, &'static str> {
        let kind = u8::try_from(kind).ok().and_then(SlotKind::from_number);
        Ok(SlotInfo { id, kind: kind.ok_or("unknown slot kind (SLOT-1)")?, label })
    }
}

impl Cbor for SlotInfo {
    fn write(&self, w: &mut Writer) {
        self.write_items(w.array(3));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let (id, kind, label) = r.get::<(SlotId, u64, String)>()?;
        SlotInfo::from_items(id, kind, label).map_err(|what| r.error(what))
    }
}

/// Who must know a required feature (ACT-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum FeatureScope {
    Writers = 0,
    Readers = 1,
}

impl Cbor for FeatureScope {
    fn write(&self, w: &mut Writer) {
        w.u64(*self as u64);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let unknown = r.error("unknown feature scope (ACT-15)");
        match r.u64()? {
            0 => Ok(FeatureScope::Writers),
            1 => Ok(FeatureScope::Readers),
            _ => Err(unknown),
        }
    }
}
