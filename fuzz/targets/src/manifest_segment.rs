//! Rows of manifest segments (MSEG-1): any table, in a segment that opens.

use repo_format::cbor;
use repo_format::format::segment::{SegmentKind, encode};
use repo_format::log::ManifestRow;
use repo_format::log::manifests::decode;

use crate::body::{a_row, comes_back};
use crate::forge::{REPO, SALT, keys};

pub fn run(data: &[u8]) -> bool {
    let Some((count, table)) = data.split_first_chunk::<4>() else { return false };
    let counts = [u32::from_le_bytes(*count), 0, 0, 0];
    let segment = encode(keys(), &REPO, SegmentKind::Manifest, counts, table, SALT);
    let Ok(rows) = decode(keys(), &REPO, &segment.id, &segment.bytes) else { return false };
    assert!(rows.is_sorted_by(|a, b| a.id < b.id), "rows ascend");
    rows.iter().all(|row| comes_back::<ManifestRow>(&cbor::encode(row)))
}

pub fn seeds() -> Vec<Vec<u8>> {
    let rows = [1, 2].map(|id| cbor::encode(&a_row(id)));
    let table = rows.map(|row| [&(row.len() as u32).to_le_bytes()[..], &row].concat()).concat();
    vec![[&2u32.to_le_bytes()[..], &table].concat()]
}
