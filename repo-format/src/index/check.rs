//! Whether a table keeps every rule of IDX-1 and IDX-2. Pure, and safe on any bytes.

use super::table::{
    CONTENT_ROW, ContentEntry, Counts, FRAME_ROW, FrameEntry, PACK_ROW, PackRow, TableError, location,
};

const ROWS: TableError = TableError { clause: "IDX-1" };
const ORDER: TableError = TableError { clause: "IDX-2" };

/// Checks every row of a table, each by itself and all by their order and use.
///
/// Needs memory for one bit a frame.
///
/// # Errors
/// The first rule that is broken.
pub fn check(counts: Counts, table: &[u8]) -> Result<(), TableError> {
    if counts.size() != table.len() as u64 {
        return Err(ROWS);
    }
    let (packs, rest) = table.split_at(counts.frame_at(0) as usize);
    let (frames, contents) = rest.split_at(counts.frames as usize * FRAME_ROW);
    let (packs, _) = packs.as_chunks::<PACK_ROW>();
    let (frames, _) = frames.as_chunks::<FRAME_ROW>();
    let (contents, _) = contents.as_chunks::<CONTENT_ROW>();
    check_packs(packs)?;
    check_frames(packs.len(), frames)?;
    check_contents(packs, frames, contents)
}

fn check_packs(rows: &[[u8; PACK_ROW]]) -> Result<(), TableError> {
    let mut last = None;
    for row in rows {
        let pack = PackRow::decode(row).ok_or(ROWS)?;
        if last.is_some_and(|last| last >= pack.id) {
            return Err(ORDER);
        }
        last = Some(pack.id);
    }
    Ok(())
}

/// Frames ascend by pack row and part index, and no pack row is skipped.
fn check_frames(packs: usize, rows: &[[u8; FRAME_ROW]]) -> Result<(), TableError> {
    let mut last: Option<FrameEntry> = None;
    for row in rows {
        let frame = FrameEntry::decode(row).ok_or(ROWS)?;
        let follows = match last {
            None => frame.pack == 0,
            Some(last) if last.pack == frame.pack => last.seal.index < frame.seal.index,
            Some(last) => last.pack.checked_add(1) == Some(frame.pack),
        };
        if !follows {
            return Err(ORDER);
        }
        last = Some(frame);
    }
    let used = last.map_or(0, |frame| frame.pack as usize + 1);
    if used == packs { Ok(()) } else { Err(ORDER) }
}

/// Contents ascend by ID and frame row, and every frame row is used.
fn check_contents(
    packs: &[[u8; PACK_ROW]],
    frames: &[[u8; FRAME_ROW]],
    rows: &[[u8; CONTENT_ROW]],
) -> Result<(), TableError> {
    let mut used = vec![0u64; frames.len().div_ceil(64)];
    let mut last = None;
    for row in rows {
        let content = ContentEntry::decode(row).filter(|content| !content.id.is_zero()).ok_or(ROWS)?;
        let frame = frames.get(content.frame as usize).and_then(FrameEntry::decode).ok_or(ROWS)?;
        let pack = packs.get(frame.pack as usize).and_then(PackRow::decode).ok_or(ROWS)?;
        location(&pack, &frame, &content).ok_or(ROWS)?;
        if last.is_some_and(|last| last >= (content.id, content.frame)) {
            return Err(ORDER);
        }
        last = Some((content.id, content.frame));
        used[content.frame as usize / 64] |= 1 << (content.frame % 64);
    }
    let count: u32 = used.iter().map(|word| word.count_ones()).sum();
    if count as usize == frames.len() { Ok(()) } else { Err(ORDER) }
}
