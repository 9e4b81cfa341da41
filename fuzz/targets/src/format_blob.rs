//! The format blob (FMT-1): as it is, or with a hash that fits.

use repo_format::format::format_blob::{SIZE, decode, encode};

use crate::forge::{REPO, mode, with_hash};

pub fn run(data: &[u8]) -> bool {
    let blob = match mode(data) {
        (0, blob) => blob.to_vec(),
        (_, body) => with_hash(body),
    };
    let Ok(repo) = decode(&blob) else { return false };
    assert_eq!(encode(&repo)[..], blob, "one repository has one format blob");
    true
}

pub fn seeds() -> Vec<Vec<u8>> {
    let blob = encode(&REPO);
    vec![[&[0][..], &blob].concat(), [&[1][..], &blob[..SIZE - 32]].concat()]
}
