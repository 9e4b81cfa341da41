//! Reading contents: look up, fetch the frame, unseal, re-hash.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::ahead::Ahead;
use super::frames::FrameCache;
use super::{ContentError, ReadContent, Usable};
use crate::codec::{ContentId, ContentKind, Header, PackId, RepoId, SEAL_OVERHEAD, Subkeys};
use crate::format::names::{BlobId, PackKind};
use crate::index::{Index, Location};
use crate::pack::open_frame;
use crate::storage::Blobs;
use crate::system::{self, Mutex};

/// Bytes of decoded frames that a reader keeps.
const CACHE_BYTES: usize = 32 << 20;

/// Reads contents of a repository. Clones share the cache of frames.
#[derive(Clone)]
pub struct ContentReader(Arc<Inner>);

struct Inner {
    keys: Arc<Subkeys>,
    repo: RepoId,
    index: Arc<Index>,
    usable: Arc<Usable>,
    blobs: Blobs,
    frames: Mutex<FrameCache>,
    /// Where requests are dear.
    ahead: Option<Ahead>,
    news: OnceLock<Box<dyn News>>,
    vain: Mutex<Vain>,
}

/// Refreshing that brought nothing new: damage is not asked about at every content.
#[derive(Default)]
struct Vain {
    /// Packs on whose account it was tried. What is in one that is bad has not moved.
    packs: HashSet<PackId>,
    /// How often since there was something new.
    count: u32,
    last: Option<Instant>,
}

/// What others committed.
pub trait News: Send + Sync {
    /// The revision that the index is of.
    fn revision(&self) -> u64;

    /// Takes over what was committed since. If that cannot be read, there is nothing new.
    fn refresh(&self);
}

/// So often in a row it is asked in vain before a pause is made each time.
const VAIN_MAX: u32 = 64;
/// So long it is then believed that there is nothing new.
const REFRESH_PAUSE: Duration = Duration::from_secs(10);

impl Vain {
    /// Whether to ask again, for a pack if it is one that failed.
    fn allows(&self, pack: Option<PackId>) -> bool {
        let is_known = pack.is_some_and(|pack| self.packs.contains(&pack));
        let is_time = self.last.is_none_or(|last| system::since(last) >= REFRESH_PAUSE);
        !is_known && (self.count < VAIN_MAX || is_time)
    }

    fn note(&mut self, pack: Option<PackId>) {
        self.packs.extend(pack);
        self.count += 1;
        self.last = Some(system::now());
    }
}

impl ContentReader {
    /// A reader of what `index` knows.
    pub fn new(
        keys: Arc<Subkeys>,
        repo: RepoId,
        index: Arc<Index>,
        usable: Arc<Usable>,
        blobs: Blobs,
    ) -> ContentReader {
        let frames = Mutex::new(FrameCache::new(CACHE_BYTES));
        let storage = blobs.storage();
        let ahead = (!storage.is_near()).then(|| Ahead::new(storage.request_bytes()));
        let (news, vain) = (OnceLock::new(), Mutex::default());
        ContentReader(Arc::new(Inner { keys, repo, index, usable, blobs, frames, ahead, news, vain }))
    }

    /// Says how to learn what others committed. A content that is not where the index has it is then
    /// looked for once more: maintenance may have moved it.
    pub fn refresh_with(&self, news: impl News + 'static) {
        let _ = self.0.news.set(Box::new(news));
    }

    /// The revision that look-ups go by; to be asked before one that may fail.
    pub fn revision(&self) -> u64 {
        self.0.news.get().map_or(0, |news| news.revision())
    }

    /// Whether look-ups go by a later revision than `seen` now: another thread, or this call, took over
    /// what others committed. `pack` is the one that failed, if it is known.
    pub fn is_newer_than(&self, seen: u64, pack: Option<PackId>) -> bool {
        let Some(news) = self.0.news.get() else { return false };
        let mut vain = self.0.vain.lock();
        if news.revision() == seen && vain.allows(pack) {
            news.refresh();
            match news.revision() == seen {
                true => vain.note(pack),
                false => vain.count = 0,
            }
        }
        news.revision() != seen
    }

    /// The content from the first of `places` that gives it, and the pack that this was in.
    ///
    /// # Errors
    /// That of the first place, or of one that is only out of reach: what may still be had is not lost. `Missing`
    /// if there is no place.
    pub fn get_from(
        &self,
        kind: ContentKind,
        id: &ContentId,
        places: &[Location],
    ) -> Result<(PackId, Bytes), ContentError> {
        let mut told: Option<ContentError> = None;
        for location in places {
            let read = self.frame(id, location).and_then(|raw| self.take(kind, id, location, &raw));
            match read {
                Ok(plaintext) => return Ok((location.pack, plaintext)),
                Err(error) => {
                    if matches!(error, ContentError::Damaged { .. }) {
                        self.0.usable.add_lost([location.pack]);
                    }
                    if told.as_ref().is_none_or(|told| told.is_loss() && !error.is_loss()) {
                        told = Some(error);
                    }
                }
            }
        }
        Err(told.unwrap_or(ContentError::Missing { id: *id }))
    }

    /// Every place where a content is, those first that may be relied on.
    ///
    /// # Errors
    /// `Missing`, or a failure to read the index.
    pub fn locate(&self, id: &ContentId) -> Result<Vec<Location>, ContentError> {
        let mut locations = self.0.index.locate(id).map_err(ContentError::index)?;
        if locations.is_empty() {
            return Err(ContentError::Missing { id: *id });
        }
        locations.sort_by_key(|location| !self.0.usable.is_usable(&location.pack));
        Ok(locations)
    }

    /// The raw frame at `location`, fetched unless it was read lately.
    ///
    /// # Errors
    /// `Damaged` if the pack is gone or does not open; `Storage` if it cannot be reached.
    pub fn frame(&self, id: &ContentId, location: &Location) -> Result<Bytes, ContentError> {
        let key = (location.pack, location.frame.index);
        if let Some(raw) = self.0.frames.lock().get(&key) {
            return Ok(raw);
        }
        let start = u64::from(location.offset);
        let range = start..start + u64::from(location.stored_len) + SEAL_OVERHEAD as u64;
        let name = BlobId::Pack(location.pack_kind, location.pack).name();
        let sealed = match &self.0.ahead {
            Some(ahead) if location.pack_kind == PackKind::Meta => {
                ahead.get(&self.0.blobs, &location.pack, &name, range)
            }
            _ => self.0.blobs.get_range(&name, range),
        };
        let sealed = sealed.map_err(|error| match error.is_lost() {
            true => ContentError::damaged(id, location, &error),
            false => ContentError::Storage(Box::new(error)),
        })?;
        let raw = self.open_frame(id, location, &sealed)?;
        self.0.frames.lock().put(key, raw.clone());
        Ok(raw)
    }

    /// The raw frame behind the `sealed` bytes of `location`.
    ///
    /// # Errors
    /// `Damaged` if it does not open.
    pub fn open_frame(
        &self,
        id: &ContentId,
        location: &Location,
        sealed: &[u8],
    ) -> Result<Bytes, ContentError> {
        let header = Header { kind: location.pack_kind.blob_kind(), repo: self.0.repo, salt: location.salt };
        open_frame(&self.0.keys, &header, &location.frame, sealed)
            .map(Bytes::from)
            .map_err(|error| ContentError::damaged(id, location, &error))
    }

    /// The content at `location` out of its raw frame, re-hashed.
    ///
    /// # Errors
    /// `Damaged` if the bytes there are not the content's, `WrongKind` if it is another kind.
    pub fn take(
        &self,
        kind: ContentKind,
        id: &ContentId,
        location: &Location,
        raw: &Bytes,
    ) -> Result<Bytes, ContentError> {
        if location.kind != kind {
            return Err(ContentError::WrongKind { id: *id, wanted: kind, found: location.kind });
        }
        let start = location.content_offset as usize;
        let plaintext = (start.checked_add(location.content_len as usize))
            .filter(|end| *end <= raw.len())
            .map(|end| raw.slice(start..end))
            .filter(|plaintext| self.0.keys.content_id(kind as u8, plaintext) == *id);
        plaintext.ok_or_else(|| ContentError::Damaged {
            id: *id,
            pack: location.pack,
            what: "its bytes are not those that its ID promises (CID-1)".into(),
        })
    }
}

impl ReadContent for ContentReader {
    fn get(&self, kind: ContentKind, id: &ContentId) -> Result<Bytes, ContentError> {
        loop {
            let (seen, mut lost) = (self.revision(), None);
            let read = self.locate(id).and_then(|places| {
                let read = self.get_from(kind, id, &places);
                if read.is_err() {
                    lost = places.iter().map(|at| at.pack).find(|pack| !self.0.usable.is_usable(pack));
                }
                read
            });
            let pack = match &read {
                Err(ContentError::Damaged { pack, .. }) => Some(*pack),
                // One place is only out of reach; in that of another one it may have moved.
                Err(ContentError::Storage(_)) if lost.is_some() => lost,
                Err(ContentError::Missing { .. } | ContentError::Index(_)) => None,
                _ => return read.map(|(_, plaintext)| plaintext),
            };
            // It may have moved again meanwhile, so this ends when there is nothing new.
            if !self.is_newer_than(seen, pack) {
                return read.map(|(_, plaintext)| plaintext);
            }
        }
    }
}
