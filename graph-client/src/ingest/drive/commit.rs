//! What a run commits: checkpoints on the way, and the snapshot.

use std::collections::BTreeMap;

use repo_format::engine::feed::FeedState;
use repo_format::engine::source::{ItemCause, ItemError};
use repo_format::snapshot::Statistics;
use repo_format::tree::{Entry, EntryKind, Meta, TreeBuilder};

use super::course::{Course, Left};
use super::failures::{Paths, failures};
use super::{DriveError, DriveReport};
use crate::ingest::scope::Inside;
use crate::ingest::{IngestError, Past, Updated, settle, update_tree};

impl Course<'_, '_> {
    /// Commits what is known and stored so far, with the link that it belongs to. Now and then the tree
    /// is brought up to it, so that what a killed run leaves can be browsed: each time that the ledger
    /// has doubled, which costs no more in all than the tree at the end.
    pub fn checkpoint(&mut self) -> Result<(), Left> {
        let worth_it = self.options.scope.is_all() && self.ledger.has_doubled();
        let with_tree = worth_it && self.fetcher.run.is_due() && self.has_root();
        let state = if with_tree { self.state_with_tree()? } else { self.state_so_far()? };
        if self.fetcher.run.checkpoint(&state)?.is_none() {
            return Ok(());
        }
        if with_tree {
            self.go_on_from(state)?;
        } else {
            self.ledger.settle(&state.ledger)?;
        }
        Ok(())
    }

    /// Ends a run that did not come to its end: one more checkpoint, with all that is stored in its
    /// tree.
    pub fn interrupt(mut self) -> Result<DriveReport, DriveError> {
        let mut state = match self.has_root() {
            true => self.state_with_tree()?,
            false => self.state_so_far()?,
        };
        state.failures = self.failures()?;
        // What was not reached is no failure: the next run goes on with it.
        state.failures.retain(|_, error| error.attempts > 0);
        state.statistics = self.statistics(&state.root, &state.failures);
        let backup = self.fetcher.run.finish(&state, true)?;
        // Nor are permissions that were not reached.
        Ok(DriveReport { unread: 0, ..self.report(backup, Vec::new())? })
    }

    /// Ends a run that came to its end: the tree follows from the ledger, which becomes one map.
    pub fn finish(mut self) -> Result<DriveReport, DriveError> {
        let run = self.fetcher.run;
        settle(&mut self.ledger, &self.cursor, &mut self.past)?;
        let updated = self.update_tree()?;
        let mut orphans = Vec::new();
        for id in &updated.orphans {
            if let Some(item) = self.ledger.item(id)? {
                orphans.push(Paths::new(&self.ledger, &self.cursor.root).of(&item)?);
            }
        }
        let mut failures = self.failures()?;
        let missing = Inside::new(&self.options.scope, &self.ledger, &self.cursor.root).missing()?;
        for folder in &missing {
            let message = "the drive has no such folder".to_owned();
            let error = ItemError { cause: ItemCause::Vanished, message, attempts: 1 };
            failures.insert(folder.clone().into_bytes(), error);
        }
        let layer = self.ledger.fold().map_err(IngestError::from)?;
        self.cursor.floor = self.floor_of_one();
        self.cursor.counts = updated.counts;
        let state = FeedState {
            statistics: self.statistics(&updated.root, &failures),
            root: updated.root,
            ledger: vec![layer],
            cursor: self.cursor.encode(),
            failures,
        };
        let backup = run.finish(&state, false)?;
        Ok(DriveReport { missing, ..self.report(backup, orphans)? })
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

    fn has_root(&self) -> bool {
        !self.cursor.root.is_empty()
    }

    /// The tree as the ledger has it, though the feed has not told everything: items whose folder it
    /// has not told yet are orphans.
    fn state_with_tree(&mut self) -> Result<FeedState, DriveError> {
        let updated = self.update_tree()?;
        let ledger = self.ledger.split().map_err(IngestError::from)?;
        (self.cursor.floor, self.cursor.counts) = (self.floor_of_one(), updated.counts);
        let failures = BTreeMap::new();
        let statistics = self.statistics(&updated.root, &failures);
        Ok(FeedState { root: updated.root, ledger, cursor: self.cursor.encode(), failures, statistics })
    }

    /// The commit of a state with a tree is done: what changes from here on changes that tree.
    fn go_on_from(&mut self, state: FeedState) -> Result<(), IngestError> {
        self.ledger.settle_split(&state.ledger)?;
        let root = Some((self.cursor.root.clone(), state.root.clone()));
        self.past = Past::new(self.fetcher.run.contents(), self.ledger.base(), root);
        self.base = Some(state.root);
        Ok(())
    }

    fn update_tree(&mut self) -> Result<Updated, IngestError> {
        let (run, scope) = (self.fetcher.run, &self.options.scope);
        let (contents, store) = (run.contents(), run.map_store());
        update_tree(&mut self.ledger, &self.cursor, &mut self.past, scope, contents, store)
    }

    /// What the cursor says of a ledger of one layer: the tree says the same, unless it is of a part.
    fn floor_of_one(&self) -> u64 {
        u64::from(self.options.scope.is_all())
    }

    fn failures(&self) -> Result<BTreeMap<Vec<u8>, ItemError>, IngestError> {
        let mut inside = Inside::new(&self.options.scope, &self.ledger, &self.cursor.root);
        failures(&self.ledger, &self.cursor.root, |item| inside.has(item))
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

    fn report(
        &self,
        backup: repo_format::engine::BackupReport,
        orphans: Vec<Vec<u8>>,
    ) -> Result<DriveReport, IngestError> {
        Ok(DriveReport {
            backup,
            orphans,
            missing: Vec::new(),
            unread: self.ledger.unread()?.len() as u64,
            odd_hashes: self.tally.odd_hashes,
            recovered: self.tally.recovered,
            fetched: self.tally.fetched,
            fetched_bytes: self.tally.fetched_bytes,
            enumerated: self.tally.enumerated,
        })
    }
}
