//! Chapters 7 and 8: manifests, rows, records, catalogs.

use repo_format::cbor;
use repo_format::codec::RecordHash;
use repo_format::log::{Action, ManifestRow, SPLITTER, State, catalog as catalogs, record as records};
use repo_format::snapshot::Manifest;

use crate::case::{Case, Told, one, refused};

pub fn manifest(case: &Case) -> Result<Told, String> {
    let bytes = case.bytes("bytes");
    let manifest: Manifest = cbor::decode(&bytes).map_err(refused)?;
    assert_eq!(cbor::encode(&manifest), bytes);
    Ok(vec![one("state", manifest.state as u8)])
}

pub fn manifest_row(case: &Case) -> Result<Told, String> {
    let bytes = case.bytes("bytes");
    let row: ManifestRow = cbor::decode(&bytes).map_err(refused)?;
    assert_eq!(cbor::encode(&row), bytes);
    Ok(vec![one("manifest", row.id)])
}

/// Opens the record, chains it, and folds it: a splitter that nobody knows shows in the state.
pub fn record(case: &Case) -> Result<Told, String> {
    let (revision, blob) = (case.number("revision"), case.bytes("bytes"));
    let opened = records::decode(&case.keys(), &case.repo(), revision, &blob).map_err(refused)?;
    let record = &opened.record;
    if case.get("previous").is_some() && record.previous != RecordHash(case.fixed("previous")) {
        return Err("LOG-5: does not chain".into());
    }
    let puts_splitter =
        |action: &Action| matches!(action, Action::PutParameter { name, .. } if name == SPLITTER);
    let mut state = State::default();
    (state.revision, state.hash) = (revision - 1, record.previous);
    state.apply(&opened);
    if (revision == 1 || record.actions.iter().any(puts_splitter)) && state.splitter().is_none() {
        return Err("ACT-10: no splitter that is known".into());
    }
    // Actions of later releases are passed over.
    let numbers =
        case.all("action").into_iter().filter(|number| number.parse::<u64>().is_ok_and(|n| n < 1000));
    assert_eq!(record.actions.len(), numbers.count());
    Ok(vec![one("commit-id", record.commit), one("hash", opened.hash)])
}

pub fn catalog(case: &Case) -> Result<Told, String> {
    let (revision, blob) = (case.number("revision"), case.bytes("bytes"));
    let state = catalogs::decode(&case.keys(), &case.repo(), revision, &blob).map_err(refused)?;
    assert_eq!(case["keys"].split(' ').count(), 17 + usize::from(state.verification_map.is_some()));
    Ok(vec![one("record-hash", state.hash)])
}
