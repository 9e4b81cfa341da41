//! Objects (OBJ-1 to OBJ-3): a reference, and lists of contents that say what they like.

use repo_format::object::{ObjectReader, ObjectRef};

use crate::forged_contents::ForgedContents;

/// Rows that are followed: a list may promise more than anybody has time for.
const ROWS_MAX: usize = 4096;
const READ_SIZE: usize = 1 << 16;

pub fn run(data: &[u8]) -> bool {
    let Some(([depth, size @ ..], pieces)) = data.split_first_chunk::<9>() else { return false };
    let size = u64::from_le_bytes(*size);
    let contents = ForgedContents::new(pieces);
    let reference = ObjectRef { depth: *depth, content: ForgedContents::id(0), size };
    let Ok(object) = ObjectReader::open(&contents, reference) else { return false };
    let mut end = 0;
    for row in object.all_rows().take(ROWS_MAX) {
        let Ok(row) = row else { return false };
        assert_eq!(row.offset, end, "rows stand back to back");
        end += u64::from(row.length);
        assert!(row.length > 0 && end <= size, "a row is in its object");
    }
    let Ok(bytes) = object.read_at(size / 2, READ_SIZE) else { return false };
    assert_eq!(bytes.len() as u64, (size - size / 2).min(READ_SIZE as u64), "all that was asked for");
    end == size
}

pub fn seeds() -> Vec<Vec<u8>> {
    let row = |number, length: u32| [&ForgedContents::id(number).0[..], &length.to_le_bytes()].concat();
    let object = |depth: u8, size: u64, pieces: &[Vec<u8>]| {
        [&[depth][..], &size.to_le_bytes(), &ForgedContents::input(pieces)].concat()
    };
    let list = [row(2, 4), row(2, 4), row(3, 3)].concat();
    let data = [b"text".to_vec(), b"end".to_vec()];
    let flat = [&[list.clone(), Vec::new()], &data[..]].concat();
    let nested = [&[row(1, list.len() as u32), list], &data[..]].concat();
    vec![object(1, 11, &flat), object(2, 11, &nested)]
}
