//! Packs (PACK-2, PACK-3): under the name that fits, and with a sealed footer.

use repo_format::codec::{BlobKind, Codec, ContentKind, HEADER_SIZE, PackId, SEAL_OVERHEAD};
use repo_format::format::names::PackKind;
use repo_format::pack::{ContentRow, PackBuilder, RawFrame, read_footer, read_pack};

use crate::forge::{REPO, SALT, hash, join, keys, mode, split, with_footer};

pub fn run(data: &[u8]) -> bool {
    let (mode, rest) = mode(data);
    let blob = match mode {
        0 => rest.to_vec(),
        _ => {
            let (body, footer) = split(rest);
            with_footer(BlobKind::DataPack, body, footer)
        }
    };
    let id = PackId(hash(&blob));
    let Ok(pack) = read_footer(keys(), &REPO, PackKind::Data, &id, &blob) else { return false };
    let mut end = HEADER_SIZE;
    for frame in &pack.frames {
        assert_eq!(frame.range().start, end, "frames stand back to back");
        end = frame.range().end;
        assert!(!frame.contents.is_empty() && end < blob.len(), "a frame is in its pack");
    }
    // Its frames may not open: only the footer was sealed.
    let _ = read_pack(keys(), &REPO, PackKind::Data, &id, &blob);
    true
}

pub fn seeds() -> Vec<Vec<u8>> {
    let mut frame = RawFrame::default();
    for text in [&[b'a'; 500][..], b"second"] {
        let id = keys().content_id(ContentKind::Data as u8, text);
        frame.push(ContentRow { id, kind: ContentKind::Data, len: text.len() as u32 }, text);
    }
    let mut builder = PackBuilder::new(keys(), &REPO, PackKind::Data, SALT, 4096, Vec::new());
    builder.push(keys(), frame.compress(Some(3)));
    vec![
        [&[0][..], &builder.finish(keys()).bytes].concat(),
        [&[1][..], &join(&[0; 3 + SEAL_OVERHEAD], &FOOTER.concat())].concat(),
    ]
}

/// One raw frame of one content of three bytes.
const FOOTER: [&[u8]; 9] = [
    &1u32.to_le_bytes(),
    &1u32.to_le_bytes(),
    // The frame: stored and raw length, codec, number of contents.
    &3u32.to_le_bytes(),
    &3u32.to_le_bytes(),
    &[Codec::Raw as u8, 0, 0, 0],
    &1u32.to_le_bytes(),
    // The content: ID, length, kind.
    &[6; 32],
    &3u32.to_le_bytes(),
    &[ContentKind::Data as u8, 0, 0, 0],
];
