//! Walking the snapshot in order: folders are entered, files gathered into batches, all else is made.

use std::collections::HashMap;
use std::sync::Arc;

use super::batch::{After, Batcher, Take};
use super::errors::{is_outage, lost, not_stored};
use super::file::FileJob;
use super::report::Restored;
use super::{Halt, Run, slices};
use crate::engine::sink::{Created, Decision, Sink};
use crate::engine::steps::{Step, Steps};
use crate::tree::{Entry, EntryKind};

/// Walks from one entry downwards.
pub(super) struct Walk<'b, 'r, K: Sink> {
    run: &'b Run<'r, K>,
    batcher: Batcher<'b, 'r, K>,
    take: Take<'b, K::File>,
    /// Of each group of hard links the name that came last. Grows with the number of groups.
    files: HashMap<u64, Arc<FileJob<K::File>>>,
    /// The same for what is no file, as far as it was made.
    others: HashMap<u64, Vec<Vec<u8>>>,
}

impl<'b, 'r, K: Sink> Walk<'b, 'r, K> {
    pub fn new(run: &'b Run<'r, K>, take: Take<'b, K::File>) -> Self {
        Walk { run, batcher: Batcher::new(run), take, files: HashMap::new(), others: HashMap::new() }
    }

    /// Restores `entry` at `path` below the target, and all that is wanted inside it.
    pub fn all(mut self, path: Vec<Vec<u8>>, entry: Entry) -> Result<(), Halt> {
        if !matches!(entry.kind, EntryKind::Folder(_)) {
            match entry.kind {
                EntryKind::File(None) => self.absent(&path, &[]),
                _ => self.item(path, entry)?,
            }
            return self.batcher.send(self.take);
        }
        let mut steps = Steps::new(self.run.fetch.reader, self.run.selection, path, entry);
        while let Some(step) = steps.next() {
            if self.run.is_halted() {
                return Err(Halt::Stopped);
            }
            match step {
                Step::Enter { path, entry, .. } => {
                    if !self.enter(&path, &entry) {
                        steps.pass(&path);
                    }
                }
                Step::Item { path, entry, .. } => self.item(path, entry)?,
                Step::Absent { path, source, .. } => self.absent(&path, &source),
                // The folder's metadata waits for its files.
                Step::Leave { path, entry } => {
                    self.batcher.after(After::Leave { path, entry: Box::new(entry) }, self.take)?;
                }
                Step::Failed { error, .. } if is_outage(&error) => return Err(Halt::unreachable(error)),
                Step::Failed { path, error, items } => self.run.tally.failed(&path, lost(&error), items),
            }
        }
        self.batcher.send(self.take)
    }

    fn item(&mut self, path: Vec<Vec<u8>>, entry: Entry) -> Result<(), Halt> {
        match entry.kind {
            EntryKind::File(Some(object)) => {
                let job = Arc::new(FileJob::new(path, entry, object));
                let group = job.entry.meta.link_group;
                match group.and_then(|group| self.files.insert(group, job.clone())) {
                    Some(first) => self.batcher.after(After::Link { first, job }, self.take),
                    None => self.batcher.file(&job, self.take),
                }
            }
            _ => {
                self.make(&path, &entry);
                Ok(())
            }
        }
    }

    /// Tells why a file's content is not there; `source` leads to it from where the walk began.
    fn absent(&mut self, path: &[Vec<u8>], source: &[u8]) {
        let run = self.run;
        let parts = [run.begin.join(&b'/'), source.to_vec()];
        let from_root = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(&b'/');
        run.tally.failed(path, not_stored(run.fetch.reader, run.failures.as_ref(), &from_root), 1);
    }

    /// Whether the sink takes the folder.
    fn enter(&mut self, path: &[Vec<u8>], entry: &Entry) -> bool {
        self.run.progress.begin(&path.join(&b'/'));
        match self.run.sink.enter(&slices(path), entry) {
            Ok(Decision::Take) => return true,
            Ok(Decision::Skip) => self.run.tally.skipped(entry.items + 1, entry.size),
            Err(error) => self.run.tally.failed(path, error, entry.items + 1),
        }
        false
    }

    /// Makes what has no content.
    fn make(&mut self, names: &[Vec<u8>], entry: &Entry) {
        let (run, path) = (self.run, slices(names));
        let first = entry.meta.link_group.and_then(|group| self.others.get(&group));
        // What cannot be linked is made once more.
        match first.map(|first| run.sink.link(&slices(first), &path, entry)) {
            Some(Ok(Decision::Take)) => return run.tally.restored(Restored::Other, names, Vec::new()),
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
                run.tally.restored(Restored::Other, names, warnings);
                if let Some(group) = entry.meta.link_group {
                    self.others.insert(group, names.to_vec());
                }
            }
            Ok(None) => run.tally.skipped(1, 0),
            Err(error) => run.tally.failed(names, error, 1),
        }
    }
}
