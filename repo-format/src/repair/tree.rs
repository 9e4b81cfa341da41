//! A tree without what is lost.

use std::collections::{BTreeMap, HashSet};

use super::leaves::{Leaf, Leaves};
use super::{RepairError, unless_lost};
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
    pub is_present: &'a dyn Fn(&ContentId) -> Result<bool, RepairError>,
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
    /// If the new tree cannot be stored, or what is not lost cannot be read.
    pub fn mend(&mut self, entry: &Entry) -> Result<(Entry, bool), RepairError> {
        let EntryKind::Folder(root) = entry.kind else { return Ok((entry.clone(), false)) };
        let mut levels = vec![self.level(None, entry.clone(), root, Vec::new())];
        loop {
            let Some(level) = levels.last_mut() else { return Ok((entry.clone(), false)) };
            match level.leaves.next().transpose()? {
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
                        Err(TreeError::Content(error)) if !error.is_loss() => return Err(error.into()),
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
    ) -> Result<(), RepairError> {
        if let EntryKind::File(Some(object)) = child.kind
            && !self.is_whole(object)?
        {
            (child.kind, child.size) = (EntryKind::File(None), 0);
            level.changed = true;
            self.fail(path, "its content is lost".to_owned());
        }
        Ok(level.tree.push(&key, &child)?)
    }

    /// Whether all contents of an object can be had.
    ///
    /// # Errors
    /// If that cannot be told for now.
    pub fn is_whole(&self, object: ObjectRef) -> Result<bool, RepairError> {
        if object.size == 0 {
            return Ok(true);
        }
        let Some(reader) = unless_lost(ObjectReader::open(self.contents, object))? else { return Ok(false) };
        for row in reader.all_rows() {
            let is_there = match unless_lost(row)? {
                Some(row) => (self.is_present)(&row.content)?,
                None => false,
            };
            if !is_there {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn fail(&mut self, path: Vec<u8>, message: String) {
        let failure = Failure { cause: "lost".to_owned(), message, attempts: 1, is_failure: true };
        self.failures.insert(path, failure);
    }
}
