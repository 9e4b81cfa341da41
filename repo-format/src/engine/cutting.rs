//! Reading one stream and cutting it into pieces.

use super::source::{ItemError, ItemReader};
use crate::codec::{Cut, Splitter};

/// Bytes asked of a reader at once.
const READ_SIZE: usize = 4 << 20;

/// Pieces that follow one another in a stream, some MiB in all.
#[derive(Default)]
pub(super) struct Pieces {
    /// The pieces, and what was read behind them.
    pub bytes: Vec<u8>,
    /// Where each ends.
    pub ends: Vec<usize>,
    /// What another run needs to go on behind them.
    pub state: Option<Vec<u8>>,
}

impl Pieces {
    /// Makes them anew, with what was read already of the stream.
    pub fn begin_with(&mut self, unread: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(unread);
        self.ends.clear();
    }

    /// The pieces, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }

    /// What was read behind the last piece.
    pub fn unread(&self) -> &[u8] {
        &self.bytes[self.end()..]
    }

    fn end(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }
}

/// A stream that is being read.
pub(super) struct Cutting<'c> {
    reader: &'c mut dyn ItemReader,
    splitter: &'c Splitter,
    keeps_state: bool,
    ended: bool,
    /// Bytes that the reader gave.
    pub read: u64,
}

impl<'c> Cutting<'c> {
    /// Reads what `reader` gives; asks for its state if that is to be kept.
    pub fn new(reader: &'c mut dyn ItemReader, splitter: &'c Splitter, keeps_state: bool) -> Cutting<'c> {
        Cutting { reader, splitter, keeps_state, ended: false, read: 0 }
    }

    /// Reads on behind what is unread of the last pieces, and cuts the next ones; false at the end.
    pub fn next(&mut self, pieces: &mut Pieces) -> Result<bool, ItemError> {
        pieces.bytes.drain(..pieces.end());
        pieces.ends.clear();
        let Pieces { bytes, ends, state } = pieces;
        while !self.ended && bytes.len() < self.splitter.max() {
            let count = self.reader.read(bytes, READ_SIZE)?;
            self.read += count as u64;
            self.ended = count == 0;
        }
        let mut start = 0;
        while start < bytes.len() && (self.ended || bytes.len() - start >= self.splitter.max()) {
            start += self.splitter.cut(&bytes[start..]);
            ends.push(start);
        }
        *state = if self.keeps_state { self.reader.state_before(&bytes[start..]) } else { None };
        Ok(!ends.is_empty())
    }
}
