//! Two whole maps (MAP-2 to MAP-4): read, looked up and compared.

use std::collections::BTreeMap;

use bytes::Bytes;
use repo_format::map::{Change, Map, Node, NodeEntry, diff};

use crate::forged_contents::ForgedContents;

/// Entries that are followed.
const ENTRIES_MAX: usize = 4096;

type Plain = BTreeMap<Bytes, Bytes>;

pub fn run(data: &[u8]) -> bool {
    let contents = ForgedContents::new(data);
    let (Some(old), Some(new)) = (read(&contents, 0), read(&contents, 1)) else { return false };
    let Ok(changes) = diff(&contents, &ForgedContents::id(0), &ForgedContents::id(1)) else { return false };
    let changes: Result<Vec<Change>, _> = changes.take(ENTRIES_MAX).collect();
    changes.is_ok_and(|changes| {
        assert_eq!(changes, plain_diff(&old, &new), "a difference is what differs");
        true
    })
}

/// All of the map at the piece `number`, if it keeps the rules.
fn read(contents: &ForgedContents, number: u8) -> Option<Plain> {
    let map = Map::open(contents, &ForgedContents::id(number)).ok()?;
    let mut entries = Plain::new();
    for entry in map.iter().take(ENTRIES_MAX) {
        let (key, value) = entry.ok()?;
        assert!(entries.last_key_value().is_none_or(|(last, _)| *last < key), "keys ascend");
        entries.insert(key, value);
    }
    if entries.len() < ENTRIES_MAX {
        assert_eq!(map.len(), entries.len() as u64, "a map has as many entries as it says");
    }
    for (key, value) in entries.iter().take(8) {
        if let Ok(found) = map.get(key) {
            assert_eq!(found.as_ref(), Some(value), "what is listed is found");
        }
    }
    (entries.len() < ENTRIES_MAX / 2).then_some(entries)
}

fn plain_diff(old: &Plain, new: &Plain) -> Vec<Change> {
    let mut changes = Vec::new();
    for (key, value) in old {
        let (key, old) = (key.clone(), value.clone());
        match new.get(&key) {
            None => changes.push(Change::Removed { key, value: old }),
            Some(new) if *new != old => changes.push(Change::Changed { key, old, new: new.clone() }),
            Some(_) => {}
        }
    }
    let added = new.iter().filter(|(key, _)| !old.contains_key(*key));
    changes.extend(added.map(|(key, value)| Change::Added { key: key.clone(), value: value.clone() }));
    changes.sort_by(|a, b| a.key().cmp(b.key()));
    changes
}

pub fn seeds() -> Vec<Vec<u8>> {
    let entry = |key: &'static [u8], value: Vec<u8>| NodeEntry { key: key.into(), value: value.into() };
    let leaf = |keys: &[&'static [u8]]| {
        let entries = keys.iter().map(|key| entry(key, b"value".to_vec())).collect();
        Node { level: 0, entries }.encode()
    };
    let child = |number, count: u64| [&ForgedContents::id(number).0[..], &count.to_le_bytes()].concat();
    let inner = |entries| Node { level: 1, entries }.encode();
    let pieces = [
        inner(vec![entry(b"a", child(2, 2)), entry(b"c", child(3, 1))]),
        inner(vec![entry(b"a", child(2, 2)), entry(b"d", child(4, 2))]),
        leaf(&[b"a", b"b"]),
        leaf(&[b"c"]),
        leaf(&[b"d", b"e"]),
    ];
    vec![ForgedContents::input(&pieces)]
}
