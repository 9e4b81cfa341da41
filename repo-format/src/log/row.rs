//! What listing needs to know of a snapshot (CAT-4).

use std::collections::BTreeMap;

use super::{SnapshotState, SourceInfo, tags};
use crate::cbor::{Cbor, CborError, Reader, Writer};
use crate::codec::{ManifestId, PackId, RunId, TimeNs};

/// A snapshot as log and lists know it: enough to show, choose and protect it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestRow {
    pub id: ManifestId,
    /// The metadata pack that holds the manifest.
    pub pack: PackId,
    /// The record that put it. The fold sets it; 0 in an action.
    pub revision: u64,
    /// The record that forgot it; `None` while it is live.
    pub forgotten: Option<u64>,
    pub source: SourceInfo,
    pub start_ns: TimeNs,
    pub end_ns: TimeNs,
    pub state: SnapshotState,
    /// Bytes of all files' contents.
    pub size: u64,
    /// Entries below the root.
    pub items: u64,
    pub failed: u64,
    pub skipped: u64,
    pub tags: BTreeMap<String, String>,
    pub run: RunId,
    /// Bytes that the run added to the storage.
    pub bytes_stored: u64,
}

impl ManifestRow {
    /// Whether the snapshot was not forgotten.
    pub fn is_live(&self) -> bool {
        self.forgotten.is_none()
    }
}

impl Cbor for ManifestRow {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.put(0, &self.id);
            m.put(1, &self.pack);
            m.put(2, &self.revision);
            m.put_some(3, &self.forgotten);
            m.put(4, &self.source);
            m.put(5, &self.start_ns);
            m.put(6, &self.end_ns);
            m.put(7, &self.state);
            m.put(8, &self.size);
            m.put(9, &self.items);
            m.put(10, &self.failed);
            m.put(11, &self.skipped);
            m.put_with(12, |w| tags::write(&self.tags, w));
            m.put(13, &self.run);
            m.put(14, &self.bytes_stored);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.map(|m| {
            Ok(ManifestRow {
                id: m.get(0)?,
                pack: m.get(1)?,
                revision: m.get(2)?,
                forgotten: m.get_some(3)?,
                source: m.get(4)?,
                start_ns: m.get(5)?,
                end_ns: m.get(6)?,
                state: m.get(7)?,
                size: m.get(8)?,
                items: m.get(9)?,
                failed: m.get(10)?,
                skipped: m.get(11)?,
                tags: m.require_with(12, tags::read)?,
                run: m.get(13)?,
                bytes_stored: m.get(14)?,
            })
        })
    }
}
