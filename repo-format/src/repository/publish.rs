//! Committing what a writer stored: segments first, then the record that makes it true (STO-5).

use std::sync::Arc;

use super::error::from_commit;
use super::{Repository, RepositoryError, with_causes};
use crate::codec::{ContentId, ManifestId, PackId, random_bytes};
use crate::content::ContentWriter;
use crate::format::names::BlobId;
use crate::format::segment::SegmentRef;
use crate::index::{IndexError, IndexTable, TABLE_SIZE, build};
use crate::log::{Action, CommitError, Committed, Invalid, ManifestRow, State};
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

/// Segments are written anew so often if each time a collector takes them for nobody's.
const SEGMENT_TRIES: usize = 5;

/// Records went by unread, and with them perhaps a doom and all that is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the records from revision {base} to {known} were trimmed before they were read; what was stored since may be gone"
)]
pub struct Unseen {
    pub base: u64,
    pub known: u64,
}

/// Whether packs that were put, or found in the index, since revision `base` may be named by a segment
/// or a snapshot that extends `state`.
///
/// # Errors
/// `Unseen`, or `PackLost` for one that was doomed: a segment that names it would outlive its doom,
/// and others would rely on it.
pub(crate) fn check_known<'p>(
    state: &State,
    base: u64,
    mut packs: impl Iterator<Item = &'p PackId>,
) -> Result<(), RepositoryError> {
    let known = state.history_start();
    if known > base {
        return Err(Unseen { base, known }.into());
    }
    match packs.find(|pack| state.is_lost(pack)) {
        Some(pack) => Err(RepositoryError::PackLost { pack: *pack }),
        None => Ok(()),
    }
}

impl Repository {
    /// Flushes `writer` and commits its new contents together with `draft`.
    ///
    /// `replaces` are forgotten only if they are still live in the state that is extended.
    ///
    /// # Errors
    /// `Invalid` or `Unseen` if something relied on is gone by now: the run must read its source
    /// again, with a new writer. After an error no snapshot is there that was not before; packs that
    /// were put may be found again.
    pub fn publish(&self, writer: &ContentWriter, draft: Draft) -> Result<u64, RepositoryError> {
        let packs = writer.flush()?;
        let relied = writer.relied_packs();
        let Draft { mut row, bases, replaces } = draft;
        row.pack = self.pack_of(&row.id, &packs)?;
        row.bytes_stored = writer.written().stored_bytes;
        let log = &self.0.log;
        let committed = self.commit_with_segments(writer, &packs, |state| {
            let mut actions = vec![Action::PutManifest {
                row: Box::new(row.clone()),
                relied: relied.clone(),
                bases: bases.clone(),
            }];
            if !replaces.is_empty() {
                // Rows of old segments may fail to load; then the checkpoints stay, which only costs.
                let rows = log.manifests(state).unwrap_or_default();
                let live = |id: &&ManifestId| rows.get(id).is_some_and(ManifestRow::is_live);
                let replaced: Vec<ManifestId> = replaces.iter().filter(live).copied().collect();
                if !replaced.is_empty() {
                    actions.push(Action::Forget(replaced));
                }
            }
            actions
        });
        let committed = committed.inspect_err(|error| self.salvage(writer, &packs, error))?;
        self.committed(writer, &packs, committed.revision);
        self.compact_or_warn();
        Ok(committed.revision)
    }

    /// A commit made the contents of `packs`, which `writer` flushed, true.
    pub(super) fn committed(&self, writer: &ContentWriter, packs: &[PackContents], revision: u64) {
        self.adopt_state();
        writer.settle(packs, revision);
    }

    /// Compacts the index if that is due. What fails costs look-ups, and nothing else.
    pub(super) fn compact_or_warn(&self) {
        if let Err(error) = self.compact_if_due() {
            self.warn(format!("the index was not compacted: {}", with_causes(&error)));
        }
    }

    /// Commits the contents of `packs`, which `writer` flushed, without a snapshot that needs them,
    /// together with `further` actions.
    ///
    /// # Errors
    /// As for [`Repository::publish`].
    pub(crate) fn commit_contents(
        &self,
        writer: &ContentWriter,
        packs: &[PackContents],
        further: impl Fn() -> Vec<Action>,
    ) -> Result<u64, RepositoryError> {
        let committed = self.commit_with_segments(writer, packs, |_| further())?;
        self.committed(writer, packs, committed.revision);
        Ok(committed.revision)
    }

    /// Commits what `prepare` makes for the state that is extended.
    ///
    /// # Errors
    /// `Invalid` if that may not be, and as for any commit.
    pub(crate) fn commit_actions(
        &self,
        mut prepare: impl FnMut(&State) -> Vec<Action>,
    ) -> Result<Committed, RepositoryError> {
        self.commit_prepared(|state| Ok(prepare(state)))
    }

    /// Commits what `prepare` makes for the state that is extended, or fails as it does.
    ///
    /// # Errors
    /// As for [`Repository::commit_actions`].
    pub(crate) fn commit_prepared(
        &self,
        mut prepare: impl FnMut(&State) -> Result<Vec<Action>, RepositoryError>,
    ) -> Result<Committed, RepositoryError> {
        let committed = self.0.log.commit::<RepositoryError>(|state| prepare(state)).map_err(from_commit)?;
        self.adopt_state();
        Ok(committed)
    }

    /// Commits the segments of `packs` together with what `prepare` makes for the state that is
    /// extended, unless that state knows less than the writer has to.
    pub(super) fn commit_with_segments(
        &self,
        writer: &ContentWriter,
        packs: &[PackContents],
        mut prepare: impl FnMut(&Arc<State>) -> Vec<Action>,
    ) -> Result<Committed, RepositoryError> {
        let base = writer.base_revision();
        for _ in 0..SEGMENT_TRIES {
            let segments = self.put_segments(packs)?;
            let committed = self.0.log.commit::<RepositoryError>(|state| {
                check_known(state, base, packs.iter().map(|pack| &pack.id))?;
                let added = (!segments.is_empty()).then(|| Action::AddSegments(segments.clone()));
                Ok(added.into_iter().chain(prepare(state)).collect())
            });
            match committed {
                Err(CommitError::Invalid(Invalid::SegmentGone { .. })) => {}
                other => return other.map_err(from_commit),
            }
        }
        Err(RepositoryError::SegmentsTaken)
    }

    /// Makes what was stored known although its snapshot was refused, so that the next try finds it.
    fn salvage(&self, writer: &ContentWriter, packs: &[PackContents], refused: &RepositoryError) {
        if !refused.is_outdated() || matches!(refused, RepositoryError::Unseen(_)) {
            return;
        }
        let state = self.0.log.state();
        let kept: Vec<PackContents> = packs.iter().filter(|pack| !state.is_lost(&pack.id)).cloned().collect();
        if !kept.is_empty()
            && let Err(error) = self.commit_with_segments(writer, &kept, |_| Vec::new())
        {
            self.warn(format!("what was stored will be stored once more: {}", with_causes(&error)));
        }
    }

    /// Puts the segments that name the contents of `packs`.
    pub(crate) fn put_segments(&self, packs: &[PackContents]) -> Result<Vec<SegmentRef>, RepositoryError> {
        let tables = build(packs, TABLE_SIZE).map_err(IndexError::from)?;
        tables.into_iter().map(|table| self.put_table(table)).collect()
    }

    /// Puts one segment.
    pub(super) fn put_table(&self, table: IndexTable) -> Result<SegmentRef, RepositoryError> {
        let (blob, reference) = table.seal(&self.0.keys, &self.0.repo, random_bytes()?);
        self.0.blobs.put_new(&BlobId::Segment(blob.id).name(), blob.bytes)?;
        self.0.index.precache(&reference, table);
        Ok(reference)
    }

    /// Makes the segments that name the contents of `packs`, and keeps them beside the storage: for who
    /// only looks.
    pub(crate) fn stage_segments(&self, packs: &[PackContents]) -> Result<Vec<SegmentRef>, RepositoryError> {
        let mut refs = Vec::new();
        for table in build(packs, TABLE_SIZE).map_err(IndexError::from)? {
            let (blob, reference) = table.seal(&self.0.keys, &self.0.repo, random_bytes()?);
            self.0.staged.lock().insert(blob.id, blob.bytes);
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
