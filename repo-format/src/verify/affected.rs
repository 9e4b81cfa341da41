//! Whom the lost contents hurt: snapshots and paths, for the findings that lost them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::check::Check;
use super::lost::Lost;
use super::snapshots::Live;
use crate::cbor;
use crate::codec::{ContentId, ManifestId};
use crate::content::{ContentError, ContentKind, ReadContent};
use crate::ledger::LedgerEntry;
use crate::map::{Node, NodeEntry, unbox_value};
use crate::object::{ObjectReader, ObjectRef};
use crate::snapshot::{MapUse, Part, join_path};
use crate::tree::{EntryKind, TreeError, TreeKey, decode_value};

/// Who needs what one finding lost.
#[derive(Default)]
struct Hurt {
    snapshots: Vec<ManifestId>,
    paths: Vec<Vec<u8>>,
    count: u64,
}

/// A node on the way down.
struct Level {
    node: ContentId,
    map: MapUse,
    root: ContentId,
    level: u8,
    entries: std::vec::IntoIter<NodeEntry>,
    path: Vec<u8>,
    /// Something below is lost.
    hurt: bool,
}

struct Search<'c, 'r> {
    check: &'c Check<'r>,
    lost: &'c Lost,
    /// Nodes and lists that reach nothing lost: what snapshots share is searched once.
    clean: HashSet<(MapUse, ContentId)>,
    hurt: BTreeMap<usize, Hurt>,
    snapshot: ManifestId,
}

/// Fills in snapshots and paths of the findings.
pub(super) fn affected(check: &Check<'_>, live: &[Live], lost: &Lost) {
    if lost.is_empty() {
        return;
    }
    let mut search =
        Search { check, lost, clean: HashSet::new(), hurt: BTreeMap::new(), snapshot: ManifestId::ZERO };
    for snapshot in live {
        search.snapshot = snapshot.id;
        search.note(&ContentId(snapshot.id.0), b"");
        for (map, root) in snapshot.maps() {
            search.map(map, root);
        }
    }
    for (place, hurt) in search.hurt {
        check.amend(place, |finding| {
            finding.snapshots = hurt.snapshots;
            finding.paths = hurt.paths;
            finding.path_count = hurt.count;
        });
    }
}

impl Search<'_, '_> {
    /// Searches one map of the snapshot, and in a tree all folders below.
    fn map(&mut self, map: MapUse, root: ContentId) {
        let mut stack = Vec::new();
        self.enter(&mut stack, map, root, root, Vec::new());
        while let Some(top) = stack.last_mut() {
            if self.check.is_stopped() {
                return;
            }
            let Some(entry) = top.entries.next() else {
                let (node, map, hurt) = (top.node, top.map, top.hurt);
                stack.pop();
                match stack.last_mut() {
                    Some(above) => above.hurt |= hurt,
                    None => return,
                }
                if !hurt {
                    self.clean.insert((map, node));
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
                    let hurt = self.beside(map, &root, &entry);
                    stack.iter_mut().last().into_iter().for_each(|top| top.hurt |= hurt);
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
        let hurt = self.note(&node, &path);
        let read = self.check.repository.reader().get(ContentKind::Node, &node);
        let read = read.ok().filter(|_| !hurt).and_then(|bytes| Node::decode(bytes).ok());
        match (read, stack.last_mut()) {
            (Some(Node { level, entries }), _) => {
                let entries = entries.into_iter();
                stack.push(Level { node, map, root, level, entries, path, hurt: false });
            }
            (None, Some(above)) => above.hurt = true,
            (None, None) => {}
        }
    }

    fn tree_entry(&mut self, stack: &mut Vec<Level>, root: &ContentId, entry: &NodeEntry, path: &[u8]) {
        let Ok(key) = TreeKey::from_bytes(&entry.key) else { return };
        let path = join_path(path, &key.name);
        let contents = self.check.repository.contents();
        let hurt = match decode_value(contents, root, &key.name, &entry.value) {
            Ok(entry) => match entry.kind {
                EntryKind::Folder(tree) => return self.enter(stack, MapUse::Tree, tree, tree, path),
                EntryKind::File(Some(object)) => self.object(object, &path),
                _ => false,
            },
            Err(TreeError::Content(error)) => self.note_error(&error, &path),
            Err(_) => false,
        };
        if let Some(top) = stack.last_mut() {
            top.hurt |= hurt;
        }
    }

    /// What a map beside the tree names: a part's object, or that of an item in a ledger.
    fn beside(&mut self, map: MapUse, root: &ContentId, entry: &NodeEntry) -> bool {
        let object = |bytes: &[u8]| match map {
            MapUse::Parts => cbor::decode::<Part>(bytes).ok().map(|part| part.object),
            _ => cbor::decode::<LedgerEntry>(bytes).ok().and_then(|known| known.object),
        };
        match unbox_value(self.check.repository.contents(), root, &entry.value) {
            Ok(bytes) => object(&bytes).is_some_and(|object| self.object(object, &entry.key)),
            Err(error) => self.note_error(&error, &entry.key),
        }
    }

    /// Whether a content of the object is lost.
    fn object(&mut self, object: ObjectRef, path: &[u8]) -> bool {
        let key = (MapUse::Tree, object.content);
        if object.size == 0 || self.clean.contains(&key) {
            return false;
        }
        let Ok(reader) = ObjectReader::open(self.check.repository.contents(), object) else { return false };
        let mut places = BTreeSet::new();
        for row in reader.all_rows() {
            let id = match row {
                Ok(row) => Some(row.content),
                Err(error) => content_of(&error),
            };
            places.extend(id.and_then(|id| self.lost.get(&id)).into_iter().flatten().copied());
        }
        places.iter().for_each(|place| self.note_at(*place, path));
        if places.is_empty() && object.depth > 0 {
            self.clean.insert(key);
        }
        !places.is_empty()
    }

    fn note_error(&mut self, error: &ContentError, path: &[u8]) -> bool {
        content_of(error).is_some_and(|id| self.note(&id, path))
    }

    /// Notes the path if the content is lost, and says whether it is.
    fn note(&mut self, id: &ContentId, path: &[u8]) -> bool {
        let lost = self.lost;
        let Some(places) = lost.get(id) else { return false };
        places.iter().for_each(|place| self.note_at(*place, path));
        true
    }

    fn note_at(&mut self, place: usize, path: &[u8]) {
        let hurt = self.hurt.entry(place).or_default();
        if hurt.snapshots.last() != Some(&self.snapshot) {
            hurt.snapshots.push(self.snapshot);
        }
        hurt.count += 1;
        let shown = if path.is_empty() { b"." } else { path };
        if hurt.paths.len() < self.check.options.paths_max && hurt.paths.iter().all(|known| known != shown) {
            hurt.paths.push(shown.to_vec());
        }
    }
}

/// The content that an error is about.
fn content_of(error: &ContentError) -> Option<ContentId> {
    match error {
        ContentError::Missing { id } | ContentError::Damaged { id, .. } => Some(*id),
        _ => None,
    }
}
