//! Putting trees together from the walk's steps, in order, and keeping count.

use std::collections::BTreeMap;
use std::time::Instant;

use super::file::Outcome;
use super::promise::Promise;
use super::walk::{News, Step};
use super::{BackupError, Failure, Fatal, join};
use crate::content::ContentError;
use crate::engine::progress::{ItemEvent, Progress};
use crate::engine::source::{ItemCause, ItemError};
use crate::map::MapStore;
use crate::snapshot::Statistics;
use crate::tree::{Entry, EntryKind, TreeBuilder, TreeError, TreeKey};

/// A folder whose children are still coming.
#[derive(Clone)]
struct OpenFolder<'a> {
    key: TreeKey,
    entry: Entry,
    tree: TreeBuilder<'a>,
}

/// The snapshot in the making.
pub(super) struct Assembly<'a> {
    store: MapStore<'a>,
    progress: &'a Progress,
    /// The root folder first.
    folders: Vec<OpenFolder<'a>>,
    /// By path, as the failures map has them (SNAP-4).
    pub failures: BTreeMap<Vec<u8>, Failure>,
    pub statistics: Statistics,
}

/// What waiting for a file came to.
pub(super) enum Waited {
    Done,
    /// The deadline passed first; the step is given back.
    Late(Box<Step>),
}

impl<'a> Assembly<'a> {
    pub fn new(store: MapStore<'a>, progress: &'a Progress, root: Entry) -> Assembly<'a> {
        let root = OpenFolder { key: TreeKey::of_name("/"), entry: root, tree: TreeBuilder::new(store) };
        Assembly {
            store,
            progress,
            folders: vec![root],
            failures: BTreeMap::new(),
            statistics: Statistics::default(),
        }
    }

    /// Takes the next step; waits for a file until `deadline`.
    ///
    /// # Errors
    /// [`Fatal`] if the run cannot go on.
    pub fn take(&mut self, step: Step, deadline: Instant) -> Result<Waited, Fatal> {
        match step {
            Step::Enter { key, entry } => {
                self.folders.push(OpenFolder { key, entry, tree: TreeBuilder::new(self.store) });
            }
            Step::Leave => {
                if let Some(folder) = self.folders.pop() {
                    let (key, entry) = folder.end()?;
                    self.statistics.folders += 1;
                    self.progress.done(1, 0);
                    self.push(key, entry)?;
                }
            }
            Step::Ready { key, entry, news } => {
                news.count(&entry, &mut self.statistics);
                self.progress.done(1, if news == News::Unchanged { entry.size } else { 0 });
                self.push(key, entry)?;
            }
            Step::Whole { key, entry, statistics } => {
                let Statistics { files, folders, others, bytes, .. } = statistics;
                self.progress.done(files + folders + others, bytes);
                self.statistics += statistics;
                self.push(key, entry)?;
            }
            Step::Failed { path, error } => self.fail(path, error),
            Step::File { key, entry, path, outcome, news } => {
                let Some(outcome) = Promise::wait_until(&outcome, deadline) else {
                    return Ok(Waited::Late(Box::new(Step::File { key, entry, path, outcome, news })));
                };
                self.take_file(key, entry, path, outcome, news)?;
            }
        }
        Ok(Waited::Done)
    }

    fn take_file(
        &mut self,
        key: TreeKey,
        listed: Entry,
        path: Vec<u8>,
        outcome: Outcome,
        news: News,
    ) -> Result<(), Fatal> {
        match outcome {
            Outcome::Stored { entry, read, note } => {
                self.statistics.bytes_read += read;
                news.count(&entry, &mut self.statistics);
                self.progress.done(1, 0);
                if let Some(error) = note {
                    self.fail(path, error);
                }
                self.push(key, *entry)
            }
            Outcome::Failed { error, read } => {
                self.statistics.bytes_read += read;
                let vanished = error.cause == ItemCause::Vanished;
                self.fail(path, error);
                if vanished {
                    return Ok(());
                }
                // The name stays visible, so that nobody takes it for deleted.
                self.push(key, Entry { kind: EntryKind::File(None), size: 0, ..listed })
            }
            Outcome::Stopped => Err(Fatal::Stopped),
            Outcome::Fatal(error) => Err(Fatal::Error(BackupError::Content(error))),
        }
    }

    fn push(&mut self, key: TreeKey, entry: Entry) -> Result<(), Fatal> {
        let Some(folder) = self.folders.last_mut() else { return Ok(()) };
        match folder.tree.push(&key, &entry) {
            Ok(()) => Ok(()),
            Err(TreeError::Content(error)) => Err(Fatal::from(error)),
            Err(refused) => {
                let mut path = self.path();
                join(&mut path, &key.name);
                let message = match std::error::Error::source(&refused) {
                    Some(source) => format!("{refused}: {source}"),
                    None => refused.to_string(),
                };
                self.fail(path, ItemError { cause: ItemCause::Refused, message, attempts: 1 });
                Ok(())
            }
        }
    }

    fn path(&self) -> Vec<u8> {
        let mut path = Vec::new();
        for folder in self.folders.iter().skip(1) {
            join(&mut path, &folder.key.name);
        }
        path
    }

    /// Records an item that is not, or not surely, as it is in the source.
    pub fn fail(&mut self, path: Vec<u8>, error: ItemError) {
        if error.cause.is_failure() {
            self.statistics.failed += 1;
        } else {
            self.statistics.skipped += 1;
        }
        self.progress.report(ItemEvent { path: path.clone(), error: error.clone() });
        self.failures.insert(path, error);
    }

    /// The root as it would be if nothing more came; what is open goes on.
    ///
    /// # Errors
    /// [`BackupError`] if a node cannot be stored.
    pub fn root_so_far(&self) -> Result<Entry, BackupError> {
        let mut child: Option<(TreeKey, Entry)> = None;
        for folder in self.folders.iter().rev() {
            let mut folder = folder.clone();
            if let Some((key, entry)) = child {
                match folder.tree.push(&key, &entry) {
                    // A folder that is refused here is refused again, and reported, when it ends.
                    Ok(()) | Err(TreeError::Put { .. } | TreeError::Name { .. }) => {}
                    Err(other) => return Err(other.into()),
                }
            }
            child = Some(folder.end()?);
        }
        Ok(child.expect("the root folder is open until the end").1)
    }
}

impl OpenFolder<'_> {
    fn end(self) -> Result<(TreeKey, Entry), ContentError> {
        let (root, totals) = self.tree.finish()?;
        Ok((self.key, totals.folder_entry(root, self.entry)))
    }
}
