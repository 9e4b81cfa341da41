//! The way through a snapshot: folders entered, items met, folders left, as a [`Selection`] has it.
//!
//! A folder comes before what is in it and is left after it. One that is only looked into is entered
//! when the first wanted thing below it is met, or never. Holds one open listing per level.

use std::collections::VecDeque;

use super::select::{FolderSelection, Pick, Selection};
use crate::codec::ContentId;
use crate::content::ReadContent;
use crate::tree::{Children, Entry, EntryKind, Tree, TreeError, TreeKey};

/// One step. Paths are those of the target: names as the selection gives them.
#[derive(Debug)]
pub enum Step {
    /// A folder; what follows is in it, up to its `Leave`. [`Steps::pass`] goes past all of that. The
    /// folder that was begun with has no key. One that is not `wanted` is only on the way.
    Enter { path: Vec<Vec<u8>>, key: Option<TreeKey>, entry: Entry, wanted: bool },
    /// A file whose content the backup could not get. `source` is what the snapshot calls it: names
    /// from the folder that was begun with, joined by `/`.
    Absent { path: Vec<Vec<u8>>, key: TreeKey, entry: Entry, source: Vec<u8> },
    /// Anything else that is no folder.
    Item { path: Vec<Vec<u8>>, key: TreeKey, entry: Entry },
    /// The end of a folder that was entered.
    Leave { path: Vec<Vec<u8>>, entry: Entry },
    /// An entry, or all inside a folder, cannot be read. `items` is how many that are.
    Failed { path: Vec<Vec<u8>>, error: TreeError, items: u64 },
}

/// The steps from one folder downwards.
pub struct Steps<'a> {
    contents: &'a dyn ReadContent,
    selection: &'a dyn Selection,
    /// Names of the target, and keys of the snapshot, of the innermost folder.
    path: Vec<Vec<u8>>,
    keys: Vec<TreeKey>,
    /// Folders, the innermost last.
    levels: Vec<Level<'a>>,
    /// Steps found already.
    ready: VecDeque<Step>,
    /// Names above the folder that was begun with.
    above: usize,
}

struct Level<'a> {
    tree: ContentId,
    entry: Entry,
    state: State<'a>,
    /// Whether its `Enter` was given out, or is about to be.
    entered: bool,
    wanted: bool,
}

enum State<'a> {
    Closed,
    Open {
        children: Children<'a>,
        selection: Box<dyn FolderSelection + 'a>,
    },
    /// Unreadable, or passed.
    Ended,
}

impl<'a> Steps<'a> {
    /// Begins with the folder `entry`, which is called `path` at the target and is entered in any
    /// case. What is no folder has no steps.
    pub fn new(
        contents: &'a dyn ReadContent,
        selection: &'a dyn Selection,
        path: Vec<Vec<u8>>,
        entry: Entry,
    ) -> Steps<'a> {
        let above = path.len();
        let (levels, keys, ready) = (Vec::new(), Vec::new(), VecDeque::new());
        let mut steps = Steps { contents, selection, path, keys, levels, ready, above };
        if let EntryKind::Folder(tree) = entry.kind {
            steps.push(tree, entry, true);
            steps.enter_all();
        }
        steps
    }

    /// Goes past all that is in the folder whose `Enter` came last, its `Leave` included.
    pub fn pass(&mut self, entered: &[Vec<u8>]) {
        // Those looked into have been queued below it.
        self.ready.clear();
        let depth = (entered.len() + 1).saturating_sub(self.above);
        while self.levels.len() >= depth.max(1) {
            self.pop();
        }
    }

    fn push(&mut self, tree: ContentId, entry: Entry, wanted: bool) {
        self.levels.push(Level { tree, entry, state: State::Closed, entered: false, wanted });
    }

    fn pop(&mut self) -> Option<Level<'a>> {
        let level = self.levels.pop();
        if !self.levels.is_empty() {
            self.path.pop();
            self.keys.pop();
        }
        level
    }

    /// Queues the `Enter` of every folder on the way that has none yet.
    fn enter_all(&mut self) {
        for (depth, level) in self.levels.iter_mut().enumerate() {
            if !std::mem::replace(&mut level.entered, true) {
                let path = self.path[..self.above + depth].to_vec();
                let key = depth.checked_sub(1).and_then(|above| self.keys.get(above)).cloned();
                self.ready.push_back(Step::Enter {
                    path,
                    key,
                    entry: level.entry.clone(),
                    wanted: level.wanted,
                });
            }
        }
    }

    /// Looks one entry further; false when there is none left.
    fn advance(&mut self) -> bool {
        let Some(level) = self.levels.last_mut() else { return false };
        match &mut level.state {
            State::Closed => self.open(),
            State::Ended => self.leave(),
            State::Open { children, selection } => match children.next() {
                None => self.leave(),
                Some(Err(error)) => self.fail(error, 1),
                Some(Ok((key, entry))) => match selection.pick(&key, &entry) {
                    Pick::Pass => {}
                    Pick::Take(name) => self.take(key, name, entry, true),
                    Pick::Look(name) => self.take(key, name, entry, false),
                },
            },
        }
        true
    }

    fn open(&mut self) {
        let Some(level) = self.levels.last_mut() else { return };
        let (contents, selection) = (self.contents, self.selection);
        let opened = Tree::open(contents, &level.tree)
            .map_err(TreeError::from)
            .and_then(|tree| Ok((selection.folder(&self.keys, &tree)?, tree.children())));
        match opened {
            Ok((selection, children)) => level.state = State::Open { children, selection },
            Err(error) => {
                level.state = State::Ended;
                let items = level.entry.items;
                self.fail(error, items);
            }
        }
    }

    /// What is lost may have been wanted, so the way to it is entered.
    fn fail(&mut self, error: TreeError, items: u64) {
        self.enter_all();
        self.ready.push_back(Step::Failed { path: self.path.clone(), error, items });
    }

    fn take(&mut self, key: TreeKey, name: Vec<u8>, entry: Entry, wanted: bool) {
        match entry.kind {
            EntryKind::Folder(tree) => {
                self.path.push(name);
                self.keys.push(key);
                self.push(tree, entry, wanted);
                if wanted {
                    self.enter_all();
                }
            }
            _ if wanted => {
                self.enter_all();
                let mut path = self.path.clone();
                path.push(name);
                self.ready.push_back(match entry.kind {
                    EntryKind::File(None) => {
                        let names = self.keys.iter().chain([&key]).map(|key| key.name.as_slice());
                        let source = names.collect::<Vec<_>>().join(&b'/');
                        Step::Absent { path, key, entry, source }
                    }
                    _ => Step::Item { path, key, entry },
                });
            }
            _ => {}
        }
    }

    fn leave(&mut self) {
        let path = self.path.clone();
        if let Some(Level { entry, entered: true, .. }) = self.pop() {
            self.ready.push_back(Step::Leave { path, entry });
        }
    }
}

impl Iterator for Steps<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Some(step);
            }
            if !self.advance() {
                return None;
            }
        }
    }
}
