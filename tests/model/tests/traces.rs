//! Traces that the rules accept, and for each rule one that they refuse.

use corso_model::rules::{Action, Blob, Id, Location, Rule, Segment};
use corso_model::trace::{Event, accept};

const A: Id = 1;
const B: Id = 2;

fn segment<const N: usize>(id: Id, locations: [(Id, Id); N]) -> Segment {
    Segment { id, locations: locations.map(|(content, pack)| Location { content, pack }).into() }
}

fn add<const N: usize>(id: Id, locations: [(Id, Id); N]) -> Action {
    Action::AddSegments(vec![segment(id, locations)])
}

fn put<const N: usize, const P: usize, const S: usize>(
    snapshot: Id,
    needs: [Id; N],
    relied: [Id; P],
    bases: [Id; S],
) -> Action {
    Action::PutManifest { snapshot, needs: needs.into(), relied: relied.into(), bases: bases.into() }
}

fn doom<const N: usize>(marked: u64, packs: [Id; N]) -> Action {
    Action::Doom { marked, blobs: packs.map(Blob::Pack).into() }
}

fn record(action: Action) -> Event {
    Event::Record(vec![action])
}

/// Snapshot 100 needs A in pack 10 and B in pack 11.
fn begun() -> Vec<Event> {
    vec![Event::Record(vec![add(1, [(A, 10), (B, 11)]), put(100, [A, B], [10, 11], [])])]
}

/// Snapshot 100 is forgotten, its packs are doomed in revision 3.
fn doomed() -> Vec<Event> {
    let mut events = begun();
    events.extend([record(Action::Forget([100].into())), record(doom(2, [10, 11]))]);
    events
}

#[track_caller]
fn refused(mut events: Vec<Event>, last: Event, rule: Rule) {
    let before = events.len();
    accept(&events).expect("what comes before keeps the rules");
    events.push(last);
    let refused = accept(&events).expect_err("the last event breaks a rule");
    assert_eq!((refused.event, refused.rule), (before, rule), "{refused}");
}

#[test]
fn a_whole_life_is_accepted() {
    let mut events = doomed();
    events.extend([
        record(Action::Condemn([Blob::Pack(11)].into())),
        Event::Deleted(Blob::Pack(10)),
        Event::Deleted(Blob::Pack(11)),
        // A writer stores A again.
        Event::Record(vec![add(2, [(A, 12)]), put(101, [A], [12], [])]),
        record(put(102, [A], [], [101])),
        // A compaction leaves out what is doomed; then nothing leads to it, and it is reaped.
        record(Action::ReplaceSegments { removed: [1, 2].into(), added: vec![segment(3, [(A, 12)])] }),
        record(Action::Reap([Blob::Pack(10), Blob::Pack(11)].into())),
        record(Action::Doom { marked: 8, blobs: [Blob::Segment(1), Blob::Segment(2)].into() }),
        Event::Deleted(Blob::Segment(1)),
        record(Action::RaiseFloor(3)),
        Event::Catalog(10),
        Event::Trimmed(1),
        Event::Trimmed(2),
        Event::Record(Vec::new()),
    ]);
    let accepted = accept(&events).unwrap();
    assert_eq!(accepted.revision, 11);
    assert_eq!(accepted.live, [101, 102].into());
    assert_eq!(accepted.doomed, [Blob::Segment(1), Blob::Segment(2)].into());
}

#[test]
fn a_late_doom_without_what_was_named_since_is_accepted() {
    let mut events = begun();
    events.extend([record(Action::Forget([100].into())), record(put(101, [A], [10], []))]);
    refused(events.clone(), record(doom(2, [10, 11])), Rule::InUse(Blob::Pack(10)));
    events.push(record(doom(2, [11])));
    accept(&events).unwrap();
}

#[test]
fn a_repack_is_accepted_once_its_copies_are_in_the_log() {
    let mut events = begun();
    events.push(record(add(2, [(A, 12), (B, 12)])));
    events.push(record(doom(2, [10, 11])));
    accept(&events).unwrap();
    refused(begun(), record(doom(1, [10])), Rule::Dangles { snapshot: 100, content: A });
}

#[test]
fn a_commit_on_a_doomed_or_reaped_pack_is_refused() {
    refused(doomed(), record(put(101, [A], [10], [])), Rule::PackLost(10));
    let mut events = doomed();
    events.extend([
        record(Action::ReplaceSegments { removed: [1].into(), added: vec![] }),
        Event::Deleted(Blob::Pack(10)),
        record(Action::Reap([Blob::Pack(10)].into())),
    ]);
    refused(events, record(put(101, [A], [10], [])), Rule::PackLost(10));
}

#[test]
fn a_commit_that_leaves_a_pack_unnamed_is_refused() {
    refused(begun(), record(put(101, [A, B], [10], [])), Rule::NotNamed(B));
}

#[test]
fn a_commit_on_a_forgotten_base_is_refused() {
    let mut events = begun();
    events.push(record(Action::Forget([100].into())));
    refused(events, record(put(101, [A], [], [100])), Rule::BaseGone(100));
}

#[test]
fn a_compaction_that_lost_is_refused() {
    let replace = |added| record(Action::ReplaceSegments { removed: [1].into(), added: vec![added] });
    let mut events = begun();
    events.push(replace(segment(2, [(A, 10), (B, 11)])));
    refused(events, replace(segment(3, [(A, 10), (B, 11)])), Rule::SegmentReplaced(1));
}

#[test]
fn a_compaction_that_loses_a_content_is_refused() {
    let replaced = Action::ReplaceSegments { removed: [1].into(), added: vec![segment(2, [(A, 10)])] };
    refused(begun(), record(replaced), Rule::Dangles { snapshot: 100, content: B });
}

#[test]
fn a_segment_that_is_doomed_or_names_a_doomed_pack_is_refused() {
    let mut events = begun();
    events.push(record(Action::Doom { marked: 1, blobs: [Blob::Segment(5)].into() }));
    refused(events, record(add(5, [(A, 12)])), Rule::SegmentLost(5));
    refused(doomed(), record(add(5, [(A, 10)])), Rule::SegmentNamesLost { segment: 5, pack: 10 });
}

#[test]
fn a_recall_after_a_doom_needs_a_walk() {
    let recall =
        |relied: &[Id]| record(Action::Recall { snapshot: 100, relied: relied.iter().copied().collect() });
    let mut events = begun();
    refused(events.clone(), recall(&[]), Rule::NotForgotten(100));
    refused(
        events.clone(),
        record(Action::Recall { snapshot: 7, relied: [].into() }),
        Rule::NoSuchSnapshot(7),
    );
    events.push(record(Action::Forget([100].into())));
    let mut at_once = events.clone();
    at_once.push(recall(&[]));
    accept(&at_once).unwrap();

    // Another snapshot keeps A and B in a pack of its own; the packs of the first one go.
    events.push(Event::Record(vec![add(2, [(A, 12), (B, 12)]), put(101, [A, B], [12], [])]));
    events.push(record(doom(3, [10, 11])));
    refused(events.clone(), recall(&[]), Rule::DoomFollowed(4));
    refused(events.clone(), recall(&[10, 12]), Rule::PackLost(10));
    events.push(recall(&[12]));
    assert_eq!(accept(&events).unwrap().live, [100, 101].into());
}

#[test]
fn a_doom_behind_a_doom_or_a_recall_is_refused() {
    let mut events = doomed();
    refused(events.clone(), record(doom(2, [12])), Rule::MarkOutdated { marked: 2, by: 3 });
    refused(events.clone(), record(doom(4, [12])), Rule::MarkOutdated { marked: 4, by: 3 });
    events = begun();
    events.extend([
        record(Action::Forget([100].into())),
        record(Action::Recall { snapshot: 100, relied: [].into() }),
    ]);
    refused(events, record(doom(2, [10])), Rule::MarkOutdated { marked: 2, by: 3 });
}

#[test]
fn a_doom_of_a_segment_of_the_state_is_refused() {
    let blobs = [Blob::Segment(1)].into();
    refused(begun(), record(Action::Doom { marked: 1, blobs }), Rule::InUse(Blob::Segment(1)));
}

#[test]
fn a_deletion_needs_a_doom_and_a_reap_a_deletion() {
    refused(begun(), Event::Deleted(Blob::Pack(10)), Rule::DeletedUndoomed(Blob::Pack(10)));
    let reap = || record(Action::Reap([Blob::Pack(10)].into()));
    refused(begun(), reap(), Rule::NotDoomed(Blob::Pack(10)));
    refused(doomed(), reap(), Rule::StillNamed(10));
    let mut events = doomed();
    events.push(record(Action::ReplaceSegments { removed: [1].into(), added: vec![] }));
    refused(events, reap(), Rule::ReapedBeforeDeletion(Blob::Pack(10)));
}

#[test]
fn trimming_waits_for_the_floor_and_its_catalog() {
    refused(begun(), record(Action::RaiseFloor(2)), Rule::FloorAhead(2));
    refused(begun(), Event::Catalog(2), Rule::CatalogAhead(2));
    let mut events = begun();
    events.extend([Event::Record(vec![]), record(Action::RaiseFloor(2)), Event::Catalog(2)]);
    refused(events.clone(), Event::Trimmed(1), Rule::TrimmedTooEarly(1));
    events.push(Event::Catalog(3));
    refused(events.clone(), Event::Trimmed(2), Rule::TrimmedTooEarly(2));
    events.push(Event::Trimmed(1));
    refused(events, Event::Trimmed(2), Rule::TrimmedTooEarly(2));
}
