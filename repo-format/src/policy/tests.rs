//! Policies as bytes and names, what is inherited, and which snapshots stay.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::cbor;
use crate::codec::{ManifestId, PackId, RunId, TimeNs};
use crate::log::{ManifestRow, SnapshotState, SourceInfo};

const HOUR: i64 = 3600 * 1_000_000_000;
const DAY: i64 = 24 * HOUR;
/// 2026-03-02, a Monday.
const MONDAY: i64 = 20_514 * DAY;
const YEAR_2050: i64 = 29_220 * DAY;

/// A complete snapshot that revision `revision` put.
fn row(revision: u64, start_ns: TimeNs) -> ManifestRow {
    ManifestRow {
        id: ManifestId(*blake3::hash(&revision.to_le_bytes()).as_bytes()),
        pack: PackId::ZERO,
        revision,
        forgotten: None,
        source: SourceInfo::default(),
        start_ns,
        end_ns: start_ns.saturating_add(HOUR),
        state: SnapshotState::Complete,
        size: 0,
        items: 0,
        failed: 0,
        skipped: 0,
        tags: Default::default(),
        run: RunId([0; 16]),
        bytes_stored: 0,
    }
}

fn rows(times: &[TimeNs]) -> Vec<ManifestRow> {
    times.iter().zip(1..).map(|(time, revision)| row(revision, *time)).collect()
}

/// The revisions that stay.
fn kept(policy: &Policy, rows: &[ManifestRow]) -> Vec<u64> {
    let verdicts = decide(policy, rows);
    let staying = rows.iter().zip(&verdicts).filter(|(_, verdict)| verdict.stays());
    staying.map(|(row, _)| row.revision).collect()
}

fn reasons(policy: &Policy, rows: &[ManifestRow], revision: u64) -> Vec<String> {
    let place = rows.iter().position(|row| row.revision == revision).unwrap();
    decide(policy, rows)[place].reasons.iter().map(ToString::to_string).collect()
}

fn tag(name: &str, value: Option<&str>) -> TagRule {
    TagRule { name: name.into(), value: value.map(Into::into) }
}

fn last(count: u32) -> Policy {
    Policy { keep_last: Some(count), ..Policy::default() }
}

fn daily(count: u32) -> Policy {
    Policy { keep_daily: Some(count), ..Policy::default() }
}

#[test]
fn the_latest_are_told_by_revision() {
    let rows = rows(&[MONDAY, YEAR_2050, MONDAY + DAY, 0]);
    assert_eq!(kept(&last(2), &rows), [3, 4]);
    assert_eq!(reasons(&last(2), &rows, 3), ["last 2 of 2"]);
    // In whatever order they are given.
    let backwards: Vec<_> = rows.into_iter().rev().collect();
    assert_eq!(kept(&last(2), &backwards), [4, 3]);
}

#[test]
fn of_each_period_the_newest_stays() {
    let rows = rows(&[MONDAY - DAY, MONDAY, MONDAY + HOUR, MONDAY + DAY, MONDAY + DAY + HOUR]);
    assert_eq!(kept(&daily(2), &rows), [3, 5]);
    assert_eq!(reasons(&daily(2), &rows, 3), ["daily 2026-03-02"]);
    let weekly = Policy { keep_weekly: Some(2), ..Policy::default() };
    assert_eq!(kept(&weekly, &rows), [1, 5]);
    assert_eq!(reasons(&weekly, &rows, 1), ["weekly 2026-W09"]);
    let several = Policy { keep_hourly: Some(3), keep_yearly: Some(1), ..last(1) };
    assert_eq!(kept(&several, &rows), [3, 4, 5]);
    let all = ["last 1 of 1", "hourly 2026-03-03 01:00", "yearly 2026", "newest complete"];
    assert_eq!(reasons(&several, &rows, 5), all);
}

#[test]
fn a_duration_counts_from_the_newest_snapshot() {
    let within = |days: u64| Policy { keep_within: Some(days * 86_400), ..Policy::default() };
    let some = rows(&[MONDAY, MONDAY + 10 * DAY, MONDAY + 20 * DAY]);
    assert_eq!(kept(&within(10), &some), [2, 3]);
    assert_eq!(kept(&within(20), &some), [1, 2, 3]);
    assert_eq!(reasons(&within(10), &some, 2), ["within 10d"]);
    // Behind a pause the window before it stays until the next snapshot.
    let paused = [MONDAY, MONDAY + 5 * DAY, MONDAY + 6 * DAY, MONDAY + 100 * DAY];
    assert_eq!(kept(&within(3), &rows(&paused)), [2, 3, 4]);
    assert_eq!(kept(&within(3), &rows(&[&paused[..], &[MONDAY + 101 * DAY]].concat())), [4, 5]);
    assert_eq!(kept(&within(u64::MAX / 86_400), &some), [1, 2, 3]);
}

#[test]
fn a_wrong_clock_takes_nobodys_place() {
    let days = |times: &[i64]| rows(&times.iter().map(|day| MONDAY + day * DAY).collect::<Vec<_>>());
    for wrong in [YEAR_2050, 0, i64::MIN, i64::MAX] {
        for place in 0..=5 {
            let mut some = days(&[0, 1, 2, 3, 4]);
            some.iter_mut().filter(|row| row.revision > place).for_each(|row| row.revision += 1);
            some.insert(place as usize, row(place + 1, wrong));
            let staying = kept(&daily(2), &some);
            let right: Vec<u64> = [5, 6].into_iter().filter(|revision| *revision != place + 1).collect();
            assert!(
                right.iter().all(|revision| staying.contains(revision)),
                "{wrong} at {place}: {staying:?}"
            );
            let odd = decide(&daily(2), &some).iter().filter(|verdict| verdict.odd_clock).count();
            assert!(odd <= 1);
        }
    }
}

#[test]
fn partial_snapshots_count_and_replace_no_complete_one() {
    let mut some = rows(&[MONDAY, MONDAY + HOUR, MONDAY + DAY, MONDAY + DAY + HOUR]);
    some[1].state = SnapshotState::Partial;
    some[3].state = SnapshotState::Partial;
    assert_eq!(kept(&last(2), &some), [3, 4]);
    assert_eq!(kept(&last(1), &some), [3, 4]);
    assert_eq!(reasons(&last(1), &some, 3), ["newest complete"]);
    assert_eq!(kept(&daily(1), &some), [3, 4]);
    assert_eq!(kept(&daily(2), &some), [1, 2, 3, 4]);
    some.iter_mut().for_each(|row| row.state = SnapshotState::Partial);
    assert_eq!(kept(&daily(2), &some), [2, 4]);
}

#[test]
fn checkpoints_stay_until_a_finished_snapshot_follows() {
    let mut some = rows(&[MONDAY, MONDAY + HOUR, MONDAY + 2 * HOUR, MONDAY + 3 * HOUR]);
    some[1].state = SnapshotState::Checkpoint;
    some[3].state = SnapshotState::Checkpoint;
    assert_eq!(kept(&last(2), &some), [1, 3, 4]);
    assert_eq!(kept(&Policy::default(), &some), [1, 2, 3, 4]);
    assert_eq!(reasons(&last(2), &some, 4), ["unfinished run"]);
}

#[test]
fn a_tag_protects_and_is_no_rule_by_itself() {
    let mut some = rows(&[MONDAY, MONDAY + HOUR, MONDAY + 2 * HOUR]);
    some[0].tags.insert("legal".into(), "hold".into());
    some[1].tags.insert("legal".into(), "no".into());
    let protecting = |rule| Policy { keep_tags: Some(vec![rule]), ..last(1) };
    assert_eq!(kept(&protecting(tag("legal", Some("hold"))), &some), [1, 3]);
    assert_eq!(kept(&protecting(tag("legal", None)), &some), [1, 2, 3]);
    assert_eq!(reasons(&protecting(tag("legal", Some("hold"))), &some, 1), ["tag legal=hold"]);
    let only = Policy { keep_last: Some(0), ..protecting(tag("legal", None)) };
    assert_eq!(kept(&only, &some), [1, 2, 3]);
    assert_eq!(reasons(&only, &some, 3), ["no keep rule"]);
    let none = decide_none(&only, &some);
    assert_eq!(none.iter().map(Verdict::stays).collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn many_snapshots_are_decided_at_once() {
    let rows = rows(&(0..100_000).map(|n| MONDAY + n * HOUR).collect::<Vec<_>>());
    let policy = Policy { keep_daily: Some(7), keep_monthly: Some(12), ..last(10) };
    assert!(kept(&policy, &rows).len() <= 29);
}

#[test]
fn what_a_narrower_scope_does_not_say_is_inherited() {
    let source = SourceInfo { service: "folder".into(), ..SourceInfo::default() };
    let policies = Policies::from([
        (Scope::Global, Policy { keep_daily: Some(7), compression: Some(Compression::Max), ..last(3) }),
        (Scope::Service("folder".into()), Policy { keep_last: Some(5), ..daily(0) }),
        (Scope::Source(source.clone()), Policy { excludes: Some(vec!["*.tmp".into()]), ..Policy::default() }),
    ]);
    let Effective { policy, from } = policies.effective(&source);
    assert_eq!((policy.keep_last, policy.keep_daily), (Some(5), Some(0)));
    assert_eq!(from[&Field::KeepDaily], ScopeKind::Service);
    assert_eq!((policy.compression, from[&Field::Compression]), (Some(Compression::Max), ScopeKind::Global));
    assert_eq!(from[&Field::Excludes], ScopeKind::Source);
    assert!(!from.contains_key(&Field::KeepWithin));
    let elsewhere = SourceInfo { service: "onedrive".into(), ..SourceInfo::default() };
    assert_eq!(policies.effective(&elsewhere).policy.keep_last, Some(3));
}

#[test]
fn a_policy_that_is_not_understood_is_an_error_and_a_strange_name_none() {
    let stored = |name: &str, value: &[u8]| Policies::decode([(&name.to_owned(), &value.to_vec())]);
    assert_eq!(stored("global", &[0xa0]).unwrap().get(&Scope::Global), Some(&Policy::default()));
    assert_eq!(stored("global", &[0xa1, 0x0a, 0]).unwrap_err().name, "global");
    let strange = stored("keep", &[0x05]).unwrap();
    assert_eq!((strange.iter().count(), strange.unknown()), (0, &["keep".to_owned()][..]));
}

#[test]
fn scopes_have_one_name_each() {
    let source = SourceInfo {
        service: "onedrive".into(),
        resource: Some(b"b!1/2".to_vec()),
        paths: vec![b"a/\xff".to_vec()],
        ..SourceInfo::default()
    };
    for scope in [Scope::Global, Scope::Service("one/drive".into()), Scope::Source(source.clone())] {
        assert_eq!(Scope::parse(&scope.to_string()), Some(scope));
    }
    let capitals = Scope::Source(source).to_string().replacen('a', "A", 1);
    for other in ["", "globe", "service", "service/", "source/", "source/a0", "source/zz", &capitals] {
        assert_eq!(Scope::parse(other), None, "{other}");
    }
    // A key of a later release would make another name for the same source.
    let later = [&[0xa2, 0x00, 0x61, b'x', 0x19][..], &[0x03, 0xe8, 0x00]].concat();
    assert!(cbor::decode::<SourceInfo>(&later).is_ok());
    assert_eq!(Scope::parse(&format!("source/{}", hex::encode(later))), None);
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let count = || proptest::option::of(0u32..6);
    let tags = proptest::collection::btree_set(("[a-c]{1,2}", proptest::option::of("[x-z]{0,2}")), 0..3);
    let tags = tags.prop_map(|set| set.into_iter().map(|(name, value)| TagRule { name, value }).collect());
    let level = prop_oneof![Just(Compression::None), Just(Compression::Fast), Just(Compression::Max)];
    (
        [count(), count(), count(), count(), count(), count()],
        proptest::option::of(0u64..5_000_000),
        proptest::option::of(tags),
        proptest::option::of(level),
        proptest::option::of(proptest::collection::vec("[*a-z]{1,9}", 0..4)),
    )
        .prop_map(|(counts, keep_within, keep_tags, compression, excludes)| {
            let [keep_last, keep_hourly, keep_daily, keep_weekly, keep_monthly, keep_yearly] = counts;
            Policy {
                keep_last,
                keep_hourly,
                keep_daily,
                keep_weekly,
                keep_monthly,
                keep_yearly,
                keep_within,
                keep_tags,
                compression,
                excludes,
            }
        })
}

/// Snapshots as they come: of any state, a few with a tag, their times sometimes wrong.
fn any_rows() -> impl Strategy<Value = Vec<ManifestRow>> {
    let one = (0u8..10, 0i64..40, prop_oneof![8 => Just(None), 1 => any::<i64>().prop_map(Some)], 0u8..6);
    proptest::collection::vec(one, 0..40).prop_map(|steps| {
        let mut time = MONDAY;
        let made = steps.into_iter().zip(1..).map(|((state, hours, wrong, tagged), revision)| {
            time += hours * HOUR;
            let mut row = row(revision, wrong.unwrap_or(time));
            row.state = match state {
                0..7 => SnapshotState::Complete,
                7..9 => SnapshotState::Partial,
                _ => SnapshotState::Checkpoint,
            };
            if tagged == 0 {
                row.tags.insert("a".into(), "x".into());
            }
            row
        });
        made.collect()
    })
}

/// Complete snapshots of a clock that is right.
fn right_times() -> impl Strategy<Value = Vec<TimeNs>> {
    proptest::collection::vec(0i64..60, 2..40).prop_map(|steps| {
        steps
            .into_iter()
            .scan(MONDAY, |time, hours| {
                *time += hours * HOUR;
                Some(*time)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn a_policy_comes_back_from_its_bytes(policy in any_policy()) {
        prop_assert_eq!(cbor::decode::<Policy>(&cbor::encode(&policy)), Ok(policy));
    }

    #[test]
    fn no_policy_drops_the_newest_complete_snapshot_or_everything(policy in any_policy(), rows in any_rows()) {
        let verdicts = decide(&policy, &rows);
        let staying: Vec<&ManifestRow> =
            rows.iter().zip(&verdicts).filter(|(_, verdict)| verdict.stays()).map(|(row, _)| row).collect();
        let complete = rows.iter().rfind(|row| row.state == SnapshotState::Complete);
        prop_assert!(complete.is_none_or(|row| staying.contains(&row)));
        let finished = |row: &&ManifestRow| row.state != SnapshotState::Checkpoint;
        prop_assert_eq!(rows.iter().any(|row| finished(&row)), staying.iter().any(finished));
        prop_assert_eq!(rows.is_empty(), staying.is_empty());
    }

    #[test]
    fn a_snapshot_that_is_protected_or_unfinished_stays(policy in any_policy(), rows in any_rows()) {
        let verdicts = decide(&policy, &rows);
        let tags = policy.keep_tags.clone().unwrap_or_default();
        let newest = rows.iter().rfind(|row| row.state != SnapshotState::Checkpoint);
        for (row, verdict) in rows.iter().zip(&verdicts) {
            let protected = tags.iter().any(|rule| {
                row.tags.get(&rule.name).is_some_and(|value| rule.value.as_ref().is_none_or(|it| it == value))
            });
            prop_assert!(!protected || verdict.stays());
            if row.state == SnapshotState::Checkpoint && !protected && policy.has_keep_rule() {
                let followed = newest.is_some_and(|newest| newest.revision > row.revision);
                prop_assert_eq!(verdict.stays(), !followed);
            }
        }
    }

    #[test]
    fn as_many_stay_as_a_count_says(times in right_times(), count in 1u32..20) {
        let rows = rows(&times);
        prop_assert_eq!(kept(&last(count), &rows).len(), times.len().min(count as usize));
        let days: BTreeSet<i64> = times.iter().map(|time| time / DAY).collect();
        let staying = kept(&daily(count), &rows);
        prop_assert_eq!(staying.len(), days.len().min(count as usize));
        for revision in staying {
            let day = |row: &ManifestRow| row.start_ns / DAY;
            let this = &rows[revision as usize - 1];
            prop_assert!(rows.iter().all(|row| day(row) != day(this) || row.revision <= revision));
        }
    }

    /// Whatever a right clock would have kept stays, wherever a wrong one comes between.
    #[test]
    fn one_wrong_clock_drops_no_other_snapshot(
        policy in any_policy(),
        times in right_times(),
        place in any::<prop::sample::Index>(),
        wrong in prop_oneof![Just(0), Just(YEAR_2050), Just(i64::MIN), Just(i64::MAX)],
    ) {
        // By order alone the wrong one is as good as any.
        let policy = Policy { keep_last: None, ..policy };
        prop_assume!(policy.has_keep_rule());
        let place = place.index(times.len() + 1);
        let mut without = rows(&times);
        without.iter_mut().skip(place).for_each(|row| row.revision += 1);
        let mut with = without.clone();
        with.insert(place, row(place as u64 + 1, wrong));
        let staying = kept(&policy, &with);
        for revision in kept(&policy, &without) {
            prop_assert!(staying.contains(&revision), "{revision} goes, {staying:?} stay");
        }
    }

    #[test]
    fn any_bytes_are_a_policy_in_one_way_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(policy) = cbor::decode::<Policy>(&bytes) {
            prop_assert_eq!(cbor::decode::<Policy>(&cbor::encode(&policy)), Ok(policy));
        }
    }
}
