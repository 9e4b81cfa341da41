//! Successors of snapshots that need what is lost.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};

use super::RepairError;
use super::leaves::{Leaf, Leaves};
use super::tree::Mender;
use crate::cbor;
use crate::codec::{ContentId, ManifestId, PackId, RunId};
use crate::content::WriterOptions;
use crate::engine::progress::{Progress, Stop};
use crate::ledger::LedgerEntry;
use crate::log::{ManifestRow, SnapshotState};
use crate::map::unbox_value;
use crate::repository::{Draft, Repository, RepositoryError, with_causes};
use crate::snapshot::{Failure, Manifest, read_by_path, write_by_path};

/// The tag of a successor: the snapshot that it was made from.
pub const REPAIRED_FROM: &str = "corso.repaired-from";

/// What became of one snapshot that is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    pub snapshot: ManifestId,
    /// What takes its place; `None` in a dry run.
    pub successor: Option<ManifestId>,
    /// Items that are lost, by path; at most a thousand.
    pub lost: Vec<Vec<u8>>,
    pub lost_count: u64,
    /// The ledger went with them: the next backup of that drive lists and fetches everything.
    pub ledger_lost: bool,
}

/// What was found, and put right unless it was a dry run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotRepair {
    /// Live snapshots looked at.
    pub snapshots: u64,
    pub repaired: Vec<Repaired>,
    /// Snapshots whose manifests are gone, and why: nothing can take their place.
    pub unreadable: Vec<(ManifestId, String)>,
    /// Snapshots that have a successor already; it is for their owner to forget them.
    pub replaced: u64,
    pub interrupted: bool,
}

impl SnapshotRepair {
    /// Whether every live snapshot is whole.
    pub fn is_clean(&self) -> bool {
        self.repaired.is_empty() && self.unreadable.is_empty() && self.replaced == 0
    }
}

/// Paths of lost items that are told.
const LOST_SHOWN: usize = 1000;

/// Whether contents are in packs that are there and trusted.
struct Presence<'r> {
    repository: &'r Repository,
    /// The state that is looked at; none yet at first.
    revision: Cell<u64>,
    there: RefCell<HashSet<PackId>>,
    /// Lists repeat contents; look-ups cost more.
    known: RefCell<HashMap<ContentId, bool>>,
}

/// Contents of which it is remembered whether they are present.
const KNOWN_MAX: usize = 1 << 20;

/// Looks at every live snapshot, and gives each that needs what is nowhere a successor without it.
///
/// # Errors
/// If storage or log fail.
pub fn snapshots(
    repository: &Repository,
    dry_run: bool,
    progress: &Progress,
    stop: &Stop,
) -> Result<SnapshotRepair, RepairError> {
    let writer = repository.writer(WriterOptions { dry_run, ..WriterOptions::default() })?;
    let presence = Presence::of(repository);
    presence.renew()?;
    let is_present = |id: &ContentId| presence.has(id);
    let mut mender = Mender {
        contents: repository.contents(),
        store: repository.map_store(&writer),
        is_present: &is_present,
        whole: HashSet::new(),
        failures: BTreeMap::new(),
        nameless: 0,
    };
    let rows = repository.snapshots()?;
    let successors: HashSet<&str> =
        rows.iter().filter_map(|row| row.tags.get(REPAIRED_FROM)).map(String::as_str).collect();
    let mut repair = SnapshotRepair::default();
    for row in &rows {
        if stop.is_requested() {
            repair.interrupted = true;
            break;
        }
        repair.snapshots += 1;
        progress.done(1, 0);
        let mended = loop {
            let mended = match repository.manifest(&row.id) {
                Ok(manifest) => mend(&mut mender, row, manifest)?.map(Ok),
                Err(error) => Some(Err(with_causes(&error))),
            };
            // What is lost may have been moved, or its snapshot forgotten, while it was looked for.
            if mended.is_none() || !presence.renew()? {
                break mended;
            }
            if !repository.snapshots()?.iter().any(|live| live.id == row.id) {
                break None;
            }
        };
        let (mut repaired, manifest) = match mended {
            Some(Ok(mended)) => mended,
            Some(Err(error)) => {
                repair.unreadable.push((row.id, error));
                continue;
            }
            None => continue,
        };
        if successors.contains(row.id.to_string().as_str()) {
            repair.replaced += 1;
            continue;
        }
        if !dry_run {
            let manifest = Manifest { prepared_on: repository.state().revision, ..manifest };
            let id = manifest.store(&writer)?;
            let draft =
                Draft { row: manifest.row(id, PackId::ZERO), bases: vec![row.id], replaces: Vec::new() };
            repository.publish(&writer, draft)?;
            repaired.successor = Some(id);
        }
        repair.repaired.push(repaired);
    }
    Ok(repair)
}

/// What a snapshot is without what is lost; `None` if it is whole.
fn mend(
    mender: &mut Mender<'_>,
    row: &ManifestRow,
    manifest: Manifest,
) -> Result<Option<(Repaired, Manifest)>, RepairError> {
    mender.failures.clear();
    mender.nameless = 0;
    let (root, changed) = mender.mend(&manifest.root)?;
    let ledger_lost = manifest.ledger.iter().any(|layer| !is_ledger_whole(mender, layer));
    let failures = failures(mender, &manifest);
    let parts_lost = manifest.parts.is_some_and(|parts| !is_map_whole(mender, &parts));
    if !changed && !ledger_lost && !parts_lost && failures.is_some() {
        return Ok(None);
    }
    let lost_count = mender.failures.len() as u64;
    let lost: Vec<Vec<u8>> = mender.failures.keys().take(LOST_SHOWN).cloned().collect();
    let mut all = failures.unwrap_or_default();
    all.append(&mut mender.failures);
    let mut tags = manifest.tags.clone();
    tags.insert(REPAIRED_FROM.to_owned(), row.id.to_string());
    let mut statistics = manifest.statistics;
    statistics.failed += lost_count + mender.nameless;
    statistics.bytes = root.size;
    let state = match manifest.state {
        SnapshotState::Checkpoint => SnapshotState::Checkpoint,
        _ => SnapshotState::Partial,
    };
    let mended = Manifest {
        root,
        failures: write_by_path(mender.store, all)?,
        statistics,
        state,
        based_on: vec![row.id],
        tags,
        run: RunId::random().map_err(RepositoryError::from)?,
        // Where a feed goes on has no meaning without what is known of its items.
        cursor: manifest.cursor.filter(|_| !ledger_lost),
        ledger: if ledger_lost { Vec::new() } else { manifest.ledger },
        parts: manifest.parts.filter(|_| !parts_lost),
        ..manifest
    };
    let repaired = Repaired { snapshot: row.id, successor: None, lost, lost_count, ledger_lost };
    Ok(Some((repaired, mended)))
}

/// The failures that the snapshot has; `None` if their map is not whole.
fn failures(mender: &Mender<'_>, manifest: &Manifest) -> Option<BTreeMap<Vec<u8>, Failure>> {
    let Some(root) = manifest.failures else { return Some(BTreeMap::new()) };
    let failures = read_by_path(mender.contents, &root).ok()?;
    failures.map(|failure| failure.map(|(path, failure)| (path.to_vec(), failure)).ok()).collect()
}

fn is_map_whole(mender: &Mender<'_>, root: &ContentId) -> bool {
    Leaves::new(mender.contents, root).all(|leaf| matches!(leaf, Leaf::Entry(_)))
}

/// Whether all that a layer of a ledger names is there.
fn is_ledger_whole(mender: &Mender<'_>, layer: &ContentId) -> bool {
    Leaves::new(mender.contents, layer).all(|leaf| {
        let Leaf::Entry(entry) = leaf else { return false };
        let Ok(bytes) = unbox_value(mender.contents, layer, &entry.value) else { return false };
        let Ok(known) = cbor::decode::<LedgerEntry>(&bytes) else { return false };
        known.object.is_none_or(|object| mender.is_whole(object))
    })
}

impl<'r> Presence<'r> {
    fn of(repository: &'r Repository) -> Presence<'r> {
        Presence {
            repository,
            revision: Cell::default(),
            there: RefCell::default(),
            known: RefCell::default(),
        }
    }

    /// Looks at the newest state. Gives whether it is another than before.
    fn renew(&self) -> Result<bool, RepairError> {
        let state = self.repository.refresh()?;
        if self.revision.replace(state.revision) == state.revision {
            return Ok(false);
        }
        let mut there = self.repository.packs_there()?;
        there.retain(|id| !state.quarantined.contains(id) && !state.is_lost(id));
        self.there.replace(there);
        self.known.borrow_mut().clear();
        Ok(true)
    }

    fn has(&self, id: &ContentId) -> bool {
        if let Some(known) = self.known.borrow().get(id) {
            return *known;
        }
        let found = self.repository.index().locate(id).unwrap_or_default();
        let has = found.iter().any(|at| self.there.borrow().contains(&at.pack));
        let mut known = self.known.borrow_mut();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(*id, has);
        has
    }
}
