//! A catalog and the records behind it come to what all records come to.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::codec::{CommitId, RecordHash};

/// Everything that a state says, whichever way its rows are kept.
type Said = (State, BTreeMap<ManifestId, ManifestRow>);

fn said(state: &State, segments: &SegmentRows) -> Said {
    let mut plain = State { history: Default::default(), ..state.clone() };
    let rows = state.manifests(segments);
    (plain.rows, plain.pending) = Default::default();
    plain.manifest_segments.clear();
    (plain, rows)
}

fn assert_equal(left: &Said, right: &Said) {
    assert_eq!(left.1, right.1);
    assert_eq!(crate::cbor::encode(&left.0), crate::cbor::encode(&right.0));
}

fn fold_all(records: &[record::OpenedRecord], start: &State) -> State {
    let mut state = start.clone();
    records.iter().for_each(|record| state.apply(record));
    state
}

fn records(actions: Vec<Vec<Action>>) -> Vec<record::OpenedRecord> {
    let numbered = actions.into_iter().enumerate();
    numbered
        .map(|(place, actions)| {
            let revision = place as u64 + 1;
            let hash = |n: u64| RecordHash([n as u8; 32]);
            let (commit, writer) = (CommitId([revision as u8; 16]), WriterInfo::default());
            let previous = if place == 0 { RecordHash::ZERO } else { hash(revision - 1) };
            let record = Record { revision, previous, commit, writer, time: 0, actions };
            record::OpenedRecord { record, hash: hash(revision) }
        })
        .collect()
}

fn any_action() -> impl Strategy<Value = Action> {
    let manifest = 0..12u32;
    prop_oneof![
        4 => manifest.clone().prop_map(put),
        3 => manifest.clone().prop_map(|n| Action::Forget(vec![manifest_id(n)])),
        3 => manifest.prop_map(|n| Action::Recall { manifest: manifest_id(n), relied: vec![] }),
        4 => prop::sample::select(blobs::every_action()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_catalog_and_later_records_come_to_the_same(
        actions in prop::collection::vec(prop::collection::vec(any_action(), 0..4), 1..30),
        first in 0..30usize,
        second in 0..30usize,
    ) {
        let records = records(actions);
        let whole = fold_all(&records, &State::default());
        let (first, second) = (first.min(records.len()), second.min(records.len()));
        let (first, second) = (first.min(second), first.max(second));

        // Twice, all rows go into segments; what is folded then has to lie over them.
        let mut segments = SegmentRows::new();
        let mut state = State::default();
        for (from, to) in [(0, first), (first, second), (second, records.len())] {
            state = fold_all(&records[from..to], &state);
            segments.extend(state.settled(&segments));
            let keys = MasterKey::from_bytes([3; 32]).subkeys();
            let (segment, blob) = manifests::encode(&keys, &REPO, [1; 32], &segments);
            let read = manifests::decode(&keys, &REPO, &segment.id, &blob.bytes).unwrap();
            prop_assert!(read.iter().eq(segments.values()));
            (state.rows, state.pending) = Default::default();
            state.manifest_segments = vec![segment];
            let catalog = catalog::encode(&keys, &REPO, [2; 32], &state).unwrap();
            state = catalog::decode(&keys, &REPO, state.revision, &catalog).unwrap();
        }
        assert_equal(&said(&state, &segments), &said(&whole, &SegmentRows::new()));
    }
}
