//! The manifest: all that is recorded of one snapshot (SNAP-1).

use std::collections::BTreeMap;

use super::{SnapshotError, Statistics};
use crate::cbor::{self, Cbor, CborError, Reader, Writer};
use crate::codec::{ContentId, ManifestId, PackId, RunId, SplitterSizes};
use crate::content::{CONTENT_SIZE_MAX, ContentError, ContentKind, ReadContent, WriteContent};
use crate::ledger::LAYERS_MAX;
use crate::log::{ManifestRow, SnapshotState, SourceInfo, tags};
use crate::tree::{Entry, EntryKind, TimeNs};

/// One snapshot. Its content ID is the snapshot's ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub source: SourceInfo,
    pub start_ns: TimeNs,
    pub end_ns: TimeNs,
    pub state: SnapshotState,
    /// The folder that the snapshot is of.
    pub root: Entry,
    /// Root of the failures map (SNAP-4); `None` without failures.
    pub failures: Option<ContentId>,
    pub statistics: Statistics,
    /// The snapshots that unchanged contents were taken from.
    pub based_on: Vec<ManifestId>,
    pub tags: BTreeMap<String, String>,
    /// The revision that the run began on.
    pub prepared_on: u64,
    pub run: RunId,
    /// How the run cut streams.
    pub splitter: SplitterSizes,
    /// Roots of a service's ledger, the oldest layer first (SNAP-8); empty without one.
    pub ledger: Vec<ContentId>,
    /// Where a service's next run goes on; opaque here.
    pub cursor: Option<Vec<u8>>,
    /// Root of a checkpoint's part entries (SNAP-6).
    pub parts: Option<ContentId>,
}

impl Manifest {
    /// Stores the manifest and gives the snapshot its ID.
    ///
    /// # Errors
    /// [`SnapshotError`] if it is larger than a content can be, or cannot be stored.
    pub fn store(&self, contents: &dyn WriteContent) -> Result<ManifestId, SnapshotError> {
        let bytes = cbor::encode(self);
        if bytes.len() > CONTENT_SIZE_MAX {
            return Err(SnapshotError::TooLarge { found: bytes.len() });
        }
        let id = contents.put(ContentKind::Manifest, &bytes)?;
        Ok(ManifestId(id.0))
    }

    /// Reads the manifest of a snapshot.
    ///
    /// # Errors
    /// [`ContentError`] if it cannot be read or breaks SNAP-1.
    pub fn load(contents: &dyn ReadContent, id: &ManifestId) -> Result<Self, ContentError> {
        let id = ContentId(id.0);
        let bytes = contents.get(ContentKind::Manifest, &id)?;
        cbor::decode(&bytes).map_err(|source| ContentError::MalformedCbor { id, clause: "SNAP-1", source })
    }

    /// Root of the snapshot's tree.
    pub fn tree(&self) -> ContentId {
        match self.root.kind {
            EntryKind::Folder(tree) => tree,
            // Decoding refuses other roots; one made by hand has no tree.
            _ => ContentId::ZERO,
        }
    }

    /// What listing needs of it, once it is stored as `id` in `pack`. The log fills in the revision.
    pub fn row(&self, id: ManifestId, pack: PackId) -> ManifestRow {
        ManifestRow {
            id,
            pack,
            revision: 0,
            forgotten: None,
            source: self.source.clone(),
            start_ns: self.start_ns,
            end_ns: self.end_ns,
            state: self.state,
            size: self.root.size,
            items: self.root.items,
            failed: self.statistics.failed,
            skipped: self.statistics.skipped,
            tags: self.tags.clone(),
            run: self.run,
            bytes_stored: self.statistics.bytes_stored,
        }
    }
}

impl Cbor for Manifest {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.put(0, &self.source);
            m.put(1, &self.start_ns);
            m.put(2, &self.end_ns);
            m.put(3, &self.state);
            m.put(4, &self.root);
            m.put_some(5, &self.failures);
            m.put(6, &self.statistics);
            m.put(7, &self.based_on);
            m.put_with(8, |w| tags::write(&self.tags, w));
            m.put(9, &self.prepared_on);
            m.put(10, &self.run);
            m.put_with(11, |w| write_splitter(self.splitter, w));
            m.put_unless(12, &self.ledger, &Vec::new());
            m.put_some(13, &self.cursor);
            m.put_some(14, &self.parts);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.map(|m| {
            Ok(Manifest {
                source: m.get(0)?,
                start_ns: m.get(1)?,
                end_ns: m.get(2)?,
                state: m.get(3)?,
                root: m.require_with(4, read_root)?,
                failures: m.get_some(5)?,
                statistics: m.get(6)?,
                based_on: m.get(7)?,
                tags: m.require_with(8, tags::read)?,
                prepared_on: m.get(9)?,
                run: m.get(10)?,
                splitter: m.require_with(11, read_splitter)?,
                ledger: m.get_with(12, read_layers)?.unwrap_or_default(),
                cursor: m.get_some(13)?,
                parts: m.get_some(14)?,
            })
        })
    }
}

fn read_layers(r: &mut Reader<'_>) -> Result<Vec<ContentId>, CborError> {
    let count = r.error("a ledger has 1 to 16 layers (SNAP-8)");
    let layers: Vec<ContentId> = r.get()?;
    if (1..=LAYERS_MAX).contains(&layers.len()) { Ok(layers) } else { Err(count) }
}

fn read_root(r: &mut Reader<'_>) -> Result<Entry, CborError> {
    let no_folder = r.error("the root is no folder");
    let root: Entry = r.get()?;
    match root.kind {
        EntryKind::Folder(_) => Ok(root),
        _ => Err(no_folder),
    }
}

const SPLITTER: u64 = 1;

fn write_splitter(sizes: SplitterSizes, w: &mut Writer) {
    w.array(4).u64(SPLITTER).put(&sizes.least).put(&sizes.average).put(&sizes.greatest);
}

fn read_splitter(r: &mut Reader<'_>) -> Result<SplitterSizes, CborError> {
    let unknown = r.error("unknown splitter");
    let (number, least, average, greatest) =
        r.tuple(|t| Ok((t.get::<u64>()?, t.get()?, t.get()?, t.get()?)))?;
    let sizes = SplitterSizes { least, average, greatest };
    if number == SPLITTER && SplitterSizes::around(average) == Some(sizes) { Ok(sizes) } else { Err(unknown) }
}
