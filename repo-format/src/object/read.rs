//! Reading: lists are walked lazily, one piece of each depth in memory.

use std::ops::Range;

use bytes::Bytes;

use super::row::{ROW_SIZE, decode};
use super::{ObjectRef, Row};
use crate::codec::ContentId;
use crate::content::{ContentError, ContentKind, ReadContent};

/// Reads an object.
#[derive(Clone, Copy)]
pub struct ObjectReader<'a> {
    contents: &'a dyn ReadContent,
    reference: ObjectRef,
}

impl<'a> ObjectReader<'a> {
    /// Takes a reference; reads nothing yet.
    ///
    /// # Errors
    /// [`ContentError::Malformed`] for a reference that can name no object.
    pub fn open(contents: &'a dyn ReadContent, reference: ObjectRef) -> Result<Self, ContentError> {
        match reference.broken_clause() {
            None => Ok(ObjectReader { contents, reference }),
            Some(clause) => Err(ContentError::Malformed { id: reference.content, clause }),
        }
    }

    /// Bytes in the stream.
    pub fn size(&self) -> u64 {
        self.reference.size
    }

    /// The contents that hold the bytes of `range`, in order.
    ///
    /// Lists say nothing of places, so those before the range are read too: one for some thousand
    /// contents. A range to the end also checks that the lengths add up to the size (OBJ-3).
    pub fn rows(&self, range: Range<u64>) -> Rows<'a> {
        let lists = match self.reference.depth {
            0 => Vec::new(),
            depth => vec![Bytes::new(); usize::from(depth)],
        };
        Rows { reader: *self, range, lists, begun: false, offset: 0, done: false }
    }

    /// All contents of the stream, in order.
    pub fn all_rows(&self) -> Rows<'a> {
        self.rows(0..self.size())
    }

    /// The bytes of one row.
    ///
    /// # Errors
    /// [`ContentError`], also if the content has another length than the list says.
    pub fn piece(&self, row: &Row) -> Result<Bytes, ContentError> {
        self.load(ContentKind::Data, &row.content, row.length)
    }

    /// The bytes from `offset` on, `length` of them or up to the end.
    ///
    /// # Errors
    /// [`ContentError`] if a list or content cannot be read or breaks a rule.
    pub fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, ContentError> {
        let end = offset.saturating_add(length as u64).min(self.size());
        let mut bytes = Vec::new();
        for row in self.rows(offset..end) {
            let row = row?;
            let piece = self.piece(&row)?;
            // Both fit a piece's length: the row overlaps the range.
            let from = offset.saturating_sub(row.offset) as usize;
            let to = (end - row.offset).min(u64::from(row.length)) as usize;
            bytes.extend_from_slice(&piece[from..to]);
        }
        Ok(bytes)
    }

    /// The whole stream, if it has at most `limit` bytes.
    ///
    /// # Errors
    /// [`ContentError::Malformed`] with `clause`, which sets the limit, for a longer one.
    pub fn read_all_bounded(&self, limit: usize, clause: &'static str) -> Result<Vec<u8>, ContentError> {
        if self.size() > limit as u64 {
            return Err(self.broken(clause));
        }
        self.read_at(0, limit)
    }

    fn broken(&self, clause: &'static str) -> ContentError {
        ContentError::Malformed { id: self.reference.content, clause }
    }

    fn load(&self, kind: ContentKind, id: &ContentId, length: u32) -> Result<Bytes, ContentError> {
        let bytes = self.contents.get(kind, id)?;
        if bytes.len() == length as usize {
            Ok(bytes)
        } else {
            let clause = "OBJ-3: a content has another length than its row";
            Err(ContentError::Malformed { id: *id, clause })
        }
    }
}

/// The rows of a range, read as they are asked for. Ends after the first error.
pub struct Rows<'a> {
    reader: ObjectReader<'a>,
    range: Range<u64>,
    /// What is left of the piece at hand of the list of depth 1, 2 and so on.
    lists: Vec<Bytes>,
    /// The content that the reference names was taken.
    begun: bool,
    offset: u64,
    done: bool,
}

impl Rows<'_> {
    /// The next row of the stream, whether in the range or not.
    fn next_row(&mut self) -> Result<Option<Row>, ContentError> {
        let Some((content, length)) = self.next_content(0)? else {
            return Ok(None);
        };
        let offset = self.offset;
        self.offset += u64::from(length);
        if self.offset > self.reader.size() {
            return Err(self.reader.broken("OBJ-3: lengths exceed the object's size"));
        }
        Ok(Some(Row { content, length, offset }))
    }

    /// The next content that the list of depth `depth` names; the stream itself has depth 0.
    ///
    /// Calls itself once for each depth, at most [`super::DEPTH_MAX`] times.
    fn next_content(&mut self, depth: usize) -> Result<Option<(ContentId, u32)>, ContentError> {
        if depth == self.lists.len() {
            return Ok(self.take_root());
        }
        let mut row = [0; ROW_SIZE];
        let mut filled = 0;
        while filled < ROW_SIZE {
            if self.lists[depth].is_empty() && !self.next_piece(depth)? {
                return match filled {
                    0 => Ok(None),
                    _ => Err(self.reader.broken("OBJ-3: a list ends within a row")),
                };
            }
            let list = &mut self.lists[depth];
            let part = list.split_to(list.len().min(ROW_SIZE - filled));
            row[filled..filled + part.len()].copy_from_slice(&part);
            filled += part.len();
        }
        match decode(&row) {
            Some(found) => Ok(Some(found)),
            None => Err(self.reader.broken("OBJ-3: a row names no content")),
        }
    }

    /// Loads the next piece of the list at `depth`; false at its end.
    fn next_piece(&mut self, depth: usize) -> Result<bool, ContentError> {
        let root = depth + 1 == self.lists.len();
        let Some((content, length)) = self.next_content(depth + 1)? else {
            return Ok(false);
        };
        self.lists[depth] = match root {
            true => self.reader.contents.get(ContentKind::List, &content)?,
            false => self.reader.load(ContentKind::List, &content, length)?,
        };
        Ok(true)
    }

    /// The content that the reference names, once. Its length is known at depth 0 only.
    fn take_root(&mut self) -> Option<(ContentId, u32)> {
        let reference = self.reader.reference;
        let fresh = !std::mem::replace(&mut self.begun, true);
        (fresh && reference.size > 0).then_some((reference.content, reference.size as u32))
    }

    fn advance(&mut self) -> Result<Option<Row>, ContentError> {
        while self.offset < self.range.end {
            match self.next_row()? {
                Some(row) if self.offset > self.range.start => return Ok(Some(row)),
                Some(_) => {}
                None if self.offset < self.reader.size() => {
                    return Err(self.reader.broken("OBJ-3: lengths fall short of the size"));
                }
                None => return Ok(None),
            }
        }
        if self.range.end >= self.reader.size() && self.next_content(0)?.is_some() {
            return Err(self.reader.broken("OBJ-3: lengths exceed the object's size"));
        }
        Ok(None)
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, ContentError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.advance().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
}
