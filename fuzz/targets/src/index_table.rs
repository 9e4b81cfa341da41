//! Tables of index segments (IDX-1, IDX-2): four counts, then the rows.

use repo_format::codec::{Codec, ContentId, ContentKind, PackId};
use repo_format::format::names::PackKind;
use repo_format::index::{IndexTable, TABLE_SIZE, build};
use repo_format::pack::{ContentRow, FrameRow, PackContents};

use crate::forge::SALT;

pub fn run(data: &[u8]) -> bool {
    let Some((counts, rows)) = data.split_first_chunk::<16>() else { return false };
    let counts = [0, 4, 8, 12].map(|at| u32::from_le_bytes([0, 1, 2, 3].map(|byte| counts[at + byte])));
    let Ok(table) = IndexTable::decode(counts, rows.to_vec()) else { return false };
    let (first, last) = table.key_range();
    assert!(first <= last, "rows are in order");
    true
}

pub fn seeds() -> Vec<Vec<u8>> {
    let content = |byte| ContentRow { id: ContentId([byte; 32]), kind: ContentKind::Data, len: 3 };
    let contents = vec![content(1), content(2)];
    let frame = FrameRow { offset: 96, stored_len: 6, raw_len: 6, codec: Codec::Raw, contents };
    let pack = PackContents { id: PackId([8; 32]), kind: PackKind::Data, salt: SALT, frames: vec![frame] };
    let tables = build(&[pack], TABLE_SIZE).expect("one pack contradicts nothing");
    let seed = |table: &IndexTable| {
        let counts = table.counts();
        let counts = [counts.packs, counts.frames, counts.contents, 0].map(u32::to_le_bytes).concat();
        [counts, table.bytes().to_vec()].concat()
    };
    tables.iter().map(seed).collect()
}
