//! The manifests of a run: its checkpoints and its snapshot.

use std::collections::BTreeMap;

use super::parts::Parts;
use super::source::ItemError;
use super::upload::{BackupError, BackupOptions};
use crate::codec::{ContentId, ManifestId, PackId, RunId};
use crate::content::ContentWriter;
use crate::log::{ManifestRow, SnapshotState};
use crate::repository::{Draft, Repository, RepositoryError};
use crate::snapshot::{Failure, Manifest, Statistics, write_by_path};
use crate::tree::{Entry, TimeNs};

/// What a run has come to, for its manifest.
pub(super) struct Taken<'t> {
    pub root: Entry,
    /// By path, as the failures map has them (SNAP-4).
    pub failures: &'t BTreeMap<Vec<u8>, ItemError>,
    pub statistics: Statistics,
    /// Roots of the ledger's layers; none without a ledger.
    pub ledger: Vec<ContentId>,
    pub cursor: Option<Vec<u8>>,
}

/// Commits the manifests of one run.
pub(super) struct Publisher<'a> {
    repository: &'a Repository,
    writer: &'a ContentWriter,
    options: &'a BackupOptions,
    run: RunId,
    begun_ns: TimeNs,
    /// Snapshots of the same source, the best first.
    bases: Vec<(ManifestId, Manifest)>,
    /// Checkpoints of earlier runs that this run's snapshot takes the place of.
    adopted: Vec<ManifestId>,
    /// This run's own checkpoint.
    checkpoint: Option<ManifestId>,
    pub checkpoints: u64,
}

impl<'a> Publisher<'a> {
    /// Looks for bases: the newest checkpoint, if it is newer than the newest finished snapshot, and
    /// that snapshot (SNAP-3).
    ///
    /// # Errors
    /// If the snapshots cannot be listed. A base that cannot be read is none.
    pub fn begin(
        repository: &'a Repository,
        writer: &'a ContentWriter,
        options: &'a BackupOptions,
    ) -> Result<Publisher<'a>, RepositoryError> {
        let rows = repository.snapshots()?;
        let of_source = || rows.iter().filter(|row| row.source == options.source).rev();
        let finished = of_source().find(|row| row.state != SnapshotState::Checkpoint);
        let newer = |row: &&ManifestRow| {
            row.state == SnapshotState::Checkpoint && finished.is_none_or(|base| row.revision > base.revision)
        };
        let checkpoints: Vec<&ManifestRow> = of_source().filter(newer).collect();
        let base = |row: &ManifestRow| match repository.manifest(&row.id) {
            Ok(manifest) => Some((row.id, manifest)),
            Err(error) => {
                tracing::warn!(snapshot = %row.id, %error, "a base snapshot cannot be read; the run goes without it");
                None
            }
        };
        let bases: Vec<(ManifestId, Manifest)> = match options.ignore_bases {
            true => Vec::new(),
            false => checkpoints.iter().copied().chain(finished).filter_map(base).collect(),
        };
        let doubted = repository.state().doubted();
        if bases.iter().any(|(_, base)| base.prepared_on < doubted) {
            repository.usable().doubt();
        }
        Ok(Publisher {
            repository,
            writer,
            options,
            run: RunId::random().map_err(RepositoryError::from)?,
            begun_ns: repository.log().now_ns(),
            bases,
            adopted: checkpoints.iter().map(|row| row.id).collect(),
            checkpoint: None,
            checkpoints: 0,
        })
    }

    /// The bases.
    pub fn bases(&self) -> &[(ManifestId, Manifest)] {
        &self.bases
    }

    /// The bases' IDs.
    pub fn base_ids(&self) -> Vec<ManifestId> {
        self.bases.iter().map(|(id, _)| *id).collect()
    }

    /// A run's statistics with what the writer knows.
    pub fn statistics(&self, statistics: Statistics) -> Statistics {
        let written = self.writer.written();
        Statistics {
            new_content_bytes: written.new_raw_bytes,
            bytes_stored: written.stored_bytes,
            new_contents: written.new_contents,
            ..statistics
        }
    }

    /// Commits what was taken: a checkpoint takes the place of the one before, the
    /// snapshot that of all checkpoints. Nothing is committed in a dry run.
    ///
    /// # Errors
    /// [`BackupError`] if something cannot be stored or the commit is refused.
    pub fn publish(
        &mut self,
        taken: Taken<'_>,
        parts: &Parts<'_>,
        state: SnapshotState,
    ) -> Result<Option<ManifestId>, BackupError> {
        let parts = match state {
            SnapshotState::Checkpoint => self.put_parts(parts)?,
            _ => None,
        };
        let failures = self.put_failures(taken.failures)?;
        let manifest = Manifest {
            source: self.options.source.clone(),
            start_ns: self.begun_ns,
            end_ns: self.repository.log().now_ns(),
            state,
            root: taken.root,
            failures,
            statistics: self.statistics(taken.statistics),
            based_on: self.base_ids(),
            tags: self.options.tags.clone(),
            prepared_on: self.repository.state().revision,
            run: self.run,
            splitter: self.repository.splitter().sizes(),
            ledger: taken.ledger,
            cursor: taken.cursor,
            parts,
        };
        let id = manifest.store(self.writer)?;
        if self.options.writer.dry_run {
            self.writer.flush()?;
            return Ok(None);
        }
        // The pack and the revision are known only when they are written.
        let row = manifest.row(id, PackId::ZERO);
        let mut replaces: Vec<ManifestId> = self.checkpoint.into_iter().collect();
        if state != SnapshotState::Checkpoint {
            replaces.extend(&self.adopted);
        }
        replaces.retain(|old| *old != id);
        let mut bases = self.base_ids();
        bases.extend(self.checkpoint);
        self.repository.publish(self.writer, Draft { row, bases, replaces })?;
        if state == SnapshotState::Checkpoint {
            self.checkpoint = Some(id);
            self.checkpoints += 1;
        }
        Ok(Some(id))
    }

    fn put_failures(
        &self,
        failures: &BTreeMap<Vec<u8>, ItemError>,
    ) -> Result<Option<ContentId>, BackupError> {
        let failures = failures.iter().map(|(path, error)| {
            let failure = Failure {
                cause: error.cause.name().to_owned(),
                message: error.message.clone(),
                attempts: error.attempts,
                is_failure: error.cause.is_failure(),
            };
            (path.clone(), failure)
        });
        Ok(write_by_path(self.repository.map_store(self.writer), failures)?)
    }

    fn put_parts(&self, parts: &Parts<'_>) -> Result<Option<ContentId>, BackupError> {
        Ok(write_by_path(self.repository.map_store(self.writer), parts.so_far()?)?)
    }
}
