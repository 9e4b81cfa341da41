//! Verification: whether everything that the live snapshots need is there, whole and well-formed.
//!
//! Owns the walk through log, segments, packs and snapshots, and what it finds. Changes nothing in the
//! storage but, if told to, the record of what was verified when ([`crate::coverage`]). What cannot be read is a finding, and the walk goes on with what can. Packs found wanting
//! are noted in the repository's set of unusable packs, so that a backup of the same process stores
//! what they held once more.
//!
//! # Memory
//!
//! One blob for each thread, some hundred bytes for each blob, and about 64 bytes for each distinct
//! map node and list, so that what snapshots share is walked once. Only damage takes more: the ID of
//! each content that a bad pack held.

mod affected;
mod blobs;
mod check;
mod coverage;
mod finding;
pub mod health;
mod keyless;
mod listing;
mod log;
mod lost;
mod retention;
mod sample;
mod segments;
mod slots;
mod snapshots;
mod walk;

use std::time::Duration;

pub use finding::{Finding, FindingKind};
pub use keyless::verify_keyless;
pub use sample::Sample;

use self::check::{Begin, Check};
use self::coverage::Keeper;
use self::listing::Listing;
use crate::coverage::{Place, Row, Summary};
use crate::engine::progress::{Progress, Stop};
use crate::repository::{Repository, RepositoryError};
use crate::storage::{Retention, Storage, StorageError};
use crate::system;

/// How deep a verification looks. Each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The log, catalogs, slots and segments; and of every live snapshot that all it reaches is in the
    /// index and in packs that are there. Reads metadata packs as far as snapshots need them.
    Log,
    /// Every blob is fetched, and its hash compared.
    Blobs,
    /// Every pack is decoded, every content re-hashed, and the index compared with it.
    Data,
}

/// What is verified.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    pub level: Level,
    /// Decode only some packs, those first that were not for the longest time; the level then says what is
    /// done besides. Where nothing is kept, others each time.
    pub sample: Option<Sample>,
    /// Keep which packs were found whole, so that the next verification goes on from there. Levels that
    /// look at no pack keep nothing.
    pub keep_coverage: bool,
    /// How often that is committed while the run goes on: what one that is killed loses.
    pub coverage_interval: Duration,
    /// Blobs read and trees walked at once; each thread holds up to a blob.
    pub threads: usize,
    /// Ask for the lock of every blob that is needed, and find those that are locked for a shorter time than
    /// this, or more weakly.
    pub retention: Option<Retention>,
    /// Paths that a finding names.
    pub paths_max: usize,
    /// Content IDs that a finding names.
    pub contents_max: usize,
}

impl VerifyOptions {
    /// What suits a storage: behind a network some threads wait for their blobs while others read theirs.
    pub fn for_storage(storage: &Storage) -> VerifyOptions {
        let near = VerifyOptions::default();
        VerifyOptions { threads: if storage.is_near() { near.threads } else { 2 * near.threads }, ..near }
    }
}

impl Default for VerifyOptions {
    fn default() -> VerifyOptions {
        let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8);
        VerifyOptions {
            level: Level::Log,
            sample: None,
            keep_coverage: false,
            coverage_interval: Duration::from_secs(60),
            threads,
            retention: None,
            paths_max: 20,
            contents_max: 20,
        }
    }
}

/// What was looked at and what was found.
#[derive(Debug, Clone)]
pub struct VerifyReport {
    pub level: Level,
    /// The state that was verified; `None` without keys.
    pub revision: Option<u64>,
    pub covered: Covered,
    /// What was verified when, this run included; `None` if that is not kept.
    pub coverage: Option<CoverageReport>,
    /// Damage first, in the order of blob names; then what is merely unknown.
    pub findings: Vec<Finding>,
    /// Told to stop before the end.
    pub interrupted: bool,
    pub duration: Duration,
}

impl VerifyReport {
    /// Whether nothing is wrong. Blobs that nothing knows are no damage: writers leave them when they
    /// are killed.
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|finding| finding.kind == FindingKind::Unknown)
    }
}

/// What the verification map comes to at the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoverageReport {
    pub summary: Summary,
    /// The pack that is unverified longest.
    pub longest: Option<(Place, Row)>,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Covered {
    pub records: u64,
    pub catalogs: u64,
    pub slots: u64,
    pub segments: u64,
    /// Packs in the storage, and their bytes.
    pub packs: u64,
    pub pack_bytes: u64,
    /// Blobs whose hash was compared, packs that were decoded among them, and their bytes.
    pub blobs_read: u64,
    pub bytes_read: u64,
    /// Packs that were decoded, and the contents re-hashed in them.
    pub packs_decoded: u64,
    pub contents_decoded: u64,
    pub snapshots: u64,
    /// Distinct map nodes.
    pub nodes: u64,
    /// Entries of distinct nodes.
    pub entries: u64,
    /// Content references looked up, those that came up again included.
    pub references: u64,
    /// Blobs whose locks were asked for.
    pub locks: u64,
}

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Without the list of blobs nothing can be said.
    #[error("cannot list the repository's blobs")]
    List(#[source] StorageError),
    /// There is no repository, or its format blob is of a newer release.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

/// Verifies the repository as of the revision that it is open at.
///
/// # Errors
/// Only if the storage cannot be listed. What is broken is in the report.
pub fn verify(
    repository: &Repository,
    options: &VerifyOptions,
    progress: &Progress,
    stop: &Stop,
) -> Result<VerifyReport, VerifyError> {
    let begun = system::now();
    // Before the listing: what the state names was there by then, or was removed since.
    let (state, catalog_seen) = (repository.state(), repository.log().catalog_seen());
    let listing = Listing::of(repository.blobs()).map_err(VerifyError::List)?;
    let keeper = Keeper::begin(repository, options, &listing, &state);
    let begin = Begin { state, catalog_seen, listing };
    let check = Check::new(repository, options, begin, progress, stop);
    slots::format_blob(&check);
    slots::copy_markers(&check);
    slots::slots(&check);
    log::log(&check);
    let packs = segments::segments(&check);
    segments::packs_are_there(&check, &packs);
    blobs::blobs(&check, &packs, &keeper);
    let kept = keeper.finish();
    let mut live = snapshots::live(&check);
    walk::walk(&check, &live);
    let lost = lost::lost(&check, &mut live);
    affected::affected(&check, &live, &lost);
    retention::retention(&check);
    Ok(check.into_report(begun, kept))
}
