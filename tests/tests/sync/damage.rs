//! Blobs that are not whole, at the source and at the copy.

use repo_format::verify::{Level, VerifyOptions, verify};

use super::*;

/// Flips a blob of the source, copies, and gives what was told.
fn with_damage(pair: &Pair, name: &BlobName) -> (Vec<u8>, SyncReport) {
    let bytes = flip(&pair.source, name);
    let report = pair.sync();
    let told: Vec<BlobName> = report.damaged.iter().map(|damage| damage.blob.name()).collect();
    assert_eq!(told, std::slice::from_ref(name), "{:?}", report.damaged);
    (bytes, report)
}

#[test]
fn damage_is_told_and_not_carried_on_and_the_rest_is_copied() {
    for prefix in ["packs/data/", "packs/meta/", "segments/", "keys/"] {
        let mut pair = Pair::new();
        let lost = pair.back_up();
        pair.back_up();
        let name = first(&pair.source, prefix);
        let (bytes, report) = with_damage(&pair, &name);
        assert!(pair.target.size(&name).unwrap().is_none(), "{name} was copied");
        let blobs = pair.source.list("").unwrap().len() as u64;
        assert_eq!(report.copied, blobs - 2, "all but the format blob and the damaged one");
        assert_eq!(report.revision, pair.repository.state().revision);
        // The next run tells it again, and fetches it when it is whole again.
        assert_eq!(pair.sync().damaged.len(), 1);
        overwrite(&pair.source, &name, bytes);
        let healed = pair.sync();
        assert_eq!((healed.copied, healed.damaged.len()), (1, 0));
        assert!(pair.wanted.contains_key(&lost));
        pair.assert_copied();
    }
}

#[test]
fn a_copy_of_before_the_damage_keeps_what_is_whole() {
    let mut pair = Pair::new();
    pair.back_up();
    pair.sync();
    let name = first(&pair.source, "packs/data/");
    let bytes = flip(&pair.source, &name);
    // By name and size it is there, so nobody looks.
    assert!(pair.sync().is_clean());
    assert_eq!(pair.target.get(&name).unwrap(), bytes);
    // Cut short, it is another size: looked at, told, and kept.
    overwrite(&pair.source, &name, bytes[..100].to_vec());
    let report = pair.sync();
    assert_eq!((report.damaged.len(), report.copied), (1, 0));
    assert_eq!(pair.target.get(&name).unwrap(), bytes);
    pair.assert_copied();
}

#[test]
fn behind_a_damaged_record_the_copy_stays_where_it_is() {
    let mut pair = Pair::new();
    pair.back_up();
    pair.sync();
    let (head, before) = (pair.repository.state().revision, pair.wanted.clone());
    pair.back_up();
    pair.back_up();
    let name = BlobId::Record(head + 1).name();
    let (bytes, report) = with_damage(&pair, &name);
    assert_eq!(report.revision, head);
    let copy = pair.copy();
    assert!(copy.log().broken().is_none());
    assert_holds(&copy, &before);
    // A record that is lost is told like one that is damaged.
    pair.source.delete(&name).unwrap();
    let report = pair.sync();
    assert!(report.damaged[0].is_missing && report.revision == head, "{:?}", report.damaged);
    pair.source.put_new(&name, bytes.into()).unwrap();
    assert!(pair.sync().is_clean());
    pair.assert_copied();
}

#[test]
fn a_damaged_record_below_a_catalog_keeps_nobody_up() {
    for first_run in [true, false] {
        let mut pair = Pair::new();
        pair.back_up();
        if !first_run {
            pair.sync();
        }
        let head = pair.repository.state().revision;
        pair.back_up();
        pair.repository.log().write_catalog().unwrap();
        pair.back_up();
        let name = BlobId::Record(head + 1).name();
        let (bytes, report) = with_damage(&pair, &name);
        assert_eq!(report.revision, pair.repository.state().revision);
        assert_holds(&pair.copy(), &pair.wanted);
        overwrite(&pair.source, &name, bytes);
        pair.sync();
        pair.assert_copied();
    }
}

#[test]
fn an_older_catalog_stands_in_for_a_damaged_one() {
    let mut pair = Pair::new();
    pair.back_up();
    pair.repository.log().write_catalog().unwrap();
    pair.back_up();
    pair.repository.log().write_catalog().unwrap();
    pair.back_up();
    let newest = first(&pair.source, "catalog/");
    let (_, report) = with_damage(&pair, &newest);
    assert_eq!(report.revision, pair.repository.state().revision);
    assert_holds(&pair.copy(), &pair.wanted);
    assert_eq!(pair.target.list("catalog/").unwrap().len(), 1);
}

#[test]
fn a_source_without_a_whole_format_blob_is_known_by_its_slots() {
    let mut pair = Pair::new();
    pair.back_up();
    let format = BlobId::Format.name();
    let (bytes, _) = with_damage(&pair, &format);
    assert_eq!(pair.target.get(&format).unwrap(), bytes, "the slots carry it");
    pair.source.delete(&format).unwrap();
    assert!(pair.sync().is_clean());
    pair.assert_copied();
}

#[test]
fn what_rotted_at_the_copy_is_found_by_a_check_and_replaced() {
    let mut pair = Pair::new();
    pair.back_up();
    pair.repository.log().write_catalog().unwrap();
    pair.back_up();
    pair.sync();
    let before = all(&pair.target);
    for prefix in ["packs/data/", "packs/meta/", "segments/", "keys/", "log/", "catalog/", "corso.format"] {
        let name = first(&pair.target, prefix);
        flip(&pair.target, &name);
        let report = pair.checked();
        let counted = u64::from(prefix != "corso.format");
        assert_eq!((report.replaced, report.copied), (counted, counted), "{name}");
        assert_eq!(report.checked, pair.source.list("").unwrap().len() as u64 - 1);
        assert_eq!(all(&pair.target), before, "{name}");
    }
    // The last record is looked at by every run.
    flip(&pair.target, &BlobId::Record(pair.repository.state().revision).name());
    assert_eq!(pair.sync().replaced, 1);
    // Another size needs no check.
    let name = first(&pair.target, "packs/data/");
    overwrite(&pair.target, &name, vec![1; 10]);
    assert_eq!(pair.sync().replaced, 1);
    assert_eq!(all(&pair.target), before);
}

#[test]
fn a_check_does_not_replace_what_the_source_has_lost() {
    let mut pair = Pair::new();
    pair.back_up();
    pair.sync();
    let name = first(&pair.target, "packs/data/");
    flip(&pair.target, &name);
    flip(&pair.source, &name);
    let report = pair.checked();
    assert_eq!((report.replaced, report.damaged.len()), (0, 1));
    let options = VerifyOptions { level: Level::Blobs, ..VerifyOptions::default() };
    let found = verify(&pair.copy(), &options, &Progress::default(), &Stop::default()).unwrap();
    assert_eq!(found.findings[0].blob, Some(name));
}
