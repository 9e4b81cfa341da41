//! Fetching: one content from its address into the repository.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use repo_format::cbor;
use repo_format::engine::feed::{FeedRun, StoreError};
use repo_format::engine::source::{ItemCause, ItemError, ItemReader};
use repo_format::snapshot::Part;
use repo_format::tree::{Entry, EntryKind, Meta};
use tokio::runtime::Handle;

use super::addresses::Address;
use super::outcome::item_error;
use super::sharing;
use super::work::{Event, Job, Jobs, Outcome};
use crate::error::GraphError;
use crate::files::{Download, DownloadOf};
use crate::graph::Graph;
use crate::ingest::Facts;
use crate::model::{DriveId, ItemId};
use crate::quickxor::{QuickXor, QuickXorHash};
use crate::secret::Secret;

/// How often a content whose hash is not the listed one is fetched.
const HASH_ATTEMPTS: u32 = 3;
/// quickXorHash of nothing.
const EMPTY_HASH: [u8; 20] = [0; 20];
/// How long a wait for the network may keep a thread from seeing that the run is to end.
const LOOK_UP: Duration = Duration::from_millis(100);

/// What a thread that fetches works with.
pub(super) struct Fetcher<'f, 'r> {
    pub graph: &'f Graph,
    pub drive: &'f DriveId,
    pub runtime: &'f Handle,
    pub run: &'f FeedRun<'r>,
    /// How old an address may be that is tried.
    pub age_max: Duration,
}

impl Fetcher<'_, '_> {
    /// Takes jobs until they are closed, and tells what became of each.
    pub fn work(&self, jobs: &Jobs, tell: &Sender<Event>) {
        let mut buffer = Vec::new();
        while let Some(job) = jobs.take() {
            let event = match job {
                Job::Content { facts, address: Some(Address { told, page, .. }) } if self.is_old(told) => {
                    Event::Stale { facts, page }
                }
                Job::Content { facts, address } => {
                    let outcome = self.content(&facts, address.map(|address| address.url), &mut buffer);
                    Event::Content { facts, outcome }
                }
                Job::Permissions { id } => {
                    let json = self.permissions(&id);
                    Event::Permissions { id, json }
                }
                Job::Addresses { ids } => {
                    let found = self.wait(self.graph.refresh_download_urls(self.drive, &ids));
                    // Told to end: nobody waits for addresses any more.
                    Event::Addresses(found.unwrap_or(Ok(Vec::new())))
                }
                Job::Page { from } => {
                    let found = self.wait(self.graph.refresh_page(self.drive, &from));
                    Event::Renewed { page: from, found: found.unwrap_or(Ok(HashMap::new())) }
                }
            };
            if tell.send(event).is_err() {
                return;
            }
        }
    }

    fn is_old(&self, told: Duration) -> bool {
        self.graph.clock().now().saturating_sub(told) >= self.age_max
    }

    fn permissions(&self, id: &str) -> Option<Vec<u8>> {
        let id = ItemId::from(id);
        match self.wait(self.graph.permissions(self.drive, &id))? {
            Ok(permissions) => Some(sharing::encode(&permissions)),
            Err(error) => {
                tracing::warn!(item = id.as_str(), %error, "the permissions of an item cannot be read");
                None
            }
        }
    }

    fn content(&self, facts: &Facts, url: Option<Secret>, buffer: &mut Vec<u8>) -> Outcome {
        let mut of = self.download_of(facts, url);
        let mut begun = self.begun(facts);
        let mut odd_hash = None;
        let mut attempt = 1;
        loop {
            let mut reader = Reader {
                fetcher: self,
                of: &of,
                before: begun.as_ref().map(|begun| begun.hash.clone()).unwrap_or_default(),
                odd_hash,
                download: None,
                ended: false,
                error: None,
                odd: false,
            };
            let part = begun.as_ref().map(|begun| &begun.part);
            let stored = self.run.store(&mut reader, &listed(facts), facts.id.as_bytes(), part, buffer);
            let (odd, error) = (reader.odd, reader.error.take());
            match (stored, error) {
                (Ok(stored), _) => return Outcome::Stored { stored, odd },
                (Err(StoreError::Stopped), _) => return Outcome::Stopped,
                (Err(StoreError::Content(error)), _) => return Outcome::Broken(Arc::new(error)),
                (Err(_), Some(error)) if error.stops_everything() => return Outcome::Fatal(error),
                // What an earlier run stored may be of another content: that is no fault of the service's.
                (Err(_), Some(GraphError::HashMismatch { .. })) if begun.is_some() => {
                    begun = None;
                    of.url = None;
                }
                (Err(_), Some(GraphError::HashMismatch { found, .. })) if attempt < HASH_ATTEMPTS => {
                    // Twice the same bytes: the listing is wrong, not the transfer.
                    odd_hash = Some(found);
                    attempt += 1;
                    of.url = None;
                }
                (Err(_), Some(error)) => return Outcome::Failed(item_error(&error, facts, attempt)),
                // The reader gave up because the run is to end: no fault of the item's.
                (Err(_), None) => return Outcome::Stopped,
            }
        }
    }

    /// What an earlier run stored of the content that these facts list, if it is the same one.
    fn begun(&self, facts: &Facts) -> Option<Begun> {
        let part = self.run.part(facts.id.as_bytes())?;
        let then: Facts = cbor::decode(part.entry.meta.service.as_deref()?).ok()?;
        let hash = QuickXorHash::from_bytes(part.state.as_deref()?)?;
        // One that has all of it may be shorter than was listed: the end is to be read again.
        let fits = hash.length() == part.covered && part.covered < facts.size;
        (fits && then.same_content(facts)).then_some(Begun { part, hash })
    }

    /// The content that these facts list.
    pub fn download_of(&self, facts: &Facts, url: Option<Secret>) -> DownloadOf {
        DownloadOf {
            drive: self.drive.clone(),
            item: ItemId::from(facts.id.as_str()),
            url,
            size: Some(facts.size),
            // Of what is listed as empty no hash is listed: it is known all the same.
            hash: facts.hash.or((facts.size == 0).then_some(EMPTY_HASH)).map(QuickXor),
            c_tag: (!facts.c_tag.is_empty()).then(|| facts.c_tag.clone()),
            e_tag: (!facts.e_tag.is_empty()).then(|| facts.e_tag.clone()),
        }
    }

    fn wait<T>(&self, what: impl Future<Output = T>) -> Option<T> {
        wait(self.runtime, self.run, what)
    }
}

/// Waits for the network; `None` if the run is to end first.
pub(super) fn wait<T>(runtime: &Handle, run: &FeedRun<'_>, what: impl Future<Output = T>) -> Option<T> {
    runtime.block_on(async {
        tokio::pin!(what);
        while !run.is_stopped() {
            if let Ok(done) = tokio::time::timeout(LOOK_UP, &mut what).await {
                return Some(done);
            }
        }
        None
    })
}

/// What is stored of a content, and the hash of that.
struct Begun {
    part: Part,
    hash: QuickXorHash,
}

/// A file as a part entry describes it.
fn listed(facts: &Facts) -> Entry {
    let service = cbor::encode(&Facts { permissions: Vec::new(), ..facts.clone() });
    let meta = Meta { mtime_ns: facts.modified_ns, service: Some(service), ..Meta::default() };
    Entry { kind: EntryKind::File(None), size: facts.size, meta, items: 0 }
}

/// A content as the engine reads it.
struct Reader<'f, 'w, 'r> {
    fetcher: &'f Fetcher<'w, 'r>,
    of: &'f DownloadOf,
    /// The hash of what is stored already: the rest is fetched.
    before: QuickXorHash,
    /// A hash that came before, though another is listed.
    odd_hash: Option<QuickXor>,
    download: Option<Download>,
    ended: bool,
    /// What kept the content from coming.
    error: Option<GraphError>,
    odd: bool,
}

impl Reader<'_, '_, '_> {
    fn next(&mut self) -> Option<Result<Option<bytes::Bytes>, GraphError>> {
        if self.download.is_none() {
            let start = self.before.length();
            match self.fetcher.wait(self.fetcher.graph.download(self.of.clone(), start))? {
                Ok(download) => self.download = Some(download.continue_hash(self.before.clone())),
                Err(error) => return Some(Err(error)),
            }
        }
        let download = self.download.as_mut()?;
        self.fetcher.wait(download.next())
    }

    fn fail(&mut self, error: Option<GraphError>) -> ItemError {
        let message =
            error.as_ref().map_or_else(|| "the run was told to stop".to_owned(), GraphError::to_string);
        self.error = error;
        ItemError { cause: ItemCause::Io, message, attempts: 1 }
    }
}

impl ItemReader for Reader<'_, '_, '_> {
    fn read(&mut self, buf: &mut Vec<u8>, limit: usize) -> Result<usize, ItemError> {
        // Gathers small pieces, so that the engine is not called for each.
        let mut count = 0;
        while !self.ended && count < limit.min(1 << 20) {
            match self.next() {
                Some(Ok(Some(bytes))) => {
                    buf.extend_from_slice(&bytes);
                    count += bytes.len();
                }
                Some(Ok(None)) => self.ended = true,
                Some(Err(GraphError::HashMismatch { found, .. })) if self.odd_hash == Some(found) => {
                    (self.ended, self.odd) = (true, true);
                }
                Some(Err(error)) => return Err(self.fail(Some(error))),
                None => return Err(self.fail(None)),
            }
        }
        Ok(count)
    }

    fn state_before(&self, unread: &[u8]) -> Option<Vec<u8>> {
        let mut hash = self.download.as_ref()?.hash_so_far()?.clone();
        hash.take_back(unread);
        Some(hash.to_bytes().to_vec())
    }
}
