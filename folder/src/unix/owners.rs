//! Users and groups: numbers to names for a source, names to numbers for a sink, asked once each.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::hash::Hash;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Mutex, PoisonError};

use nix::unistd::{Gid, Group, Uid, User};

/// Names of users and groups by number. A number without a name is remembered as such.
#[derive(Default)]
pub(crate) struct OwnerNames {
    users: Cache<u32, Arc<[u8]>>,
    groups: Cache<u32, Arc<[u8]>>,
}

impl OwnerNames {
    pub fn user(&self, uid: u32) -> Option<Arc<[u8]>> {
        let ask = |uid: &u32| User::from_uid(Uid::from_raw(*uid)).ok().flatten();
        self.users.get(uid, |uid| ask(uid).map(|user| user.name.into_bytes().into()))
    }

    pub fn group(&self, gid: u32) -> Option<Arc<[u8]>> {
        let ask = |gid: &u32| Group::from_gid(Gid::from_raw(*gid)).ok().flatten();
        self.groups.get(gid, |gid| ask(gid).map(|group| group.name.into_bytes().into()))
    }
}

/// Numbers of users and groups by name.
#[derive(Default)]
pub(crate) struct OwnerNumbers {
    users: Cache<Vec<u8>, u32>,
    groups: Cache<Vec<u8>, u32>,
}

impl OwnerNumbers {
    pub fn user(&self, name: &[u8]) -> Option<u32> {
        let ask = |name: &str| User::from_name(name).ok().flatten();
        self.users.get(name.to_vec(), |name| text(name).and_then(ask).map(|u| u.uid.as_raw()))
    }

    pub fn group(&self, name: &[u8]) -> Option<u32> {
        let ask = |name: &str| Group::from_name(name).ok().flatten();
        self.groups.get(name.to_vec(), |name| text(name).and_then(ask).map(|g| g.gid.as_raw()))
    }
}

fn text(name: &[u8]) -> Option<&str> {
    OsStr::from_bytes(name).to_str()
}

struct Cache<K, V>(Mutex<Known<K, V>>);

struct Known<K, V> {
    /// What was asked for last: most files have the owner of the one before.
    last: Option<(K, Option<V>)>,
    all: HashMap<K, Option<V>>,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Cache(Mutex::new(Known { last: None, all: HashMap::new() }))
    }
}

impl<K: Clone + Hash + Eq, V: Clone> Cache<K, V> {
    fn get(&self, key: K, ask: impl FnOnce(&K) -> Option<V>) -> Option<V> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((last, value)) = &known.last
            && *last == key
        {
            return value.clone();
        }
        let value = known.all.entry(key.clone()).or_insert_with_key(ask).clone();
        known.last = Some((key, value.clone()));
        value
    }
}
