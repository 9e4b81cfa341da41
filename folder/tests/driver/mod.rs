//! Feeds a source into a sink, entry by entry, as the engine would with a snapshot in between.

use std::collections::HashMap;
use std::path::Path;

use folder::{CompareOptions, Difference, FolderHandle, FolderSink, FolderSource};
use folder::{SinkOptions, SourceOptions, compare};
use repo_format::engine::sink::{Created, Decision, Sink};
use repo_format::engine::source::{Child, ItemError, Source};
use repo_format::object::ObjectRef;
use repo_format::tree::{Entry, EntryKind};

/// What became of a copy.
#[derive(Debug, Default)]
pub struct Outcome {
    pub failed: Vec<(Vec<u8>, ItemError)>,
    pub skipped: Vec<Vec<u8>>,
    pub warnings: Vec<String>,
}

pub fn source(path: &Path) -> FolderSource {
    FolderSource::new(&[path.to_owned()], SourceOptions::default()).unwrap()
}

pub fn sink(path: &Path) -> FolderSink {
    FolderSink::new(path, SinkOptions::default()).unwrap()
}

pub fn differences(first: &Path, second: &Path) -> Vec<Difference> {
    compare(first, second, &CompareOptions::default()).unwrap()
}

pub fn copy(source: &FolderSource, sink: &FolderSink) -> Outcome {
    let mut copy = Copy { source, sink, outcome: Outcome::default(), links: HashMap::new() };
    let (entry, root) = source.root().unwrap();
    copy.folder(&[], &entry, &root);
    copy.outcome
}

struct Copy<'a> {
    source: &'a FolderSource,
    sink: &'a FolderSink,
    outcome: Outcome,
    links: HashMap<u64, Vec<Vec<u8>>>,
}

impl Copy<'_> {
    fn folder(&mut self, path: &[Vec<u8>], entry: &Entry, handle: &FolderHandle) {
        let names = slices(path);
        match self.sink.enter(&names, entry) {
            Ok(Decision::Take) => {}
            Ok(Decision::Skip) => return self.outcome.skipped.push(path.join(&b'/')),
            Err(error) => return self.fail(path, error),
        }
        let listing = self.source.list(handle);
        assert!(listing.children.is_sorted_by(|a, b| a.key < b.key));
        for (name, error) in listing.failed {
            let path = [path, &[name]].concat();
            self.fail(&path, error);
        }
        for child in listing.children {
            let path = [path, std::slice::from_ref(&child.key.name)].concat();
            match child.entry.kind {
                EntryKind::Folder(_) => self.folder(&path, &child.entry, &child.handle),
                _ => self.leaf(&path, child).unwrap_or_else(|error| self.fail(&path, error)),
            }
        }
        match self.sink.leave(&names, entry) {
            Ok(warnings) => self.outcome.warnings.extend(warnings.into_iter().map(|w| w.what)),
            Err(error) => self.fail(path, error),
        }
    }

    fn leaf(&mut self, path: &[Vec<u8>], child: Child<FolderHandle>) -> Result<(), ItemError> {
        let Child { mut entry, handle, .. } = child;
        let names = slices(path);
        let group = entry.meta.link_group;
        if let Some(first) = group.and_then(|group| self.links.get(&group)) {
            if self.sink.link(&slices(first), &names, &entry)? == Decision::Skip {
                self.outcome.skipped.push(path.join(&b'/'));
            }
            return Ok(());
        }
        let content = match entry.kind {
            EntryKind::File(_) => {
                let (content, now) = self.read(&handle, &entry)?;
                entry = Entry { kind: EntryKind::File(Some(ObjectRef::EMPTY)), ..now };
                content
            }
            _ => Vec::new(),
        };
        let warnings = match self.sink.create(&names, &entry)? {
            Created::Take(file) => {
                // Back to front, and not along the lines of blocks.
                for (index, piece) in content.chunks(99_991).enumerate().rev() {
                    self.sink.write(&file, index as u64 * 99_991, piece)?;
                }
                self.sink.finish(file, &names, &entry)?
            }
            Created::Skip => {
                self.outcome.skipped.push(path.join(&b'/'));
                return Ok(());
            }
            Created::Done(warnings) => warnings,
        };
        self.outcome.warnings.extend(warnings.into_iter().map(|w| w.what));
        if let Some(group) = group {
            self.links.insert(group, path.to_vec());
        }
        Ok(())
    }

    fn read(&self, handle: &FolderHandle, listed: &Entry) -> Result<(Vec<u8>, Entry), ItemError> {
        let mut reader = self.source.open(handle)?;
        let mut content = Vec::new();
        while reader.read(&mut content, 70_001)? > 0 {}
        Ok((content, reader.finish(listed)?.entry))
    }

    fn fail(&mut self, path: &[Vec<u8>], error: ItemError) {
        self.outcome.failed.push((path.join(&b'/'), error));
    }
}

fn slices(path: &[Vec<u8>]) -> Vec<&[u8]> {
    path.iter().map(Vec::as_slice).collect()
}
