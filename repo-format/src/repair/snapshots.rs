//! Successors of snapshots that need what is lost.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::leaves::{Leaf, Leaves};
use super::tree::Mender;
use super::{RepairError, TRIES, unless_lost};
use crate::cbor;
use crate::codec::{ContentId, ManifestId, PackId, RunId};
use crate::content::{ContentError, WriterOptions};
use crate::engine::progress::{Progress, Stop};
use crate::ledger::LedgerEntry;
use crate::log::{ManifestRow, SnapshotState};
use crate::map::unbox_value;
use crate::repository::{Draft, Lasting, Repository, RepositoryError, with_causes};
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

/// Whether contents are in packs that are there, and that are trusted or give them.
struct Presence<'r> {
    repository: &'r Repository,
    /// The state that is looked at; none yet at first.
    revision: Cell<u64>,
    there: RefCell<HashSet<PackId>>,
    /// Those of them that are not trusted: what is in one of these is there if it can be read.
    quarantined: RefCell<BTreeSet<PackId>>,
    /// Lists repeat contents; look-ups cost more.
    known: RefCell<HashMap<ContentId, bool>>,
}

/// Contents of which it is remembered whether they are present.
const KNOWN_MAX: usize = 1 << 20;

/// Looks at every live snapshot, and gives each that needs what is nowhere a successor without it. What is only out of
/// reach is not lost: the repair ends there, and what it did before stays.
///
/// # Errors
/// If storage, index or log fail; `Overtaken`.
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
    let lasting = Lasting(repository);
    let mut mender = Mender {
        contents: &lasting,
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
        let (mut repaired, manifest) = match looked_at(&mut mender, &presence, row)? {
            Look::Whole => continue,
            Look::Unreadable(why) => {
                repair.unreadable.push((row.id, why));
                continue;
            }
            Look::Mended(repaired, manifest) => (*repaired, *manifest),
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

/// What a look at a snapshot came to.
enum Look {
    Whole,
    /// Its manifest is lost.
    Unreadable(String),
    Mended(Box<Repaired>, Box<Manifest>),
}

/// Looks at a snapshot by the newest state: what is lost by an older one may have been moved, or its snapshot
/// forgotten, while it was looked for.
fn looked_at(
    mender: &mut Mender<'_>,
    presence: &Presence<'_>,
    row: &ManifestRow,
) -> Result<Look, RepairError> {
    for _ in 0..TRIES {
        let look = look(mender, row);
        if matches!(look, Ok(Look::Whole)) {
            return look;
        }
        let is_newer = presence.renew()?;
        // It may have been forgotten before an earlier snapshot was looked at.
        if !presence.repository.snapshots()?.iter().any(|live| live.id == row.id) {
            return Ok(Look::Whole);
        }
        if !is_newer {
            return look;
        }
    }
    Err(RepairError::Overtaken { tries: TRIES })
}

fn look(mender: &mut Mender<'_>, row: &ManifestRow) -> Result<Look, RepairError> {
    let manifest = match Manifest::load(mender.contents, &row.id) {
        Ok(manifest) => manifest,
        Err(error) if error.is_loss() => return Ok(Look::Unreadable(with_causes(&error))),
        Err(error) => return Err(error.into()),
    };
    let mended = mend(mender, row, manifest)?;
    Ok(mended
        .map_or(Look::Whole, |(repaired, manifest)| Look::Mended(Box::new(repaired), Box::new(manifest))))
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
    let mut ledger_lost = false;
    for layer in &manifest.ledger {
        ledger_lost = ledger_lost || !is_ledger_whole(mender, layer)?;
    }
    let failures = failures(mender, &manifest)?;
    let parts_lost = match &manifest.parts {
        Some(parts) => !is_map_whole(mender, parts)?,
        None => false,
    };
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
fn failures(
    mender: &Mender<'_>,
    manifest: &Manifest,
) -> Result<Option<BTreeMap<Vec<u8>, Failure>>, ContentError> {
    let Some(root) = manifest.failures else { return Ok(Some(BTreeMap::new())) };
    let failures = read_by_path(mender.contents, &root).and_then(|failures| {
        failures.map(|failure| failure.map(|(path, failure)| (path.to_vec(), failure))).collect()
    });
    unless_lost(failures)
}

fn is_map_whole(mender: &Mender<'_>, root: &ContentId) -> Result<bool, ContentError> {
    for leaf in Leaves::new(mender.contents, root) {
        if matches!(leaf?, Leaf::Lost(_)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether all that a layer of a ledger names is there.
fn is_ledger_whole(mender: &Mender<'_>, layer: &ContentId) -> Result<bool, RepairError> {
    for leaf in Leaves::new(mender.contents, layer) {
        let Leaf::Entry(entry) = leaf? else { return Ok(false) };
        let bytes = unless_lost(unbox_value(mender.contents, layer, &entry.value))?;
        let known = bytes.and_then(|bytes| cbor::decode::<LedgerEntry>(&bytes).ok());
        let is_whole = match known.map(|known| known.object) {
            Some(Some(object)) => mender.is_whole(object)?,
            Some(None) => true,
            None => false,
        };
        if !is_whole {
            return Ok(false);
        }
    }
    Ok(true)
}

impl<'r> Presence<'r> {
    fn of(repository: &'r Repository) -> Presence<'r> {
        Presence {
            repository,
            revision: Cell::default(),
            there: RefCell::default(),
            quarantined: RefCell::default(),
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
        there.retain(|id| !state.is_lost(id));
        self.there.replace(there);
        self.quarantined.replace(state.quarantined.clone());
        self.known.borrow_mut().clear();
        Ok(true)
    }

    fn has(&self, id: &ContentId) -> Result<bool, RepairError> {
        if let Some(known) = self.known.borrow().get(id) {
            return Ok(*known);
        }
        let has = self.is_there(id)?;
        let mut known = self.known.borrow_mut();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(*id, has);
        Ok(has)
    }

    fn is_there(&self, id: &ContentId) -> Result<bool, RepairError> {
        let places = self.repository.index().locate(id)?.into_iter();
        let places = places.filter(|at| self.there.borrow().contains(&at.pack));
        let (doubtful, trusted): (Vec<_>, Vec<_>) =
            places.partition(|at| self.quarantined.borrow().contains(&at.pack));
        let Some(first) = doubtful.first().filter(|_| trusted.is_empty()) else {
            return Ok(!trusted.is_empty());
        };
        // A repair of packs that was killed has not copied it yet.
        let read = self.repository.reader().get_from(first.kind, id, &doubtful);
        Ok(unless_lost(read)?.is_some())
    }
}
