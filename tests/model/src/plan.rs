//! Which configurations are run: small ones whenever code changes, large ones now and then.

use crate::bounds::{Bounds, Job};
use crate::flaw::Flaw;
use crate::properties::{self as see, Sight};
use crate::run::Run;
use crate::world::FIRST;

/// Writers and collectors beside a forget: named packs and late dooms.
fn core() -> Bounds {
    Bounds::default()
}

/// A writer on a base that may be forgotten.
fn bases() -> Bounds {
    Bounds { jobs: vec![Job::of([0, 1]).on(FIRST), Job::of([0])], packs_max: 4, ..core() }
}

/// Records are trimmed behind catalogs.
fn trim() -> Bounds {
    Bounds { jobs: vec![Job::of([0])], catalogs: 1, floors: 1, packs_max: 4, ..core() }
}

/// Deletions are recorded, too, once a compaction has left out what names them.
fn reap() -> Bounds {
    Bounds { reaps: true, compactors: 1, packs_max: 3, segments_max: 4, ..trim() }
}

/// Two compactions beside a collector that deletes replaced segments, too.
fn compaction() -> Bounds {
    Bounds {
        jobs: vec![Job::of([0])],
        compactors: 2,
        segments_collected: true,
        packs_max: 3,
        segments_max: 6,
        ..core()
    }
}

/// Live contents move out of a thin pack.
fn repack() -> Bounds {
    Bounds {
        jobs: vec![Job::of([0])],
        collectors: 2,
        copies: 1,
        one_pack: true,
        packs_max: 4,
        segments_max: 4,
        ..core()
    }
}

/// A put is tried again long after it took effect.
fn late_retry() -> Bounds {
    Bounds {
        jobs: vec![Job::of([0])],
        unanswered: 1,
        catalogs: 1,
        floors: 1,
        recent_commits: 0,
        packs_max: 3,
        ..core()
    }
}

/// Forgotten snapshots come back.
fn recall() -> Bounds {
    Bounds { jobs: vec![Job::of([0, 1])], recallers: 1, collectors: 2, packs_max: 4, ..core() }
}

/// Answers get lost and writers crash.
fn crash() -> Bounds {
    Bounds { jobs: vec![Job::of([0])], unanswered: 1, crashes: 1, packs_max: 4, records_max: 6, ..core() }
}

/// A reader of an old state.
fn read() -> Bounds {
    Bounds {
        jobs: vec![],
        readers: 1,
        compactors: 1,
        copies: 1,
        one_pack: true,
        segments_collected: true,
        packs_max: 3,
        segments_max: 4,
        ..core()
    }
}

/// A record is lost, and the log is repaired.
fn loss() -> Bounds {
    Bounds { jobs: vec![Job::of([0, 1])], losses: 1, packs_max: 4, records_max: 7, ..core() }
}

fn good(name: &'static str, bounds: Bounds, sights: &[Sight]) -> Run {
    Run { name, bounds, flaw: None, sights: sights.to_vec() }
}

fn bad(flaw: Flaw, name: &'static str, bounds: Bounds) -> Run {
    Run { name, bounds, flaw: Some(flaw), sights: Vec::new() }
}

/// Small bounds, and every broken variant.
pub fn small() -> Vec<Run> {
    good_small().into_iter().chain(broken()).collect()
}

/// A few of the small runs that take seconds even where nothing is optimised.
pub fn quick() -> Vec<Run> {
    let flaws = [
        Flaw::CommitAnywhere,
        Flaw::NamesUsedTwice,
        Flaw::BasesUnchecked,
        Flaw::AddsSegmentOfLostPack,
        Flaw::DoomsBeforeCopies,
        Flaw::RecallWithoutWalk,
    ];
    let chosen = |run: &Run| match run.flaw {
        None => ["bases", "trim", "read"].contains(&run.name),
        Some(flaw) => flaws.contains(&flaw),
    };
    small().into_iter().filter(chosen).collect()
}

/// The protocol as it should be, in small bounds.
fn good_small() -> Vec<Run> {
    vec![
        good(
            "core",
            Bounds { packs_max: 4, ..core() },
            &[see::COMMITS_AFTER_DOOM, see::GARBAGE_DELETED, see::LATE_DOOM],
        ),
        good("bases", bases(), &[see::BASED, see::LATE_DOOM]),
        good("trim", trim(), &[see::GHOST_NOTICED, see::JUMPED]),
        good("reap", Bounds { records_max: 7, ..reap() }, &[see::REAPED, see::GHOST_NOTICED]),
        good(
            "compaction",
            Bounds { records_max: 5, segments_max: 5, ..compaction() },
            &[see::COMPACTION_WINS, see::COMPACTION_LOSES],
        ),
        good(
            "repack",
            Bounds { records_max: 6, packs_max: 3, ..repack() },
            &[see::REPACKED, see::TWO_COLLECTIONS],
        ),
        good("recall", Bounds { records_max: 6, ..recall() }, &[see::RECALLED, see::WALKED]),
        good(
            "crash",
            crash(),
            &[see::SETTLED_MINE, see::SETTLED_THEIRS, see::SETTLED_ABSENT, see::CRASHED_AND_BACK],
        ),
        good("late-retry", late_retry(), &[see::SETTLED_MINE, see::SETTLED_ABSENT]),
        good("read", read(), &[see::READ_AFTER_MOVE, see::READ_GONE, see::SEGMENT_DELETED]),
        good("loss", loss(), &[see::FOUND_AGAIN]),
    ]
}

/// Every broken variant, in bounds in which it must be caught.
fn broken() -> Vec<Run> {
    let doomed_copy = Bounds { jobs: vec![], forgets: 0, reaps: true, catalogs: 1, packs_max: 3, ..repack() };
    let unchecked = Bounds {
        catalogs: 1,
        reaps: true,
        packs_max: 2,
        segments_max: 4,
        records_max: 7,
        segments_collected: false,
        ..compaction()
    };
    let two_commits = Bounds { jobs: vec![Job::of([0]), Job::of([0])], packs_max: 2, ..trim() };
    let moved_twice = Bounds {
        collectors: 2,
        compactors: 0,
        copies: 2,
        forgets: 0,
        packs_max: 4,
        records_max: 5,
        segments_collected: false,
        ..read()
    };
    vec![
        bad(Flaw::CommitUnchecked, "core", core()),
        bad(Flaw::CommitAnywhere, "core", core()),
        bad(Flaw::DoomAnywhere, "core", core()),
        bad(Flaw::NamesUsedTwice, "core", core()),
        bad(Flaw::PartlyNamed, "core", core()),
        bad(Flaw::IgnoresNamed, "core", core()),
        bad(Flaw::IgnoresDoom, "repack", repack()),
        bad(Flaw::BasesUnchecked, "bases", bases()),
        bad(Flaw::NoFloorCheck, "trim", trim()),
        bad(Flaw::TrimsBeforeCatalog, "trim", trim()),
        bad(Flaw::CatalogDropsDooms, "trim", trim()),
        bad(Flaw::IgnoresJump, "trim", two_commits),
        bad(Flaw::JumpKeepsOwn, "reap", Bounds { compactors: 0, ..reap() }),
        bad(Flaw::JumpKeepsFound, "reap", Bounds { packs_max: 2, ..reap() }),
        bad(Flaw::ReapsWhatIsNamed, "reap", Bounds { packs_max: 2, ..reap() }),
        bad(Flaw::AddsSegmentOfLostPack, "repack", doomed_copy),
        bad(Flaw::CompactionUnchecked, "compaction", unchecked),
        bad(Flaw::DoomsBeforeCopies, "repack", repack()),
        bad(Flaw::RecallWithoutWalk, "recall", recall()),
        bad(Flaw::IgnoresRecall, "recall", recall()),
        bad(Flaw::CatalogDropsRows, "late-retry", late_retry()),
        bad(Flaw::ReadsTwice, "read", moved_twice),
        bad(Flaw::IgnoresHold, "loss", loss()),
    ]
}

/// The protocol as it should be, in large bounds.
pub fn full() -> Vec<Run> {
    let two_doom = Bounds { collectors: 2, packs_max: 4, records_max: 5, ..core() };
    let condemned = Bounds { condemns: true, records_max: 7, packs_max: 4, ..core() };
    let based = Bounds { collectors: 2, forgets: 2, records_max: 6, ..bases() };
    let reaped = Bounds { segments_max: 5, records_max: 8, ..reap() };
    let no_segments = Bounds { segments_collected: false, ..compaction() };
    let compacted = Bounds { packs_max: 2, records_max: 7, catalogs: 1, reaps: true, ..no_segments };
    let repacked = Bounds { copies: 2, segments_max: 5, records_max: 6, ..repack() };
    let recalled = Bounds { recallers: 2, packs_max: 3, records_max: 7, ..recall() };
    let recalled_behind = Bounds { catalogs: 1, floors: 1, packs_max: 2, records_max: 7, ..recall() };
    let crashed = Bounds { jobs: vec![Job::of([0]), Job::of([0])], packs_max: 3, records_max: 4, ..crash() };
    let late = Bounds { collectors: 2, records_max: 6, ..late_retry() };
    let lost = Bounds { jobs: vec![Job::of([0, 1]), Job::of([0])], packs_max: 4, records_max: 7, ..loss() };
    let moved = Bounds { copies: 2, packs_max: 4, collectors: 2, records_max: 6, ..read() };
    vec![
        good("core", two_doom, &[see::COMMITS_AFTER_DOOM, see::LATE_DOOM, see::TWO_COLLECTIONS]),
        good("condemn", condemned, &[see::CONDEMNED, see::LATE_DOOM]),
        good("bases", based, &[see::BASED, see::LATE_DOOM, see::TWO_COLLECTIONS]),
        good("reap", reaped, &[see::REAPED, see::GHOST_NOTICED, see::JUMPED]),
        good("compaction", compaction(), &[see::COMPACTION_LOSES, see::SEGMENT_DELETED]),
        good("compact-reap", compacted, &[see::COMPACTION_WINS, see::COMPACTION_LOSES, see::REAPED]),
        good("repack", repacked, &[see::REPACKED, see::TWO_COLLECTIONS]),
        good("recall", recalled, &[see::RECALLED, see::WALKED]),
        good("recall-trim", recalled_behind, &[see::RECALLED]),
        good("crash", crashed, &[see::SETTLED_MINE, see::SETTLED_THEIRS, see::SETTLED_ABSENT]),
        good("late-retry", late, &[see::SETTLED_MINE, see::SETTLED_ABSENT]),
        good("loss", lost, &[see::FOUND_AGAIN, see::LATE_DOOM]),
        good("read", moved, &[see::READ_AFTER_MOVE, see::READ_GONE, see::SEGMENT_DELETED]),
    ]
}
