//! Whose need some contents are: the snapshots, and the paths in them.

use std::collections::{BTreeSet, HashMap, HashSet};

use bytes::Bytes;

use crate::cbor;
use crate::codec::{ContentId, ManifestId};
use crate::content::{ContentError, ContentKind, ReadContent};
use crate::ledger::LedgerEntry;
use crate::map::{Node, NodeEntry, unbox_value};
use crate::object::{ObjectReader, ObjectRef};
use crate::snapshot::{MapUse, Part, join_path};
use crate::system::Mutex;
use crate::tree::{EntryKind, TreeKey, decode_value};

/// The contents that are looked for, and the groups that each belongs to.
pub(crate) type Sought = HashMap<ContentId, Vec<usize>>;

/// A content of a group was met.
pub(crate) struct Met<'a> {
    pub group: usize,
    pub snapshot: ManifestId,
    /// Names joined by `/`, or the key of an entry beside the tree; `.` for what belongs to the snapshot as
    /// a whole.
    pub path: &'a [u8],
}

/// A search through snapshots, one after the other. It goes on with what can be read, whatever cannot.
pub(crate) struct Search<'a> {
    contents: &'a dyn ReadContent,
    sought: &'a Sought,
    stopped: &'a dyn Fn() -> bool,
    met: &'a mut dyn FnMut(Met<'_>),
    /// Nodes and lists that reach nothing that is sought: what snapshots share is searched once.
    clean: HashSet<(MapUse, ContentId)>,
    snapshot: ManifestId,
}

/// A node on the way down.
struct Level {
    node: ContentId,
    map: MapUse,
    root: ContentId,
    level: u8,
    entries: std::vec::IntoIter<NodeEntry>,
    path: Vec<u8>,
    /// Something below is sought, or cannot be read.
    reaches: bool,
}

impl<'a> Search<'a> {
    /// Begins a search; `met` is told of each place that names a content which is sought, once for each
    /// group of those that one place needs.
    pub fn new(
        contents: &'a dyn ReadContent,
        sought: &'a Sought,
        stopped: &'a dyn Fn() -> bool,
        met: &'a mut dyn FnMut(Met<'_>),
    ) -> Search<'a> {
        Search { contents, sought, stopped, met, clean: HashSet::new(), snapshot: ManifestId::ZERO }
    }

    /// Searches a snapshot: its manifest, and all below the roots of its maps.
    pub fn snapshot(&mut self, id: ManifestId, maps: impl Iterator<Item = (MapUse, ContentId)>) {
        self.snapshot = id;
        self.note(&ContentId(id.0), b"");
        maps.for_each(|(map, root)| self.map(map, root));
    }

    /// Searches one map of the snapshot, and in a tree all folders below.
    fn map(&mut self, map: MapUse, root: ContentId) {
        let mut stack = Vec::new();
        self.enter(&mut stack, map, root, root, Vec::new());
        while let Some(top) = stack.last_mut() {
            if (self.stopped)() {
                return;
            }
            let Some(entry) = top.entries.next() else {
                let (node, map, reaches) = (top.node, top.map, top.reaches);
                stack.pop();
                if !reaches {
                    self.clean.insert((map, node));
                }
                if let Some(above) = stack.last_mut() {
                    above.reaches |= reaches;
                }
                continue;
            };
            let (map, root, path) = (top.map, top.root, top.path.clone());
            if top.level > 0 {
                self.enter(&mut stack, map, root, entry.child().0, path);
                continue;
            }
            match map {
                MapUse::Tree => self.tree_entry(&mut stack, &root, &entry, &path),
                MapUse::Parts | MapUse::Ledger => {
                    let reaches = self.beside(map, &root, &entry);
                    if let Some(top) = stack.last_mut() {
                        top.reaches |= reaches;
                    }
                }
                MapUse::Failures => {}
            }
        }
    }

    fn enter(
        &mut self,
        stack: &mut Vec<Level>,
        map: MapUse,
        root: ContentId,
        node: ContentId,
        path: Vec<u8>,
    ) {
        if self.clean.contains(&(map, node)) {
            return;
        }
        let reaches = self.note(&node, &path);
        let read = self.contents.get(ContentKind::Node, &node);
        match (read.ok().and_then(|bytes| Node::decode(bytes).ok()), stack.last_mut()) {
            (Some(Node { level, entries }), _) => {
                let entries = entries.into_iter();
                stack.push(Level { node, map, root, level, entries, path, reaches });
            }
            (None, Some(above)) => above.reaches = true,
            (None, None) => {}
        }
    }

    fn tree_entry(&mut self, stack: &mut Vec<Level>, root: &ContentId, entry: &NodeEntry, path: &[u8]) {
        let Ok(key) = TreeKey::from_bytes(&entry.key) else { return };
        let path = join_path(path, &key.name);
        let asked = Asked::of(self);
        let kind = decode_value(&asked, root, &key.name, &entry.value).map(|entry| entry.kind);
        let mut groups = asked.groups();
        if let Ok(EntryKind::File(Some(object))) = kind {
            groups.extend(self.object(object));
        }
        let reaches = self.note_all(&groups, &path);
        if let Some(top) = stack.last_mut() {
            top.reaches |= reaches;
        }
        if let Ok(EntryKind::Folder(tree)) = kind {
            self.enter(stack, MapUse::Tree, tree, tree, path);
        }
    }

    /// What a map beside the tree names: a part's object, or that of an item in a ledger.
    fn beside(&mut self, map: MapUse, root: &ContentId, entry: &NodeEntry) -> bool {
        let object = |bytes: &[u8]| match map {
            MapUse::Parts => cbor::decode::<Part>(bytes).ok().map(|part| part.object),
            _ => cbor::decode::<LedgerEntry>(bytes).ok().and_then(|known| known.object),
        };
        let asked = Asked::of(self);
        let value = unbox_value(&asked, root, &entry.value);
        let mut groups = asked.groups();
        if let Some(object) = value.ok().and_then(|bytes| object(&bytes)) {
            groups.extend(self.object(object));
        }
        self.note_all(&groups, &entry.key)
    }

    /// The groups of all contents that an object needs, its lists included.
    fn object(&mut self, object: ObjectRef) -> BTreeSet<usize> {
        let key = (MapUse::Tree, object.content);
        if object.size == 0 || self.clean.contains(&key) {
            return BTreeSet::new();
        }
        let asked = Asked::of(self);
        let reader = ObjectReader::open(&asked, object);
        for row in reader.iter().flat_map(ObjectReader::all_rows) {
            match row {
                Ok(row) => asked.note(&row.content),
                // Nobody knows what it names, so it is looked into for the next snapshot as well.
                Err(_) => return asked.groups(),
            }
        }
        let groups = asked.groups();
        if groups.is_empty() && object.depth > 0 {
            self.clean.insert(key);
        }
        groups
    }

    /// Tells of a content if it is sought, and says whether it is.
    fn note(&mut self, id: &ContentId, path: &[u8]) -> bool {
        let groups = self.sought.get(id).into_iter().flatten().copied().collect();
        self.note_all(&groups, path)
    }

    fn note_all(&mut self, groups: &BTreeSet<usize>, path: &[u8]) -> bool {
        let path = if path.is_empty() { b"." } else { path };
        groups.iter().for_each(|group| (self.met)(Met { group: *group, snapshot: self.snapshot, path }));
        !groups.is_empty()
    }
}

/// Reads contents, and keeps the groups of those that were asked for.
struct Asked<'a> {
    contents: &'a dyn ReadContent,
    sought: &'a Sought,
    groups: Mutex<BTreeSet<usize>>,
}

impl<'a> Asked<'a> {
    fn of(search: &Search<'a>) -> Asked<'a> {
        Asked { contents: search.contents, sought: search.sought, groups: Mutex::default() }
    }

    fn note(&self, id: &ContentId) {
        self.groups.lock().extend(self.sought.get(id).into_iter().flatten());
    }

    fn groups(&self) -> BTreeSet<usize> {
        self.groups.lock().clone()
    }
}

impl ReadContent for Asked<'_> {
    fn get(&self, kind: ContentKind, id: &ContentId) -> Result<Bytes, ContentError> {
        self.note(id);
        self.contents.get(kind, id)
    }
}
