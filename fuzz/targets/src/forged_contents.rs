//! Contents whose bytes the fuzzer chose, under IDs that it chose too.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use repo_format::codec::ContentId;
use repo_format::content::{ContentError, ContentKind, ReadContent};

/// Reads that are answered; behind them everything is missing, so that circles end.
const READS_MAX: usize = 4096;

/// Answers with the piece whose number is the first byte of the ID, whatever kind is asked for.
pub struct ForgedContents {
    pieces: Vec<Bytes>,
    reads: AtomicUsize,
}

impl ForgedContents {
    /// Cuts `data` into pieces, each behind its length, two bytes; the last is what is left.
    pub fn new(data: &[u8]) -> ForgedContents {
        let (mut pieces, mut rest) = (Vec::new(), data);
        while let Some((length, behind)) = rest.split_first_chunk::<2>() {
            let (piece, behind) = behind.split_at(behind.len().min(u16::from_le_bytes(*length).into()));
            pieces.push(Bytes::copy_from_slice(piece));
            rest = behind;
        }
        ForgedContents { pieces, reads: AtomicUsize::new(0) }
    }

    /// The input that [`ForgedContents::new`] cuts into `pieces`.
    pub fn input(pieces: &[Vec<u8>]) -> Vec<u8> {
        let length = |piece: &Vec<u8>| u16::try_from(piece.len()).expect("a seed's piece is short");
        pieces.iter().flat_map(|piece| [&length(piece).to_le_bytes()[..], piece].concat()).collect()
    }

    /// The ID of the piece with this number.
    pub fn id(number: u8) -> ContentId {
        let mut id = [1; 32];
        id[0] = number;
        ContentId(id)
    }
}

impl ReadContent for ForgedContents {
    fn get(&self, _kind: ContentKind, id: &ContentId) -> Result<Bytes, ContentError> {
        let spent = self.reads.fetch_add(1, Ordering::Relaxed) >= READS_MAX;
        let piece = self.pieces.get(usize::from(id.0[0])).filter(|piece| !spent && !piece.is_empty());
        piece.cloned().ok_or(ContentError::Missing { id: *id })
    }
}
