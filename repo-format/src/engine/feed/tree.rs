//! Editing a tree of folders from changes only.
//!
//! Folders that changed, moved, or have such below them are entered in a table; their children's
//! changes come in batches, the deepest folders first. Each folder is written once, and its new root
//! and totals become a change of the folder that it is in. A folder that merely moved keeps its tree.

use std::collections::HashMap;

use crate::codec::ContentId;
use crate::content::ReadContent;
use crate::map::MapStore;
use crate::tree::{Entry, EntryKind, TreeBuilder, TreeError, TreeKey, TreeTotals, edit};

/// A folder of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderNo(u32);

/// What a folder held before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FolderBase {
    pub tree: ContentId,
    pub totals: TreeTotals,
}

impl FolderBase {
    /// The base that a folder's entry of an earlier tree is; nothing for what is no folder.
    pub fn of(entry: &Entry) -> Option<FolderBase> {
        let totals = TreeTotals { size: entry.size, items: entry.items };
        match entry.kind {
            EntryKind::Folder(tree) => Some(FolderBase { tree, totals }),
            _ => None,
        }
    }
}

struct Folder {
    /// Where it is now: in which folder, under which key. The root is nowhere.
    place: Option<(FolderNo, TreeKey)>,
    entry: Entry,
    base: Option<FolderBase>,
    /// Bytes that the changes of its children will take in memory, about.
    weight: u64,
}

/// An edit of a whole tree.
pub struct TreeUpdate<'a> {
    contents: &'a dyn ReadContent,
    store: MapStore<'a>,
    folders: Vec<Folder>,
    /// Folders that are done, as changes of the folders that they are in.
    done: HashMap<FolderNo, Edits>,
    root: Option<Entry>,
}

/// One change of a child: an entry is put, `None` removes.
pub type ChildEdit = (FolderNo, TreeKey, Option<Box<Entry>>);

type Edits = Vec<(TreeKey, Option<Box<Entry>>)>;

impl<'a> TreeUpdate<'a> {
    /// Begins an edit; `contents` reads what trees were before.
    pub fn new(contents: &'a dyn ReadContent, store: MapStore<'a>) -> TreeUpdate<'a> {
        TreeUpdate { contents, store, folders: Vec::new(), done: HashMap::new(), root: None }
    }

    /// Enters a folder: its own entry, whose tree, size and items are filled in, and what it held.
    pub fn add(&mut self, entry: Entry, base: Option<FolderBase>) -> FolderNo {
        let number = FolderNo(self.folders.len() as u32);
        self.folders.push(Folder { place: None, entry, base, weight: 0 });
        number
    }

    /// Says where a folder is now. One that is placed nowhere is the root, or is not written.
    ///
    /// Where it was before, if that was elsewhere, the caller removes it.
    pub fn place(&mut self, folder: FolderNo, parent: FolderNo, key: TreeKey) {
        if let Some(entered) = self.folders.get_mut(folder.0 as usize) {
            entered.place = Some((parent, key));
        }
    }

    /// Says that changes of about so many bytes are to come for children of a folder.
    pub fn weigh(&mut self, folder: FolderNo, bytes: u64) {
        if let Some(entered) = self.folders.get_mut(folder.0 as usize) {
            entered.weight = entered.weight.saturating_add(bytes);
        }
    }

    /// All folders below `root`, in batches whose changes take at most `limit` bytes each, or are of
    /// one folder. Deepest first, so that a batch needs only itself and those before it.
    pub fn batches(&self, root: FolderNo, limit: u64) -> Vec<Vec<FolderNo>> {
        let mut order: Vec<(u32, FolderNo)> = (0..self.folders.len() as u32)
            .filter_map(|number| Some((self.depth(root, FolderNo(number))?, FolderNo(number))))
            .collect();
        order.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut batches: Vec<Vec<FolderNo>> = Vec::new();
        let mut filled = 0_u64;
        for (_, folder) in order {
            let weight = self.folders[folder.0 as usize].weight;
            filled = filled.saturating_add(weight);
            match batches.last_mut() {
                Some(batch) if filled <= limit => batch.push(folder),
                _ => {
                    batches.push(vec![folder]);
                    filled = weight;
                }
            }
        }
        batches
    }

    /// How deep a folder is below `root`; nothing if it is not below it.
    fn depth(&self, root: FolderNo, mut folder: FolderNo) -> Option<u32> {
        let mut depth = 0;
        while folder != root {
            folder = self.folders.get(folder.0 as usize)?.place.as_ref()?.0;
            depth += 1;
            // More steps than folders: they contain each other.
            if depth as usize > self.folders.len() {
                return None;
            }
        }
        Some(depth)
    }

    /// Writes the folders of a batch, given all changes of their children that are no folders of the
    /// table, in any order.
    ///
    /// # Errors
    /// [`TreeError`] if a child cannot be put, or a node not be read or stored.
    pub fn write(&mut self, batch: &[FolderNo], edits: Vec<ChildEdit>) -> Result<(), TreeError> {
        let mut by_folder: HashMap<FolderNo, Edits> = HashMap::new();
        for (folder, key, entry) in edits {
            by_folder.entry(folder).or_default().push((key, entry));
        }
        for folder in batch {
            let mut edits = by_folder.remove(folder).unwrap_or_default();
            edits.extend(self.done.remove(folder).unwrap_or_default());
            let Some(entered) = self.folders.get(folder.0 as usize) else { continue };
            let (tree, totals) = self.rewrite(entered.base, edits)?;
            let entry = totals.folder_entry(tree, entered.entry.clone());
            match entered.place.clone() {
                Some((parent, key)) => {
                    self.done.entry(parent).or_default().push((key, Some(Box::new(entry))))
                }
                None => self.root = Some(entry),
            }
        }
        Ok(())
    }

    /// The root's entry, once all batches are written.
    pub fn finish(self) -> Option<Entry> {
        self.root
    }

    fn rewrite(
        &self,
        base: Option<FolderBase>,
        mut edits: Edits,
    ) -> Result<(ContentId, TreeTotals), TreeError> {
        let (root, totals) = match base {
            Some(base) if edits.is_empty() => return Ok((base.tree, base.totals)),
            Some(base) => (base.tree, base.totals),
            None => return self.build(edits),
        };
        in_order(&mut edits);
        let edits = edits.into_iter().map(|(key, entry)| (key, entry.map(|entry| *entry)));
        edit(self.contents, &root, totals, edits, self.store)
    }

    fn build(&self, mut edits: Edits) -> Result<(ContentId, TreeTotals), TreeError> {
        in_order(&mut edits);
        let mut tree = TreeBuilder::new(self.store);
        for (key, entry) in edits {
            if let Some(entry) = entry {
                tree.push(&key, &entry)?;
            }
        }
        Ok(tree.finish()?)
    }
}

/// Sorts by key. Of equal keys a put stays, whichever came first: what was there under the key was
/// taken out and something else put in.
fn in_order(edits: &mut Edits) {
    edits.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.is_some().cmp(&a.1.is_some())));
    edits.dedup_by(|later, earlier| later.0 == earlier.0);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::codec::{Cut, MasterKey, Splitter, SplitterSizes};
    use crate::content::memory::MemoryContents;
    use crate::map::MapKey;
    use crate::tree::Meta;

    /// A drive: for each ID a parent, a name and, of a file, a size. ID 0 is the root.
    type Plain = BTreeMap<u8, (u8, u8, Option<u64>)>;

    fn key(id: u8, name: u8) -> TreeKey {
        TreeKey { name: vec![b'n', b'0' + name], discriminator: vec![id] }
    }

    fn entry(size: Option<u64>) -> Entry {
        let kind = match size {
            Some(_) => EntryKind::File(None),
            None => EntryKind::Folder(ContentId::ZERO),
        };
        Entry { kind, size: size.unwrap_or(0), meta: Meta::default(), items: 0 }
    }

    fn fresh(store: MapStore<'_>, plain: &Plain, folder: u8) -> (Entry, BTreeMap<u8, FolderBase>) {
        let mut bases = BTreeMap::new();
        let mut children = BTreeMap::new();
        for (id, (parent, name, size)) in plain.iter().filter(|(id, at)| **id != 0 && at.0 == folder) {
            debug_assert_eq!(*parent, folder);
            let child = match size {
                Some(_) => entry(*size),
                None => {
                    let (child, below) = fresh(store, plain, *id);
                    bases.extend(below);
                    child
                }
            };
            children.insert(key(*id, *name), child);
        }
        let mut tree = TreeBuilder::new(store);
        children.iter().for_each(|(key, child)| tree.push(key, child).unwrap());
        let (root, totals) = tree.finish().unwrap();
        bases.insert(folder, FolderBase { tree: root, totals });
        (totals.folder_entry(root, entry(None)), bases)
    }

    /// Whether `id` is at or below `folder`.
    fn is_below(plain: &Plain, mut id: u8, folder: u8) -> bool {
        loop {
            if id == folder {
                return true;
            }
            match plain.get(&id) {
                Some((parent, ..)) if id != 0 => id = *parent,
                _ => return false,
            }
        }
    }

    fn change(plain: &mut Plain, (id, parent, name, size): (u8, u8, u8, Option<u64>)) {
        let parent_is_folder = plain.get(&parent).is_some_and(|at| at.2.is_none());
        if id == 0 || !parent_is_folder || is_below(plain, parent, id) {
            return;
        }
        let has_children = plain.iter().any(|(child, at)| *child != 0 && at.0 == id);
        let kind_changes = plain.get(&id).is_some_and(|at| at.2.is_some() != size.is_some());
        match (plain.contains_key(&id), size) {
            (true, Some(1..10)) if !has_children => drop(plain.remove(&id)),
            _ if kind_changes && has_children => {}
            _ => drop(plain.insert(id, (parent, name, size))),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn an_edited_tree_is_the_tree_built_anew(
            first in prop::collection::vec((0u8..40, 0u8..40, 0u8..6, prop::option::of(0u64..90)), 0..80),
            then in prop::collection::vec((0u8..40, 0u8..40, 0u8..6, prop::option::of(0u64..90)), 0..30),
            limit in 0_u64..8,
        ) {
            let keys = MasterKey::from_bytes([5; 32]).subkeys();
            let splitter = Splitter::new(&keys, SplitterSizes::DEFAULT);
            let (contents, map_key) = (MemoryContents::new(), MapKey::new(*keys.map()));
            let store = MapStore { contents: &contents, splitter: &splitter as &dyn Cut, key: &map_key };

            let mut old = Plain::from([(0, (0, 0, None))]);
            first.into_iter().for_each(|step| change(&mut old, step));
            let mut new = old.clone();
            then.into_iter().for_each(|step| change(&mut new, step));
            let (_, bases) = fresh(store, &old, 0);
            let (wanted, _) = fresh(store, &new, 0);

            // Who changed, and all folders above, where they are and where they were.
            let mut update = TreeUpdate::new(&contents, store);
            let ids = old.keys().chain(new.keys()).copied().collect::<std::collections::BTreeSet<u8>>();
            let changed: Vec<u8> = ids.into_iter().filter(|id| old.get(id) != new.get(id)).collect();
            let mut numbers = BTreeMap::new();
            let mut touch: Vec<u8> = vec![0];
            for id in &changed {
                for (plain, from) in [(&old, id), (&new, id)] {
                    let mut at = *from;
                    while let Some((parent, _, size)) = plain.get(&at) {
                        if size.is_none() { touch.push(at); }
                        if at == 0 { break; }
                        at = *parent;
                    }
                }
            }
            // Folders above a touched one, as the new tree has them.
            let mut more = touch.clone();
            while let Some(id) = more.pop() {
                if id != 0 && let Some((parent, ..)) = new.get(&id) {
                    touch.push(*parent);
                    more.push(*parent);
                }
            }
            for id in touch {
                if new.get(&id).is_some_and(|at| at.2.is_none()) && !numbers.contains_key(&id) {
                    let was_folder = old.get(&id).is_some_and(|at| at.2.is_none());
                    let base = bases.get(&id).copied().filter(|_| was_folder);
                    numbers.insert(id, update.add(entry(None), base));
                }
            }
            for (id, number) in numbers.iter().filter(|(id, _)| **id != 0) {
                let (parent, name, _) = new[id];
                update.place(*number, numbers[&parent], key(*id, name));
            }
            let mut edits: Vec<ChildEdit> = Vec::new();
            for id in &changed {
                if let Some((parent, name, _)) = old.get(id) && let Some(number) = numbers.get(parent) {
                    edits.push((*number, key(*id, *name), None));
                }
                if let Some((parent, name, Some(size))) = new.get(id) {
                    edits.push((numbers[parent], key(*id, *name), Some(Box::new(entry(Some(*size))))));
                }
            }
            edits.iter().for_each(|(folder, ..)| update.weigh(*folder, 1));
            for batch in update.batches(numbers[&0], limit) {
                let of_batch = edits.iter().filter(|(folder, ..)| batch.contains(folder)).cloned().collect();
                update.write(&batch, of_batch).unwrap();
            }
            prop_assert_eq!(update.finish(), Some(wanted));
        }
    }
}
