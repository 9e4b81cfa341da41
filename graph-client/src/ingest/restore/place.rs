//! A folder of the destination, and who has which name in it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;

use super::meta::shown_times;
use super::names::{fold_hash, numbered};
use crate::ingest::name::fold;
use crate::model::{DriveItem, ItemId, ItemKind};
use crate::quickxor::QuickXor;

/// Names that this restore uses in one folder. Shared between threads.
#[derive(Debug, Clone, Default)]
pub(super) struct Taken(Arc<Mutex<HashSet<u64>>>);

impl Taken {
    /// Takes a name; false if another item of the restore has it.
    pub fn take(&self, name: &str) -> bool {
        self.0.lock().insert(fold_hash(name))
    }

    /// The same for a name that is known by its hash alone.
    pub fn take_hash(&self, hash: u64) {
        self.0.lock().insert(hash);
    }

    /// Takes the first name like this one with which `is_free` agrees.
    pub fn take_numbered(&self, name: &str, is_free: impl Fn(&str) -> bool) -> String {
        let others = (2..=u32::MAX).map(|number| numbered(name, number));
        let mut names = std::iter::once(name.to_owned()).chain(others);
        let free = names.find(|name| is_free(name) && self.take(name));
        free.expect("no folder holds as many names as there are numbers")
    }
}

/// What was in a folder before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Existing {
    pub id: ItemId,
    pub kind: ItemKind,
    pub size: u64,
    pub hash: Option<QuickXor>,
    /// Created and last modified, in seconds since 1970, as a client set them.
    pub times: (Option<i64>, Option<i64>),
}

impl From<&DriveItem> for Existing {
    fn from(item: &DriveItem) -> Existing {
        Existing {
            id: item.id.clone(),
            kind: item.kind(),
            size: item.size_bytes().unwrap_or(0),
            hash: item.quick_xor(),
            times: shown_times(item),
        }
    }
}

/// A folder of the destination.
#[derive(Debug)]
pub(super) struct Place {
    /// `None` in a dry run, if the folder is not there.
    pub id: Option<ItemId>,
    /// By name as it is compared; empty for a folder that is new.
    existing: HashMap<String, Existing>,
}

impl Place {
    /// A folder that holds nothing yet.
    pub fn new(id: Option<ItemId>) -> Place {
        Place { id, existing: HashMap::new() }
    }

    /// A folder that holds these.
    pub fn holding(id: ItemId, children: &[DriveItem]) -> Place {
        let named = children.iter().filter_map(|child| Some((fold(child.name.as_ref()?), child.into())));
        Place { id: Some(id), existing: named.collect() }
    }

    /// What had this name when the folder was listed.
    pub fn get(&self, name: &str) -> Option<&Existing> {
        self.existing.get(&fold(name))
    }
}
