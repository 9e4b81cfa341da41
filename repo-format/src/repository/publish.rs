//! Committing what a writer stored: segments first, then the record that makes it true (STO-5).

use std::convert::Infallible;

use super::error::from_commit;
use super::{Repository, RepositoryError, with_causes};
use crate::codec::{ContentId, ManifestId, PackId, random_bytes};
use crate::content::ContentWriter;
use crate::format::names::BlobId;
use crate::format::segment::SegmentRef;
use crate::index::{IndexError, TABLE_SIZE, build};
use crate::log::{Action, ManifestRow};
use crate::pack::PackContents;

/// A manifest on its way into the log; its pack and what its run stored are filled in when they
/// are known.
pub struct Draft {
    pub row: ManifestRow,
    /// Live snapshots that protect what they reach.
    pub bases: Vec<ManifestId>,
    /// Checkpoints that this snapshot takes the place of.
    pub replaces: Vec<ManifestId>,
}

impl Repository {
    /// Flushes `writer` and commits its new contents together with `draft`.
    ///
    /// `replaces` are forgotten only if they are still live in the state that is extended.
    ///
    /// # Errors
    /// `Invalid` if something relied on is gone by now: the run must read its source again. After
    /// an error nothing is true that was not before; packs that were put may be found again.
    pub fn publish(&self, writer: &ContentWriter, draft: Draft) -> Result<u64, RepositoryError> {
        let packs = writer.flush()?;
        let segments = self.put_segments(&packs)?;
        let relied = writer.relied_packs();
        let Draft { mut row, bases, replaces } = draft;
        row.pack = self.pack_of(&row.id, &packs)?;
        row.bytes_stored = writer.written().stored_bytes;
        let log = &self.0.log;
        let committed = log.commit::<Infallible>(|state| {
            let mut actions = Vec::new();
            if !segments.is_empty() {
                actions.push(Action::AddSegments(segments.clone()));
            }
            actions.push(Action::PutManifest {
                row: Box::new(row.clone()),
                relied: relied.clone(),
                bases: bases.clone(),
            });
            if !replaces.is_empty() {
                // Rows of old segments may fail to load; then the checkpoints stay, which only costs.
                let rows = log.manifests(state).unwrap_or_default();
                let live = |id: &&ManifestId| rows.get(id).is_some_and(ManifestRow::is_live);
                let replaced: Vec<ManifestId> = replaces.iter().filter(live).copied().collect();
                if !replaced.is_empty() {
                    actions.push(Action::Forget(replaced));
                }
            }
            Ok(actions)
        });
        let committed = committed.map_err(from_commit)?;
        self.adopt_state();
        writer.settle(&packs);
        if let Err(error) = self.compact_if_due() {
            self.warn(format!("the index was not compacted: {}", with_causes(&error)));
        }
        Ok(committed.revision)
    }

    /// Puts the segments that name the contents of `packs`.
    fn put_segments(&self, packs: &[PackContents]) -> Result<Vec<SegmentRef>, RepositoryError> {
        let mut refs = Vec::new();
        for table in build(packs, TABLE_SIZE).map_err(IndexError::from)? {
            let (blob, reference) = table.seal(&self.0.keys, &self.0.repo, random_bytes()?);
            self.0.blobs.put_new(&BlobId::Segment(blob.id).name(), blob.bytes)?;
            self.0.index.precache(&reference, table);
            refs.push(reference);
        }
        Ok(refs)
    }

    /// The metadata pack that holds a manifest: a new one, or one that held it before.
    fn pack_of(&self, manifest: &ManifestId, packs: &[PackContents]) -> Result<PackId, RepositoryError> {
        let content = ContentId(manifest.0);
        let holds = |pack: &&PackContents| {
            pack.frames.iter().flat_map(|frame| &frame.contents).any(|row| row.id == content)
        };
        match packs.iter().find(holds) {
            Some(pack) => Ok(pack.id),
            None => Ok(self.reader().locate(&content)?[0].pack),
        }
    }
}
