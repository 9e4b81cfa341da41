//! A file's bytes from the repository, as an upload needs them: in fragments, and hashed.

use bytes::{Bytes, BytesMut};
use repo_format::engine::{Broken, InOrder};
use repo_format::object::ObjectRef;
use repo_format::repository::Repository;

use crate::quickxor::{QuickXor, QuickXorHash};

/// Reads a file from front to back, and again from the start if an upload has to go back.
pub(super) struct FileBytes<'r> {
    repository: &'r Repository,
    object: ObjectRef,
    stream: Option<InOrder<'r>>,
    /// Read and not handed out yet.
    rest: BytesMut,
    /// Where the rest begins.
    start: u64,
    hash: QuickXorHash,
}

impl<'r> FileBytes<'r> {
    pub fn new(repository: &'r Repository, object: ObjectRef) -> FileBytes<'r> {
        let hash = QuickXorHash::new();
        FileBytes { repository, object, stream: None, rest: BytesMut::new(), start: 0, hash }
    }

    pub fn size(&self) -> u64 {
        self.object.size
    }

    /// The bytes from `from` on: `most` of them, or all that are left.
    pub fn fragment(&mut self, from: u64, most: usize) -> Result<Bytes, Broken> {
        if from < self.start {
            (self.stream, self.start, self.rest) = (None, 0, BytesMut::new());
        }
        while self.start + (self.rest.len() as u64) < from {
            self.start += self.rest.len() as u64;
            self.rest.clear();
            if !self.pull()? {
                return Ok(Bytes::new());
            }
        }
        let skip = usize::try_from(from - self.start).unwrap_or(usize::MAX).min(self.rest.len());
        self.start += skip as u64;
        drop(self.rest.split_to(skip));
        while self.rest.len() < most && self.pull()? {}
        let fragment = self.rest.split_to(most.min(self.rest.len())).freeze();
        self.start += fragment.len() as u64;
        Ok(fragment)
    }

    /// The hash of the whole file: of what was read, and of what is read for it now.
    pub fn hash(&mut self) -> Result<QuickXor, Broken> {
        while self.hash.length() < self.size() {
            self.start += self.rest.len() as u64;
            self.rest.clear();
            if !self.pull()? {
                break;
            }
        }
        Ok(self.hash.finish())
    }

    /// Reads on; false at the end.
    fn pull(&mut self) -> Result<bool, Broken> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                (self.start, self.rest) = (0, BytesMut::new());
                self.stream.insert(InOrder::open(self.repository, self.object)?)
            }
        };
        let Some(piece) = stream.next_piece()? else { return Ok(false) };
        let at = self.start + self.rest.len() as u64;
        // What was read before has been hashed before.
        let known = usize::try_from(self.hash.length() - at.min(self.hash.length())).unwrap_or(usize::MAX);
        self.hash.update(piece.get(known..).unwrap_or_default());
        self.rest.extend_from_slice(&piece);
        Ok(true)
    }
}
