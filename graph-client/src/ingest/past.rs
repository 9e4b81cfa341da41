//! The tree as it was before the run, read with the ledger that goes with it.

use std::collections::HashMap;

use repo_format::content::ReadContent;
use repo_format::ledger::Ledger;
use repo_format::tree::{Entry, EntryKind, Tree, TreeKey};

use super::ledger::{is_orphan, item_of};
use super::{IngestError, Item, tree_key};

/// The folder that items go into whose own folder nobody knows.
pub(super) fn orphans_key() -> TreeKey {
    TreeKey::of_name(".orphans")
}

/// Where something is: in the folder with this ID, or below `.orphans`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    In(String),
    Orphaned,
}

/// What was before.
pub struct Past<'a> {
    contents: &'a dyn ReadContent,
    ledger: Ledger<'a>,
    /// Its root folder, and the ID of that.
    root: Option<(String, Entry)>,
    /// Folders looked up.
    folders: HashMap<String, Option<Entry>>,
}

impl<'a> Past<'a> {
    /// The tree below `root`, and the ledger that says the same. Without a root there was nothing.
    pub fn new(contents: &'a dyn ReadContent, ledger: Ledger<'a>, root: Option<(String, Entry)>) -> Past<'a> {
        Past { contents, ledger, root, folders: HashMap::new() }
    }

    /// What was known of an item.
    pub(super) fn item(&self, id: &str) -> Result<Option<Item>, IngestError> {
        match self.root {
            Some(_) => item_of(&self.ledger, id),
            None => Ok(None),
        }
    }

    /// Where an item was.
    pub(super) fn place(&self, item: &Item) -> Result<Place, IngestError> {
        let facts = &item.known.facts;
        Ok(match is_orphan(&self.ledger, &facts.id)? {
            true => Place::Orphaned,
            false => Place::In(facts.parent.clone()),
        })
    }

    /// The folder of orphans.
    pub(super) fn orphans(&self) -> Result<Option<Entry>, IngestError> {
        let Some((_, root)) = &self.root else { return Ok(None) };
        self.child(root, &orphans_key())
    }

    /// The entry that a folder had; nothing if it was none.
    pub(super) fn folder(&mut self, id: &str) -> Result<Option<Entry>, IngestError> {
        // Up to what is known, then down again: a path may be long.
        let mut way: Vec<(String, TreeKey)> = Vec::new();
        let mut at = id.to_owned();
        let mut entry = loop {
            if let Some((root, entry)) = &self.root
                && *root == at
            {
                break Some(entry.clone());
            }
            if let Some(known) = self.folders.get(&at) {
                break known.clone();
            }
            let Some(item) = self.item(&at)?.filter(|item| item.known.facts.kind.is_container()) else {
                break None;
            };
            if way.iter().any(|(id, _)| *id == at) {
                break None;
            }
            let key = tree_key(&item.known.facts.name, &at);
            let place = self.place(&item)?;
            way.push((at, key));
            match place {
                Place::In(parent) => at = parent,
                Place::Orphaned => break self.orphans()?,
            }
        };
        for (id, key) in way.into_iter().rev() {
            entry = match &entry {
                Some(above) => self.child(above, &key)?,
                None => None,
            };
            self.folders.insert(id, entry.clone());
        }
        Ok(entry)
    }

    fn child(&self, above: &Entry, key: &TreeKey) -> Result<Option<Entry>, IngestError> {
        let EntryKind::Folder(tree) = above.kind else { return Ok(None) };
        let child = Tree::open(self.contents, &tree)?.get_exact(key)?;
        Ok(child.filter(|child| matches!(child.kind, EntryKind::Folder(_))))
    }

    /// IDs of the items that were in a folder.
    pub(super) fn children(&mut self, id: &str) -> Result<Vec<String>, IngestError> {
        let Some(EntryKind::Folder(tree)) = self.folder(id)?.map(|entry| entry.kind) else {
            return Ok(Vec::new());
        };
        let mut ids = Vec::new();
        for child in Tree::open(self.contents, &tree)?.children() {
            let (key, _) = child?;
            ids.extend(String::from_utf8(key.discriminator).ok().filter(|id| !id.is_empty()));
        }
        Ok(ids)
    }
}
