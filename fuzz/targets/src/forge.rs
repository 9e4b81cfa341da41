//! Blobs whose outer checks hold whatever the fuzzer puts into them.

use std::sync::LazyLock;

use repo_format::codec::{
    BlobKind, Codec, FOOTER_PART, Header, MasterKey, PartContext, RepoId, SEAL_OVERHEAD, Subkeys, seal,
};
use repo_format::format::push_hash;

/// The repository that all forged blobs belong to.
pub const REPO: RepoId = RepoId([2; 16]);
/// The salt of all forged blobs: the same input is the same blob.
pub const SALT: [u8; 32] = [3; 32];

/// The master key of that repository.
pub const MASTER: [u8; 32] = [42; 32];

static KEYS: LazyLock<Subkeys> = LazyLock::new(|| MasterKey::from_bytes(MASTER).subkeys());

/// The keys of all forged blobs.
pub fn keys() -> &'static Subkeys {
    &KEYS
}

/// The first byte of an input, which says what is done with the others.
pub fn mode(data: &[u8]) -> (u8, &[u8]) {
    data.split_first().map_or((0, data), |(mode, rest)| (*mode, rest))
}

/// `body` with a hash behind it that fits (CONV-10).
pub fn with_hash(body: &[u8]) -> Vec<u8> {
    let mut blob = body.to_vec();
    push_hash(&mut blob);
    blob
}

/// The name of a blob that is named for its bytes.
pub fn hash(blob: &[u8]) -> [u8; 32] {
    *blake3::hash(blob).as_bytes()
}

/// A pack or segment: a header that opens, `body` as it is, `footer` sealed, and the trailer (PACK-2).
pub fn with_footer(kind: BlobKind, body: &[u8], footer: &[u8]) -> Vec<u8> {
    let header = Header { kind, repo: REPO, salt: SALT };
    let mut blob = header.encode(keys()).to_vec();
    blob.extend_from_slice(body);
    seal(keys(), &PartContext::plain(&header, FOOTER_PART, 0, footer.len() as u64), footer, &mut blob);
    blob.extend_from_slice(&((footer.len() + SEAL_OVERHEAD) as u32).to_le_bytes());
    blob.extend_from_slice(b"CORSOEND");
    blob
}

/// Cuts an input in two behind its length, two bytes: a body and a footer.
pub fn split(data: &[u8]) -> (&[u8], &[u8]) {
    match data.split_first_chunk::<2>() {
        Some((length, rest)) => rest.split_at(rest.len().min(u16::from_le_bytes(*length).into())),
        None => (&[], data),
    }
}

/// The input that [`split`] cuts into `body` and `footer`.
pub fn join(body: &[u8], footer: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("a seed's body is short");
    [&length.to_le_bytes(), body, footer].concat()
}

/// A record or catalog of revision 1: a header that opens, `stored` sealed as it is, and the hash (LOG-1).
pub fn with_part(kind: BlobKind, codec: Codec, raw_len: u64, stored: &[u8]) -> Vec<u8> {
    let header = Header { kind, repo: REPO, salt: SALT };
    let mut blob = header.encode(keys()).to_vec();
    blob.extend_from_slice(&[codec as u8, 0, 0, 0]);
    blob.extend_from_slice(&((stored.len() + SEAL_OVERHEAD) as u32).to_le_bytes());
    blob.extend_from_slice(&raw_len.to_le_bytes());
    let context = PartContext { revision: 1, ..PartContext::plain(&header, 0, codec as u8, raw_len) };
    seal(keys(), &context, stored, &mut blob);
    with_hash(&blob)
}
