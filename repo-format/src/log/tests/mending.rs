//! Logs that lost records: what a survey finds, what mends them, and the hold on dooms after it.

use super::*;
use crate::log::state::Floor;

/// A log of `commits` snapshots behind its first record.
fn place_with(commits: u32) -> Place {
    let (place, log) = Place::new().create_kept();
    for n in 0..commits {
        done(&log, put(n));
    }
    place
}

fn survey(place: &Place) -> Survey {
    survey_with(place, &LogOptions::default())
}

fn survey_with(place: &Place, options: &LogOptions) -> Survey {
    Log::survey(place.blobs.clone(), place.keys.clone(), REPO, options).unwrap()
}

/// Mends what there is to mend, and opens the log.
fn mended(place: &Place) -> Log {
    let survey = survey(place);
    assert!(!survey.is_whole());
    let splitter =
        Action::PutParameter { name: SPLITTER.into(), value: Some(encode_splitter(&SplitterSizes::DEFAULT)) };
    let further = if survey.needs_splitter() { vec![splitter] } else { vec![] };
    let mend = |survey: &Survey| {
        let options = LogOptions::default();
        Log::mend(place.blobs.clone(), place.keys.clone(), REPO, options, survey, &further).unwrap()
    };
    assert!(mend(&survey));
    assert!(!mend(&survey), "somebody was faster");
    let log = place.open();
    assert!(log.broken().is_none());
    assert!(log.state().splitter().is_some());
    assert_eq!(log.state().hold.map(|hold| hold.found), Some(false));
    log
}

fn snapshots(log: &Log) -> Vec<ManifestId> {
    log.manifests(&log.state()).unwrap().into_keys().collect()
}

fn all_but(count: u32, lost: &[u32]) -> Vec<ManifestId> {
    let mut ids: Vec<ManifestId> = (0..count).filter(|n| !lost.contains(n)).map(manifest_id).collect();
    ids.sort();
    ids
}

#[test]
fn a_whole_log_has_nothing_to_mend() {
    let place = place_with(70);
    let survey = survey(&place);
    assert!(survey.is_whole() && survey.catalogs.is_empty() && survey.stale.is_empty());
    assert!(!survey.catalog_wanted && !survey.needs_splitter());
    assert_eq!(survey.state().revision, 71);
}

#[test]
fn one_record_or_several_count_as_empty_wherever_they_are() {
    // Snapshot n is in record n + 2.
    for lost in [vec![1], vec![2], vec![5], vec![11], vec![4, 5, 6], vec![3, 7, 8], vec![10, 11]] {
        for is_damaged in [true, false] {
            if !is_damaged && lost.contains(&11) {
                // Nobody can tell that there was one.
                continue;
            }
            let place = place_with(10);
            for revision in &lost {
                match is_damaged {
                    true => place.replace(BlobId::Record(*revision), b"not a record".to_vec()),
                    false => place.delete(BlobId::Record(*revision)),
                }
            }
            let held = survey(&place).state().hold.map(|hold| hold.since);
            let log = mended(&place);
            assert_eq!(log.state().revision, 12, "{lost:?}");
            assert_eq!((held, log.state().hold.map(|hold| hold.since)), (Some(12), Some(12)));
            assert_eq!(log.state().voids.keys().copied().collect::<Vec<_>>(), lost);
            assert!(lost.iter().all(|revision| log.time_of(*revision).unwrap().is_none()));
            let gone: Vec<u32> = lost.iter().filter(|n| **n > 1).map(|n| *n as u32 - 2).collect();
            assert_eq!(snapshots(&log), all_but(10, &gone));
            done(&log, put(100));
            log.write_catalog().unwrap();
            assert_eq!(snapshots(&place.open()).len(), snapshots(&log).len());
        }
    }
}

#[test]
fn a_record_that_does_not_chain_counts_as_empty_alone() {
    let (place, other) = (place_with(10), place_with(10));
    let foreign = other.blobs.get(&BlobId::Record(6).name()).unwrap();
    place.replace(BlobId::Record(6), foreign.to_vec());
    let log = mended(&place);
    assert_eq!(log.state().voids.keys().copied().collect::<Vec<_>>(), [6]);
    assert_eq!(snapshots(&log), all_but(10, &[4]));
}

#[test]
fn who_remembers_a_lost_record_is_content_once_it_is_void() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::new(folder.path(), &REPO, "here");
    let options = LogOptions { memory: Some(memory.clone()), ..LogOptions::default() };
    let place = place_with(10);
    drop(place.open_with(options.clone()).unwrap());
    place.replace(BlobId::Record(11), b"not a record".to_vec());
    // Whoever mends it has not seen what it was.
    let log = mended(&place);
    assert_ne!(log.state().hash_of(11), memory.read().unwrap().map(|seen| seen.hash));
    let again = place.open_with(options).unwrap();
    assert_eq!(again.state().revision, 12);
    assert_eq!(memory.read().unwrap().unwrap().revision, 12);
}

#[test]
fn a_tail_that_was_seen_and_is_gone_counts_as_empty() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::new(folder.path(), &REPO, "here");
    let options = LogOptions { memory: Some(memory.clone()), ..LogOptions::default() };
    let place = place_with(10);
    drop(place.open_with(options.clone()).unwrap());
    [10, 11].iter().for_each(|revision| place.delete(BlobId::Record(*revision)));
    assert!(survey(&place).is_whole(), "who has not seen it cannot know");
    assert!(matches!(place.open_with(options.clone()), Err(LogError::RolledBack { seen: 11, head: 9 })));
    let found = survey_with(&place, &options);
    assert_eq!(found.lost.iter().map(|lost| lost.revision).collect::<Vec<_>>(), [10, 11]);
    let mend = Log::mend(place.blobs.clone(), place.keys.clone(), REPO, options.clone(), &found, &[]);
    assert!(mend.unwrap());
    let log = place.open_with(options).unwrap();
    // What follows continues the record that was seen.
    assert_eq!((log.state().revision, log.state().hash_of(11)), (12, Some(found.lost[1].hash)));
    // Nobody takes the place of the one that is gone, once there is a catalog.
    log.write_catalog().unwrap();
    let other = LogOptions { accept_other_history: true, ..LogOptions::default() };
    assert!(survey_with(&place, &other).is_whole());
}

#[test]
fn a_log_of_which_nothing_is_left_begins_far_above() {
    for is_damaged in [true, false] {
        let place = place_with(70);
        for name in ["log/", "catalog/"].map(|prefix| place.blobs.list(prefix).unwrap()).concat() {
            place.blobs.delete(&name.name).unwrap();
            if is_damaged {
                place.blobs.put_new(&name.name, b"nothing".to_vec().into()).unwrap();
            }
        }
        let found = survey(&place);
        assert!(found.is_new && found.lost.is_empty());
        assert_eq!(found.catalogs.len(), usize::from(is_damaged));
        let log = mended(&place);
        assert_eq!((log.state().revision, log.state().floor), (1 << 32, Floor((1 << 32) + 1)));
        assert!(snapshots(&log).is_empty());
        done(&log, put(1));
        assert_eq!(place.open().state().revision, (1 << 32) + 1);
        let mut higher = found.clone();
        higher.begin_above(1 << 32).unwrap();
        assert_eq!(higher.begins, Some(2 << 32));
        assert!(higher.begin_above(u64::MAX - 1).is_err());
    }
}

#[test]
fn behind_a_long_gap_the_log_goes_on_with_what_was_known() {
    let (place, log) = Place::new().create_kept();
    done(&log, put(1));
    for n in 0..1200 {
        done(&log, policy(n));
    }
    done(&log, put(2));
    for catalog in place.blobs.list("catalog/").unwrap() {
        place.blobs.delete(&catalog.name).unwrap();
    }
    (3..1150).for_each(|revision| place.delete(BlobId::Record(revision)));
    let found = survey(&place);
    assert_eq!((found.gaps.as_slice(), found.begins, found.is_new), (&[(3, 1149)][..], Some(1203), false));
    let mended = mended(&place);
    assert_eq!(mended.state().hash, log.state().hash);
    let ids = [manifest_id(1), manifest_id(2)];
    assert!(snapshots(&mended).iter().all(|id| ids.contains(id)) && snapshots(&mended).len() == 2);
    // Nobody else notices.
    assert_eq!(log.refresh().unwrap().hash, log.state().hash);
    done(&mended, put(3));
}

#[test]
fn a_name_far_above_is_no_end_of_the_log() {
    let place = place_with(3);
    place.blobs.put_new(&BlobId::Record(1 << 40).name(), b"junk".to_vec().into()).unwrap();
    let log = mended(&place);
    assert_eq!(log.state().revision, (1 << 40) + (1 << 32));
    assert_eq!(snapshots(&log).len(), 3);
    let place = place_with(3);
    place.blobs.put_new(&BlobId::Record(u64::MAX).name(), b"junk".to_vec().into()).unwrap();
    let refused = Log::survey(place.blobs.clone(), place.keys.clone(), REPO, &LogOptions::default());
    assert!(matches!(refused, Err(LogError::NoRoom { .. })));
}

#[test]
fn catalogs_and_records_that_they_stand_for_are_looked_at() {
    let place = place_with(140);
    place.replace(BlobId::Catalog(128), b"nothing".to_vec());
    place.replace(BlobId::Record(30), b"nothing".to_vec());
    [50, 51].iter().for_each(|revision| place.delete(BlobId::Record(*revision)));
    let found = survey(&place);
    assert!(found.is_whole() && found.catalog_wanted);
    assert_eq!(found.catalogs.iter().map(|(revision, _)| *revision).collect::<Vec<_>>(), [128]);
    assert_eq!(found.stale.iter().map(|(revision, _)| *revision).collect::<Vec<_>>(), [30, 51]);
    let log = place.open();
    log.raise_floor_above(51).unwrap();
    let written = log.write_usable_catalog().unwrap();
    let after = survey(&place);
    assert!(after.stale.is_empty() && !after.catalog_wanted);
    assert_eq!((written, after.state().floor), (142, Floor(52)));
    // The name of a catalog is not used twice.
    place.replace(BlobId::Catalog(written), b"nothing".to_vec());
    assert_eq!(place.open().write_usable_catalog().unwrap(), written + 1);
    assert!(!survey(&place).catalog_wanted);
}

#[test]
fn rows_of_a_lost_segment_are_left_out() {
    for (commits, begins) in [(140, Some(141)), (127, Some(1 << 32))] {
        let place = place_with(commits);
        let state = place.open().state();
        let segment = state.manifest_segments.last().copied().expect("more rows than a catalog holds");
        place.replace(BlobId::Segment(segment.id), b"not a segment".to_vec());
        let found = survey(&place);
        assert_eq!(found.segments.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [segment.id]);
        assert_eq!(found.begins, begins, "the name of catalog 128 is taken");
        let log = mended(&place);
        assert_eq!(snapshots(&log).len() as u32, commits - segment.rows);
        done(&log, put(1000));
        assert!(survey(&place).is_whole());
    }
}

#[test]
fn a_hold_lasts_until_all_was_looked_at_and_verified() {
    let (place, log) = Place::new().create_kept();
    done(&log, put(1));
    let marked = log.state().revision;
    let settle = |looked_at, verified| Action::Settle { looked_at, verified };
    assert_eq!(refused(&log, settle(marked, false)), Invalid::NotSettled { looked_at: marked });
    let void = done(&log, Action::VoidRecord { revision: 2, hash: crate::codec::RecordHash::ZERO });
    let doom = |marked| Action::Doom { marked, blobs: vec![data(1)] };
    assert_eq!(refused(&log, doom(void)), Invalid::Held { since: void });
    for wrong in [settle(void, true), settle(marked, false), settle(void + 1, false)] {
        assert!(matches!(refused(&log, wrong), Invalid::NotSettled { .. }));
    }
    let found = done(&log, settle(void, false));
    assert_eq!(log.state().hold, Some(Hold { since: found, found: true }));
    // It outlives catalogs.
    log.write_catalog().unwrap();
    let late = place.open();
    assert_eq!(late.state().hold, log.state().hold);
    assert!(matches!(late.take_warnings().as_slice(), [Warning::Held(_)]));
    assert_eq!(refused(&late, doom(found)), Invalid::Held { since: found });
    assert!(matches!(refused(&late, settle(void, true)), Invalid::NotSettled { .. }));
    let verified = done(&late, settle(found, true));
    assert_eq!(late.state().hold, None);
    // What was marked before is outdated: manifests may have come back since.
    log.refresh().unwrap();
    assert_eq!(refused(&log, doom(found)), Invalid::MarkOutdated { marked: found, by: verified });
    done(&log, doom(verified));
}

#[test]
fn a_manifest_that_is_found_again_keeps_its_place() {
    let (_place, log) = Place::new().create_kept();
    for n in 1..5 {
        done(&log, put(n));
    }
    let row = ManifestRow { revision: 3, ..row(9) };
    done(&log, Action::PutManifest { row: Box::new(row), relied: vec![], bases: vec![] });
    let rows = log.manifests(&log.state()).unwrap();
    assert_eq!(rows[&manifest_id(9)].revision, 3);
    let ahead = ManifestRow { revision: 900, ..self::row(8) };
    let put = done(&log, Action::PutManifest { row: Box::new(ahead), relied: vec![], bases: vec![] });
    assert_eq!(log.manifests(&log.state()).unwrap()[&manifest_id(8)].revision, put);
}
