//! A drive: its items as they are now, and the log of how they came to be so.

use std::collections::HashMap;
use std::sync::Arc;

use super::ids;
use super::item::{Change, Item, flag};
use super::names::{self, KINDS};
use super::pool::{Pool, Recipe};
use super::quickxor::Register;
use super::tree;
use super::uploads::Stored;
use crate::config::TenantProfile;
use crate::seed::{Seed, hash_bytes, mix};

/// Index of the root in every drive.
pub const ROOT: u32 = 0;

/// What a file's bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    Recipe(Recipe),
    Stored(Stored),
}

impl Content {
    /// Bytes.
    pub fn size(&self) -> u64 {
        match self {
            Content::Recipe(recipe) => recipe.size,
            Content::Stored(stored) => stored.size,
        }
    }

    /// The true quickXorHash.
    pub fn hash(&self, pool: &Pool) -> Register {
        match self {
            Content::Recipe(recipe) => pool.hash(recipe),
            Content::Stored(stored) => stored.hash,
        }
    }
}

/// A permission that was given on one item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// Whom, by mail address; `None` for a link.
    pub email: Option<String>,
    /// `read` or `write`.
    pub role: String,
    /// Scope and type of a link.
    pub link: Option<(String, String)>,
}

/// The table of a drive, its change log and what changes added. Items are named by their index.
pub struct Drive {
    /// The tenant's.
    pub seed: Seed,
    pub index: u32,
    /// Raised to make every delta token dead.
    pub epoch: u32,
    pub(super) names_seed: Seed,
    pub(super) items: Vec<Item>,
    /// Ascending indexes, by container; absent when empty.
    pub(super) children: HashMap<u32, Vec<u32>>,
    pub(super) given_names: Vec<Arc<str>>,
    pub(super) log: Vec<Change>,
    pub(super) stored: Vec<Stored>,
    pub(super) grants: HashMap<u32, Vec<Grant>>,
    /// Hash of (parent, name) to index; made when first asked for.
    pub(super) by_name: Option<HashMap<u64, u32>>,
}

impl Drive {
    /// The base state of a drive.
    pub fn new(profile: &TenantProfile, index: u32) -> Self {
        let items = tree::build(profile, index);
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for (child, item) in items.iter().enumerate().skip(1) {
            children.entry(item.parent).or_default().push(child as u32);
        }
        Drive {
            seed: Seed(profile.seed),
            index,
            epoch: 1,
            names_seed: tree::drive_seed(profile, index),
            items,
            children,
            given_names: Vec::new(),
            log: Vec::new(),
            stored: Vec::new(),
            grants: HashMap::new(),
            by_name: None,
        }
    }

    /// Number of the newest change.
    pub fn seq(&self) -> u32 {
        self.log.len() as u32
    }

    pub fn log(&self) -> &[Change] {
        &self.log
    }

    /// Rows of the table, deleted items included.
    pub fn rows(&self) -> u32 {
        self.items.len() as u32
    }

    /// The latest state of an item, deleted or not.
    pub fn row(&self, index: u32) -> Option<&Item> {
        self.items.get(index as usize)
    }

    /// The latest state of an item that is there.
    pub fn item(&self, index: u32) -> Option<&Item> {
        self.row(index).filter(|item| !item.has(flag::DELETED))
    }

    /// The item that an id names, if it is there.
    pub fn find(&self, id: &str) -> Option<u32> {
        let index =
            if id.eq_ignore_ascii_case("root") { ROOT } else { ids::parse_item(self.seed, self.index, id)? };
        self.item(index).map(|_| index)
    }

    /// The id of an item.
    pub fn id(&self, index: u32) -> String {
        ids::item(self.seed, self.index, index)
    }

    /// Indexes of the items in a container, ascending.
    pub fn children(&self, index: u32) -> &[u32] {
        self.children.get(&index).map_or(&[], Vec::as_slice)
    }

    /// What is written after `index` on this row's name; appends to `out`.
    pub fn name_into(&self, index: u32, item: &Item, out: &mut String) {
        if index == ROOT {
            out.push_str("root");
        } else if item.name != 0 {
            out.push_str(&self.given_names[item.name as usize - 1]);
        } else {
            names::generate(self.names_seed, index, item, out);
        }
    }

    /// The name of a row.
    pub fn name(&self, index: u32, item: &Item) -> String {
        let mut name = String::new();
        self.name_into(index, item, &mut name);
        name
    }

    /// The containers from the one that holds `index` up to the root.
    pub fn ancestors(&self, index: u32) -> Vec<u32> {
        let mut above = Vec::new();
        let mut at = index;
        while at != ROOT {
            at = self.items[at as usize].parent;
            above.push(at);
        }
        above
    }

    /// The path of an item below the root, with `/` before each name; empty for the root.
    pub fn path(&self, index: u32) -> String {
        let mut path = String::new();
        let mut line = self.ancestors(index);
        line.insert(0, index);
        for step in line.iter().rev().filter(|step| **step != ROOT) {
            path.push('/');
            self.name_into(*step, &self.items[*step as usize], &mut path);
        }
        path
    }

    /// What a file's bytes are.
    pub fn content(&self, item: &Item) -> Content {
        if item.has(flag::STORED) {
            Content::Stored(self.stored[item.content as usize])
        } else {
            Content::Recipe(Recipe { seed: item.content, size: item.size, text: tree::is_text(item.kind) })
        }
    }

    /// The MIME type of a file.
    pub fn mime(&self, item: &Item) -> &'static str {
        if self.items[item.parent as usize].has(flag::PACKAGE) {
            names::ONE_NOTE_MIME
        } else if item.name != 0 {
            names::mime_of(&self.given_names[item.name as usize - 1])
        } else {
            KINDS[usize::from(item.kind) % KINDS.len()].mime
        }
    }

    /// What was granted on an item.
    pub fn grants(&self, index: u32) -> &[Grant] {
        self.grants.get(&index).map_or(&[], Vec::as_slice)
    }

    /// The child of a name, whatever its case.
    pub fn child(&mut self, parent: u32, name: &str) -> Option<u32> {
        let key = name_key(parent, name);
        let found = *self.index_by_name().get(&key)?;
        let item = self.item(found)?;
        let same =
            item.parent == parent && names::fold_case(&self.name(found, item)) == names::fold_case(name);
        same.then_some(found)
    }

    fn index_by_name(&mut self) -> &mut HashMap<u64, u32> {
        if self.by_name.is_none() {
            let there = self.items.iter().enumerate().skip(1).filter(|(_, item)| !item.has(flag::DELETED));
            let keyed = there
                .map(|(index, item)| (name_key(item.parent, &self.name(index as u32, item)), index as u32));
            self.by_name = Some(keyed.collect());
        }
        self.by_name.get_or_insert_default()
    }

    /// The items that changed after `seq`, oldest first, each once.
    pub fn changed_since(&self, seq: u32) -> impl Iterator<Item = u32> + '_ {
        let after = self.log.iter().skip(seq as usize);
        after.filter(move |change| change.previous <= seq).map(|change| change.item)
    }

    /// The newest change at or before a time.
    pub fn seq_at(&self, at_ms: i64) -> u32 {
        self.log.partition_point(|change| change.at_ms <= at_ms) as u32
    }
}

/// What a name is found by in its container.
pub(super) fn name_key(parent: u32, name: &str) -> u64 {
    mix(hash_bytes(names::fold_case(name).as_bytes()) ^ mix(u64::from(parent)))
}
