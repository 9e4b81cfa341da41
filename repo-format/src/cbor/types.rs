//! The encodings of plain types and identifiers.
//!
//! `Vec<u8>` and `Arc<[u8]>` are byte strings, any other `Vec` an array; tuples are arrays; `None` is null where
//! a value must be written at all (map entries are left out instead: `put_some`, `get_some`).

use std::sync::Arc;

use super::{Cbor, CborError, Reader, Writer};
use crate::codec::{CommitId, ContentId, ManifestId, PackId, RecordHash, RepoId, RunId, SegmentId, SlotId};

impl Cbor for u64 {
    fn write(&self, w: &mut Writer) {
        w.u64(*self);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.u64()
    }
}

impl Cbor for u32 {
    fn write(&self, w: &mut Writer) {
        w.u64(u64::from(*self));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let range = r.error("number out of range");
        u32::try_from(r.u64()?).map_err(|_| range)
    }
}

impl Cbor for i64 {
    fn write(&self, w: &mut Writer) {
        w.i64(*self);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.i64()
    }
}

impl Cbor for bool {
    fn write(&self, w: &mut Writer) {
        w.bool(*self);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.bool()
    }
}

impl Cbor for String {
    fn write(&self, w: &mut Writer) {
        w.text(self);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.text().map(str::to_owned)
    }
}

impl Cbor for Vec<u8> {
    fn write(&self, w: &mut Writer) {
        w.bytes(self);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.bytes().map(<[u8]>::to_vec)
    }
}

impl Cbor for Arc<[u8]> {
    fn write(&self, w: &mut Writer) {
        w.bytes(self);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.bytes().map(Arc::from)
    }
}

impl<T: Cbor> Cbor for Vec<T> {
    fn write(&self, w: &mut Writer) {
        w.array(self.len());
        for item in self {
            item.write(w);
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.list(T::read)
    }
}

impl<T: Cbor> Cbor for Option<T> {
    fn write(&self, w: &mut Writer) {
        match self {
            Some(value) => value.write(w),
            None => drop(w.null()),
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        if r.null() { Ok(None) } else { T::read(r).map(Some) }
    }
}

impl<A: Cbor, B: Cbor> Cbor for (A, B) {
    fn write(&self, w: &mut Writer) {
        w.array(2).put(&self.0).put(&self.1);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.tuple(|t| Ok((t.get()?, t.get()?)))
    }
}

impl<A: Cbor, B: Cbor, C: Cbor> Cbor for (A, B, C) {
    fn write(&self, w: &mut Writer) {
        w.array(3).put(&self.0).put(&self.1).put(&self.2);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.tuple(|t| Ok((t.get()?, t.get()?, t.get()?)))
    }
}

macro_rules! ids {
    ($($id:ty),+) => {$(
        impl Cbor for $id {
            fn write(&self, w: &mut Writer) {
                w.bytes(self.as_bytes());
            }

            fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
                r.array_of().map(Self)
            }
        }
    )+};
}

ids!(CommitId, ContentId, ManifestId, PackId, RecordHash, RepoId, RunId, SegmentId, SlotId);
