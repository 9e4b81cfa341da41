//! The folders that a tree's edit touches, and where each is now.

use std::collections::HashMap;

use repo_format::cbor;
use repo_format::codec::ContentId;
use repo_format::engine::feed::{FolderBase, FolderNo, TreeUpdate};
use repo_format::tree::{Entry, EntryKind, Meta};

use super::past::{Past, orphans_key};
use super::{DriveLedger, Facts, IngestError, Item, Kind, tree_key};

/// Folders by ID, entered into a tree's edit as they are touched.
pub(super) struct Table<'t, 'a> {
    ledger: &'t DriveLedger<'a>,
    root: &'t str,
    pub update: TreeUpdate<'a>,
    numbers: HashMap<String, FolderNo>,
    orphans: Option<FolderNo>,
    /// Items that go below `.orphans`.
    pub orphaned: Vec<String>,
}

/// What a tree says of an item; a folder's tree and totals are filled in by its edit.
pub(super) fn entry_of(item: &Item) -> Entry {
    let facts = &item.known.facts;
    let (kind, size) = match (&facts.kind, item.object) {
        (Kind::File, Some(object)) => (EntryKind::File(Some(object)), object.size),
        (Kind::File, None) => (EntryKind::File(None), 0),
        (Kind::Pointer(drive, target), _) => {
            (EntryKind::Symlink(format!("/drives/{drive}/items/{target}").into_bytes()), 0)
        }
        _ => (EntryKind::Folder(ContentId::ZERO), 0),
    };
    let meta = Meta {
        mtime_ns: facts.modified_ns,
        btime_ns: facts.created_ns,
        service: Some(cbor::encode(facts)),
        ..Meta::default()
    };
    Entry { kind, size, meta, items: 0 }
}

impl<'t, 'a> Table<'t, 'a> {
    pub fn new(ledger: &'t DriveLedger<'a>, root: &'t str, update: TreeUpdate<'a>) -> Table<'t, 'a> {
        Table { ledger, root, update, numbers: HashMap::new(), orphans: None, orphaned: Vec::new() }
    }

    /// The folder with this ID, if it is there; enters it and all above it.
    pub fn touch(&mut self, past: &mut Past<'_>, id: &str) -> Result<Option<FolderNo>, IngestError> {
        if let Some(number) = self.numbers.get(id) {
            return Ok(Some(*number));
        }
        let mut way: Vec<(FolderNo, Facts)> = Vec::new();
        let mut at = id.to_owned();
        // What the topmost folder of the way is in: one that was entered before, or nothing known.
        let top = loop {
            if let Some(number) = self.numbers.get(&at) {
                break Some(*number);
            }
            let Some(item) = self.ledger.item(&at)?.filter(|item| item.known.facts.kind.is_container())
            else {
                break None;
            };
            let base = past.folder(&at)?.as_ref().and_then(FolderBase::of);
            let number = self.update.add(entry_of(&item), base);
            self.numbers.insert(at.clone(), number);
            if at == self.root {
                break Some(number);
            }
            at = item.known.facts.parent.clone();
            way.push((number, item.known.facts));
        };
        self.place(past, way, top)?;
        Ok(self.numbers.get(id).copied())
    }

    /// Places the folders of a way, from the deepest up; `top` is what the last of them is in.
    fn place(
        &mut self,
        past: &Past<'_>,
        way: Vec<(FolderNo, Facts)>,
        top: Option<FolderNo>,
    ) -> Result<(), IngestError> {
        // Folders that contain each other: the one with the least ID is taken out of the circle.
        let circle = way.iter().position(|(number, _)| Some(*number) == top);
        let outcast = match (circle, top) {
            (Some(from), _) => {
                way[from..].iter().min_by(|a, b| a.1.id.cmp(&b.1.id)).map(|(number, _)| *number)
            }
            (None, None) => way.last().map(|(number, _)| *number),
            (None, Some(_)) => None,
        };
        let above = way.iter().skip(1).map(|(number, _)| Some(*number)).chain([top]);
        for ((number, facts), parent) in way.iter().zip(above) {
            let key = tree_key(&facts.name, &facts.id);
            match parent {
                Some(parent) if Some(*number) != outcast => self.update.place(*number, parent, key),
                _ => {
                    let orphans = self.orphans(past)?;
                    self.orphaned.push(facts.id.clone());
                    self.update.place(*number, orphans, key);
                }
            }
        }
        Ok(())
    }

    /// The folder that an item that is none goes into.
    pub fn home(&mut self, past: &mut Past<'_>, facts: &Facts) -> Result<FolderNo, IngestError> {
        match self.touch(past, &facts.parent)? {
            Some(folder) => Ok(folder),
            None => {
                self.orphaned.push(facts.id.clone());
                self.orphans(past)
            }
        }
    }

    /// The folder with this ID, if it was touched.
    pub fn find(&self, id: &str) -> Option<FolderNo> {
        self.numbers.get(id).copied()
    }

    /// The folder of orphans, if there are any.
    pub fn orphans_found(&self) -> Option<FolderNo> {
        self.orphans
    }

    fn orphans(&mut self, past: &Past<'_>) -> Result<FolderNo, IngestError> {
        if let Some(orphans) = self.orphans {
            return Ok(orphans);
        }
        let entry =
            Entry { kind: EntryKind::Folder(ContentId::ZERO), size: 0, meta: Meta::default(), items: 0 };
        let base = past.orphans()?.as_ref().and_then(FolderBase::of);
        let orphans = self.update.add(entry, base);
        let root = self.numbers.get(self.root).copied().ok_or(IngestError::NoRoot)?;
        self.update.place(orphans, root, orphans_key());
        self.orphans = Some(orphans);
        Ok(orphans)
    }
}
