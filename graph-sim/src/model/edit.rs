//! How a drive changes: each change is one entry of its log.

use super::drive::{Content, Drive, Grant, ROOT, name_key};
use super::item::{Change, ChangeKind, Item, flag};
use super::names;

/// Why a change was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("The resource could not be found.")]
    NotFound,
    #[error("An item with the same name already exists under the parent.")]
    Exists,
    #[error("{0}")]
    BadName(&'static str),
    /// A folder into itself or below, content into a folder, a child into a file.
    #[error("{0}")]
    Invalid(&'static str),
}

/// What is done when a name is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Conflict {
    #[default]
    Fail,
    Replace,
    Rename,
}

impl Conflict {
    /// Reads `fail`, `replace` or `rename`.
    pub fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "fail" => Some(Conflict::Fail),
            "replace" => Some(Conflict::Replace),
            "rename" => Some(Conflict::Rename),
            _ => None,
        }
    }
}

/// What is to change of an item; what is `None` stays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Patch {
    pub name: Option<String>,
    pub parent: Option<u32>,
    /// Seconds since 1970.
    pub created: Option<u32>,
    pub modified: Option<u32>,
}

impl Drive {
    /// Makes a folder; answers its index. `Replace` keeps a folder of that name and its children.
    ///
    /// # Errors
    ///
    /// Any [`EditError`].
    pub fn create_folder(
        &mut self,
        parent: u32,
        name: &str,
        conflict: Conflict,
        at_ms: i64,
    ) -> Result<u32, EditError> {
        let (name, taken) = self.settle_name(parent, name, true, conflict, None)?;
        match taken {
            Some(index) if self.items[index as usize].has(flag::FOLDER) => Ok(index),
            Some(_) => Err(EditError::Exists),
            None => {
                let item = Item { flags: flag::FOLDER, ..new_item(parent, at_ms) };
                Ok(self.insert(item, &name, at_ms))
            }
        }
    }

    /// Makes a file, or gives one a new content; answers its index and whether it is new.
    ///
    /// # Errors
    ///
    /// Any [`EditError`].
    pub fn put_file(
        &mut self,
        parent: u32,
        name: &str,
        content: Content,
        conflict: Conflict,
        at_ms: i64,
    ) -> Result<(u32, bool), EditError> {
        let (name, taken) = self.settle_name(parent, name, false, conflict, None)?;
        if let Some(index) = taken {
            self.edit(index, content, at_ms)?;
            return Ok((index, false));
        }
        let mut item = new_item(parent, at_ms);
        item.kind = names::kind_of(&name).unwrap_or(0);
        item.ctag = 1;
        self.fill(&mut item, content);
        Ok((self.insert(item, &name, at_ms), true))
    }

    /// Gives a file a new content.
    ///
    /// # Errors
    ///
    /// `NotFound`, or `Invalid` if it is no file.
    pub fn edit(&mut self, index: u32, content: Content, at_ms: i64) -> Result<(), EditError> {
        let mut item = *self.item(index).ok_or(EditError::NotFound)?;
        if !item.is_file() {
            return Err(EditError::Invalid("The item is not a file."));
        }
        item.flags &= !flag::STORED;
        self.fill(&mut item, content);
        item.ctag += 1;
        item.modified = seconds(at_ms);
        self.replace(index, item, ChangeKind::Edit, at_ms);
        Ok(())
    }

    /// Renames, moves, or sets times.
    ///
    /// # Errors
    ///
    /// Any [`EditError`]; the root cannot be changed.
    pub fn update(
        &mut self,
        index: u32,
        patch: &Patch,
        conflict: Conflict,
        at_ms: i64,
    ) -> Result<(), EditError> {
        let mut item = *self.item(index).ok_or(EditError::NotFound)?;
        let old_name = self.name(index, &item);
        if index == ROOT {
            return Err(EditError::Invalid("The root cannot be changed."));
        }
        let parent = patch.parent.unwrap_or(item.parent);
        if parent == index || self.ancestors(parent).contains(&index) {
            return Err(EditError::Invalid("A folder cannot be moved into itself."));
        }
        let name = patch.name.clone().unwrap_or_else(|| old_name.clone());
        let mut kind = ChangeKind::Touch;
        if parent != item.parent || name != old_name {
            let (name, taken) =
                self.settle_name(parent, &name, item.is_container(), conflict, Some(index))?;
            if let Some(other) = taken {
                self.delete(other, true, at_ms)?;
            }
            kind = if parent == item.parent { ChangeKind::Rename } else { ChangeKind::Move };
            item.name = self.keep_name(&name);
            item.parent = parent;
        }
        item.created = patch.created.unwrap_or(item.created);
        item.modified = patch.modified.unwrap_or(item.modified);
        self.replace(index, item, kind, at_ms);
        Ok(())
    }

    /// Deletes an item and all below it. `tell_descendants` puts these into the delta feed, too.
    ///
    /// # Errors
    ///
    /// `NotFound`, or `Invalid` for the root.
    pub fn delete(&mut self, index: u32, tell_descendants: bool, at_ms: i64) -> Result<(), EditError> {
        if index == ROOT {
            return Err(EditError::Invalid("The root cannot be deleted."));
        }
        self.item(index).ok_or(EditError::NotFound)?;
        let mut doomed = vec![index];
        let mut next = 0;
        while let Some(at) = doomed.get(next).copied() {
            doomed.extend_from_slice(self.children(at));
            next += 1;
        }
        for at in doomed {
            let mut item = self.items[at as usize];
            item.set(flag::DELETED);
            self.replace(at, item, ChangeKind::Delete, at_ms);
            if let Some(change) = self.log.last_mut() {
                change.silent = at != index && !tell_descendants;
            }
        }
        Ok(())
    }

    /// Gives a permission on an item, which then has permissions of its own.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub fn share(&mut self, index: u32, grant: Grant, at_ms: i64) -> Result<(), EditError> {
        let mut item = *self.item(index).ok_or(EditError::NotFound)?;
        item.set(flag::SHARED);
        self.grants.entry(index).or_default().push(grant);
        self.replace(index, item, ChangeKind::Share, at_ms);
        Ok(())
    }

    /// The name under which something may be put, and what stands there already and may be replaced.
    fn settle_name(
        &mut self,
        parent: u32,
        name: &str,
        folder: bool,
        conflict: Conflict,
        own: Option<u32>,
    ) -> Result<(String, Option<u32>), EditError> {
        let holder = self.item(parent).ok_or(EditError::NotFound)?;
        if !holder.is_container() {
            return Err(EditError::Invalid("The parent is not a folder."));
        }
        if let Some(reason) = names::refusal(name, folder) {
            return Err(EditError::BadName(reason));
        }
        let taken = self.child(parent, name).filter(|taken| Some(*taken) != own);
        match (taken, conflict) {
            (None, _) => Ok((name.into(), None)),
            (Some(_), Conflict::Fail) => Err(EditError::Exists),
            (Some(index), Conflict::Replace) => Ok((name.into(), Some(index))),
            (Some(_), Conflict::Rename) => Ok((self.free_name(parent, name), None)),
        }
    }

    fn free_name(&mut self, parent: u32, name: &str) -> String {
        let (stem, extension) = match name.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
            _ => (name, String::new()),
        };
        let mut number = 1;
        loop {
            let tried = format!("{stem} {number}{extension}");
            if self.child(parent, &tried).is_none() {
                return tried;
            }
            number += 1;
        }
    }

    fn fill(&mut self, item: &mut Item, content: Content) {
        item.size = content.size();
        match content {
            Content::Recipe(recipe) => item.content = recipe.seed,
            Content::Stored(stored) => {
                item.set(flag::STORED);
                item.content = self.stored.len() as u64;
                self.stored.push(stored);
            }
        }
    }

    fn insert(&mut self, mut item: Item, name: &str, at_ms: i64) -> u32 {
        let index = self.items.len() as u32;
        item.name = self.keep_name(name);
        item.last_seq = self.seq() + 1;
        self.items.push(item);
        self.link(index, item.parent);
        let what = ChangeKind::Create;
        self.log.push(Change { item: index, previous: 0, at_ms, before: None, silent: false, what });
        index
    }

    /// Puts a new state into the table, and what it was before into the log.
    fn replace(&mut self, index: u32, mut item: Item, what: ChangeKind, at_ms: i64) {
        let before = self.items[index as usize];
        self.unlink(index, &before);
        item.etag += 1;
        item.last_seq = self.seq() + 1;
        self.items[index as usize] = item;
        if !item.has(flag::DELETED) {
            self.link(index, item.parent);
        }
        let previous = before.last_seq;
        self.log.push(Change { item: index, previous, at_ms, before: Some(before), silent: false, what });
    }

    fn link(&mut self, index: u32, parent: u32) {
        let siblings = self.children.entry(parent).or_default();
        if let Err(place) = siblings.binary_search(&index) {
            siblings.insert(place, index);
        }
        let name = self.name(index, &self.items[index as usize]);
        if let Some(by_name) = &mut self.by_name {
            by_name.insert(name_key(parent, &name), index);
        }
    }

    fn unlink(&mut self, index: u32, before: &Item) {
        if let Some(siblings) = self.children.get_mut(&before.parent)
            && let Ok(place) = siblings.binary_search(&index)
        {
            siblings.remove(place);
        }
        let name = self.name(index, before);
        if let Some(by_name) = &mut self.by_name {
            by_name.remove(&name_key(before.parent, &name));
        }
    }

    fn keep_name(&mut self, name: &str) -> u32 {
        self.given_names.push(name.into());
        self.given_names.len() as u32
    }
}

fn new_item(parent: u32, at_ms: i64) -> Item {
    Item { parent, created: seconds(at_ms), modified: seconds(at_ms), etag: 1, ..Item::default() }
}

fn seconds(at_ms: i64) -> u32 {
    u32::try_from(at_ms / 1000).unwrap_or(0)
}
