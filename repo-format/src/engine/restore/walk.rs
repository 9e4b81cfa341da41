//! Walking the snapshot in order: folders are entered, files gathered into batches, all else is made.

use std::collections::HashMap;
use std::sync::Arc;

use super::batch::{After, Batcher, Take};
use super::errors::{is_outage, lost};
use super::file::FileJob;
use super::report::Restored;
use super::{Halt, Run, slices};
use crate::codec::ContentId;
use crate::engine::sink::{Created, Decision, Sink};
use crate::engine::source::{ItemCause, ItemError};
use crate::tree::{Children, Entry, EntryKind, Tree};

/// A folder that was entered.
struct Level<'a> {
    /// None if its tree cannot be read.
    children: Option<Children<'a>>,
    entry: Entry,
}

/// Walks from one entry downwards.
pub(super) struct Walk<'b, 'r, K: Sink> {
    run: &'b Run<'r, K>,
    batcher: Batcher<'b, 'r, K>,
    take: Take<'b, K::File>,
    /// Names below the target.
    path: Vec<Vec<u8>>,
    stack: Vec<Level<'b>>,
    /// Of each group of hard links the name that came last. Grows with the number of groups.
    files: HashMap<u64, Arc<FileJob<K::File>>>,
    /// The same for what is no file, as far as it was made.
    others: HashMap<u64, Vec<Vec<u8>>>,
}

impl<'b, 'r, K: Sink> Walk<'b, 'r, K> {
    pub fn new(run: &'b Run<'r, K>, take: Take<'b, K::File>) -> Self {
        Walk {
            run,
            batcher: Batcher::new(run),
            take,
            path: Vec::new(),
            stack: Vec::new(),
            files: HashMap::new(),
            others: HashMap::new(),
        }
    }

    /// Restores `entry` at `path` below the target, and all inside it.
    pub fn all(mut self, path: Vec<Vec<u8>>, entry: Entry) -> Result<(), Halt> {
        self.path = path;
        let above = self.path.len();
        self.entry(entry)?;
        while let Some(level) = self.stack.last_mut() {
            if self.run.is_halted() {
                return Err(Halt::Stopped);
            }
            let child = level.children.as_mut().and_then(Children::next);
            self.path.truncate(above + self.stack.len() - 1);
            match child {
                Some(Ok((key, entry))) => {
                    self.path.push(key.name);
                    self.entry(entry)?;
                }
                Some(Err(error)) if is_outage(&error) => return Err(Halt::unreachable(error)),
                Some(Err(error)) => self.run.tally.failed(&self.path, lost(&error), 1),
                None => self.leave()?,
            }
        }
        self.batcher.send(self.take)
    }

    fn entry(&mut self, entry: Entry) -> Result<(), Halt> {
        match entry.kind {
            EntryKind::Folder(tree) => self.enter(&tree, entry),
            EntryKind::File(Some(object)) => {
                let job = Arc::new(FileJob::new(self.path.clone(), entry, object));
                let group = job.entry.meta.link_group;
                match group.and_then(|group| self.files.insert(group, job.clone())) {
                    Some(first) => self.batcher.after(After::Link { first, job }, self.take),
                    None => self.batcher.file(&job, self.take),
                }
            }
            EntryKind::File(None) => {
                let message = "its content was not stored when the snapshot was made".into();
                let error = ItemError { cause: ItemCause::Lost, message, attempts: 1 };
                self.run.tally.failed(&self.path, error, 1);
                Ok(())
            }
            _ => {
                self.make(&entry);
                Ok(())
            }
        }
    }

    fn enter(&mut self, tree: &ContentId, entry: Entry) -> Result<(), Halt> {
        self.run.progress.begin(&self.path.join(&b'/'));
        match self.run.sink.enter(&slices(&self.path), &entry) {
            Ok(Decision::Take) => {}
            Ok(Decision::Skip) => {
                self.run.tally.skipped(entry.items + 1, entry.size);
                return Ok(());
            }
            Err(error) => {
                self.run.tally.failed(&self.path, error, entry.items + 1);
                return Ok(());
            }
        }
        let children = match Tree::open(self.run.fetch.reader, tree) {
            Ok(tree) => Some(tree.children()),
            Err(error) if is_outage(&error) => return Err(Halt::Outage(error)),
            Err(error) => {
                self.run.tally.failed(&self.path, lost(&error), entry.items);
                None
            }
        };
        self.stack.push(Level { children, entry });
        Ok(())
    }

    /// Leaves the folder at the top: its metadata waits for its files.
    fn leave(&mut self) -> Result<(), Halt> {
        let Some(level) = self.stack.pop() else { return Ok(()) };
        let after = After::Leave { path: self.path.clone(), entry: Box::new(level.entry) };
        self.batcher.after(after, self.take)
    }

    /// Makes what has no content.
    fn make(&mut self, entry: &Entry) {
        let (run, path) = (self.run, slices(&self.path));
        let first = entry.meta.link_group.and_then(|group| self.others.get(&group));
        // What cannot be linked is made once more.
        match first.map(|first| run.sink.link(&slices(first), &path, entry)) {
            Some(Ok(Decision::Take)) => return run.tally.restored(Restored::Other, &self.path, Vec::new()),
            Some(Ok(Decision::Skip)) => return run.tally.skipped(1, 0),
            Some(Err(_)) | None => {}
        }
        let made = match run.sink.create(&path, entry) {
            Ok(Created::Take(file)) => run.sink.finish(file, &path, entry).map(Some),
            Ok(Created::Done(warnings)) => Ok(Some(warnings)),
            Ok(Created::Skip) => Ok(None),
            Err(error) => Err(error),
        };
        match made {
            Ok(Some(warnings)) => {
                run.tally.restored(Restored::Other, &self.path, warnings);
                if let Some(group) = entry.meta.link_group {
                    self.others.insert(group, self.path.clone());
                }
            }
            Ok(None) => run.tally.skipped(1, 0),
            Err(error) => run.tally.failed(&self.path, error, 1),
        }
    }
}
