//! Planning by pack: which bytes of which packs a set of contents needs, in few reads.

use std::ops::Range;

use super::Limits;
use super::errors::{is_outage, lost};
use crate::codec::{ContentId, PackId, SEAL_OVERHEAD};
use crate::content::{ContentError, ContentReader};
use crate::engine::source::ItemError;
use crate::index::Location;

/// A piece of a stream that is to be fetched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Want {
    pub content: ContentId,
    /// What its object says; the index must say the same (OBJ-3).
    pub length: u32,
}

/// What to read for a list of wants; pieces are places in that list.
pub(super) struct Plan {
    /// In order of packs and offsets.
    pub reads: Vec<PackRead>,
    /// Pieces that are nowhere.
    pub lost: Vec<(Vec<u32>, ItemError)>,
}

/// Neighbouring frames of one pack, fetched as one range.
pub(super) struct PackRead {
    pub frames: Vec<FrameRead>,
}

/// A frame and what is wanted of it.
pub(super) struct FrameRead {
    pub at: Location,
    pub contents: Vec<ContentRead>,
}

/// A content, and all the pieces that it is.
pub(super) struct ContentRead {
    pub id: ContentId,
    pub at: Location,
    pub pieces: Vec<u32>,
}

impl PackRead {
    /// The bytes of the pack.
    pub fn range(&self) -> Range<u64> {
        let start = self.frames.first().map_or(0, |frame| frame.range().start);
        let end = self.frames.iter().map(|frame| frame.range().end).max().unwrap_or(start);
        start..end
    }

    fn takes(&self, frame: &FrameRead, limits: &Limits) -> bool {
        let (range, next) = (self.range(), frame.range());
        self.frames.last().is_some_and(|last| last.at.pack == frame.at.pack)
            && next.start <= range.end + limits.read_gap
            && next.end - range.start <= limits.read_bytes
    }
}

impl FrameRead {
    /// The bytes of the sealed frame in its pack.
    pub fn range(&self) -> Range<u64> {
        let start = u64::from(self.at.offset);
        start..start + u64::from(self.at.stored_len) + SEAL_OVERHEAD as u64
    }

    fn key(&self) -> (PackId, u32) {
        (self.at.pack, self.at.frame.index)
    }
}

/// Looks up each content once, gathers them by frame, and frames by reads.
///
/// # Errors
/// Only if the storage cannot be reached at all; what is not found is listed as lost.
pub(super) fn plan(reader: &ContentReader, wants: &[Want], limits: &Limits) -> Result<Plan, ContentError> {
    let mut plan = Plan { reads: Vec::new(), lost: Vec::new() };
    let mut contents = locate_all(reader, wants, &mut plan.lost)?;
    contents.sort_unstable_by_key(|content| {
        let at = &content.at;
        (at.pack, at.frame.index, at.content_offset)
    });
    let mut frames: Vec<FrameRead> = Vec::new();
    for content in contents {
        let key = (content.at.pack, content.at.frame.index);
        match frames.last_mut().filter(|frame| frame.key() == key) {
            Some(frame) => frame.contents.push(content),
            None => frames.push(FrameRead { at: content.at, contents: vec![content] }),
        }
    }
    for frame in frames {
        match plan.reads.last_mut().filter(|read| read.takes(&frame, limits)) {
            Some(read) => read.frames.push(frame),
            None => plan.reads.push(PackRead { frames: vec![frame] }),
        }
    }
    Ok(plan)
}

fn locate_all(
    reader: &ContentReader,
    wants: &[Want],
    missing: &mut Vec<(Vec<u32>, ItemError)>,
) -> Result<Vec<ContentRead>, ContentError> {
    let mut order: Vec<u32> = (0..wants.len() as u32).collect();
    let want = |piece: &u32| wants[*piece as usize];
    order.sort_unstable_by_key(|piece| (want(piece).content, *piece));
    let mut contents = Vec::new();
    for pieces in order.chunk_by(|a, b| want(a).content == want(b).content) {
        let id = want(&pieces[0]).content;
        let wrong = |at: &Location| pieces.iter().any(|piece| want(piece).length != at.content_len);
        let found = reader.locate(&id).and_then(|locations| match locations.first() {
            None => Err(ContentError::Missing { id }),
            Some(at) if wrong(at) => Err(ContentError::Malformed {
                id,
                clause: "OBJ-3: a content has another length than its row",
            }),
            Some(at) => Ok(*at),
        });
        match found {
            Ok(at) => contents.push(ContentRead { id, at, pieces: pieces.to_vec() }),
            Err(error) if is_outage(&error) => return Err(error),
            Err(error) => missing.push((pieces.to_vec(), lost(&error))),
        }
    }
    Ok(contents)
}
