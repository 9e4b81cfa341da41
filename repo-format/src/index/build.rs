//! Building tables from rows in order.

use std::collections::BTreeMap;

use super::table::{CONTENT_ROW, ContentEntry, Counts, FRAME_ROW, FrameEntry, PACK_ROW, PackRow, ROWS_MAX};
use super::{IndexTable, Location, Row};
use crate::codec::{ContentId, PackId};
use crate::pack::{FrameSeal, PackContents};

/// Bytes of table in a segment, unless the caller says otherwise.
///
/// A table this large costs one fetch of a second or less, and look-ups by page touch few of its
/// pages. Larger ones name each pack less often: where a table holds one content of a pack, that
/// content takes 176 bytes instead of 48.
pub const TABLE_SIZE: usize = 8 << 20;

/// Two tables say different things of one pack; one of them was made by a broken writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("two index segments contradict each other about pack {pack}")]
pub struct Contradiction {
    pub pack: PackId,
}

/// Gathers rows that come in order, and gives a table whenever one is full.
///
/// The same rows in the same order give the same tables, wherever they come from.
pub(super) struct TableBuilder {
    table_size: usize,
    packs: BTreeMap<PackId, PackRow>,
    /// For each frame its number in order of arrival, which `contents` hold until the end.
    frames: BTreeMap<(PackId, u32), (u32, FrameEntry)>,
    contents: Vec<ContentEntry>,
    last: Option<Row>,
}

impl TableBuilder {
    pub fn new(table_size: usize) -> TableBuilder {
        TableBuilder {
            table_size,
            packs: BTreeMap::new(),
            frames: BTreeMap::new(),
            contents: Vec::new(),
            last: None,
        }
    }

    /// Adds a row behind those before it, in the order of [`Row::order`]. A place that was the last
    /// row's too is passed over. Gives the table that ended in front of this row, if one did.
    pub fn push(&mut self, row: &Row) -> Result<Option<IndexTable>, Contradiction> {
        let Row { id, at } = row;
        debug_assert!(self.last.is_none_or(|last| last.order() <= row.order()), "rows come in order");
        if let Some(last) = self.last.replace(*row)
            && (last.id, last.at.pack, last.at.frame.index) == (*id, at.pack, at.frame.index)
        {
            // Only the offset may differ: a frame may hold a content twice, and the first will do.
            let same = Location { content_offset: at.content_offset, ..last.at } == *at;
            return if same { Ok(None) } else { Err(Contradiction { pack: at.pack }) };
        }
        let full = self.would_overflow(at).then(|| self.finish()).flatten();

        let pack = PackRow { id: at.pack, salt: at.salt, kind: at.pack_kind };
        let frame = FrameEntry { pack: 0, seal: at.frame, offset: at.offset, stored_len: at.stored_len };
        let number = self.frames.len() as u32;
        let known_pack = *self.packs.entry(at.pack).or_insert(pack);
        let (number, known_frame) = *self.frames.entry((at.pack, at.frame.index)).or_insert((number, frame));
        if known_pack != pack || known_frame != frame {
            return Err(Contradiction { pack: at.pack });
        }
        self.contents.push(ContentEntry {
            id: *id,
            frame: number,
            offset: at.content_offset,
            len: at.content_len,
            kind: at.kind,
        });
        Ok(full)
    }

    fn would_overflow(&self, at: &Location) -> bool {
        let packs = self.packs.len() + usize::from(!self.packs.contains_key(&at.pack));
        let frames = self.frames.len() + usize::from(!self.frames.contains_key(&(at.pack, at.frame.index)));
        let contents = self.contents.len() + 1;
        let size = packs * PACK_ROW + frames * FRAME_ROW + contents * CONTENT_ROW;
        size > self.table_size || contents > ROWS_MAX as usize
    }

    /// The table of the rows since the last one; `None` if there are none.
    pub fn finish(&mut self) -> Option<IndexTable> {
        if self.contents.is_empty() {
            return None;
        }
        let packs = std::mem::take(&mut self.packs);
        let frames = std::mem::take(&mut self.frames);
        let contents = std::mem::take(&mut self.contents);
        let counts = Counts {
            packs: packs.len() as u32,
            frames: frames.len() as u32,
            contents: contents.len() as u32,
        };
        let mut bytes = Vec::with_capacity(counts.size() as usize);
        packs.values().for_each(|pack| pack.encode(&mut bytes));
        let places = encode_frames(&packs, &frames, &mut bytes);
        for content in &contents {
            ContentEntry { frame: places[content.frame as usize], ..*content }.encode(&mut bytes);
        }
        Some(IndexTable::built(counts, bytes))
    }
}

/// Writes the frame rows, and says which row each frame, by its number of arrival, became.
fn encode_frames(
    packs: &BTreeMap<PackId, PackRow>,
    frames: &BTreeMap<(PackId, u32), (u32, FrameEntry)>,
    out: &mut Vec<u8>,
) -> Vec<u32> {
    let mut places = vec![0; frames.len()];
    // Both are in order of the pack ID, so one walk finds each frame's pack row.
    let mut rows = packs.keys().zip(0u32..);
    let mut current = rows.next();
    for (row, ((pack, _), (number, frame))) in (0u32..).zip(frames) {
        while current.is_some_and(|(id, _)| id != pack) {
            current = rows.next();
        }
        let pack = current.map_or(0, |(_, row)| row);
        FrameEntry { pack, ..*frame }.encode(out);
        places[*number as usize] = row;
    }
    places
}

/// Tables of all contents of `packs`, each at most `table_size` bytes, split by key range.
///
/// # Errors
/// [`Contradiction`] if one pack is given twice and differently.
pub fn build(packs: &[PackContents], table_size: usize) -> Result<Vec<IndexTable>, Contradiction> {
    let seals: Vec<Vec<FrameSeal>> = packs
        .iter()
        .map(|pack| pack.frames.iter().zip(0..).map(|(frame, index)| frame.seal(index)).collect())
        .collect();
    let mut places = places_of(packs);
    places.sort_unstable_by_key(|place| (place.id, packs[place.pack].id, place.frame, place.offset));

    let mut builder = TableBuilder::new(table_size);
    let mut tables = Vec::new();
    for place in &places {
        let seal = seals[place.pack][place.frame];
        tables.extend(builder.push(&place.row(&packs[place.pack], seal))?);
    }
    tables.extend(builder.finish());
    Ok(tables)
}

/// A content in memory: a third of a [`Row`], since a run may sort millions.
struct Place {
    id: ContentId,
    pack: usize,
    frame: usize,
    content: usize,
    offset: u32,
}

impl Place {
    fn row(&self, pack: &PackContents, seal: FrameSeal) -> Row {
        let frame = &pack.frames[self.frame];
        let content = &frame.contents[self.content];
        let at = Location {
            pack: pack.id,
            pack_kind: pack.kind,
            salt: pack.salt,
            frame: seal,
            offset: frame.offset,
            stored_len: frame.stored_len,
            content_offset: self.offset,
            content_len: content.len,
            kind: content.kind,
        };
        Row { id: self.id, at }
    }
}

fn places_of(packs: &[PackContents]) -> Vec<Place> {
    let mut places = Vec::new();
    for (pack, contents) in packs.iter().enumerate() {
        for (frame, row) in contents.frames.iter().enumerate() {
            let mut offset = 0;
            for (content, row) in row.contents.iter().enumerate() {
                places.push(Place { id: row.id, pack, frame, content, offset });
                offset += row.len;
            }
        }
    }
    places
}
