//! The index from the packs' footers.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{RepairError, TRIES};
use crate::codec::{PackId, SegmentId};
use crate::engine::progress::{Progress, Stop};
use crate::format::names::{BlobId, PACKS, PackKind};
use crate::format::segment::SegmentRef;
use crate::log::{Action, BlobRef, State};
use crate::pack::{PackContents, PackError, read_footer_of};
use crate::repository::{Repository, RepositoryError, check_known, with_causes};
use crate::storage::{BlobInfo, StorageError};

/// Rows of new segments that are held before they are written.
const ROWS_AT_ONCE: usize = 1 << 19;

/// What was found, and put right unless it was a dry run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexRepair {
    /// Segments that cannot be read, and leave the state.
    pub broken_segments: Vec<SegmentId>,
    /// Packs whose footers were read.
    pub packs: u64,
    /// Packs with contents that no segment has, and these contents.
    pub packs_missing: u64,
    pub contents_missing: u64,
    /// Packs whose footers cannot be read, and why.
    pub unreadable: Vec<(BlobId, String)>,
    /// Segments that were written.
    pub segments_added: u64,
    pub interrupted: bool,
}

impl IndexRepair {
    /// Whether there was nothing to do.
    pub fn is_clean(&self) -> bool {
        self.broken_segments.is_empty() && self.packs_missing == 0 && self.unreadable.is_empty()
    }
}

/// What becomes of segments that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    Nothing,
    /// They are consulted by this process.
    Stage,
    Put,
}

/// What was found, and what has to be committed.
struct Scan {
    repair: IndexRepair,
    /// The revision that was looked at.
    base: u64,
    good: Vec<SegmentRef>,
    added: Vec<SegmentRef>,
    /// The packs that the added segments name.
    named: Vec<PackId>,
}

/// Looks at every segment and at every pack's footer, and makes the segments that are missing.
///
/// # Errors
/// If storage or log fail; `Overtaken`. Packs that cannot be read are no error.
pub fn index(
    repository: &Repository,
    dry_run: bool,
    progress: &Progress,
    stop: &Stop,
) -> Result<IndexRepair, RepairError> {
    for _ in 0..TRIES {
        let scan = scan(repository, if dry_run { Keep::Nothing } else { Keep::Put }, progress, stop)?;
        // A part of the packs is no reason to give broken segments up: their other rows are not made yet.
        if dry_run || scan.repair.interrupted {
            repository.refresh()?;
            return Ok(scan.repair);
        }
        match commit(repository, scan) {
            // Maintenance has doomed a pack that is named.
            Err(RepairError::Repository(error)) if error.is_outdated() => {}
            committed => return committed,
        }
    }
    Err(RepairError::Overtaken { tries: TRIES })
}

/// Looks as a dry run does, and lets this process consult the segments that it would make.
///
/// # Errors
/// As for [`index`].
pub(super) fn stage(
    repository: &Repository,
    progress: &Progress,
    stop: &Stop,
) -> Result<IndexRepair, RepairError> {
    let scan = scan(repository, Keep::Stage, progress, stop)?;
    let segments: Vec<SegmentRef> = scan.good.iter().chain(&scan.added).copied().collect();
    repository.index().set_segments(&segments);
    Ok(IndexRepair { segments_added: 0, ..scan.repair })
}

fn scan(repository: &Repository, keep: Keep, progress: &Progress, stop: &Stop) -> Result<Scan, RepairError> {
    let (state, good, broken_segments) = segments(repository)?;
    if keep == Keep::Put {
        repository.log().check_writable()?;
    }
    let mut repair = IndexRepair { broken_segments, ..IndexRepair::default() };
    // Look-ups would fail wherever a broken one covers the content.
    repository.index().set_segments(&good);
    let listed = repository.blobs().list(PACKS)?;
    progress.items_total.store(listed.len() as u64, std::sync::atomic::Ordering::Relaxed);
    let mut missing = Vec::new();
    let (mut rows, mut added, mut named) = (0, Vec::new(), Vec::new());
    for info in listed {
        if stop.is_requested() {
            repair.interrupted = true;
            break;
        }
        let Some(blob @ BlobId::Pack(kind, id)) = BlobId::parse(&info.name) else { continue };
        if state.doomed.contains_key(&BlobRef::Pack(kind, id)) {
            continue;
        }
        progress.done(1, info.size);
        let footer = match footer(repository, kind, &id, &info) {
            // Reclaimed since it was listed.
            Err(error) if error.is_not_found() => continue,
            footer => footer?,
        };
        repair.packs += 1;
        let pack = match footer {
            Ok(pack) => pack,
            Err(error) => {
                repair.unreadable.push((blob, with_causes(&error)));
                continue;
            }
        };
        let absent = absent(repository, &pack)?;
        if absent > 0 {
            repair.packs_missing += 1;
            repair.contents_missing += absent;
            rows += pack.frames.iter().map(|frame| frame.contents.len()).sum::<usize>();
            named.push(pack.id);
            missing.push(pack);
        }
        if rows >= ROWS_AT_ONCE {
            added.extend(kept(repository, keep, &missing)?);
            (rows, missing) = (0, Vec::new());
        }
    }
    if !repair.interrupted {
        added.extend(kept(repository, keep, &missing)?);
    }
    repair.segments_added = added.len() as u64;
    Ok(Scan { repair, base: state.revision, good, added, named })
}

/// A state, its segments that can be read, and those that are lost or damaged.
type Segments = (Arc<State>, Vec<SegmentRef>, Vec<SegmentId>);

/// Those of the newest state.
fn segments(repository: &Repository) -> Result<Segments, RepairError> {
    let mut state = repository.refresh()?;
    loop {
        let (mut good, mut broken) = (Vec::new(), Vec::new());
        for segment in state.segments.values() {
            match repository.index().packs_of(segment) {
                Ok(_) => good.push(*segment),
                Err(error) if error.is_lost() => broken.push(segment.id),
                Err(error) => return Err(error.into()),
            }
        }
        // One that others took the place of may be gone.
        let now = if broken.is_empty() { state.clone() } else { repository.refresh()? };
        if now.revision == state.revision {
            return Ok((state, good, broken));
        }
        state = now;
    }
}

fn kept(
    repository: &Repository,
    keep: Keep,
    packs: &[PackContents],
) -> Result<Vec<SegmentRef>, RepositoryError> {
    match keep {
        Keep::Nothing => Ok(Vec::new()),
        Keep::Stage => repository.stage_segments(packs),
        Keep::Put => repository.put_segments(packs),
    }
}

fn commit(repository: &Repository, scan: Scan) -> Result<IndexRepair, RepairError> {
    let Scan { repair, base, added, named, .. } = scan;
    let broken: BTreeSet<SegmentId> = repair.broken_segments.iter().copied().collect();
    repository.commit_prepared(|state| {
        check_known(state, base, named.iter())?;
        // Another repair may have been faster.
        let removed: Vec<SegmentId> =
            broken.iter().filter(|id| state.segments.contains_key(id)).copied().collect();
        Ok(match (removed.is_empty(), added.is_empty()) {
            (true, true) => Vec::new(),
            (true, false) => vec![Action::AddSegments(added.clone())],
            // Packs that they alone named may be gone, and nothing tells of those any more.
            (false, _) => vec![Action::ReplaceSegments { removed, added: added.clone() }, state.doubt()],
        })
    })?;
    Ok(repair)
}

/// What the pack says of itself; three small reads.
fn footer(
    repository: &Repository,
    kind: PackKind,
    id: &PackId,
    info: &BlobInfo,
) -> Result<Result<PackContents, PackError>, StorageError> {
    let blobs = repository.blobs();
    read_footer_of(repository.keys(), &repository.id(), kind, id, info.size, |range| {
        blobs.get_range(&info.name, range)
    })
}

/// How many contents of the pack the index does not have in it.
fn absent(repository: &Repository, pack: &PackContents) -> Result<u64, RepairError> {
    let mut absent = 0;
    for row in pack.frames.iter().flat_map(|frame| &frame.contents) {
        let found = repository.index().locate(&row.id)?;
        absent += u64::from(found.iter().all(|at| at.pack != pack.id));
    }
    Ok(absent)
}
