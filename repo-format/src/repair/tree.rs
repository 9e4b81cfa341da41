//! A tree without what is lost.

use std::collections::{BTreeMap, HashSet};

use super::RepairError;
use super::leaves::{Leaf, Leaves};
use crate::codec::ContentId;
use crate::content::ReadContent;
use crate::map::MapStore;
use crate::object::{ObjectReader, ObjectRef};
use crate::snapshot::{Failure, join_path};
use crate::tree::{Entry, EntryKind, TreeBuilder, TreeError, TreeKey, decode_value};

/// Makes trees anew without what is lost, and keeps what was lost on the way.
pub(super) struct Mender<'a> {
    pub contents: &'a dyn ReadContent,
    pub store: MapStore<'a>,
    /// Whether a content is in a pack that can be relied on.
    pub is_present: &'a dyn Fn(&ContentId) -> bool,
    /// Roots of trees that lack nothing: what snapshots share is walked once.
    pub whole: HashSet<ContentId>,
    /// By path.
    pub failures: BTreeMap<Vec<u8>, Failure>,
    /// Entries that are lost altogether, because what named them is.
    pub nameless: u64,
}

/// A folder on the way down.
struct Level<'a> {
    key: Option<TreeKey>,
    entry: Entry,
    root: ContentId,
    leaves: Leaves<'a>,
    tree: TreeBuilder<'a>,
    path: Vec<u8>,
    changed: bool,
}

impl<'a> Mender<'a> {
    /// The folder `entry` without what is lost below it, and whether that is another one.
    ///
    /// # Errors
    /// If the new tree cannot be stored.
    pub fn mend(&mut self, entry: &Entry) -> Result<(Entry, bool), RepairError> {
        let EntryKind::Folder(root) = entry.kind else { return Ok((entry.clone(), false)) };
        let mut levels = vec![self.level(None, entry.clone(), root, Vec::new())];
        loop {
            let Some(level) = levels.last_mut() else { return Ok((entry.clone(), false)) };
            match level.leaves.next() {
                Some(Leaf::Lost(count)) => {
                    self.nameless += count;
                    level.changed = true;
                    let what = format!("{count} entries cannot be named any more");
                    let path = level.path.clone();
                    self.fail(path, what);
                }
                Some(Leaf::Entry(leaf)) => {
                    let Ok(key) = TreeKey::from_bytes(&leaf.key) else { continue };
                    let path = join_path(&level.path, &key.name);
                    match decode_value(self.contents, &level.root, &key.name, &leaf.value) {
                        Ok(child) => match child.kind {
                            EntryKind::Folder(root) if !self.whole.contains(&root) => {
                                let below = self.level(Some(key), child, root, path);
                                levels.push(below);
                            }
                            _ => self.child(level, key, child, path)?,
                        },
                        Err(_) => {
                            level.changed = true;
                            self.fail(path, "its entry is lost".to_owned());
                        }
                    }
                }
                None => {
                    let Some(Level { key, entry, root, tree, changed, .. }) = levels.pop() else { continue };
                    let mended = match changed {
                        true => {
                            let (root, totals) = tree.finish()?;
                            totals.folder_entry(root, entry)
                        }
                        false => {
                            self.whole.insert(root);
                            entry
                        }
                    };
                    match (levels.last_mut(), key) {
                        (Some(above), Some(key)) => {
                            above.changed |= changed;
                            above.tree.push(&key, &mended)?;
                        }
                        _ => return Ok((mended, changed)),
                    }
                }
            }
        }
    }

    fn level(&self, key: Option<TreeKey>, entry: Entry, root: ContentId, path: Vec<u8>) -> Level<'a> {
        let leaves = Leaves::new(self.contents, &root);
        Level { key, entry, root, leaves, tree: TreeBuilder::new(self.store), path, changed: false }
    }

    /// Takes over an entry that is no folder to go into, without its content if that is lost.
    fn child(
        &mut self,
        level: &mut Level<'a>,
        key: TreeKey,
        mut child: Entry,
        path: Vec<u8>,
    ) -> Result<(), TreeError> {
        if let EntryKind::File(Some(object)) = child.kind
            && !self.is_whole(object)
        {
            (child.kind, child.size) = (EntryKind::File(None), 0);
            level.changed = true;
            self.fail(path, "its content is lost".to_owned());
        }
        level.tree.push(&key, &child)
    }

    /// Whether all contents of an object can be had.
    pub fn is_whole(&self, object: ObjectRef) -> bool {
        if object.size == 0 {
            return true;
        }
        let Ok(reader) = ObjectReader::open(self.contents, object) else { return false };
        reader.all_rows().all(|row| row.is_ok_and(|row| (self.is_present)(&row.content)))
    }

    fn fail(&mut self, path: Vec<u8>, message: String) {
        let failure = Failure { cause: "lost".to_owned(), message, attempts: 1, is_failure: true };
        self.failures.insert(path, failure);
    }
}
