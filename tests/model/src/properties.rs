//! What must always hold, and what must be reached so that this says something.

use stateright::Property;

use crate::actors::{Collector, Compactor, Reader, WriterPhase};
use crate::model::Protocol;
use crate::rules::{Action, Blob};
use crate::world::{Answer, View, World};

/// Every content of a live snapshot is found by the state in a pack that is stored (INV-16).
pub const NONE_DANGLES: &str = "no live snapshot dangles";
pub const ACKED_IS_THERE: &str = "an acknowledged snapshot is live unless forgotten";
pub const ALL_AGREE: &str = "who starts from the newest catalog sees the same live snapshots";
pub const READER_SUCCEEDS: &str = "a reader of a live snapshot succeeds";

/// Something interesting that a run must reach: its name, and how to see it.
pub type Sight = (&'static str, fn(&Protocol, &World) -> bool);

pub const COMMITS_AFTER_DOOM: Sight = ("every writer commits, one after a doom", |_, world| {
    all_acked(world) && first(world, is_doom).is_some_and(|doom| last(world, is_put) > Some(doom))
});
pub const GARBAGE_DELETED: Sight = ("garbage is deleted beside an acknowledged snapshot", |_, world| {
    !world.is_stored(Blob::Pack(0)) && acked(world) > 0
});
pub const LATE_DOOM: Sight = ("a doom goes in behind a commit that came after its mark", |_, world| {
    let dooms = places(world, is_doom);
    dooms.into_iter().any(|doom| {
        let marked = marked(world, doom);
        places(world, is_put).into_iter().any(|put| marked < put && put < doom)
    })
});
pub const BASED: Sight = ("a snapshot on a live base outlives a doom", |_, world| {
    let based = |action: &Action| matches!(action, Action::PutManifest { bases, .. } if !bases.is_empty());
    acked(world) > 0 && first(world, based).is_some() && first(world, is_doom).is_some()
});
pub const CONDEMNED: Sight = ("a condemned pack is doomed", |_, world| {
    first(world, |action| matches!(action, Action::Condemn(_))) < first(world, is_doom)
        && first(world, |action| matches!(action, Action::Condemn(_))).is_some()
});
pub const REAPED: Sight =
    ("a pack is reaped", |_, world| first(world, |action| matches!(action, Action::Reap(_))).is_some());
pub const JUMPED: Sight = ("a writer jumps over records and still commits", |_, world| {
    let jumped = |view: View| view.from > 0;
    world.writers.iter().any(|writer| {
        matches!((&writer.phase, writer.noticed_ghost), (WriterPhase::Created(run, _), true) if jumped(run.view))
    })
});
pub const GHOST_NOTICED: Sight = ("a trimmed name is created once more, and that is noticed", |_, world| {
    !world.ghosts.is_empty()
        && world.writers.iter().any(|writer| writer.noticed_ghost && is_acked(&writer.phase))
});
pub const COMPACTION_WINS: Sight =
    ("a compaction replaces segments", |_, world| world.compactors.contains(&Compactor::Replaced));
pub const COMPACTION_LOSES: Sight = ("a compaction loses", |_, world| {
    world.compactors.contains(&Compactor::Lost) && world.compactors.contains(&Compactor::Replaced)
});
pub const SEGMENT_DELETED: Sight =
    ("a replaced segment is deleted", |_, world| !world.is_stored(Blob::Segment(0)));
pub const REPACKED: Sight = ("a thin pack is deleted behind its copies", |_, world| {
    let truth = world.truth();
    let moved = |content: &u64| !truth.packs_of(*content).is_empty();
    world.spent.copies > 0
        && !world.is_stored(Blob::Pack(0))
        && truth.live().any(|(snapshot, needs)| snapshot == crate::world::FIRST && needs.iter().all(moved))
});
pub const FOUND_AGAIN: Sight = ("a lost snapshot is found again, and a doom follows", |_, world| {
    let settled = last(world, |action| matches!(action, Action::Settle { verified: true }));
    settled.is_some() && acked(world) > 0 && last(world, is_doom) > settled
});
pub const RECALLED: Sight = ("a recall succeeds", |_, world| {
    first(world, |action| matches!(action, Action::Recall { relied, .. } if relied.is_empty())).is_some()
});
pub const WALKED: Sight = ("a recall succeeds after a doom", |_, world| {
    let walked = |action: &Action| matches!(action, Action::Recall { relied, .. } if !relied.is_empty());
    first(world, is_doom).is_some_and(|doom| last(world, walked) > Some(doom))
});
pub const SETTLED_MINE: Sight =
    ("a create without an answer turns out to have won", |_, world| settled(world, Answer::Mine));
pub const SETTLED_THEIRS: Sight =
    ("a create without an answer turns out to have lost", |_, world| settled(world, Answer::Theirs));
pub const SETTLED_ABSENT: Sight =
    ("a create without an answer turns out not to be there", |_, world| settled(world, Answer::Absent));
pub const CRASHED_AND_BACK: Sight =
    ("both a crashed writer's snapshot and the next one's are live", |_, world| {
        let live = world.truth();
        world.writers.iter().enumerate().any(|(i, writer)| {
            let before = i as u64 + 10 * u64::from(writer.incarnation.saturating_sub(1));
            writer.incarnation > 0 && is_acked(&writer.phase) && live.is_live(before)
        })
    });
pub const READ_AFTER_MOVE: Sight = ("a reader finds what was moved", |_, world| {
    world.readers.contains(&Reader::Done) && !world.is_stored(Blob::Pack(0)) && world.truth().is_live(100)
});
pub const READ_GONE: Sight =
    ("a reader learns that its snapshot was forgotten", |_, world| world.readers.contains(&Reader::Gone));
pub const TWO_COLLECTIONS: Sight = ("two dooms go in", |_, world| {
    world.collectors.iter().filter(|collector| **collector == Collector::Doomed).count() > 1
});

/// The properties that must never be violated.
pub fn always() -> Vec<Property<Protocol>> {
    vec![
        Property::always(NONE_DANGLES, |_, world: &World| {
            let truth = world.truth();
            let found = |content: &u64| world.reads(&truth, *content);
            is_being_repaired(world) || truth.live().all(|(_, needs)| needs.iter().all(found))
        }),
        Property::always(ACKED_IS_THERE, |_, world: &World| {
            // The fold keeps forgotten ones, so what is not there was never part of the log.
            let truth = world.truth();
            let mut phases = world.writers.iter().map(|writer| &writer.phase);
            phases.all(|phase| match phase {
                WriterPhase::Acked(snapshot) => {
                    truth.snapshots.contains_key(snapshot)
                        || is_being_repaired(world)
                        || first(world, |action| is_forget(action, *snapshot)).is_some()
                }
                _ => true,
            })
        }),
        Property::always(ALL_AGREE, |protocol, world: &World| match world.open() {
            Some(view) if view.from > 0 => {
                let (seen, truth) = (world.state(view, protocol.flaw), world.truth());
                seen.live().map(|(id, _)| id).eq(truth.live().map(|(id, _)| id))
            }
            _ => true,
        }),
        Property::always(READER_SUCCEEDS, |_, world: &World| !world.readers.contains(&Reader::Failed)),
    ]
}

/// These, and that some sights are reached.
pub fn with(sights: &[Sight]) -> Vec<Property<Protocol>> {
    let sights = sights.iter().map(|(name, seen)| Property::sometimes(name, *seen));
    always().into_iter().chain(sights).collect()
}

fn is_acked(phase: &WriterPhase) -> bool {
    matches!(phase, WriterPhase::Acked(_))
}

fn acked(world: &World) -> usize {
    world.writers.iter().filter(|writer| is_acked(&writer.phase)).count()
}

fn all_acked(world: &World) -> bool {
    acked(world) == world.writers.len()
}

fn settled(world: &World, answer: Answer) -> bool {
    world.writers.iter().any(|writer| writer.settled == Some(answer) && is_acked(&writer.phase))
}

/// Whether a record was lost, and what it told of was not looked for yet.
fn is_being_repaired(world: &World) -> bool {
    world.truth().hold == Some(false)
}

fn is_forget(action: &Action, snapshot: u64) -> bool {
    matches!(action, Action::Forget(snapshots) if snapshots.contains(&snapshot))
}

fn is_doom(action: &Action) -> bool {
    matches!(action, Action::Doom { .. })
}

/// A put by a writer; record 1 put the first snapshot.
fn is_put(action: &Action) -> bool {
    matches!(action, Action::PutManifest { snapshot, .. } if *snapshot != crate::world::FIRST)
}

/// The revisions of the records that have such an action.
fn places(world: &World, what: impl Fn(&Action) -> bool) -> Vec<u64> {
    let has = |place: &usize| world.log.records()[*place].actions.iter().any(&what);
    (0..world.log.records().len()).filter(has).map(|place| place as u64 + 1).collect()
}

fn first(world: &World, what: impl Fn(&Action) -> bool) -> Option<u64> {
    places(world, what).first().copied()
}

fn last(world: &World, what: impl Fn(&Action) -> bool) -> Option<u64> {
    places(world, what).last().copied()
}

/// The mark of the doom in a record.
fn marked(world: &World, doom: u64) -> u64 {
    let actions = &world.log.records()[doom as usize - 1].actions;
    let mut marks = actions.iter().filter_map(|action| match action {
        Action::Doom { marked, .. } => Some(*marked),
        _ => None,
    });
    marks.next().expect("the record has a doom")
}
