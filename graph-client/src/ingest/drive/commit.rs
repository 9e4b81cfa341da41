//! What a run commits: checkpoints on the way, and the snapshot.

use std::collections::BTreeMap;

use repo_format::engine::feed::FeedState;
use repo_format::engine::source::ItemError;
use repo_format::snapshot::Statistics;
use repo_format::tree::{Entry, EntryKind, Meta, TreeBuilder};

use super::course::{Course, Left};
use super::failures::{Paths, failures};
use super::{DriveError, DriveReport};
use crate::ingest::{IngestError, settle, update_tree};

impl Course<'_, '_> {
    /// Commits what is known and stored so far, with the link that it belongs to.
    pub fn checkpoint(&mut self) -> Result<(), Left> {
        let state = self.state_so_far()?;
        if self.fetcher.run.checkpoint(&state)?.is_some() {
            self.ledger.settle(&state.ledger)?;
        }
        Ok(())
    }

    /// Ends a run that did not come to its end: one more checkpoint.
    pub fn interrupt(mut self) -> Result<DriveReport, DriveError> {
        let mut state = self.state_so_far()?;
        state.failures = failures(&self.ledger, &self.cursor.root)?;
        // What was not reached is no failure: the next run goes on with it.
        state.failures.retain(|_, error| error.attempts > 0);
        state.statistics = self.statistics(&state.root, &state.failures);
        let backup = self.fetcher.run.finish(&state, true)?;
        Ok(self.report(backup, Vec::new()))
    }

    /// Ends a run that came to its end: the tree follows from the ledger, which becomes one map.
    pub fn finish(mut self) -> Result<DriveReport, DriveError> {
        let run = self.fetcher.run;
        settle(&mut self.ledger, &self.cursor, &mut self.past)?;
        let updated =
            update_tree(&mut self.ledger, &self.cursor, &mut self.past, run.contents(), run.map_store())?;
        let mut orphans = Vec::new();
        for id in &updated.orphans {
            if let Some(item) = self.ledger.item(id)? {
                orphans.push(Paths::new(&self.ledger, &self.cursor.root).of(&item)?);
            }
        }
        let failures = failures(&self.ledger, &self.cursor.root)?;
        let layer = self.ledger.fold().map_err(IngestError::from)?;
        self.cursor.floor = 1;
        self.cursor.counts = updated.counts;
        let state = FeedState {
            statistics: self.statistics(&updated.root, &failures),
            root: updated.root,
            ledger: vec![layer],
            cursor: self.cursor.encode(),
            failures,
        };
        let backup = run.finish(&state, false)?;
        Ok(self.report(backup, orphans))
    }

    /// The tree of the base, with all that the ledger knows beyond it.
    fn state_so_far(&mut self) -> Result<FeedState, DriveError> {
        let root = match &self.base {
            Some(root) => root.clone(),
            None => self.empty_root()?,
        };
        let ledger = self.ledger.save().map_err(IngestError::from)?;
        let failures = BTreeMap::new();
        let statistics = self.statistics(&root, &failures);
        Ok(FeedState { root, ledger, cursor: self.cursor.encode(), failures, statistics })
    }

    fn empty_root(&self) -> Result<Entry, IngestError> {
        let (tree, totals) = TreeBuilder::new(self.fetcher.run.map_store()).finish()?;
        let kind = EntryKind::Folder(tree);
        Ok(totals.folder_entry(tree, Entry { kind, size: 0, meta: Meta::default(), items: 0 }))
    }

    fn statistics(&self, root: &Entry, failures: &BTreeMap<Vec<u8>, ItemError>) -> Statistics {
        let (counts, tally) = (self.cursor.counts, &self.tally);
        let failed = failures.values().filter(|error| error.cause.is_failure()).count() as u64;
        let skipped = failures.len() as u64 - failed;
        let touched = tally.new_files + tally.changed_files + failed + skipped;
        Statistics {
            files: counts.files,
            folders: counts.folders,
            others: counts.others,
            bytes: root.size,
            new_files: tally.new_files,
            changed_files: tally.changed_files,
            unchanged_files: counts.files.saturating_sub(touched),
            failed,
            skipped,
            bytes_read: tally.fetched_bytes,
            ..Statistics::default()
        }
    }

    fn report(&self, backup: repo_format::engine::BackupReport, orphans: Vec<Vec<u8>>) -> DriveReport {
        DriveReport {
            backup,
            orphans,
            odd_hashes: self.tally.odd_hashes,
            recovered: self.tally.recovered,
            fetched: self.tally.fetched,
            fetched_bytes: self.tally.fetched_bytes,
            enumerated: self.tally.enumerated,
        }
    }
}
