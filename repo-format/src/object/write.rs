//! Writing: rows gather in lists, full pieces of a list become rows of the list above.

use super::row::{ROW_SIZE, encode};
use super::{DEPTH_MAX, ObjectRef};
use crate::codec::{ContentId, Cut};
use crate::content::{ContentError, ContentKind, WriteContent};

/// Names a stream whose pieces are stored one after the other.
///
/// Holds at most one piece of each list in memory.
pub struct ObjectWriter<'a> {
    contents: &'a dyn WriteContent,
    splitter: &'a dyn Cut,
    size: u64,
    /// What is not yet cut off the list of depth 1, 2 and so on.
    lists: Vec<Vec<u8>>,
}

impl<'a> ObjectWriter<'a> {
    /// Begins an object; `splitter` cuts its lists.
    pub fn new(contents: &'a dyn WriteContent, splitter: &'a dyn Cut) -> Self {
        ObjectWriter { contents, splitter, size: 0, lists: Vec::new() }
    }

    /// Bytes of the stream so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes the stream's next content, which has `length` bytes.
    ///
    /// # Errors
    /// [`ContentError`] if a piece of list cannot be stored.
    pub fn push(&mut self, content: ContentId, length: u32) -> Result<(), ContentError> {
        self.size += u64::from(length);
        self.append(0, &encode(&content, length))
    }

    /// Stores what is left of the lists and names the object.
    ///
    /// # Errors
    /// [`ContentError`] if a piece of list cannot be stored.
    pub fn finish(mut self) -> Result<ObjectRef, ContentError> {
        if let Some(depth_0) = self.single() {
            return Ok(depth_0);
        }
        let mut list = 0;
        loop {
            let (content, length) = self.store_piece(list)?;
            if self.lists[list].is_empty() && self.lists.len() == list + 1 {
                let depth = self.depth_of(list, &content)?;
                return Ok(ObjectRef { depth, content, size: self.size });
            }
            self.append(list + 1, &encode(&content, length))?;
            if self.lists[list].is_empty() {
                list += 1;
            }
        }
    }

    /// The object of what was pushed so far, without ending it: for checkpoints.
    ///
    /// # Errors
    /// [`ContentError`] if a piece of list cannot be stored.
    pub fn so_far(&self) -> Result<ObjectRef, ContentError> {
        let copy = ObjectWriter { lists: self.lists.clone(), ..*self };
        copy.finish()
    }

    /// The object of no content or one, which needs no list.
    fn single(&self) -> Option<ObjectRef> {
        match self.lists.as_slice() {
            [] => Some(ObjectRef::EMPTY),
            [row] if row.len() == ROW_SIZE => {
                row.first_chunk().map(|id| ObjectRef { depth: 0, content: ContentId(*id), size: self.size })
            }
            _ => None,
        }
    }

    fn depth_of(&self, list: usize, content: &ContentId) -> Result<u8, ContentError> {
        let deepest = usize::from(DEPTH_MAX);
        let too_deep = ContentError::Malformed { id: *content, clause: "OBJ-3: lists nest at most 4 deep" };
        if list < deepest { u8::try_from(list + 1).map_err(|_| too_deep) } else { Err(too_deep) }
    }

    fn append(&mut self, list: usize, row: &[u8; ROW_SIZE]) -> Result<(), ContentError> {
        if self.lists.len() == list {
            self.lists.push(Vec::new());
        }
        self.lists[list].extend_from_slice(row);
        // Only with more than the greatest piece there is surely another one behind the first.
        while self.lists[list].len() > self.splitter.max() {
            let (content, length) = self.store_piece(list)?;
            self.append(list + 1, &encode(&content, length))?;
        }
        Ok(())
    }

    fn store_piece(&mut self, list: usize) -> Result<(ContentId, u32), ContentError> {
        let bytes = &mut self.lists[list];
        let length = self.splitter.cut(bytes);
        let content = self.contents.put(ContentKind::List, &bytes[..length])?;
        bytes.drain(..length);
        Ok((content, length as u32))
    }
}

/// Stores `bytes` as an object: for streams that are small enough to be in memory.
///
/// # Errors
/// [`ContentError`] if a content cannot be stored.
pub fn write_bytes(
    contents: &dyn WriteContent,
    splitter: &dyn Cut,
    bytes: &[u8],
) -> Result<ObjectRef, ContentError> {
    let mut object = ObjectWriter::new(contents, splitter);
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(splitter.cut(rest));
        object.push(contents.put(ContentKind::Data, piece)?, piece.len() as u32)?;
        rest = behind;
    }
    object.finish()
}
