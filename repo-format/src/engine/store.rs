//! Storing one stream: put what is cut, name the object.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::cutting::{Cutting, Pieces};
use super::parts::{InTheMaking, Parts, SoFar};
use super::progress::{Progress, Stop};
use super::source::{ItemError, ItemReader};
use crate::codec::{ContentId, Splitter};
use crate::content::{ContentError, ContentKind, ContentReader, ContentWriter, Usable, WriteContent};
use crate::object::{ObjectReader, ObjectRef, ObjectWriter};
use crate::repository::Repository;
use crate::snapshot::Part;
use crate::system::{self, Mutex, Receiver, Sender, bounded};
use crate::tree::Entry;

/// Threads that put the pieces of one large file.
const PUTTING: usize = 2;
/// Shares of a large file that are under way at once, some MiB each: one is read while one waits.
const PIECES_UNDER_WAY: usize = PUTTING + 2;
/// Files below this size finish between checkpoints; their parts are not recorded.
const PART_SIZE_MIN: u64 = 64 << 20;

/// Contents stored since the last commit that make a checkpoint due early. Each takes some 300 bytes of memory
/// until then.
pub(super) const PENDING_MAX: usize = 1 << 18;

/// Whether a file may be long under way.
fn is_large(file: &Entry) -> bool {
    file.size >= PART_SIZE_MIN
}

/// Contents of an object and their lengths, in order.
type Rows = Vec<(ContentId, u32)>;

/// What all threads that store streams share.
pub(super) struct Storing<'run> {
    pub writer: &'run ContentWriter,
    pub reader: &'run ContentReader,
    pub usable: &'run Usable,
    pub splitter: &'run Splitter,
    pub progress: &'run Progress,
    pub stop: &'run Stop,
    /// Set when the run ends early for a reason of its own.
    pub failed: Stop,
    pub parts: Parts<'run>,
    /// Whether a large file has several threads.
    beside: AtomicBool,
}

/// A stream as its part entry describes it, and what an earlier run stored of it.
#[derive(Clone, Copy)]
pub(super) struct Stream<'s> {
    pub listed: &'s Entry,
    pub path: &'s [u8],
    pub begun: Option<&'s Part>,
}

/// Why a stream was not stored.
#[derive(Debug)]
pub(super) enum Broken {
    /// The item's fault; the run goes on.
    Item(ItemError),
    /// The run was told to stop.
    Stopped,
    /// The run cannot go on.
    Fatal(ContentError),
}

impl From<ContentError> for Broken {
    fn from(error: ContentError) -> Broken {
        Broken::Fatal(error)
    }
}

impl From<ItemError> for Broken {
    fn from(error: ItemError) -> Broken {
        Broken::Item(error)
    }
}

impl<'run> Storing<'run> {
    /// What a run stores with.
    pub fn new(
        repository: &'run Repository,
        writer: &'run ContentWriter,
        progress: &'run Progress,
        stop: &'run Stop,
    ) -> Storing<'run> {
        Storing {
            writer,
            reader: repository.reader(),
            usable: repository.usable(),
            splitter: repository.splitter(),
            progress,
            stop,
            failed: Stop::default(),
            parts: Parts::default(),
            beside: AtomicBool::new(false),
        }
    }

    /// Whether somebody wants the run to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_requested() || self.failed.is_requested()
    }

    /// Stores what `reader` gives up to its end, behind what there is `begun` of the stream. `buffer` is
    /// the thread's own; `read` counts bytes also when the stream breaks.
    pub fn store(
        &self,
        reader: &mut dyn ItemReader,
        stream: Stream<'_>,
        buffer: &mut Vec<u8>,
        read: &mut u64,
    ) -> Result<ObjectRef, Broken> {
        let Stream { listed, path, begun } = stream;
        let mut so_far = SoFar { object: ObjectWriter::new(self.writer, self.splitter), state: None };
        if let Some(begun) = begun {
            for row in ObjectReader::open(self.reader, begun.object)?.all_rows() {
                let row = row?;
                so_far.object.push(row.content, row.length)?;
            }
            so_far.state = begun.state.clone();
            self.progress.done(0, begun.covered);
        }
        let (path, entry) = (path.to_vec(), listed.clone());
        let file = Arc::new(InTheMaking { path, entry, so_far: Mutex::new(so_far) });
        let registered = is_large(listed).then(|| self.parts.register(file.clone()));
        let mut cutting = Cutting::new(reader, self.splitter, registered.is_some());
        // While one large file has threads of its own, others keep to theirs: it bounds memory.
        let ended = if registered.is_some() && !self.beside.swap(true, Ordering::Relaxed) {
            let ended = self.put_beside(&mut cutting, &file);
            self.beside.store(false, Ordering::Relaxed);
            ended
        } else {
            self.put_in_turn(&mut cutting, &file, buffer)
        };
        *read += cutting.read;
        if let (Err(Broken::Stopped), Some(registered)) = (&ended, registered) {
            registered.stay();
        }
        ended?;
        Ok(file.so_far.lock().object.so_far()?)
    }

    /// Cuts and puts, one after the other: several files are stored at a time.
    fn put_in_turn(
        &self,
        cutting: &mut Cutting<'_>,
        file: &InTheMaking<'_>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Broken> {
        buffer.clear();
        let mut pieces = Pieces { bytes: std::mem::take(buffer), ..Pieces::default() };
        let mut put_all = || -> Result<(), Broken> {
            while cutting.next(&mut pieces)? {
                let rows = self.put_pieces(&pieces)?;
                self.enter(file, rows, &pieces)?;
            }
            Ok(())
        };
        let ended = put_all();
        *buffer = pieces.bytes;
        ended
    }

    /// Reads and cuts on one thread and puts on others: a large file may be the only one.
    fn put_beside(&self, cutting: &mut Cutting<'_>, file: &InTheMaking<'_>) -> Result<(), Broken> {
        let (sender, cut) = bounded::<(u64, Pieces)>(1);
        let (tell, told) = bounded::<(u64, Pieces, Result<Rows, Broken>)>(PIECES_UNDER_WAY);
        let (give_back, used) = bounded::<Pieces>(PIECES_UNDER_WAY);
        for _ in 0..PIECES_UNDER_WAY {
            // There is room for all of them.
            give_back.send(Pieces::default()).map_err(|_| Broken::Stopped)?;
        }
        system::scope(|scope| {
            let reading = scope.spawn(move || -> Result<(), ItemError> {
                let mut unread = Vec::new();
                for number in 0.. {
                    let Ok(mut pieces) = used.recv() else { break };
                    pieces.begin_with(&unread);
                    if !cutting.next(&mut pieces)? {
                        break;
                    }
                    unread.clear();
                    unread.extend_from_slice(pieces.unread());
                    if sender.send((number, pieces)).is_err() {
                        break;
                    }
                }
                Ok(())
            });
            for _ in 0..PUTTING {
                let (cut, tell) = (cut.clone(), tell.clone());
                scope.spawn(move || {
                    for (number, pieces) in cut {
                        let rows = self.put_pieces(&pieces);
                        if tell.send((number, pieces, rows)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop((cut, tell));
            let entered = self.enter_in_order(&told, &give_back, file);
            // Whoever waits to send or receive now learns that nobody listens.
            drop((told, give_back));
            let read = reading.join().expect("a reader does not panic");
            entered.and(read.map_err(Broken::Item))
        })
    }

    /// Enters pieces into their file by their numbers, whichever was put first.
    fn enter_in_order(
        &self,
        told: &Receiver<(u64, Pieces, Result<Rows, Broken>)>,
        give_back: &Sender<Pieces>,
        file: &InTheMaking<'_>,
    ) -> Result<(), Broken> {
        let (mut next, mut early) = (0, BTreeMap::new());
        while let Ok((number, pieces, rows)) = told.recv() {
            early.insert(number, (pieces, rows?));
            while let Some((pieces, rows)) = early.remove(&next) {
                self.enter(file, rows, &pieces)?;
                // Nobody wants it if the stream ended.
                let _ = give_back.send(pieces);
                next += 1;
            }
        }
        Ok(())
    }

    /// Puts what was cut.
    fn put_pieces(&self, pieces: &Pieces) -> Result<Rows, Broken> {
        if self.is_stopped() {
            return Err(Broken::Stopped);
        }
        let put = |piece: &[u8]| Ok((self.writer.put(ContentKind::Data, piece)?, piece.len() as u32));
        pieces.iter().map(put).collect()
    }

    /// Enters what was put into its file.
    fn enter(&self, file: &InTheMaking<'_>, rows: Rows, pieces: &Pieces) -> Result<(), Broken> {
        let mut so_far = file.so_far.lock();
        let mut bytes = 0;
        for (id, length) in rows {
            so_far.object.push(id, length)?;
            bytes += u64::from(length);
        }
        so_far.state.clone_from(&pieces.state);
        drop(so_far);
        if is_large(&file.entry) {
            self.parts.grow();
        }
        self.progress.done(0, bytes);
        Ok(())
    }

    /// Whether all contents of an object can be relied on. With a whole repository there is nothing
    /// to ask: a live base protects what it reaches (DESIGN 3.8).
    pub fn is_alive(&self, object: ObjectRef) -> bool {
        if self.usable.is_whole() || object.size == 0 {
            return true;
        }
        // Lists of lists are rare enough to be read and stored again while something is lost.
        let contains_all = || -> Result<bool, ContentError> {
            let mut alive = object.depth <= 1 && self.writer.contains(&object.content)?;
            for row in ObjectReader::open(self.reader, object)?.all_rows() {
                alive = alive && self.writer.contains(&row?.content)?;
                if !alive {
                    break;
                }
            }
            Ok(alive)
        };
        contains_all().unwrap_or(false)
    }
}
