//! The copy marker (COPY-1): as it is, or with a hash that fits.

use repo_format::codec::CopyId;
use repo_format::format::copy_marker::{CopyMarker, SIZE, decode, encode};

use crate::forge::{REPO, mode, with_hash};

pub fn run(data: &[u8]) -> bool {
    let blob = match mode(data) {
        (0, blob) => blob.to_vec(),
        (_, body) => with_hash(body),
    };
    let Ok(marker) = decode(&blob) else { return false };
    assert_eq!(encode(&marker)[..], blob, "one copy has one marker");
    true
}

pub fn seeds() -> Vec<Vec<u8>> {
    let blob = encode(&CopyMarker { repo: REPO, copy: CopyId([7; 16]) });
    vec![[&[0][..], &blob].concat(), [&[1][..], &blob[..SIZE - 32]].concat()]
}
