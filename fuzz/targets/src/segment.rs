//! Segments (SEG-1, SEG-2): under a name of its own, under the name that fits, and with a sealed footer.

use repo_format::codec::{BlobKind, HEADER_SIZE, SEAL_OVERHEAD, SegmentId};
use repo_format::format::segment::{SegmentKind, decode, encode};

use crate::forge::{REPO, SALT, hash, join, keys, mode, split, with_footer};

pub fn run(data: &[u8]) -> bool {
    let (mode, rest) = mode(data);
    let (id, blob) = match mode {
        0 => match rest.split_first_chunk::<32>() {
            Some((id, blob)) => (*id, blob.to_vec()),
            None => return false,
        },
        1 => (hash(rest), rest.to_vec()),
        _ => {
            let (body, footer) = split(rest);
            let blob = with_footer(BlobKind::IndexSegment, body, footer);
            (hash(&blob), blob)
        }
    };
    let opened = decode(keys(), &REPO, SegmentKind::Index, &SegmentId(id), &blob);
    opened.is_ok_and(|(_, table)| {
        assert!(table.len() < blob.len(), "a table is shorter than its segment");
        true
    })
}

pub fn seeds() -> Vec<Vec<u8>> {
    let segment = encode(keys(), &REPO, SegmentKind::Index, [1, 2, 3, 4], &[5; 100], SALT);
    let blob = &segment.bytes[..];
    let page = &blob[HEADER_SIZE..][..100 + SEAL_OVERHEAD];
    let mut footer = vec![0; 32];
    (footer[0], footer[8]) = (100, 1);
    vec![
        [&[0][..], &segment.id.0, blob].concat(),
        [&[1][..], blob].concat(),
        [&[2][..], &join(page, &footer)].concat(),
    ]
}
