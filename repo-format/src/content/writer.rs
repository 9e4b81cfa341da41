//! Storing contents: hash, deduplicate, gather, compress, seal, put.
//!
//! Whoever fills a frame compresses it, whoever fills a pack ends and checks it, each on its own
//! thread while the bytes are warm; puts run beside them on the storage's runtime. What is under
//! way is bounded, so a slow storage slows the readers.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::gather::{Gather, Taken};
use super::tickets::{GivenUp, Ticket, Tickets};
use super::{ContentError, Usable, WriteContent};
use crate::codec::{ContentId, ContentKind, PackId, RepoId, Subkeys, random_bytes};
use crate::format::names::{BlobId, PackKind};
use crate::index::Index;
use crate::pack::{FRAME_SIZE_MAX, Frame, PackBlob, PackBuilder, PackContents, read_pack};
use crate::storage::{Blobs, Put};
use crate::system::{Condvar, Mutex};

/// How contents are stored. None of it changes what a reader needs to know.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// Size that data packs are filled to, in bytes.
    pub data_pack_size: usize,
    /// Size that metadata packs are filled to, in bytes.
    pub meta_pack_size: usize,
    /// Raw size that data frames are filled to, in bytes.
    pub data_frame_size: usize,
    /// Raw size that metadata frames are filled to, in bytes.
    pub meta_frame_size: usize,
    /// zstd level; `None` stores raw.
    pub level: Option<i32>,
    /// Decode every finished pack once more before it is put (PACK-6).
    pub extra_verify: bool,
    /// Packs that may be on their way to the storage at once.
    pub puts_at_once: usize,
    /// Count what would be stored, store nothing.
    pub dry_run: bool,
}

impl Default for WriterOptions {
    fn default() -> WriterOptions {
        WriterOptions {
            data_pack_size: 32 << 20,
            meta_pack_size: 8 << 20,
            data_frame_size: FRAME_SIZE_MAX,
            meta_frame_size: 64 << 10,
            level: Some(3),
            extra_verify: true,
            puts_at_once: 2,
            dry_run: false,
        }
    }
}

/// What a writer did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Contents that were not there before.
    pub new_contents: u64,
    /// Their plaintext bytes.
    pub new_raw_bytes: u64,
    /// Bytes of packs put.
    pub stored_bytes: u64,
    /// Packs put.
    pub packs: u64,
}

/// Stores contents for one process. Clones share everything.
#[derive(Clone)]
pub struct ContentWriter(Arc<Inner>);

struct Inner {
    keys: Arc<Subkeys>,
    repo: RepoId,
    index: Arc<Index>,
    usable: Arc<Usable>,
    blobs: Blobs,
    options: WriterOptions,
    gather: Mutex<Gather>,
    open_packs: Mutex<[Option<PackBuilder>; 2]>,
    /// One for each pack that left the open ones and is not durable yet.
    ending: Tickets,
    packs: Mutex<Packs>,
    packs_moved: Condvar,
    /// The memory of packs that were put, for the next ones: to the system, fresh memory is work.
    spare: Mutex<Vec<Vec<u8>>>,
    relied: Mutex<HashSet<PackId>>,
    /// The revision that all packs relied on were seen good at.
    base_revision: AtomicU64,
}

/// Packs that left the builders.
#[derive(Default)]
struct Packs {
    /// On their way to the storage.
    under_way: usize,
    durable: Vec<PackContents>,
    written: Written,
    failed: Option<Arc<ContentError>>,
}

/// A pack that left the open ones, and the ticket that a flush waits for.
struct Ending {
    ticket: Ticket,
    builder: PackBuilder,
}

impl ContentWriter {
    /// A writer that deduplicates against `index` as of `base_revision`, save for what `usable`
    /// advises against.
    pub fn new(
        keys: Arc<Subkeys>,
        repo: RepoId,
        index: Arc<Index>,
        usable: Arc<Usable>,
        blobs: Blobs,
        options: WriterOptions,
        base_revision: u64,
    ) -> ContentWriter {
        let gather = Gather::new(options.data_frame_size, options.meta_frame_size);
        ContentWriter(Arc::new(Inner {
            keys,
            repo,
            index,
            usable,
            blobs,
            options,
            gather: Mutex::new(gather),
            open_packs: Mutex::default(),
            ending: Tickets::default(),
            packs: Mutex::default(),
            packs_moved: Condvar::new(),
            spare: Mutex::default(),
            relied: Mutex::default(),
            base_revision: AtomicU64::new(base_revision),
        }))
    }

    /// Whether a content is there for a snapshot to rely on; remembers the pack if so.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn contains(&self, id: &ContentId) -> Result<bool, ContentError> {
        let inner = &*self.0;
        if inner.gather.lock().is_pending(id) {
            return Ok(true);
        }
        let found = inner.index.find(id, |pack| inner.usable.is_usable(pack)).map_err(ContentError::index)?;
        if let Some(location) = found {
            inner.relied.lock().insert(location.pack);
            return Ok(true);
        }
        Ok(false)
    }

    /// Contents that wait for a commit.
    pub fn pending_count(&self) -> usize {
        self.0.gather.lock().pending_count()
    }

    /// What was stored so far.
    pub fn written(&self) -> Written {
        self.0.packs.lock().written
    }

    /// Packs that contents were found in or put into: a manifest names them (LOG-7).
    pub fn relied_packs(&self) -> Vec<PackId> {
        let mut packs: Vec<PackId> = self.0.relied.lock().iter().copied().collect();
        packs.sort_unstable();
        packs
    }

    /// Makes everything that was put before this call durable, and gives the packs that became so
    /// since the last call. The next commit's segments name them.
    ///
    /// # Errors
    /// The first failure of a put; what is durable stays so.
    pub fn flush(&self) -> Result<Vec<PackContents>, ContentError> {
        let inner = &self.0;
        let (taken, tickets) = {
            let mut gather = inner.gather.lock();
            (gather.take_all(), gather.tickets.clone())
        };
        let begun = tickets.begun();
        taken.into_iter().try_for_each(|frame| Inner::place(inner, frame))?;
        inner.waited(tickets.wait(begun))?;
        let endings: Vec<Ending> = {
            let mut open = inner.open_packs.lock();
            open.iter_mut().filter_map(Option::take).map(|pack| inner.ending(pack)).collect()
        };
        let begun = inner.ending.begun();
        endings.into_iter().try_for_each(|ending| Inner::end_pack(inner, ending))?;
        inner.waited(inner.ending.wait(begun))?;
        let mut packs = inner.packs.lock();
        packs.check()?;
        Ok(std::mem::take(&mut packs.durable))
    }

    /// The revision at which every pack relied on was known to be there: when the writer was made,
    /// or when it last committed.
    pub fn base_revision(&self) -> u64 {
        self.0.base_revision.load(Ordering::Relaxed)
    }

    /// The commit of `revision`, which names `packs`, is done, and the index knows their contents.
    pub fn settle(&self, packs: &[PackContents], revision: u64) {
        self.0.base_revision.store(revision, Ordering::Relaxed);
        let rows = packs.iter().flat_map(|pack| &pack.frames).flat_map(|frame| &frame.contents);
        self.0.gather.lock().settle(rows.map(|row| &row.id));
    }
}

impl WriteContent for ContentWriter {
    fn put(&self, kind: ContentKind, plaintext: &[u8]) -> Result<ContentId, ContentError> {
        let inner = &*self.0;
        debug_assert!((1..=FRAME_SIZE_MAX).contains(&plaintext.len()), "CID-1");
        let id = inner.keys.content_id(kind as u8, plaintext);
        if self.contains(&id)? {
            return Ok(id);
        }
        let added = inner.gather.lock().add(kind, id, plaintext);
        // Before anything can fail: what is in it counts as taken in.
        if let Some(taken) = added.full {
            Inner::place(&self.0, taken)?;
        }
        if added.new {
            let mut packs = inner.packs.lock();
            packs.check()?;
            packs.written.new_contents += 1;
            packs.written.new_raw_bytes += plaintext.len() as u64;
        }
        Ok(id)
    }
}

impl Packs {
    fn check(&self) -> Result<(), ContentError> {
        self.failed.as_ref().map_or(Ok(()), |error| Err(ContentError::WriterFailed(error.clone())))
    }
}

impl Inner {
    /// Compresses a frame and puts it into the open pack of its kind. Where it fails the writer has: others
    /// may rely on what the frame held.
    fn place(self: &Arc<Inner>, taken: Taken) -> Result<(), ContentError> {
        let Taken { ticket, frame, kind, compressible } = taken;
        let frame = frame.compress(self.options.level.filter(|_| compressible));
        let placed = self.push_frame(kind, frame).map_err(|error| self.fail(error));
        let placed = placed?;
        ticket.done();
        match placed {
            Some(full) => self.end_pack(full),
            None => Ok(()),
        }
    }

    /// Ends the writing, for the first reason that there is: whoever waits for room or asks next is told.
    fn fail(&self, error: ContentError) -> ContentError {
        let first = self.packs.lock().failed.get_or_insert_with(|| Arc::new(error)).clone();
        self.packs_moved.notify_all();
        ContentError::WriterFailed(first)
    }

    /// What was given up has failed the writer, unless a thread panicked.
    fn waited(&self, ended: Result<(), GivenUp>) -> Result<(), ContentError> {
        ended.map_err(|GivenUp| self.fail(ContentError::GivenUp))
    }

    /// Seals a frame into the open pack, and gives the pack before it if that one had no room.
    ///
    /// That pack has its ticket before anybody can miss it among the open ones: a flush either finds
    /// it there or waits for it. Otherwise a snapshot would be committed without the segment of contents
    /// that it names.
    fn push_frame(&self, kind: PackKind, frame: Frame) -> Result<Option<Ending>, ContentError> {
        let (slot, size) = match kind {
            PackKind::Data => (0, self.options.data_pack_size),
            PackKind::Meta => (1, self.options.meta_pack_size),
        };
        let mut open = self.open_packs.lock();
        let mut full = None;
        if open[slot].as_ref().is_none_or(|pack| pack.size_with(&frame) > size) {
            let salt = random_bytes().map_err(|error| ContentError::Storage(Box::new(error)))?;
            let memory = self.spare.lock().pop().unwrap_or_default();
            let next = PackBuilder::new(&self.keys, &self.repo, kind, salt, size, memory);
            full = open[slot].replace(next).map(|pack| self.ending(pack));
        }
        if let Some(pack) = &mut open[slot] {
            pack.push(&self.keys, frame);
        }
        Ok(full)
    }

    /// A pack that is about to be ended. Who calls this holds the lock of the open packs.
    fn ending(&self, builder: PackBuilder) -> Ending {
        Ending { ticket: self.ending.give(), builder }
    }

    /// Ends a pack, checks it, and sends it off; waits while too many are under way. Where it fails the
    /// writer has.
    fn end_pack(self: &Arc<Inner>, Ending { ticket, builder }: Ending) -> Result<(), ContentError> {
        let pack = builder.finish(&self.keys);
        let PackBlob { contents, bytes } = &pack;
        if self.options.extra_verify {
            let checked = read_pack(&self.keys, &self.repo, contents.kind, &contents.id, bytes);
            checked.map_err(|source| self.fail(ContentError::SelfCheck { pack: contents.id, source }))?;
        }
        {
            let mut packs = self.packs.lock();
            let limit = self.options.puts_at_once.max(1);
            self.packs_moved
                .wait_while(&mut packs, |packs| packs.failed.is_none() && packs.under_way >= limit);
            packs.check()?;
            packs.under_way += 1;
        }
        if self.options.dry_run {
            self.pack_done(ticket, pack, Ok(()));
            return Ok(());
        }
        let inner = self.clone();
        let name = BlobId::Pack(contents.kind, contents.id).name();
        let bytes = pack.bytes.clone();
        self.blobs.start_put(name.clone(), bytes, move |put| {
            let outcome = match put {
                Ok(Put::Mine) => Ok(()),
                Ok(Put::Theirs(_)) => Err(ContentError::WrongBytesUnderName { name: name.to_string() }),
                Err(error) => Err(ContentError::Storage(Box::new(error))),
            };
            inner.pack_done(ticket, pack, outcome);
        });
        Ok(())
    }

    fn pack_done(&self, ticket: Ticket, pack: PackBlob, outcome: Result<(), ContentError>) {
        let PackBlob { contents, bytes } = pack;
        let size = bytes.len() as u64;
        // Nobody else has it any more, unless the storage keeps it.
        if let Ok(mut memory) = bytes.try_into_mut() {
            memory.clear();
            self.spare.lock().push(memory.into());
        }
        let is_done = outcome.is_ok();
        let mut packs = self.packs.lock();
        match outcome {
            Ok(()) => {
                packs.written.packs += 1;
                packs.written.stored_bytes += size;
                self.relied.lock().insert(contents.id);
                packs.durable.push(contents);
            }
            Err(error) => {
                packs.failed.get_or_insert_with(|| Arc::new(error));
            }
        }
        packs.under_way -= 1;
        drop(packs);
        self.packs_moved.notify_all();
        if is_done {
            ticket.done();
        }
    }
}
