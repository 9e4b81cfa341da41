//! What snapshots need: every content that their manifests reach.
//!
//! Owns the way from a manifest through its maps, lists and large values down to the last content.
//! Who asks says what is noted of a content, and by that which parts are walked twice: a
//! [`Reached`]. The walk ends at the first content that cannot be read; nobody who decides about
//! deletion may guess what lies behind it. It checks no more of what it reads than it needs;
//! verification does. And the other way round (`search`): who needs some contents.

mod search;
mod works;

pub(crate) use search::{Met, Search, Sought};
pub(crate) use works::Works;

use crate::cbor;
use crate::codec::{ContentId, ManifestId};
use crate::content::{ContentError, ContentKind, ReadContent};
use crate::ledger::LedgerEntry;
use crate::map::{Node, NodeEntry, unbox_value};
use crate::object::{ObjectReader, ObjectRef};
use crate::snapshot::{Manifest, MapUse, Part, join_path};
use crate::system::{self, Mutex};
use crate::tree::{EntryKind, TreeError, TreeKey, decode_value};

/// How a content that is reached is looked into: a node names different things in different maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Walked {
    /// Not at all, or with what it belongs to.
    Whole,
    /// As a node of such a map.
    Node(MapUse),
    /// As the only list of an object.
    List,
}

/// Told of every content that is reached, from several threads.
pub trait Reached: Sync {
    /// Notes that `id` is needed. Says whether whoever walks it in this way is the first: if not,
    /// what it names was or will be reached without its help. The answer for `Whole` is not used.
    ///
    /// # Errors
    /// `Missing` and whatever else ends the walk.
    fn reach(&self, id: &ContentId, walked: Walked) -> Result<bool, ContentError>;
}

/// Why a walk ended early.
#[derive(Debug, thiserror::Error)]
#[error("snapshot {snapshot} needs what cannot be read{}", at(path))]
pub struct ReachError {
    /// The snapshot on whose behalf the walk came there.
    pub snapshot: ManifestId,
    /// Names joined by `/`; empty for what belongs to no path.
    pub path: Vec<u8>,
    pub source: ContentError,
}

impl ReachError {
    /// An error that belongs to no path.
    pub fn of(snapshot: ManifestId, source: ContentError) -> ReachError {
        ReachError { snapshot, path: Vec::new(), source }
    }
}

fn at(path: &[u8]) -> String {
    match path {
        [] => String::new(),
        path => format!(", at {:?}", String::from_utf8_lossy(path)),
    }
}

/// Something to be looked into.
enum Work {
    Manifest(ManifestId),
    Node {
        snapshot: ManifestId,
        map: MapUse,
        /// Root of the map, for messages.
        root: ContentId,
        node: ContentId,
        /// Of the folder.
        path: Vec<u8>,
    },
}

struct Walk<'a> {
    contents: &'a dyn ReadContent,
    reached: &'a dyn Reached,
    works: Works<Work>,
    failed: Mutex<Option<ReachError>>,
}

/// Walks all that `manifests` need, on `threads` threads, until it is done or somebody says
/// `stopped`.
///
/// # Errors
/// The first thing that cannot be read.
pub fn reach(
    contents: &dyn ReadContent,
    manifests: &[ManifestId],
    reached: &dyn Reached,
    threads: usize,
    stopped: &(dyn Fn() -> bool + Sync),
) -> Result<(), Box<ReachError>> {
    let works = Works::new(manifests.iter().map(|id| Work::Manifest(*id)).collect());
    let walk = Walk { contents, reached, works, failed: Mutex::default() };
    system::scope(|scope| {
        let run = || {
            let stopped = || stopped() || walk.failed.lock().is_some();
            walk.works.run(stopped, |work, more| walk.look(work, more));
        };
        (0..threads.max(1)).for_each(|_| drop(scope.spawn(run)));
    });
    walk.failed.into_inner().map_or(Ok(()), |error| Err(Box::new(error)))
}

impl Walk<'_> {
    fn look(&self, work: Work, more: &mut Vec<Work>) {
        let (snapshot, path, looked) = match work {
            Work::Manifest(id) => (id, Vec::new(), self.manifest(id, more)),
            Work::Node { snapshot, map, root, node, path } => {
                let looked = self.node(snapshot, map, &root, &node, &path, more);
                (snapshot, path, looked)
            }
        };
        if let Err(Stopped { below, source }) = looked {
            let path = below.map_or_else(|| path.clone(), |name| join_path(&path, &name));
            self.failed.lock().get_or_insert(ReachError { snapshot, path, source });
        }
    }

    fn manifest(&self, snapshot: ManifestId, more: &mut Vec<Work>) -> Result<(), Stopped> {
        self.reached.reach(&ContentId(snapshot.0), Walked::Whole)?;
        let manifest = Manifest::load(self.contents, &snapshot)?;
        let node = |(map, root)| Work::Node { snapshot, map, root, node: root, path: Vec::new() };
        more.extend(manifest.maps().map(node));
        Ok(())
    }

    fn node(
        &self,
        snapshot: ManifestId,
        map: MapUse,
        root: &ContentId,
        id: &ContentId,
        path: &[u8],
        more: &mut Vec<Work>,
    ) -> Result<(), Stopped> {
        if !self.reached.reach(id, Walked::Node(map))? {
            return Ok(());
        }
        let bytes = self.contents.get(ContentKind::Node, id)?;
        let node = Node::decode(bytes).map_err(|clause| ContentError::Malformed { id: *id, clause })?;
        for entry in &node.entries {
            if node.level > 0 {
                let (node, path) = (entry.child().0, path.to_vec());
                more.push(Work::Node { snapshot, map, root: *root, node, path });
                continue;
            }
            let found = match map {
                MapUse::Tree => self.tree_entry(root, entry),
                _ => self.beside(map, root, entry).map(|object| Found { object, folder: None }),
            };
            let whole = found.and_then(|found| {
                found.object.map_or(Ok(()), |object| self.object(object))?;
                Ok(found)
            });
            let found = whole.map_err(|source| Stopped { below: Some(name_of(map, entry)), source })?;
            if let Some((name, folder)) = found.folder {
                let path = join_path(path, &name);
                more.push(Work::Node { snapshot, map, root: folder, node: folder, path });
            }
        }
        Ok(())
    }

    fn tree_entry(&self, root: &ContentId, entry: &NodeEntry) -> Result<Found, ContentError> {
        let malformed = || ContentError::Malformed { id: *root, clause: "TREE-1 to TREE-3" };
        let key = TreeKey::from_bytes(&entry.key).map_err(|_| malformed())?;
        let noting = Noting(self);
        let value = decode_value(&noting, root, &key.name, &entry.value).map_err(|error| match error {
            TreeError::Content(error) => error,
            _ => malformed(),
        })?;
        Ok(match value.kind {
            EntryKind::Folder(tree) => Found { object: None, folder: Some((key.name, tree)) },
            EntryKind::File(object) => Found { object, folder: None },
            _ => Found { object: None, folder: None },
        })
    }

    /// What a map beside the tree names: a part's object, or that of an item in a ledger.
    fn beside(
        &self,
        map: MapUse,
        root: &ContentId,
        entry: &NodeEntry,
    ) -> Result<Option<ObjectRef>, ContentError> {
        let bytes = unbox_value(&Noting(self), root, &entry.value)?;
        let object = match map {
            MapUse::Parts => cbor::decode::<Part>(&bytes).map(|part| Some(part.object)),
            MapUse::Ledger => cbor::decode::<LedgerEntry>(&bytes).map(|known| known.object),
            MapUse::Tree | MapUse::Failures => Ok(None),
        };
        object.map_err(|source| {
            let clause = "SNAP-6 or SNAP-8";
            ContentError::MalformedCbor { id: *root, clause, source }
        })
    }

    fn object(&self, object: ObjectRef) -> Result<(), ContentError> {
        // Pieces of longer lists may be shared in part; such objects are few, and walked each time.
        if object.depth == 1 && !self.reached.reach(&object.content, Walked::List)? {
            return Ok(());
        }
        for row in ObjectReader::open(&Noting(self), object)?.all_rows() {
            self.reached.reach(&row?.content, Walked::Whole)?;
        }
        Ok(())
    }
}

/// Why the walk ends: at the thing that is looked into, or at an entry of it.
struct Stopped {
    below: Option<Vec<u8>>,
    source: ContentError,
}

impl From<ContentError> for Stopped {
    fn from(source: ContentError) -> Stopped {
        Stopped { below: None, source }
    }
}

/// What an entry of a leaf is called: a name in a folder, a key in other maps.
fn name_of(map: MapUse, entry: &NodeEntry) -> Vec<u8> {
    match (map, TreeKey::from_bytes(&entry.key)) {
        (MapUse::Tree, Ok(key)) => key.name,
        _ => entry.key.to_vec(),
    }
}

/// What an entry names.
struct Found {
    object: Option<ObjectRef>,
    /// The name and the tree.
    folder: Option<(Vec<u8>, ContentId)>,
}

/// Notes whatever is read through it: pieces of lists and of large values.
struct Noting<'w, 'a>(&'w Walk<'a>);

impl ReadContent for Noting<'_, '_> {
    fn get(&self, kind: ContentKind, id: &ContentId) -> Result<bytes::Bytes, ContentError> {
        self.0.reached.reach(id, Walked::Whole)?;
        self.0.contents.get(kind, id)
    }
}
