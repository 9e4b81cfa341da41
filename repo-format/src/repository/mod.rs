//! A repository that is open: its key, log, index and contents in one hand.
//!
//! Owns how they are put together and in which order things are written. Knows nothing of where
//! entries come from. All calls block.

mod causes;
mod compact;
mod copy;
mod coverage;
mod error;
mod fetch;
mod init;
mod lasting;
mod mend;
mod policies;
mod publish;
mod reach;
mod recall;
mod retention;
mod slots;
mod snapshots;
mod unlock;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

pub(crate) use causes::with_causes;
pub(crate) use compact::is_small;
pub(crate) use copy::copy_marker;
pub use coverage::Held;
pub use error::RepositoryError;
pub use init::{InitOptions, Initialised};
pub(crate) use lasting::Lasting;
pub use mend::BrokenLog;
pub(crate) use publish::check_known;
pub use publish::{Draft, Unseen};
pub(crate) use reach::Kept;
pub use recall::Recalled;
pub use snapshots::ResolveError;
pub(crate) use unlock::{format_blob, refuse_foreign};
pub use unlock::{identify, identify_if_told};

use self::copy::is_unfinished;
use self::fetch::{Staged, StoredSegments};
use self::init::refuse_lost_log;
use self::unlock::{Doors, unlock};
use crate::codec::{MasterKey, PackId, RepoId, SlotId, Splitter, Subkeys, TimeNs};
use crate::content::{ContentReader, ContentWriter, News, ReadContent, Usable, WriteContent, WriterOptions};
use crate::format::names::{BlobId, PACKS};
use crate::format::slot::Secret;
use crate::index::Index;
use crate::log::{BlobRef, Log, LogError, LogOptions, Memory, State, WriterInfo};
use crate::map::{MapKey, MapStore};
use crate::storage::Blobs;
use crate::system::Mutex;

/// How a repository is opened.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// A folder for caches, which may be deleted at any time. Without one, tables are held in memory.
    pub cache: Option<PathBuf>,
    /// A folder that remembers what was seen of the log (LOG-6).
    pub state: Option<PathBuf>,
    /// Open for reading as it was at this revision.
    pub at: Option<u64>,
    /// Accept an older or forked log than the one seen before.
    pub accept_rollback: bool,
    /// Who commits.
    pub writer: WriterInfo,
    /// Nanoseconds since 1970 UTC; the system's clock if there is none. Nothing is safe because of it.
    pub clock: Option<fn() -> TimeNs>,
    /// Whoever opens does what it opens for at once: the first task takes the state that opening has just
    /// read, and does not read the log again. Not for a process that keeps a repository open.
    pub acts_at_once: bool,
}

impl OpenOptions {
    fn clock(&self) -> fn() -> TimeNs {
        self.clock.unwrap_or(LogOptions::default().clock)
    }

    fn log_options(&self, blobs: &Blobs, repo: &RepoId) -> LogOptions {
        let location = blobs.storage().location().to_string();
        let memory = self.state.as_deref().map(|folder| Memory::new(folder, repo, &location));
        LogOptions {
            writer: self.writer.clone(),
            clock: self.clock(),
            memory,
            accept_other_history: self.accept_rollback,
            copy: blobs.is_for_reading(),
        }
    }
}

/// So often a copy is opened that others get on with.
const OPENINGS_MAX: usize = 3;

/// An open repository. Clones share everything.
#[derive(Clone)]
pub struct Repository(Arc<Inner>);

struct Inner {
    blobs: Blobs,
    repo: RepoId,
    keys: Arc<Subkeys>,
    /// For wrapping in further slots.
    master: MasterKey,
    opened_with: Option<SlotId>,
    log: Log,
    index: Arc<Index>,
    usable: Arc<Usable>,
    /// Segments that were made and not put.
    staged: Arc<Staged>,
    cache: Option<PathBuf>,
    reader: ContentReader,
    splitter: Splitter,
    map_key: MapKey,
    warnings: Mutex<Vec<String>>,
    /// The state is the one that opening has read, and that is new enough for the first task.
    just_read: AtomicBool,
    /// The revision that the index is of. Held by whoever takes over a state, so that it never goes back to an
    /// earlier one.
    adopted: Mutex<u64>,
}

impl Repository {
    /// Opens the repository in a storage. An init that was not finished is completed. A copy opens for
    /// reading: see [`Repository::is_copy`].
    ///
    /// # Errors
    /// `NotThere`, `WrongSecret`, `LogLost`, damage, a newer format, or a log that is older than one seen
    /// before; `CopyUnfinished` for a copy that cannot be read yet.
    pub fn open(blobs: Blobs, secret: &Secret, options: OpenOptions) -> Result<Repository, RepositoryError> {
        let (mut doors, mut left) = (Doors::of(&blobs), OPENINGS_MAX);
        loop {
            let slots = doors.slots();
            let failed = match Self::unlock_and_open(blobs.clone(), doors, secret, options.clone()) {
                Ok(opened) => return Ok(opened),
                Err(error) => error,
            };
            if copy_marker(&blobs)?.is_some() && is_unfinished(&blobs)? {
                return Err(RepositoryError::CopyUnfinished {
                    location: blobs.storage().location().to_string(),
                });
            }
            // It may have been a copy in the making, and finished, or promoted even, since.
            doors = Doors::of(&blobs);
            let has_more = matches!(failed, RepositoryError::Log(LogError::Empty)) || doors.slots() > slots;
            left -= 1;
            if !has_more || left == 0 {
                return Err(failed);
            }
        }
    }

    fn unlock_and_open(
        blobs: Blobs,
        doors: Doors,
        secret: &Secret,
        options: OpenOptions,
    ) -> Result<Repository, RepositoryError> {
        let unlocked = unlock(&blobs, doors, secret)?;
        let (repo, keys) = (unlocked.repo, Arc::new(unlocked.master.subkeys()));
        let read = |blobs: &Blobs| match options.at {
            Some(revision) => Log::open_at(blobs.clone(), keys.clone(), repo, revision),
            None => Log::open(blobs.clone(), keys.clone(), repo, options.log_options(blobs, &repo)),
        };
        // A copy has its marker before all else. So one that is not there behind the slots never was, whatever comes
        // later; one that was not there before them says little. Nothing is written before that is known.
        let (marker, log) = blobs.both(|| copy_marker(&blobs), || read(&blobs));
        let blobs = if marker?.is_some() { blobs.for_reading() } else { blobs };
        // An empty one may have been a copy's that nobody had put a log into yet, and that was promoted since.
        let is_anew = blobs.is_for_reading() || matches!(log, Err(LogError::Empty));
        let log = if is_anew { read(&blobs) } else { log };
        unlocked.restore_format_blob(&blobs);
        let log = match log {
            // Nobody but whoever copies begins a copy's log.
            Err(LogError::Empty) if options.at.is_none() && !blobs.is_for_reading() => {
                Self::complete_on_open(&blobs, &repo, keys.clone(), &options)?
            }
            // Who has seen it knows that it was longer; packs tell that to everybody.
            Err(error @ LogError::RolledBack { head: 0, .. }) => {
                refuse_lost_log(&blobs)?;
                return Err(error.into());
            }
            log => log?,
        };
        Self::assemble(blobs, keys, repo, log, options, unlocked.master, Some(unlocked.slot.id))
    }

    fn assemble(
        blobs: Blobs,
        keys: Arc<Subkeys>,
        repo: RepoId,
        log: Log,
        options: OpenOptions,
        master: MasterKey,
        opened_with: Option<SlotId>,
    ) -> Result<Repository, RepositoryError> {
        let sizes = log.state().splitter().ok_or(RepositoryError::UnknownSplitter)?;
        let cache = options.cache.map(|folder| folder.join(repo.to_string()));
        let staged = Arc::<Staged>::default();
        let fetch = StoredSegments { blobs: blobs.clone(), staged: staged.clone() };
        let index = Arc::new(Index::new(keys.clone(), repo, cache.clone(), Arc::new(fetch)));
        let usable = Arc::new(Usable::default());
        let reader = ContentReader::new(keys.clone(), repo, index.clone(), usable.clone(), blobs.clone());
        let repository = Repository(Arc::new(Inner {
            splitter: Splitter::new(&keys, sizes),
            map_key: MapKey::new(*keys.map()),
            warnings: Mutex::default(),
            just_read: AtomicBool::new(options.acts_at_once),
            adopted: Mutex::new(0),
            blobs,
            repo,
            keys,
            master,
            opened_with,
            log,
            index,
            usable,
            staged,
            cache,
            reader,
        }));
        repository.adopt_state();
        repository.warn_of_retention();
        repository.0.reader.refresh_with(Newest(Arc::downgrade(&repository.0)));
        Ok(repository)
    }

    /// The repository's ID.
    pub fn id(&self) -> RepoId {
        self.0.repo
    }

    /// Whether this is a copy that was not promoted (COPY-2). Its storage takes no change then.
    pub fn is_copy(&self) -> bool {
        self.0.blobs.is_for_reading()
    }

    /// The state as it was read or committed last.
    pub fn state(&self) -> Arc<State> {
        self.0.log.state()
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.0.log
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.0.index
    }

    /// The storage.
    pub fn blobs(&self) -> &Blobs {
        &self.0.blobs
    }

    /// The subkeys.
    pub fn keys(&self) -> &Subkeys {
        &self.0.keys
    }

    /// Reads contents.
    pub fn reader(&self) -> &ContentReader {
        &self.0.reader
    }

    /// Reads contents, for trees and maps.
    pub fn contents(&self) -> &dyn ReadContent {
        &self.0.reader
    }

    /// Which packs may be relied on.
    pub fn usable(&self) -> &Usable {
        &self.0.usable
    }

    /// What cuts streams in this repository.
    pub fn splitter(&self) -> &Splitter {
        &self.0.splitter
    }

    /// Where maps go when `contents` stores them.
    pub fn map_store<'a>(&'a self, contents: &'a dyn WriteContent) -> MapStore<'a> {
        MapStore { contents, splitter: &self.0.splitter, key: &self.0.map_key }
    }

    /// What went wrong without stopping anything, since this was asked last.
    pub fn take_warnings(&self) -> Vec<String> {
        let mut warnings = std::mem::take(&mut *self.0.warnings.lock());
        warnings.extend(self.0.log.take_warnings().iter().map(|warning| with_causes(warning)));
        warnings.extend(self.0.index.take_warning().iter().map(|warning| with_causes(warning)));
        warnings
    }

    /// Keeps a warning for whoever asks.
    pub(crate) fn warn(&self, warning: String) {
        self.0.warnings.lock().push(warning);
    }

    /// Reads what others have committed since, and looks contents up in it from here on. Gives the state that was taken
    /// over: the index is not behind it, as it may be behind [`Repository::state`] where another thread does the same.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn refresh(&self) -> Result<Arc<State>, RepositoryError> {
        self.0.log.refresh()?;
        Ok(self.adopt_state())
    }

    /// What a task begins with: the same, unless opening has just done it (`acts_at_once`).
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn begin_task(&self) -> Result<(), RepositoryError> {
        if !self.0.just_read.swap(false, Ordering::Relaxed) {
            self.refresh()?;
        }
        Ok(())
    }

    /// A writer of contents. Brings the index into the cache, and looks which packs are missing, so
    /// that what they held is stored again.
    ///
    /// # Errors
    /// If the log, the index or the list of packs cannot be read, or nothing can be committed.
    pub fn writer(&self, options: WriterOptions) -> Result<ContentWriter, RepositoryError> {
        self.begin_task()?;
        self.0.log.check_writable()?;
        self.0.index.load_all()?;
        self.note_missing_packs()?;
        Ok(self.writer_with(self.0.usable.clone(), options))
    }

    /// A writer that deduplicates against no pack of `avoided`, for copying what is in them.
    pub(crate) fn writer_avoiding(&self, avoided: Vec<PackId>, options: WriterOptions) -> ContentWriter {
        let usable = Usable::default();
        let state = self.0.log.state();
        let leaving = leaving_packs(&state).chain(avoided);
        usable.set_by_state(leaving, state.quarantined.iter().copied());
        self.writer_with(Arc::new(usable), options)
    }

    fn writer_with(&self, usable: Arc<Usable>, options: WriterOptions) -> ContentWriter {
        ContentWriter::new(
            self.0.keys.clone(),
            self.0.repo,
            self.0.index.clone(),
            usable,
            self.0.blobs.clone(),
            options,
            self.0.log.state().revision,
        )
    }

    /// A folder of this machine for what a long step keeps on the disk, if there is one.
    pub(crate) fn scratch(&self) -> Option<&Path> {
        self.0.cache.as_deref()
    }

    /// Takes over what the log says now: segments, and packs to keep away from.
    pub(crate) fn adopt_state(&self) -> Arc<State> {
        let mut adopted = self.0.adopted.lock();
        let state = self.0.log.state();
        let segments: Vec<_> = state.segments.values().copied().collect();
        self.0.index.set_segments(&segments);
        self.adopt_retention(&state);
        self.0.usable.set_by_state(leaving_packs(&state), state.quarantined.iter().copied());
        *adopted = state.revision;
        state
    }

    /// Compares the packs that the index names with those that are there.
    fn note_missing_packs(&self) -> Result<(), RepositoryError> {
        let (there, state) = (self.packs_there()?, self.0.log.state());
        let is_missing = |pack: &PackId| !there.contains(pack) && !state.is_lost(pack);
        let missing: Vec<PackId> = self.0.index.packs()?.into_keys().filter(is_missing).collect();
        if !missing.is_empty() {
            let count = missing.len();
            self.warn(format!(
                "{count} packs are missing from the storage; what they held is stored again where the source still has it"
            ));
            self.0.usable.add_lost(missing);
        }
        Ok(())
    }

    /// The packs that are in the storage.
    pub(crate) fn packs_there(&self) -> Result<HashSet<PackId>, RepositoryError> {
        let pack = |name| match BlobId::parse(name) {
            Some(BlobId::Pack(_, id)) => Some(id),
            _ => None,
        };
        Ok(self.0.blobs.list(PACKS)?.iter().filter_map(|blob| pack(&blob.name)).collect())
    }
}

/// Packs that are condemned or doomed.
fn leaving_packs(state: &State) -> impl Iterator<Item = PackId> + '_ {
    let blobs = state.condemned.keys().chain(state.doomed.keys());
    blobs.filter_map(|blob| match blob {
        BlobRef::Pack(_, id) => Some(*id),
        _ => None,
    })
}

/// What others committed, for the repository's own reader, which must not keep it alive.
struct Newest(Weak<Inner>);

impl News for Newest {
    fn revision(&self) -> u64 {
        self.0.upgrade().map_or(0, |inner| *inner.adopted.lock())
    }

    fn refresh(&self) {
        if let Some(inner) = self.0.upgrade()
            && let Err(error) = Repository(inner).refresh()
        {
            tracing::warn!(%error, "the log could not be read again");
        }
    }
}
