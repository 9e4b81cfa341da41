//! What a drive truly held at any time, for comparison with a backup.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::drive::{Drive, ROOT};
use super::item::{Item, flag};
use super::pool::Pool;

/// What kind of thing an item is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrueKind {
    Root,
    Folder,
    File,
    Package,
    Shortcut,
}

/// An item as it was at one time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TrueItem {
    pub id: String,
    /// `None` for the root.
    pub parent_id: Option<String>,
    pub name: String,
    /// From the root, with a `/` before each name.
    pub path: String,
    pub kind: TrueKind,
    pub size: u64,
    /// Base64; `None` for what has no content, and for empty files.
    pub quick_xor_hash: Option<String>,
    /// Seconds since 1970.
    pub created: u32,
    pub modified: u32,
    pub etag: u32,
    pub shared: bool,
    pub malware: bool,
}

impl Drive {
    /// The state of an item right after change number `seq`; `None` if it was not there.
    pub fn state_of(&self, index: u32, seq: u32) -> Option<Item> {
        let mut item = *self.row(index)?;
        let mut at = item.last_seq;
        while at > seq {
            let change = &self.log()[at as usize - 1];
            item = change.before?;
            at = change.previous;
        }
        (!item.has(flag::DELETED)).then_some(item)
    }

    /// All that was there right after change number `seq`, by index.
    pub fn truth(&self, pool: &Pool, seq: u32) -> Vec<TrueItem> {
        (0..self.rows())
            .filter_map(|index| Some(self.true_item(pool, index, self.state_of(index, seq)?, seq)))
            .collect()
    }

    fn true_item(&self, pool: &Pool, index: u32, item: Item, seq: u32) -> TrueItem {
        let kind = if index == ROOT {
            TrueKind::Root
        } else if item.has(flag::PACKAGE) {
            TrueKind::Package
        } else if item.has(flag::REMOTE) {
            TrueKind::Shortcut
        } else if item.has(flag::FOLDER) {
            TrueKind::Folder
        } else {
            TrueKind::File
        };
        let has_hash = kind == TrueKind::File && item.size > 0;
        TrueItem {
            id: self.id(index),
            parent_id: (index != ROOT).then(|| self.id(item.parent)),
            name: self.name(index, &item),
            path: self.path_at(index, item, seq),
            kind,
            size: item.size,
            quick_xor_hash: has_hash.then(|| STANDARD.encode(self.content(&item).hash(pool))),
            created: item.created,
            modified: item.modified,
            etag: item.etag,
            shared: item.has(flag::SHARED),
            malware: item.has(flag::MALWARE),
        }
    }

    fn path_at(&self, index: u32, item: Item, seq: u32) -> String {
        let mut names = Vec::new();
        let mut step = Some((index, item));
        while let Some((at, item)) = step.filter(|(at, _)| *at != ROOT) {
            names.push(self.name(at, &item));
            step = self.state_of(item.parent, seq).map(|above| (item.parent, above));
        }
        names.iter().rev().fold(String::new(), |path, name| path + "/" + name)
    }
}
