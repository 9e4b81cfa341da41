//! What listing needs to know of a snapshot (CAT-4).

use crate::cbor::{Cbor, CborError, Reader, Writer};
use crate::codec::{ManifestId, PackId, RunId};

/// What a snapshot is of (SNAP-1 key 0). Two runs are of one source if all of it is equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SourceInfo {
    /// `folder`, or the service.
    pub service: String,
    /// The machine that holds the source, if one does.
    pub host: Option<String>,
    /// The account that read it, if that says something.
    pub user: Option<String>,
    /// Folders, as the system writes them.
    pub paths: Vec<Vec<u8>>,
    /// The service's own ID of the resource.
    pub resource: Option<Vec<u8>>,
}

impl Cbor for SourceInfo {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.put(0, &self.service);
            m.put_some(1, &self.host);
            m.put_some(2, &self.user);
            m.put_unless(3, &self.paths, &Vec::new());
            m.put_some(4, &self.resource);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.map(|m| {
            Ok(SourceInfo {
                service: m.get(0)?,
                host: m.get_some(1)?,
                user: m.get_some(2)?,
                paths: m.get_or(3, Vec::new())?,
                resource: m.get_some(4)?,
            })
        })
    }
}

/// How whole a snapshot is (SNAP-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SnapshotState {
    /// All that the source offered is in it, skips apart.
    Complete = 0,
    /// Some items failed; the manifest lists them.
    Partial = 1,
    /// The run was not finished.
    Checkpoint = 2,
}

impl Cbor for SnapshotState {
    fn write(&self, w: &mut Writer) {
        w.u64(*self as u64);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let unknown = r.error("unknown snapshot state (SNAP-1)");
        match r.u64()? {
            0 => Ok(SnapshotState::Complete),
            1 => Ok(SnapshotState::Partial),
            2 => Ok(SnapshotState::Checkpoint),
            _ => Err(unknown),
        }
    }
}

/// A snapshot as the log knows it: enough to list, choose and protect it.
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
    /// Nanoseconds since 1970 UTC.
    pub start: i64,
    /// Nanoseconds since 1970 UTC.
    pub end: i64,
    pub state: SnapshotState,
    /// Bytes of everything in it.
    pub size: u64,
    pub items: u64,
    pub failed: u64,
    pub skipped: u64,
    /// Names and values, ascending.
    pub tags: Vec<(String, String)>,
    pub run: RunId,
    /// Bytes that this run added to the storage.
    pub stored: u64,
}

impl ManifestRow {
    /// Whether the snapshot is there for a user: not forgotten.
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
            m.put(5, &self.start);
            m.put(6, &self.end);
            m.put(7, &self.state);
            m.put(8, &self.size);
            m.put(9, &self.items);
            m.put(10, &self.failed);
            m.put(11, &self.skipped);
            m.put(12, &self.tags);
            m.put(13, &self.run);
            m.put(14, &self.stored);
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
                start: m.get(5)?,
                end: m.get(6)?,
                state: m.get(7)?,
                size: m.get(8)?,
                items: m.get(9)?,
                failed: m.get(10)?,
                skipped: m.get(11)?,
                tags: m.get(12)?,
                run: m.get(13)?,
                stored: m.get(14)?,
            })
        })
    }
}
