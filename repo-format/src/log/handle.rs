//! The log of an open repository: its state, kept up to date.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::{LogError, Warning};
use super::manifests;
use super::memory::{Memory, Seen};
use super::parts::ManifestSegmentRef;
use super::read::{Access, Reading};
use super::record::WriterInfo;
use super::row::ManifestRow;
use super::state::{SegmentRows, State};
use crate::codec::{ManifestId, RepoId, Subkeys};
use crate::format::names::BlobId;
use crate::storage::Blobs;
use crate::system::{self, Mutex, RwLock};

/// How a log is opened.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// Who commits.
    pub writer: WriterInfo,
    /// Nanoseconds since 1970 UTC. Nothing depends on it.
    pub clock: fn() -> i64,
    /// Where it is remembered what was seen.
    pub memory: Option<Memory>,
    /// Take an older or another history than the one remembered, and remember it instead.
    pub accept_other_history: bool,
    /// The log of a copy, for reading only (COPY-2).
    pub copy: bool,
}

impl Default for LogOptions {
    fn default() -> LogOptions {
        let (writer, memory) = (WriterInfo::default(), None);
        LogOptions { writer, clock: system::time_ns, memory, accept_other_history: false, copy: false }
    }
}

/// A log. Clones are cheap and share the state. Its calls block; see [`Blobs`].
#[derive(Debug, Clone)]
pub struct Log(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub access: Access,
    pub options: LogOptions,
    /// Set for a log at an older revision.
    read_only: bool,
    head: RwLock<Head>,
    /// The revision of the newest catalog that this client has ever seen; 0 if none.
    catalog_seen: AtomicU64,
    /// Held by whoever moves the head, so that one process does not race itself.
    pub turn: Mutex<()>,
    segment_rows: Mutex<LoadedRows>,
    warnings: Mutex<Vec<Warning>>,
}

/// How far the log was read.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub state: Arc<State>,
    /// The newest catalog that the state is known to agree with.
    pub catalog: u64,
    pub broken: Option<Arc<LogError>>,
}

/// The rows of these manifest segments, which never change.
type LoadedRows = (Vec<ManifestSegmentRef>, Arc<SegmentRows>);

impl Log {
    /// Opens the log at its end.
    ///
    /// A log that breaks off is opened at the state before, with a [`Warning::Broken`]; nothing
    /// can be committed then.
    ///
    /// # Errors
    ///
    /// `Empty` if an init was not finished; `RolledBack` and `Forked` by the memory; `Unsupported`;
    /// and what makes the log unreadable from its first record on.
    pub fn open(
        blobs: Blobs,
        keys: Arc<Subkeys>,
        repo: RepoId,
        options: LogOptions,
    ) -> Result<Log, LogError> {
        let log = Log::load(Access { blobs, keys, repo }, options)?;
        if log.state().revision == 0 { Err(LogError::Empty) } else { Ok(log) }
    }

    /// Opens the log at an older revision, for reading.
    ///
    /// # Errors
    ///
    /// `NotKept` if no catalog and no records lead there; `Unsupported`; and as for any reading.
    pub fn open_at(blobs: Blobs, keys: Arc<Subkeys>, repo: RepoId, revision: u64) -> Result<Log, LogError> {
        // Before its first record there was no repository.
        if revision == 0 {
            return Err(LogError::NotKept { revision });
        }
        let access = Access { blobs, keys, repo };
        let reading = access.read(Some(revision))?;
        match reading.broken {
            _ if reading.state.revision == revision => {}
            Some(error @ (LogError::Blob { .. } | LogError::Chain { .. })) => return Err(error),
            _ => return Err(LogError::NotKept { revision }),
        }
        reading.state.check_readable()?;
        Ok(Log::new(access, LogOptions::default(), true, Reading { broken: None, ..reading }))
    }

    /// Reads the log, which may be empty, and checks it against the memory.
    pub(super) fn load(access: Access, options: LogOptions) -> Result<Log, LogError> {
        let mut reading = access.read(None)?;
        reading.state.check_readable()?;
        // In a broken log the end is not where the state is.
        let whole = reading.broken.is_none();
        let mut catalog_seen = 0;
        if let Some(memory) = &options.memory
            && !options.accept_other_history
            && whole
        {
            match memory.read() {
                Ok(Some(seen)) => {
                    // Who voids a record has the key, and says so to everybody.
                    if !reading.state.voids.contains_key(&seen.revision) {
                        seen.check(&reading.state)?;
                    }
                    catalog_seen = seen.catalog;
                }
                Ok(None) => {}
                Err(error) => reading.warnings.push(memory.warning(error)),
            }
        }
        match reading.broken {
            Some(error) if reading.state.revision == 0 => return Err(error),
            _ => {}
        }
        reading.warnings.extend(reading.state.hold.map(Warning::Held));
        let log = Log::new(access, options, false, reading);
        log.0.catalog_seen.fetch_max(catalog_seen, Ordering::Relaxed);
        log.remember(log.0.options.accept_other_history && whole);
        Ok(log)
    }

    pub(super) fn new(access: Access, options: LogOptions, read_only: bool, reading: Reading) -> Log {
        let Reading { state, catalog, broken, mut warnings } = reading;
        let broken = broken.map(Arc::new);
        warnings.extend(broken.clone().map(Warning::Broken));
        Log(Arc::new(Inner {
            access,
            options,
            read_only,
            head: RwLock::new(Head { state: Arc::new(state), catalog, broken }),
            catalog_seen: AtomicU64::new(catalog),
            turn: Mutex::new(()),
            segment_rows: Mutex::default(),
            warnings: Mutex::new(warnings),
        }))
    }

    /// The state as it was read or committed last. Costs no request.
    pub fn state(&self) -> Arc<State> {
        self.head().state
    }

    /// Reads what others have committed since.
    ///
    /// # Errors
    ///
    /// As for [`Log::open`]; the state is then as before.
    pub fn refresh(&self) -> Result<Arc<State>, LogError> {
        let _turn = self.0.turn.lock();
        if !self.0.read_only {
            self.catch_up()?;
        }
        Ok(self.state())
    }

    /// Why the state is not that of the log's end, if the log breaks off.
    pub fn broken(&self) -> Option<Arc<LogError>> {
        self.head().broken
    }

    /// The revision of the newest catalog that this client has seen, in this process or before; 0 if
    /// none.
    pub fn catalog_seen(&self) -> u64 {
        self.0.catalog_seen.load(Ordering::Relaxed)
    }

    /// Whether commits may follow the state, so that nobody uploads what cannot be committed.
    ///
    /// # Errors
    ///
    /// `Broken`; `ReadOnly` at an older revision; `Copy`; `Unsupported` for features that writers must know.
    pub fn check_writable(&self) -> Result<(), LogError> {
        self.writable_head().map(|_| ())
    }

    /// All manifest rows of `state`, forgotten ones too.
    ///
    /// # Errors
    ///
    /// `Rows` for a damaged manifest segment; `Storage` if one is missing: a state as old as that
    /// must be read anew.
    pub fn manifests(&self, state: &State) -> Result<BTreeMap<ManifestId, ManifestRow>, LogError> {
        Ok(state.manifests(&*self.segment_rows(state)?))
    }

    /// The time that a record would bear now, in nanoseconds since 1970 UTC.
    pub fn now_ns(&self) -> i64 {
        (self.0.options.clock)()
    }

    /// The clock that says so.
    pub fn clock(&self) -> fn() -> i64 {
        self.0.options.clock
    }

    /// What went wrong without stopping anything, since this was asked last.
    pub fn take_warnings(&self) -> Vec<Warning> {
        std::mem::take(&mut self.0.warnings.lock())
    }

    /// Keeps a warning; one that was not taken yet is not repeated.
    pub(super) fn warn(&self, warning: Warning) {
        let mut warnings = self.0.warnings.lock();
        if warnings.iter().all(|known| known.to_string() != warning.to_string()) {
            warnings.push(warning);
        }
    }

    pub(super) fn head(&self) -> Head {
        self.0.head.read().clone()
    }

    /// The head, if commits may follow it.
    pub(super) fn writable_head(&self) -> Result<Head, LogError> {
        let head = self.head();
        match &head.broken {
            _ if self.0.read_only => Err(LogError::ReadOnly),
            _ if self.0.options.copy => Err(LogError::Copy),
            Some(source) => Err(LogError::Broken { source: source.clone() }),
            None => head.state.check_writable().map(|()| head),
        }
    }

    /// Moves the head to a state that was read whole or committed.
    pub(super) fn set_head(&self, state: State, catalog: u64) {
        *self.0.head.write() = Head { state: Arc::new(state), catalog, broken: None };
        self.saw_catalog(catalog);
    }

    /// Remembers that there is a catalog of `revision`, and the head.
    pub(super) fn saw_catalog(&self, revision: u64) {
        self.0.catalog_seen.fetch_max(revision, Ordering::Relaxed);
        self.remember(false);
    }

    /// The same of a catalog that this client has written of its own head.
    pub(super) fn wrote_catalog(&self, revision: u64) {
        self.0.head.write().catalog = revision;
        self.saw_catalog(revision);
    }

    /// Folds what is new. The turn is the caller's.
    pub(super) fn catch_up(&self) -> Result<(), LogError> {
        let (access, head) = (&self.0.access, self.head());
        let mut state = (*head.state).clone();
        let broken = access.advance(&mut state, None)?;
        // Asked afterwards: a record that was trimmed and made again by a writer that lost is older
        // than the catalog which says so.
        let catalog = access.newest_catalog(None)?;
        if broken.is_none() && self.agrees(&state, catalog, head.catalog)? {
            state.check_readable()?;
            self.set_head(state, catalog);
            return Ok(());
        }
        let reading = access.read(None)?;
        self.jump(&head.state, reading)
    }

    /// Whether the records led through the state of the newest catalog.
    fn agrees(&self, state: &State, catalog: u64, known: u64) -> Result<bool, LogError> {
        if catalog <= known {
            return Ok(true);
        }
        match state.hash_of(catalog) {
            Some(hash) => match self.0.access.catalog(catalog) {
                Ok(stored) => Ok(stored.hash == hash),
                Err(_) => Ok(false),
            },
            None => Ok(false),
        }
    }

    /// Takes a state that was read anew, if it continues the one there was.
    fn jump(&self, old: &State, reading: Reading) -> Result<(), LogError> {
        let Reading { state, catalog, broken, warnings } = reading;
        state.check_readable()?;
        match broken {
            None => {
                Seen::of(old, 0).check(&state)?;
                self.set_head(state, catalog);
            }
            Some(error) => {
                let error = Arc::new(error);
                self.warn(Warning::Broken(error.clone()));
                let mut head = self.0.head.write();
                head.broken = Some(error);
                if state.revision >= old.revision {
                    head.state = Arc::new(state);
                }
            }
        }
        warnings.into_iter().for_each(|warning| self.warn(warning));
        Ok(())
    }

    /// The rows of a state's manifest segments, read once.
    pub(super) fn segment_rows(&self, state: &State) -> Result<Arc<SegmentRows>, LogError> {
        let mut loaded = self.0.segment_rows.lock();
        if loaded.0 != state.manifest_segments {
            let rows = self.0.access.segment_rows(&state.manifest_segments)?;
            *loaded = (state.manifest_segments.clone(), Arc::new(rows));
        }
        Ok(loaded.1.clone())
    }

    fn remember(&self, replace: bool) {
        let head = self.head();
        let (Some(memory), None) = (&self.0.options.memory, &head.broken) else { return };
        if head.state.revision == 0 {
            return;
        }
        let seen = Seen::of(&head.state, self.catalog_seen());
        let kept = if replace { memory.replace(&seen) } else { memory.raise(&seen) };
        if let Err(error) = kept {
            self.warn(memory.warning(error));
        }
    }
}

impl Access {
    /// The rows of segments, later ones over earlier ones.
    pub(super) fn segment_rows(&self, segments: &[ManifestSegmentRef]) -> Result<SegmentRows, LogError> {
        let named = |segment: &ManifestSegmentRef| (BlobId::Segment(segment.id).name(), segment.size);
        let names: Vec<_> = segments.iter().map(named).collect();
        let mut rows = SegmentRows::new();
        for (ManifestSegmentRef { id, .. }, bytes) in segments.iter().zip(self.blobs.get_listed(&names)) {
            let found = manifests::decode(&self.keys, &self.repo, id, &bytes?)
                .map_err(|source| LogError::Rows { segment: *id, source })?;
            rows.extend(found.into_iter().map(|row| (row.id, row)));
        }
        Ok(rows)
    }
}
