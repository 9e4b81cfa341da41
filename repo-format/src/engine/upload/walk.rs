//! Walking the source in order: what is known goes straight on, what must be read becomes a job.

use std::collections::HashMap;
use std::sync::Arc;

use super::bases::{BaseEntry, BaseFolders};
use super::file::Outcome;
use super::listing::Piece;
use super::promise::Promise;
use super::unchanged::{Before, HELD_MAX, Held};
use super::{Run, join};
use crate::engine::source::{Child, ItemError, Source};
use crate::snapshot::Statistics;
use crate::system::{Receiver, SendError, Sender};
use crate::tree::{Entry, EntryKind, TreeKey};

/// What the walk found next, in the order in which trees are built.
pub(super) enum Step {
    /// A folder begins.
    Enter { key: TreeKey, entry: Entry },
    /// An entry that is complete as it is.
    Ready { key: TreeKey, entry: Entry, news: News },
    /// A folder that is in the repository with all that is below it; the counts include it.
    Whole { key: TreeKey, entry: Entry, statistics: Statistics },
    /// A file whose content is being stored.
    File { key: TreeKey, entry: Entry, path: Vec<u8>, outcome: Arc<Promise<Outcome>>, news: News },
    /// Something that could not be described.
    Failed { path: Vec<u8>, error: ItemError },
    /// The folder that began last ends.
    Leave,
}

/// Whether a base had the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    New,
    Changed,
    Unchanged,
}

impl News {
    /// Counts an entry that is no folder.
    pub fn count(self, entry: &Entry, statistics: &mut Statistics) {
        let EntryKind::File(_) = entry.kind else {
            statistics.others += 1;
            return;
        };
        statistics.files += 1;
        statistics.bytes += entry.size;
        match self {
            News::New => statistics.new_files += 1,
            News::Changed => statistics.changed_files += 1,
            News::Unchanged => statistics.unchanged_files += 1,
        }
    }
}

/// A file to be stored.
pub(super) struct Job<H> {
    pub handle: H,
    pub entry: Entry,
    pub path: Vec<u8>,
    pub outcome: Arc<Promise<Outcome>>,
}

/// The other side ended: so does the walk.
pub(super) struct Ended;

impl<T> From<SendError<T>> for Ended {
    fn from(_: SendError<T>) -> Ended {
        Ended
    }
}

/// Walks the source by its listings, which come in `pieces`, the root's first; sends steps and jobs until
/// all is said, or nobody listens. `bases` is what they have in the root.
pub(super) fn walk<S: Source>(
    run: &Run<'_, S>,
    bases: BaseFolders<'_>,
    pieces: &Receiver<Piece<S::Handle>>,
    steps: &Sender<Step>,
    jobs: &Sender<Job<S::Handle>>,
) -> Result<(), Ended> {
    let (links, path, folders) = (HashMap::new(), Vec::new(), Vec::new());
    let mut walk = Walk { run, pieces, steps, jobs, links, path, folders, kept_back: 0 };
    let mut found = Vec::new();
    walk.open(bases, None)?;
    while let Some(folder) = walk.folders.last_mut() {
        if run.storing.is_stopped() {
            return Err(Ended);
        }
        match folder.next(pieces)? {
            Some(child) => walk.take(child, &mut found)?,
            None => walk.leave()?,
        }
    }
    Ok(())
}

/// A walk under way.
struct Walk<'w, 'run, 'r, S: Source> {
    run: &'w Run<'run, S>,
    pieces: &'w Receiver<Piece<S::Handle>>,
    steps: &'w Sender<Step>,
    jobs: &'w Sender<Job<S::Handle>>,
    /// Files of several names that are being stored.
    links: HashMap<u64, Arc<Promise<Outcome>>>,
    /// Where the walk is.
    path: Vec<u8>,
    /// From the root down. Those kept back are the inmost ones.
    folders: Vec<Folder<'r, S::Handle>>,
    /// Steps that all of them keep back.
    kept_back: usize,
}

struct Folder<'r, H> {
    children: std::vec::IntoIter<Child<H>>,
    /// More children are to be received.
    more: bool,
    bases: BaseFolders<'r>,
    /// Length of the path in front of this folder's children.
    path_len: usize,
    /// Kept back, while it is as a base has it.
    held: Option<Held>,
}

impl<H> Folder<'_, H> {
    fn next(&mut self, pieces: &Receiver<Piece<H>>) -> Result<Option<Child<H>>, Ended> {
        loop {
            if let Some(child) = self.children.next() {
                return Ok(Some(child));
            }
            if !self.more {
                return Ok(None);
            }
            let piece = pieces.recv().map_err(|_| Ended)?;
            (self.children, self.more) = (piece.children.into_iter(), piece.more);
        }
    }

    /// Receives the rest of the listing: another folder's comes behind it.
    fn receive_all(&mut self, pieces: &Receiver<Piece<H>>) -> Result<(), Ended> {
        if self.more {
            let mut all: Vec<_> = self.children.by_ref().collect();
            while self.more {
                let piece = pieces.recv().map_err(|_| Ended)?;
                all.extend(piece.children);
                self.more = piece.more;
            }
            self.children = all.into_iter();
        }
        Ok(())
    }
}

impl<'r, S: Source> Walk<'_, '_, 'r, S> {
    /// Begins the folder whose listing comes next.
    fn open(&mut self, bases: BaseFolders<'r>, held: Option<Held>) -> Result<(), Ended> {
        let Piece { children, failed, more } = self.pieces.recv().map_err(|_| Ended)?;
        let path_len = self.path.len();
        self.folders.push(Folder { children: children.into_iter(), more, bases, path_len, held });
        for (below, error) in failed {
            self.let_go()?;
            let mut path = self.path.clone();
            if !below.is_empty() {
                join(&mut path, &below);
            }
            self.steps.send(Step::Failed { path, error })?;
        }
        Ok(())
    }

    /// Takes the next child of the inmost folder. What the bases have of it comes into `found`, whose memory is used
    /// again for each.
    fn take(&mut self, child: Child<S::Handle>, found: &mut Vec<BaseEntry>) -> Result<(), Ended> {
        let Some(folder) = self.folders.last_mut() else { return Ok(()) };
        let Child { key, mut entry, handle } = child;
        self.path.truncate(folder.path_len);
        join(&mut self.path, &key.name);
        folder.bases.take(&key, found);
        match entry.kind {
            EntryKind::Folder(_) => {
                folder.receive_all(self.pieces)?;
                let bases = folder.bases.below(found);
                self.enter(key, entry, found, bases)
            }
            EntryKind::File(_) => {
                self.run.storing.progress.begin(&self.path);
                match reuse(self.run, found, &mut entry) {
                    true => self.say(Step::Ready { key, entry, news: News::Unchanged }, found),
                    false => self.read(key, entry, handle, found),
                }
            }
            _ => {
                let is_same = |old: &Entry| old.kind == entry.kind && old.meta == entry.meta;
                let news = match &found[..] {
                    [] => News::New,
                    found if found.iter().any(|found| is_same(&found.entry)) => News::Unchanged,
                    _ => News::Changed,
                };
                self.say(Step::Ready { key, entry, news }, found)
            }
        }
    }

    fn enter(
        &mut self,
        key: TreeKey,
        entry: Entry,
        found: &mut Vec<BaseEntry>,
        bases: BaseFolders<'r>,
    ) -> Result<(), Ended> {
        // While something is lost it must be looked for in all that is reused.
        let before = match self.run.storing.usable.is_whole() {
            true => Before::best(found, &bases),
            false => None,
        };
        let held = match before {
            Some(before) => Some(Held::begin(key, entry, before)),
            None => {
                self.let_go()?;
                self.steps.send(Step::Enter { key, entry })?;
                None
            }
        };
        self.open(bases, held)
    }

    fn leave(&mut self) -> Result<(), Ended> {
        if self.folders.last().and_then(|folder| folder.held.as_ref()).is_some_and(|held| !held.is_whole()) {
            self.let_go()?;
        }
        match self.folders.pop() {
            Some(Folder { held: Some(held), .. }) => {
                self.kept_back -= held.len();
                let (step, before) = held.end();
                self.say(step, &[before])
            }
            Some(_) if !self.folders.is_empty() => Ok(self.steps.send(Step::Leave)?),
            _ => Ok(()),
        }
    }

    /// Says something that is complete, or keeps it back with its folder; `found` is what the bases have of it.
    fn say(&mut self, step: Step, found: &[BaseEntry]) -> Result<(), Ended> {
        let held = self.folders.last_mut().and_then(|folder| folder.held.as_mut());
        match (&step, held) {
            (Step::Ready { entry, .. } | Step::Whole { entry, .. }, Some(held)) if held.has(entry, found) => {
                held.keep(step);
                self.kept_back += 1;
                if self.kept_back > HELD_MAX { self.let_go() } else { Ok(()) }
            }
            _ => {
                self.let_go()?;
                Ok(self.steps.send(step)?)
            }
        }
    }

    /// Sends all that is kept back: there is a difference.
    fn let_go(&mut self) -> Result<(), Ended> {
        for held in self.folders.iter_mut().filter_map(|folder| folder.held.take()) {
            for step in held.let_go() {
                self.steps.send(step)?;
            }
        }
        self.kept_back = 0;
        Ok(())
    }

    /// Has a file read.
    fn read(
        &mut self,
        key: TreeKey,
        entry: Entry,
        handle: S::Handle,
        found: &[BaseEntry],
    ) -> Result<(), Ended> {
        self.let_go()?;
        let news = if found.is_empty() { News::New } else { News::Changed };
        let known = entry.meta.link_group.and_then(|group| self.links.get(&group).cloned());
        let outcome = known.clone().unwrap_or_else(|| Arc::new(Promise::new()));
        if let (Some(group), None) = (entry.meta.link_group, &known) {
            self.links.insert(group, outcome.clone());
        }
        let path = self.path.clone();
        let step =
            Step::File { key, entry: entry.clone(), path: path.clone(), outcome: outcome.clone(), news };
        self.steps.send(step)?;
        if known.is_none() {
            self.jobs.send(Job { handle, entry, path, outcome })?;
        }
        Ok(())
    }
}

/// Whether a file is unchanged, as the source says, and the repository still has what it needs; then fills
/// its entry in from the base that tells it.
fn reuse<S: Source>(run: &Run<'_, S>, bases: &[BaseEntry], now: &mut Entry) -> bool {
    bases.iter().any(|BaseEntry { entry: base, begun_ns, .. }| {
        let EntryKind::File(Some(object)) = base.kind else { return false };
        let is_known = run.source.reuse(base, *begun_ns, now) && run.storing.is_alive(object);
        if is_known {
            now.kind = EntryKind::File(Some(object));
        }
        is_known
    })
}
