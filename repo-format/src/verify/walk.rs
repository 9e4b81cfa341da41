//! Walking what live snapshots reach: every distinct node once, on several threads.

use std::collections::HashSet;

use bytes::Bytes;

use super::check::Check;
use super::finding::FindingKind;
use super::snapshots::{Live, blame, blame_entry, unfound};
use crate::cbor;
use crate::codec::{ContentId, ManifestId};
use crate::content::{ContentError, ContentKind, ReadContent};
use crate::ledger::LedgerEntry;
use crate::map::{Node, NodeEntry, unbox_value};
use crate::object::{ObjectReader, ObjectRef};
use crate::reach::Works;
use crate::repository::with_causes;
use crate::snapshot::{Failure, MapUse, Part, join_path};
use crate::system::{self, Mutex};
use crate::tree::{EntryKind, TreeError, TreeKey, decode_value};

/// A node to be looked at.
struct Work {
    snapshot: ManifestId,
    map: MapUse,
    /// Root of the map that the node belongs to.
    root: ContentId,
    node: ContentId,
    /// What the node above says of it; nothing of a root.
    promise: Option<Promise>,
    /// Of the folder, names joined by `/`.
    path: Vec<u8>,
}

/// What a node says of one below it (MAP-4).
struct Promise {
    level: u8,
    first: Bytes,
    end: Option<Bytes>,
    count: u64,
}

struct Walk<'c, 'r> {
    check: &'c Check<'r>,
    works: Works<Work>,
    nodes: Mutex<HashSet<(MapUse, ContentId)>>,
    lists: Mutex<HashSet<ContentId>>,
}

/// Checks all nodes, lists and values that snapshots reach, and that what they name is there.
pub(super) fn walk(check: &Check<'_>, live: &[Live]) {
    let waiting: Vec<Work> = (live.iter())
        .flat_map(|live| live.maps().map(|(map, root)| (live.id, map, root)))
        .map(|(snapshot, map, root)| Work {
            snapshot,
            map,
            root,
            node: root,
            promise: None,
            path: Vec::new(),
        })
        .collect();
    let walk = Walk { check, works: Works::new(waiting), nodes: Mutex::default(), lists: Mutex::default() };
    system::scope(|scope| {
        (0..check.options.threads.max(1)).for_each(|_| drop(scope.spawn(|| walk.run())));
    });
}

impl Walk<'_, '_> {
    fn run(&self) {
        self.works.run(
            || self.check.is_stopped(),
            |work, more| {
                if self.nodes.lock().insert((work.map, work.node)) {
                    self.node(&work, more);
                }
            },
        );
    }

    fn node(&self, work: &Work, more: &mut Vec<Work>) {
        let contents = &self.check.contents;
        let node = contents.get(ContentKind::Node, &work.node).and_then(|bytes| {
            let refuse = |clause| ContentError::Malformed { id: work.node, clause };
            let node = Node::decode(bytes).map_err(refuse)?;
            work.promise.as_ref().map_or(Ok(()), |promise| promise.keeps(&node)).map_err(refuse)?;
            Ok(node)
        });
        let node = match node {
            Ok(node) => node,
            Err(error) => {
                let error = unfound(error, work.node);
                return blame(self.check, &error, &work.snapshot, &work.path);
            }
        };
        self.check.count(|covered| covered.nodes += 1);
        if node.level > 0 {
            let end = work.promise.as_ref().and_then(|promise| promise.end.clone());
            return more.extend(below(work, &node, end));
        }
        self.check.count(|covered| covered.entries += node.entries.len() as u64);
        self.check
            .progress
            .items_done
            .fetch_add(node.entries.len() as u64, std::sync::atomic::Ordering::Relaxed);
        for entry in &node.entries {
            match work.map {
                MapUse::Tree => self.tree_entry(work, entry, more),
                MapUse::Failures => drop(self.boxed::<Failure>(work, entry)),
                MapUse::Parts => {
                    if let Some(part) = self.boxed::<Part>(work, entry) {
                        self.object(part.object, &work.snapshot, &entry.key);
                    }
                }
                MapUse::Ledger => {
                    let known = self.boxed::<LedgerEntry>(work, entry);
                    if let Some(object) = known.and_then(|known| known.object) {
                        self.object(object, &work.snapshot, &entry.key);
                    }
                }
            }
        }
    }

    fn tree_entry(&self, work: &Work, entry: &NodeEntry, more: &mut Vec<Work>) {
        let contents = &self.check.contents;
        let decoded = TreeKey::from_bytes(&entry.key)
            .map_err(|source| TreeError::StoredName { tree: work.root, source })
            .and_then(|key| {
                let found = decode_value(contents, &work.root, &key.name, &entry.value)?;
                Ok((join_path(&work.path, &key.name), found))
            });
        let (path, found) = match decoded {
            Ok(decoded) => decoded,
            Err(TreeError::Content(error)) => return blame(self.check, &error, &work.snapshot, &work.path),
            Err(error) => {
                let (kind, what) = (FindingKind::Structure, with_causes(&error));
                return blame_entry(self.check, kind, what, &work.snapshot, &work.path);
            }
        };
        match found.kind {
            EntryKind::Folder(root) => more.push(Work {
                snapshot: work.snapshot,
                map: MapUse::Tree,
                root,
                node: root,
                promise: None,
                path,
            }),
            EntryKind::File(Some(object)) => self.object(object, &work.snapshot, &path),
            _ => {}
        }
    }

    /// A value of one of the maps beside the tree.
    fn boxed<T: cbor::Cbor>(&self, work: &Work, entry: &NodeEntry) -> Option<T> {
        let contents = &self.check.contents;
        let value = unbox_value(contents, &work.root, &entry.value).and_then(|bytes| {
            cbor::decode(&bytes).map_err(|source| ContentError::MalformedCbor {
                id: work.root,
                clause: "SNAP-4, SNAP-6 or SNAP-8",
                source,
            })
        });
        value.inspect_err(|error| blame(self.check, error, &work.snapshot, &entry.key)).ok()
    }

    /// All contents of an object are in the index, with the right kind and length, in packs that are
    /// there.
    fn object(&self, object: ObjectRef, snapshot: &ManifestId, path: &[u8]) {
        if object.depth > 0 && !self.lists.lock().insert(object.content) {
            return;
        }
        let rows = match ObjectReader::open(&self.check.contents, object) {
            Ok(reader) => reader.all_rows(),
            Err(error) => return blame(self.check, &error, snapshot, path),
        };
        for row in rows {
            if self.check.is_stopped() {
                return;
            }
            let found = row.and_then(|row| self.present(&row.content, row.length));
            if let Err(error) = found {
                blame(self.check, &error, snapshot, path);
            }
        }
    }

    fn present(&self, id: &ContentId, length: u32) -> Result<(), ContentError> {
        self.check.count(|covered| covered.references += 1);
        let locations = self.check.repository.reader().locate(id).map_err(|error| unfound(error, *id))?;
        if !locations.iter().any(|at| self.check.may_rely_on(at.pack_kind, at.pack)) {
            return Err(ContentError::Missing { id: *id });
        }
        match locations.iter().find(|at| (at.kind, at.content_len) != (ContentKind::Data, length)) {
            None => Ok(()),
            Some(at) if at.kind != ContentKind::Data => {
                Err(ContentError::WrongKind { id: *id, wanted: ContentKind::Data, found: at.kind })
            }
            Some(_) => {
                let clause = "OBJ-3: a content has another length than its row";
                Err(ContentError::Malformed { id: *id, clause })
            }
        }
    }
}

impl Promise {
    fn keeps(&self, node: &Node) -> Result<(), &'static str> {
        let (Some(first), Some(last)) = (node.entries.first(), node.entries.last()) else {
            return Err("MAP-2: only a root has no entries");
        };
        if node.level != self.level {
            Err("MAP-4: a node's level is its parent's less one")
        } else if first.key != self.first {
            Err("MAP-4: a node's first key is its parent's key for it")
        } else if self.end.as_ref().is_some_and(|end| last.key >= *end) {
            Err("MAP-4: keys keep in the range the parent gives")
        } else if node.leaf_count() != self.count {
            Err("MAP-4: a node has as many entries below as its parent says")
        } else {
            Ok(())
        }
    }
}

/// The nodes that an inner node names.
fn below(work: &Work, node: &Node, end: Option<Bytes>) -> Vec<Work> {
    let ends = node.entries.iter().skip(1).map(|entry| Some(entry.key.clone())).chain([end]);
    let children = node.entries.iter().zip(ends).map(|(entry, end)| {
        let (child, count) = entry.child();
        let promise = Promise { level: node.level - 1, first: entry.key.clone(), end, count };
        Work {
            snapshot: work.snapshot,
            map: work.map,
            root: work.root,
            node: child,
            promise: Some(promise),
            path: work.path.clone(),
        }
    });
    children.collect()
}
