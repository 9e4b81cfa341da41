//! The bytes of records and catalogs: sizes, and every way to be refused.

use super::*;
use crate::codec::{CommitId, HeaderError, RecordHash, padme};
use crate::format::segment::SegmentRef;

fn record() -> Record {
    Record {
        revision: 9,
        previous: RecordHash([1; 32]),
        commit: CommitId([2; 16]),
        writer: WriterInfo { host: "host".into(), program: "corso 0".into(), ..Default::default() },
        time: -5,
        actions: every_action(),
    }
}

pub(super) fn every_action() -> Vec<Action> {
    let segment = SegmentRef {
        id: crate::codec::SegmentId([1; 32]),
        count: 5,
        first: crate::codec::ContentId([1; 32]),
        last: crate::codec::ContentId([2; 32]),
        size: 70_000,
    };
    vec![
        Action::AddSegments(vec![segment]),
        Action::ReplaceSegments { removed: vec![segment.id], added: vec![segment] },
        put_on(1, &[1, 2], &[3]),
        Action::Forget(vec![manifest_id(4)]),
        Action::Recall { manifest: manifest_id(4), relied: vec![pack(1)] },
        Action::Condemn(vec![data(1), BlobRef::IndexSegment(segment.id)]),
        Action::Doom { marked: 3, blobs: vec![data(1), BlobRef::ManifestSegment(segment.id)] },
        Action::Reap(vec![data(1), BlobRef::Pack(PackKind::Meta, pack(3))]),
        Action::Quarantine { packs: vec![pack(1)], set: true },
        Action::PutParameter { name: "level".into(), value: None },
        Action::AddSlot(slot(3)),
        Action::DropSlot(slot(3).id),
        Action::PutPolicy { name: "keep".into(), value: Some(vec![5]) },
        Action::VerificationMap { root: Some(segment.first), relied: vec![pack(3)] },
        Action::RequireFeature { name: "shiny".into(), scope: FeatureScope::Writers },
        Action::VoidRecord { revision: 3, hash: RecordHash::ZERO },
        Action::RaiseFloor(2),
        Action::Settle { looked_at: 2, verified: true },
    ]
}

#[test]
fn records_come_back_and_have_padme_sizes() {
    let place = Place::new();
    let mut sizes = Vec::new();
    for actions in [vec![], vec![policy(1)], every_action(), (0..500).map(put).collect()] {
        let record = Record { actions, ..record() };
        let bytes = record::encode(&place.keys, &REPO, [8; 32], &record).unwrap();
        assert_eq!(padme(bytes.len() as u64), bytes.len() as u64);
        sizes.push(bytes.len());
        let opened = record::decode(&place.keys, &REPO, 9, &bytes).unwrap();
        assert_eq!(opened.record, record);
        assert_eq!(opened.hash.0, *blake3::hash(&bytes).as_bytes());
    }
    assert!(sizes[3] < 50_000, "500 rows are compressed: {sizes:?}");
}

#[test]
fn a_record_opens_in_its_place_alone() {
    let place = Place::new();
    let bytes = record::encode(&place.keys, &REPO, [8; 32], &record()).unwrap();
    let refusal = |keys, repo, revision| record::decode(keys, repo, revision, &bytes).unwrap_err();
    assert!(matches!(refusal(&place.keys, &REPO, 8), BlobError::Seal(_)));
    let header = refusal(&place.keys, &RepoId([8; 16]), 9);
    assert!(matches!(header, BlobError::Header(HeaderError::OtherRepository { .. })));
    let other = MasterKey::from_bytes([4; 32]).subkeys();
    assert_eq!(refusal(&other, &REPO, 9), BlobError::Header(HeaderError::WrongKey));
    let catalog = catalog::decode(&place.keys, &REPO, 9, &bytes).unwrap_err();
    assert!(matches!(catalog, BlobError::Header(HeaderError::WrongKind { .. })));
}

#[test]
fn every_flipped_byte_of_records_and_catalogs_is_refused() {
    let (place, log) = Place::new().create_kept();
    done(&log, put(1));
    log.write_catalog().unwrap();
    let record = place.blobs.get(&BlobId::Record(2).name()).unwrap();
    refuses_flips(&record, |bytes| record::decode(&place.keys, &REPO, 2, bytes).err());
    let catalog = place.blobs.get(&BlobId::Catalog(2).name()).unwrap();
    refuses_flips(&catalog, |bytes| catalog::decode(&place.keys, &REPO, 2, bytes).err());
}

/// Flips each byte, with the old hash at the end and with one that fits; cuts at each length.
fn refuses_flips(blob: &[u8], decode: impl Fn(&[u8]) -> Option<BlobError>) {
    assert_eq!(decode(blob), None);
    for place in 0..blob.len() {
        let mut forged = blob.to_vec();
        forged[place] ^= 0x20;
        assert!(matches!(decode(&forged), Some(BlobError::Hash(_))), "byte {place}");
        if place < blob.len() - 32 {
            forged.truncate(blob.len() - 32);
            crate::format::push_hash(&mut forged);
            let refusal = decode(&forged).expect("a fitting hash makes nothing right");
            assert!(!matches!(refusal, BlobError::Hash(_)), "byte {place}");
        }
        assert!(decode(&blob[..place]).is_some());
    }
}

#[test]
fn unknown_actions_are_refused_below_a_thousand_and_skipped_above() {
    use crate::cbor::{CborError, Reader, Writer};
    let read = |number: u64| {
        let mut w = Writer::new();
        w.array(2).u64(number).text("of a later release");
        let bytes = w.into_bytes();
        Action::read(&mut Reader::new(&bytes))
    };
    assert!(matches!(read(19), Err(CborError { what: "unknown action (ACT-0)", .. })));
    assert!(read(0).is_err());
    assert_eq!(read(1000), Ok(None));
}
