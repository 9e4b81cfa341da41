//! Frames (PACK-4, CID-1): cut into contents, and opened from a seal that holds.

use repo_format::codec::{BlobKind, Codec, ContentId, ContentKind, Header, PartContext, seal};
use repo_format::pack::{ContentRow, FRAME_SIZE_MAX, FrameSeal, open_frame, split_frame};

use crate::forge::{REPO, SALT, join, keys, mode, split};

/// Bytes that make a row: kind, whether the ID fits, length.
const ROW_SIZE: usize = 6;

pub fn run(data: &[u8]) -> bool {
    match mode(data) {
        (0, rest) => {
            let (rows, raw) = split(rest);
            cut(&rows_of(rows, raw), raw)
        }
        (_, rest) => rest.split_first_chunk::<4>().is_some_and(|(raw_len, stored)| {
            // What asks for more is refused where the footer or the index is read.
            open(u32::from_le_bytes(*raw_len).min(FRAME_SIZE_MAX as u32), stored)
        }),
    }
}

fn rows_of(rows: &[u8], raw: &[u8]) -> Vec<ContentRow> {
    let (rows, _) = rows.as_chunks::<ROW_SIZE>();
    let mut rest = raw;
    let mut row = |[kind, fits, len @ ..]: &[u8; ROW_SIZE]| {
        let kind = ContentKind::from_number(*kind).unwrap_or(ContentKind::Data);
        let len = u32::from_le_bytes(*len);
        let (plaintext, behind) = rest.split_at(rest.len().min(len as usize));
        rest = behind;
        let id = if *fits == 1 { keys().content_id(kind as u8, plaintext) } else { ContentId([7; 32]) };
        ContentRow { id, kind, len }
    };
    rows.iter().map(&mut row).collect()
}

/// Whether the rows are those of `raw`; their bytes stand back to back.
fn cut(rows: &[ContentRow], raw: &[u8]) -> bool {
    let Ok(pieces) = split_frame(keys(), 0, rows, raw) else { return false };
    let joined: Vec<u8> = pieces.iter().flat_map(|(_, plaintext)| plaintext.iter().copied()).collect();
    assert!(raw.starts_with(&joined), "contents stand back to back");
    assert_eq!(pieces.len(), rows.len(), "each row has its content");
    joined.len() == raw.len()
}

fn open(raw_len: u32, stored: &[u8]) -> bool {
    let header = Header { kind: BlobKind::DataPack, repo: REPO, salt: SALT };
    let frame = FrameSeal { index: 0, codec: Codec::Zstd, raw_len, list_hash: [5; 32] };
    let context = PartContext {
        list_hash: frame.list_hash,
        ..PartContext::plain(&header, 0, Codec::Zstd as u8, u64::from(raw_len))
    };
    let mut sealed = Vec::new();
    seal(keys(), &context, stored, &mut sealed);
    let Ok(raw) = open_frame(keys(), &header, &frame, &sealed) else { return false };
    assert_eq!(raw.len(), raw_len as usize, "a frame has the size it was sealed with");
    true
}

pub fn seeds() -> Vec<Vec<u8>> {
    let row = |len: u32| [&[ContentKind::Data as u8, 1][..], &len.to_le_bytes()].concat();
    let stored = repo_format::codec::compress(&[b'a'; 500], 3).expect("shrinks");
    vec![
        [&[0][..], &join(&[row(5), row(6)].concat(), b"firstsecond")].concat(),
        [&[1][..], &500u32.to_le_bytes(), &stored].concat(),
    ]
}
