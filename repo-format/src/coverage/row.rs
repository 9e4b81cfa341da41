//! Keys and values of the verification map (COV-1, COV-2).

use crate::cbor::{Cbor, CborError, Reader, Writer};
use crate::codec::{BlobKind, PackId, TimeNs};
use crate::format::names::PackKind;

/// The key of the summary, before all rows.
pub(super) const SUMMARY_KEY: &[u8] = &[0];
/// Bytes of a row's key.
const KEY_SIZE: usize = 41;

/// A pack's place in the queue: the key of its row. Ordered as the queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The revision that the pack was queued or decoded at.
    pub revision: u64,
    pub kind: PackKind,
    pub pack: PackId,
}

impl Place {
    /// The row's key: revision (big-endian, so that bytes sort as numbers), kind, ID.
    pub fn key(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(KEY_SIZE);
        key.extend_from_slice(&self.revision.to_be_bytes());
        key.push(self.kind.blob_kind() as u8);
        key.extend_from_slice(self.pack.as_bytes());
        key
    }

    /// The place that a key stands for; `None` if it is none.
    pub fn from_key(key: &[u8]) -> Option<Place> {
        let (revision, rest) = key.split_first_chunk::<8>()?;
        let (kind, pack) = rest.split_first()?;
        let kind = match BlobKind::from_number(*kind)? {
            BlobKind::DataPack => PackKind::Data,
            BlobKind::MetaPack => PackKind::Meta,
            _ => return None,
        };
        let pack = PackId(pack.try_into().ok()?);
        Some(Place { revision: u64::from_be_bytes(*revision), kind, pack })
    }
}

/// How deep a pack was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reached {
    /// It is queued.
    Nothing = 0,
    /// Its hash was compared since it was queued.
    Hash = 1,
    /// Every content in it was decoded and re-hashed.
    Decoded = 2,
}

/// What is known of a pack: the value of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub reached: Reached,
    /// Bytes of the pack.
    pub size: u64,
    /// When it was queued or decoded; information only.
    pub time_ns: TimeNs,
    /// Bytes of all packs of the map at that moment.
    pub total: u64,
}

impl Cbor for Row {
    fn write(&self, w: &mut Writer) {
        w.array(4).u64(self.reached as u64).put(&self.size).put(&self.time_ns).put(&self.total);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.tuple(|t| {
            let unknown = t.error("a pack was reached in no such way (COV-2)");
            let reached = match t.get::<u64>()? {
                0 => Reached::Nothing,
                1 => Reached::Hash,
                2 => Reached::Decoded,
                _ => return Err(unknown),
            };
            Ok(Row { reached, size: t.get()?, time_ns: t.get()?, total: t.get()? })
        })
    }
}

/// What all rows come to, so that it need not be added up to be shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub packs: u64,
    pub bytes: u64,
    /// Packs that were decoded, be it long ago.
    pub decoded_packs: u64,
    pub decoded_bytes: u64,
    /// When the map was written; information only.
    pub time_ns: TimeNs,
}

impl Cbor for Summary {
    fn write(&self, w: &mut Writer) {
        w.array(5).put(&self.packs).put(&self.bytes);
        w.put(&self.decoded_packs).put(&self.decoded_bytes).put(&self.time_ns);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.tuple(|t| {
            Ok(Summary {
                packs: t.get()?,
                bytes: t.get()?,
                decoded_packs: t.get()?,
                decoded_bytes: t.get()?,
                time_ns: t.get()?,
            })
        })
    }
}

impl Summary {
    /// How many percent of the bytes were decoded, be it long ago. All of nothing is 100.
    pub fn decoded_percent(&self) -> f64 {
        match self.bytes {
            0 => 100.0,
            bytes => self.decoded_bytes as f64 * 100.0 / bytes as f64,
        }
    }
}
