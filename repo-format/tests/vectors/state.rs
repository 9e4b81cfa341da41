//! Chapters 7 and 8: manifests, rows, records, catalogs, policies.

use repo_format::cbor;
use repo_format::codec::RecordHash;
use repo_format::coverage::{Place, Row, Summary};
use repo_format::log::{Action, ManifestRow, SPLITTER, State, catalog as catalogs, record as records};
use repo_format::policy::{Policies, Policy, Scope};
use repo_format::snapshot::Manifest;
use repo_format::storage::{Retention, RetentionMode};

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
    let optional = [state.verification_map.is_some(), state.hold.is_some()];
    assert_eq!(case["keys"].split(' ').count(), 17 + optional.into_iter().filter(|there| *there).count());
    Ok(vec![one("record-hash", state.hash)])
}

pub fn policy(case: &Case) -> Result<Told, String> {
    let bytes = case.bytes("bytes");
    let policy: Policy = cbor::decode(&bytes).map_err(refused)?;
    // Keys of later releases are passed over.
    let is_known = |key: &str| key.parse::<u64>().is_ok_and(|key| key < 1000);
    let keys: Vec<&str> = case["keys"].split_whitespace().collect();
    let known = keys.iter().filter(|key| is_known(key)).count();
    assert_eq!(cbor::encode(&policy) == bytes, known == keys.len());
    let stored = (Scope::Global.to_string(), bytes);
    let effective = Policies::decode([(&stored.0, &stored.1)]).map_err(refused)?.effective_in(&Scope::Global);
    assert_eq!((effective.from.len(), effective.policy), (known, policy));
    Ok(vec![])
}

pub fn retention(case: &Case) -> Result<Told, String> {
    let bytes = case.bytes("bytes");
    let retention: Retention = cbor::decode(&bytes).map_err(refused)?;
    assert_eq!(cbor::encode(&retention), bytes);
    let mode = match retention.mode {
        RetentionMode::Governance => 1,
        RetentionMode::Compliance => 2,
    };
    Ok(vec![one("mode", mode), one("seconds", retention.seconds)])
}

/// An entry of the verification map.
pub fn coverage(case: &Case) -> Result<Told, String> {
    let (key, bytes) = (case.bytes("key"), case.bytes("bytes"));
    if key == [0] {
        let summary: Summary = cbor::decode(&bytes).map_err(refused)?;
        assert_eq!(cbor::encode(&summary), bytes);
        return Ok(vec![
            one("packs", summary.packs),
            one("size", summary.bytes),
            one("decoded", summary.decoded_packs),
            one("decoded-size", summary.decoded_bytes),
        ]);
    }
    let place = Place::from_key(&key).ok_or("COV-1")?;
    assert_eq!(place.key(), key);
    let row: Row = cbor::decode(&bytes).map_err(refused)?;
    assert_eq!(cbor::encode(&row), bytes);
    Ok(vec![
        one("revision", place.revision),
        one("pack-kind", place.kind.blob_kind() as u8),
        one("pack", place.pack),
        one("level", row.reached as u8),
        one("size", row.size),
        one("total", row.total),
    ])
}

pub fn policy_name(case: &Case) -> Result<Told, String> {
    let scope = Scope::parse(&case["text"]).ok_or("POL-2")?;
    assert_eq!(scope.to_string(), case["text"]);
    let kind = match scope {
        Scope::Global => "global",
        Scope::Service(_) => "service",
        Scope::Source(_) => "source",
    };
    let service = scope.service().into_iter().map(str::to_owned).collect();
    Ok(vec![one("scope", kind), ("service", service)])
}
