//! Records and catalogs (LOG-1, LOG-2, CAT-1): with a hash that fits, and as sealed parts.

use repo_format::cbor;
use repo_format::codec::{BlobKind, Codec, CommitId, ManifestId, PackId, RecordHash};
use repo_format::format::names::PackKind;
use repo_format::log::{Action, BlobRef, Record, State, WriterInfo, catalog, record};

use crate::body::{a_row, comes_back};
use crate::forge::{REPO, keys, mode, with_hash, with_part};

pub fn record(data: &[u8]) -> bool {
    let Ok(opened) = record::decode(keys(), &REPO, 1, &blob(BlobKind::Record, data)) else { return false };
    assert!(comes_back::<Record>(&cbor::encode(&opened.record)));
    true
}

pub fn catalog(data: &[u8]) -> bool {
    let Ok(state) = catalog::decode(keys(), &REPO, 1, &blob(BlobKind::Catalog, data)) else { return false };
    assert!(comes_back::<State>(&cbor::encode(&state)));
    true
}

fn blob(kind: BlobKind, data: &[u8]) -> Vec<u8> {
    match mode(data) {
        (0, body) => with_hash(body),
        (1, body) => with_part(kind, Codec::Raw, body.len() as u64, body),
        (_, rest) => match rest.split_first_chunk::<4>() {
            Some((raw_len, stored)) => {
                with_part(kind, Codec::Zstd, u32::from_le_bytes(*raw_len).into(), stored)
            }
            None => with_part(kind, Codec::Zstd, 0, rest),
        },
    }
}

/// A record that does a little.
pub fn a_record() -> Record {
    Record {
        revision: 1,
        previous: RecordHash([0; 32]),
        commit: CommitId([7; 16]),
        writer: WriterInfo {
            host: "host".into(),
            user: "user".into(),
            program: "corso".into(),
            process: "1".into(),
        },
        time: 1,
        actions: vec![
            Action::PutPolicy { name: "keep".into(), value: Some(vec![5]) },
            Action::PutManifest { row: Box::new(a_row(1)), relied: vec![PackId([8; 32])], bases: vec![] },
            Action::Forget(vec![ManifestId([1; 32])]),
            Action::Condemn(vec![BlobRef::Pack(PackKind::Data, PackId([8; 32]))]),
        ],
    }
}

/// The state of a log that begins.
pub fn first_state() -> State {
    let mut state = State::default();
    state.revision = 1;
    state
}

pub fn record_seeds() -> Vec<Vec<u8>> {
    seeds(BlobKind::Record, cbor::encode(&a_record()))
}

pub fn catalog_seeds() -> Vec<Vec<u8>> {
    seeds(BlobKind::Catalog, cbor::encode(&first_state()))
}

/// One body in each mode; the zstd frame is one raw block.
fn seeds(kind: BlobKind, body: Vec<u8>) -> Vec<Vec<u8>> {
    let sealed = with_part(kind, Codec::Raw, body.len() as u64, &body);
    let size = u32::try_from(body.len()).expect("a seed is short");
    let block = (size << 3 | 1).to_le_bytes();
    let frame = [&[0x28, 0xb5, 0x2f, 0xfd, 0xa0][..], &size.to_le_bytes(), &block[..3], &body].concat();
    vec![
        [&[0][..], &sealed[..sealed.len() - 32]].concat(),
        [&[1][..], &body].concat(),
        [&[2][..], &size.to_le_bytes(), &frame].concat(),
    ]
}
