//! Walking the source in order: what is known goes straight on, what must be read becomes a job.

use std::collections::HashMap;
use std::sync::Arc;

use super::bases::{BaseEntry, BaseFolders};
use super::file::Outcome;
use super::promise::Promise;
use super::{Run, join};
use crate::engine::source::{Child, ItemError, Source};
use crate::system::{SendError, Sender};
use crate::tree::{Entry, EntryKind, TreeKey};

/// What the walk found next, in the order in which trees are built.
pub(super) enum Step {
    /// A folder begins.
    Enter { key: TreeKey, entry: Entry },
    /// An entry that is complete as it is.
    Ready { key: TreeKey, entry: Entry, news: News },
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

struct Folder<'r, H> {
    children: std::vec::IntoIter<Child<H>>,
    bases: BaseFolders<'r>,
    /// Length of the path in front of this folder's children.
    path_len: usize,
}

/// Walks the source below `root` and sends steps and jobs until all is said, or nobody listens.
pub(super) fn walk<S: Source>(
    run: &Run<'_, S>,
    root: S::Handle,
    bases: BaseFolders<'_>,
    steps: &Sender<Step>,
    jobs: &Sender<Job<S::Handle>>,
) -> Result<(), Ended> {
    let mut links: HashMap<u64, Arc<Promise<Outcome>>> = HashMap::new();
    let mut path = Vec::new();
    let mut stack = vec![open_folder(run, &root, bases, &path, steps)?];
    while let Some(folder) = stack.last_mut() {
        if run.storing.is_stopped() {
            return Err(Ended);
        }
        path.truncate(folder.path_len);
        let Some(Child { key, entry, handle }) = folder.children.next() else {
            stack.pop();
            if !stack.is_empty() {
                steps.send(Step::Leave)?;
            }
            continue;
        };
        join(&mut path, &key.name);
        let base = folder.bases.take(&key);
        let news = if base.is_empty() { News::New } else { News::Changed };
        match entry.kind {
            EntryKind::Folder(_) => {
                let bases = folder.bases.below(&base);
                steps.send(Step::Enter { key, entry })?;
                stack.push(open_folder(run, &handle, bases, &path, steps)?);
            }
            EntryKind::File(_) => {
                run.storing.progress.begin(&path);
                if let Some(entry) = reuse(run, &base, &entry) {
                    steps.send(Step::Ready { key, entry, news: News::Unchanged })?;
                    continue;
                }
                let known = entry.meta.link_group.and_then(|group| links.get(&group).cloned());
                let outcome = known.clone().unwrap_or_else(|| Arc::new(Promise::new()));
                if let (Some(group), None) = (entry.meta.link_group, &known) {
                    links.insert(group, outcome.clone());
                }
                let step = Step::File {
                    key,
                    entry: entry.clone(),
                    path: path.clone(),
                    outcome: outcome.clone(),
                    news,
                };
                steps.send(step)?;
                if known.is_none() {
                    jobs.send(Job { handle, entry, path: path.clone(), outcome })?;
                }
            }
            _ => {
                let same =
                    base.iter().any(|base| base.entry.kind == entry.kind && base.entry.meta == entry.meta);
                let news = if same { News::Unchanged } else { news };
                steps.send(Step::Ready { key, entry, news })?;
            }
        }
    }
    Ok(())
}

fn open_folder<'r, S: Source>(
    run: &Run<'_, S>,
    handle: &S::Handle,
    bases: BaseFolders<'r>,
    path: &[u8],
    steps: &Sender<Step>,
) -> Result<Folder<'r, S::Handle>, Ended> {
    let listing = run.source.list(handle);
    for (below, error) in listing.failed {
        let mut path = path.to_vec();
        if !below.is_empty() {
            join(&mut path, &below);
        }
        steps.send(Step::Failed { path, error })?;
    }
    Ok(Folder { children: listing.children.into_iter(), bases, path_len: path.len() })
}

/// The entry with the content of a base, if the source says that it is unchanged and the repository still
/// has what it needs.
fn reuse<S: Source>(run: &Run<'_, S>, bases: &[BaseEntry], now: &Entry) -> Option<Entry> {
    bases.iter().find_map(|BaseEntry { entry: base, begun_ns }| {
        let EntryKind::File(Some(object)) = base.kind else { return None };
        let entry = run.source.reuse(base, *begun_ns, now)?;
        run.storing.is_alive(object).then_some(entry)
    })
}
