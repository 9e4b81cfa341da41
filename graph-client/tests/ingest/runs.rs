//! Run after run of a healthy service.

use graph_sim::{Mutation, TenantProfile};
use repo_format::log::SnapshotState;

use crate::bench::{Bench, DRIVE, assert_same, profile};
use crate::tenant::assert_no_violations;

#[test]
fn the_first_run_stores_the_drive_and_the_second_fetches_what_changed() {
    let bench = Bench::new(profile(300));
    let first = bench.run();
    assert_eq!(first.backup.state, SnapshotState::Complete);
    assert!(first.enumerated && first.orphans.is_empty());
    let truth = bench.truth();
    assert_same(&bench.snapshot(&bench.storage, &first.backup.id.unwrap()), &truth);
    let files = truth.values().filter(|item| item.content.is_some()).count() as u64;
    assert_eq!((first.backup.statistics.files, first.fetched), (files, files));
    assert_eq!(first.backup.statistics.folders, truth.len() as u64 - files + 1);
    bench.verifies(&bench.storage);

    bench.sim.state().clear_books();
    let second = bench.run();
    assert!(!second.enumerated, "the second run follows the link");
    assert_eq!(second.fetched, 0);
    assert!(bench.downloaded().is_empty(), "nothing changed, nothing is fetched");
    assert_eq!(second.backup.statistics.unchanged_files, files);

    bench.sim.state().mutate(&Mutation { drive: Some(DRIVE), seed: Some(5), count: 40 });
    bench.sim.state().clear_books();
    let third = bench.run();
    let now = bench.truth();
    let changed =
        now.iter().filter(|(id, item)| truth.get(*id).is_none_or(|was| was.content != item.content));
    let changed: Vec<&String> =
        changed.filter(|(_, item)| item.content.is_some()).map(|(id, _)| id).collect();
    let fetched = bench.downloaded();
    assert!(fetched.iter().all(|id| changed.contains(&id)), "only what changed is fetched");
    assert_same(&bench.snapshot(&bench.storage, &third.backup.id.unwrap()), &now);
    assert!(third.backup.statistics.new_contents < 200, "{:?}", third.backup.statistics);
    bench.verifies(&bench.storage);
    assert_no_violations(&bench.sim);
}

#[test]
fn a_dead_link_costs_an_enumeration_and_no_download() {
    let bench = Bench::new(profile(200));
    bench.run();
    bench.sim.state().mutate(&Mutation { drive: Some(DRIVE), seed: Some(3), count: 30 });
    let before = bench.run();
    bench.sim.state().expire_delta_tokens(DRIVE);
    bench.sim.state().clear_books();
    let after = bench.run();
    assert!(after.enumerated);
    assert_eq!((after.fetched, bench.downloaded().len()), (0, 0), "what the ledger holds is not fetched");
    assert_same(&bench.snapshot(&bench.storage, &after.backup.id.unwrap()), &bench.truth());
    assert_eq!(after.backup.statistics.files, before.backup.statistics.files);
}

#[test]
fn deletions_during_a_dead_link_are_found_by_the_enumeration() {
    let bench = Bench::new(profile(200));
    bench.run();
    bench.sim.state().mutate(&Mutation { drive: Some(DRIVE), seed: Some(9), count: 60 });
    bench.sim.state().expire_delta_tokens(DRIVE);
    let after = bench.run();
    assert_same(&bench.snapshot(&bench.storage, &after.backup.id.unwrap()), &bench.truth());
}

#[test]
fn malware_is_skipped_and_pointers_and_packages_are_kept() {
    let tenant = TenantProfile { malware: 0.05, packages: 0.02, shortcuts: 0.02, ..profile(300) };
    let bench = Bench::new(tenant);
    let report = bench.run();
    let flagged: Vec<_> =
        bench.sim.state().true_state(DRIVE).into_iter().filter(|item| item.malware).collect();
    assert!(!flagged.is_empty());
    let refused: Vec<_> = (report.backup.failures.iter())
        .filter(|event| event.error.cause == repo_format::engine::source::ItemCause::Refused)
        .collect();
    for item in &flagged {
        let path = item.path.trim_start_matches('/').as_bytes();
        assert!(refused.iter().any(|event| event.path == path), "{} is reported", item.path);
    }
    let mut truth = bench.truth();
    let found = bench.snapshot(&bench.storage, &report.backup.id.unwrap());
    for (id, item) in &mut truth {
        if matches!(found[id].content, Some(None)) {
            item.content = Some(None);
        }
    }
    assert_same(&found, &truth);
    assert_eq!(report.backup.statistics.failed, 0, "{:?}", report.backup.failures);
    assert_eq!(report.backup.state, SnapshotState::Complete);
    bench.sim.state().clear_books();
    assert_eq!(bench.run().backup.statistics.skipped, report.backup.statistics.skipped, "told by each run");
}
