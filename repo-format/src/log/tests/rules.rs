//! LOG-7: what may not be appended.

use super::*;
use crate::codec::{ContentId, SegmentId};
use crate::format::segment::SegmentRef;
use crate::log::state::Floor;

fn segment(number: u8) -> SegmentRef {
    let (first, last) = (ContentId([0; 32]), ContentId([9; 32]));
    SegmentRef { id: SegmentId([number; 32]), count: 1, first, last, size: 4096 }
}

#[test]
fn a_snapshot_relies_on_nothing_doomed_or_reaped() {
    let log = Place::new().create_kept();
    done(&log.1, Action::Doom { marked: 1, blobs: vec![data(9)] });
    let gone = Invalid::PackGone { manifest: manifest_id(1), pack: pack(9) };
    assert_eq!(refused(&log.1, put_on(1, &[8, 9], &[])), gone);
    done(&log.1, Action::Reap(vec![data(9)]));
    assert!(log.1.state().doomed.is_empty());
    assert_eq!(refused(&log.1, put_on(1, &[9], &[])), gone);
    assert_eq!(refused(&log.1, Action::Reap(vec![data(9)])), Invalid::NotDoomed { blob: data(9) });
}

#[test]
fn bases_are_live() {
    let (_place, log) = Place::new().create_kept();
    done(&log, put(1));
    done(&log, put_on(2, &[], &[1]));
    done(&log, Action::Forget(vec![manifest_id(1)]));
    let gone =
        |manifest, base| Invalid::BaseGone { manifest: manifest_id(manifest), base: manifest_id(base) };
    assert_eq!(refused(&log, put_on(3, &[], &[2, 1])), gone(3, 1));
    assert_eq!(refused(&log, put_on(3, &[], &[5])), gone(3, 5));
}

#[test]
fn recall_needs_a_forgotten_snapshot_and_no_doom_since() {
    let (_place, log) = Place::new().create_kept();
    let recall = |relied: &[u8]| {
        let relied = relied.iter().copied().map(pack).collect();
        Action::Recall { manifest: manifest_id(1), relied }
    };
    assert_eq!(refused(&log, recall(&[])), Invalid::NoSuchManifest { manifest: manifest_id(1) });
    done(&log, put(1));
    assert_eq!(refused(&log, recall(&[])), Invalid::NotForgotten { manifest: manifest_id(1) });
    done(&log, Action::Forget(vec![manifest_id(1)]));
    done(&log, recall(&[]));
    assert!(log.manifests(&log.state()).unwrap()[&manifest_id(1)].is_live());
    done(&log, Action::Forget(vec![manifest_id(1)]));
    let doom = done(&log, Action::Doom { marked: 5, blobs: vec![data(9)] });
    assert_eq!(refused(&log, recall(&[])), Invalid::DoomFollowed { manifest: manifest_id(1), doom });
    assert!(matches!(refused(&log, recall(&[8, 9])), Invalid::PackGone { .. }));
    done(&log, recall(&[8]));
}

#[test]
fn the_floor_rises_to_what_is_there_and_never_falls() {
    let (_place, log) = Place::new().create_kept();
    assert_eq!(log.state().floor, Floor(1));
    let end = log.state().revision;
    let ahead = Invalid::FloorAhead { floor: end + 1, revision: end };
    assert_eq!(refused(&log, Action::RaiseFloor(end + 1)), ahead);
    done(&log, Action::RaiseFloor(end));
    done(&log, Action::RaiseFloor(1));
    assert_eq!(log.state().floor, Floor(end));
}

#[test]
fn a_late_doom_spares_what_is_in_use_and_yields_to_dooms_and_recalls() {
    let (_place, log) = Place::new().create_kept();
    done(&log, put_on(1, &[8], &[]));
    let doom =
        |marked, packs: &[u8]| Action::Doom { marked, blobs: packs.iter().copied().map(data).collect() };
    assert_eq!(refused(&log, doom(1, &[7, 8])), Invalid::InUse { blob: data(8), since: 2 });
    // The manifest's own pack is relied on, named or not.
    let own = BlobRef::Pack(PackKind::Meta, pack(200));
    let named = Action::Doom { marked: 1, blobs: vec![own] };
    assert_eq!(refused(&log, named), Invalid::InUse { blob: own, since: 2 });
    // Marked at 2, its collector knew; and others' commits in between do not matter.
    done(&log, policy(1));
    done(&log, doom(1, &[7]));
    assert_eq!(refused(&log, doom(3, &[6])), Invalid::MarkOutdated { marked: 3, by: 4 });
    done(&log, doom(4, &[8]));
    assert_eq!(refused(&log, doom(9, &[6])), Invalid::MarkOutdated { marked: 9, by: 5 });

    done(&log, Action::Forget(vec![manifest_id(1)]));
    done(&log, put(2));
    done(&log, Action::Forget(vec![manifest_id(2)]));
    let recalled = done(&log, Action::Recall { manifest: manifest_id(2), relied: vec![] });
    assert_eq!(refused(&log, doom(8, &[6])), Invalid::MarkOutdated { marked: 8, by: recalled });
}

#[test]
fn a_mark_from_before_the_known_history_is_outdated() {
    let place = Place::new();
    let log = place.create();
    for n in 0..5 {
        done(&log, policy(n));
    }
    log.write_catalog().unwrap();
    let late = place.open();
    assert_eq!(late.state().history_start(), 6);
    let doom = Action::Doom { marked: 5, blobs: vec![data(1)] };
    assert_eq!(refused(&late, doom.clone()), Invalid::MarkOutdated { marked: 5, by: 6 });
    done(&log, doom);
}

#[test]
fn compactions_replace_what_is_there() {
    let (_place, log) = Place::new().create_kept();
    done(&log, Action::AddSegments(vec![segment(1), segment(2)]));
    let replace = |removed: u8, added| Action::ReplaceSegments {
        removed: vec![segment(removed).id],
        added: vec![segment(added)],
    };
    done(&log, replace(1, 3));
    assert_eq!(refused(&log, replace(1, 4)), Invalid::SegmentReplaced { segment: segment(1).id });
    assert_eq!(log.state().segments.keys().map(|id| id.0[0]).collect::<Vec<_>>(), [2, 3]);
    let doom =
        |number: u8| Action::Doom { marked: 3, blobs: vec![BlobRef::IndexSegment(segment(number).id)] };
    assert!(matches!(refused(&log, doom(3)), Invalid::InUse { .. }));
    done(&log, doom(5));
    assert_eq!(refused(&log, replace(2, 5)), Invalid::SegmentGone { segment: segment(5).id });
}

#[test]
fn a_verification_map_protects_what_it_names_and_relies_on_nothing_doomed() {
    let (_place, log) = Place::new().create_kept();
    let map = |number: u8, relied: &[u8]| Action::VerificationMap {
        root: Some(ContentId([number; 32])),
        relied: relied.iter().copied().map(pack).collect(),
    };
    let end = done(&log, map(1, &[8]));
    assert_eq!(log.state().verification_map, Some(ContentId([1; 32])));
    let doom = |marked, number| Action::Doom { marked, blobs: vec![data(number)] };
    assert_eq!(refused(&log, doom(end - 1, 8)), Invalid::InUse { blob: data(8), since: end });
    // Marked later, its collector knew the map.
    done(&log, doom(end, 7));
    assert_eq!(refused(&log, map(2, &[6, 7])), Invalid::MapPackGone { pack: pack(7) });
    assert_eq!(log.state().verification_map, Some(ContentId([1; 32])));
}

#[test]
fn the_last_slot_stays() {
    let (_place, log) = Place::new().create_kept();
    assert_eq!(refused(&log, Action::DropSlot(slot(1).id)), Invalid::LastSlot { slot: slot(1).id });
    assert_eq!(refused(&log, Action::DropSlot(slot(2).id)), Invalid::NoSuchSlot { slot: slot(2).id });
    done(&log, Action::AddSlot(slot(2)));
    let both = [Action::DropSlot(slot(1).id), Action::DropSlot(slot(2).id)];
    assert!(matches!(commit(&log, &both), Err(CommitError::Invalid(Invalid::LastSlot { .. }))));
    done(&log, Action::DropSlot(slot(1).id));
}
