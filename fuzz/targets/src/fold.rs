//! The fold (FOLD-1): any record on any state that can be read.

use std::collections::BTreeMap;

use repo_format::cbor;
use repo_format::codec::{PackId, RecordHash};
use repo_format::log::record::OpenedRecord;
use repo_format::log::{Record, State};

use crate::body::comes_back;
use crate::forge::{join, split};
use crate::log;

/// Rows that a catalog takes; the writer moves more into a segment first (CAT-2).
const CATALOG_ROWS_MAX: usize = 64;
/// The hash of the record that is folded.
const HASH: RecordHash = RecordHash([8; 32]);

pub fn run(data: &[u8]) -> bool {
    let (state, record) = split(data);
    let Ok(mut state) = cbor::decode::<State>(state) else { return false };
    let Ok(record) = cbor::decode::<Record>(record) else { return false };
    let (revision, commit) = (state.revision + 1, record.commit);
    follow(&mut state, record);
    assert_eq!(state.revision, revision, "a record is one revision");
    assert_eq!(state.has_commit(&commit, revision), Some(true), "a commit is known");
    assert_eq!(state.hash_of(revision), Some(HASH), "its hash is known");
    let _ = (state.splitter(), state.is_lost(&PackId([1; 32])));
    if state.manifests(&BTreeMap::new()).len() <= CATALOG_ROWS_MAX {
        assert!(comes_back::<State>(&cbor::encode(&state)), "the catalog of a state is read again");
    }
    true
}

/// Folds a record after it is made the next one, which the reader has checked of others.
fn follow(state: &mut State, record: Record) {
    let record = Record { revision: state.revision + 1, previous: state.hash, ..record };
    state.apply(&OpenedRecord { record, hash: HASH });
}

pub fn seeds() -> Vec<Vec<u8>> {
    let (first, record) = (log::first_state(), log::a_record());
    let mut second = first.clone();
    follow(&mut second, record.clone());
    [first, second].map(|state| join(&cbor::encode(&state), &cbor::encode(&record))).into()
}
