//! Run after run of a healthy service.

use std::collections::BTreeSet;

use graph_client::ingest::Scope;
use graph_sim::model::truth::TrueKind;
use graph_sim::{Mutation, TenantProfile};
use repo_format::log::SnapshotState;

use crate::bench::{Bench, DRIVE, State, assert_same, profile};
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

#[test]
fn of_a_part_of_the_drive_only_that_is_fetched_and_kept() {
    let mut bench = Bench::new(profile(400));
    let in_folders = |path: &str| path.trim_start_matches('/').matches('/').count();
    // A folder with files in it and below it, and which folder is above it.
    let items = bench.sim.state().true_state(DRIVE);
    let files_below = |folder: &str| {
        items.iter().filter(|item| item.kind == TrueKind::File && item.path.starts_with(folder)).count()
    };
    let folder = (items.iter().filter(|item| item.kind == TrueKind::Folder))
        .filter(|item| in_folders(&item.path) == 1)
        .max_by_key(|item| files_below(&format!("{}/", item.path)))
        .unwrap();
    assert!(files_below(&format!("{}/", folder.path)) >= 5, "{}", folder.path);
    let whole = bench.run();
    bench.options.scope = Scope::of(&[folder.path.to_uppercase()]);
    bench.options.backup.source.paths = vec![folder.path.clone().into_bytes()];

    bench.sim.state().clear_books();
    let first = bench.run();
    assert_eq!((first.missing.len(), first.backup.state), (0, SnapshotState::Complete));
    let part = |bench: &Bench| -> State {
        let above = |path: &str| folder.path == path || folder.path.starts_with(&format!("{path}/"));
        let inside = |path: &str| path.starts_with(&format!("{}/", folder.path));
        let kept: BTreeSet<String> = (bench.sim.state().true_state(DRIVE).into_iter())
            .filter(|item| inside(&item.path) || (item.kind == TrueKind::Folder && above(&item.path)))
            .map(|item| item.id)
            .collect();
        bench.truth().into_iter().filter(|(id, _)| kept.contains(id)).collect()
    };
    let truth = part(&bench);
    assert_same(&bench.snapshot(&bench.storage, &first.backup.id.unwrap()), &truth);
    let fetched = bench.downloaded();
    assert!(fetched.iter().all(|id| truth.contains_key(id)) && !fetched.is_empty());
    assert!(first.fetched < whole.fetched);

    // What comes into the folder, goes out of it or changes in it, is told by the feed of the drive.
    for seed in 0..4 {
        bench.sim.state().mutate(&Mutation { drive: Some(DRIVE), seed: Some(seed), count: 60 });
        let there = bench.sim.state().true_state(DRIVE);
        if !there.iter().any(|item| item.id == folder.id && item.path == folder.path) {
            break;
        }
        let next = bench.run();
        assert!(!next.enumerated);
        assert_same(&bench.snapshot(&bench.storage, &next.backup.id.unwrap()), &part(&bench));
    }
    bench.verifies(&bench.storage);

    bench.options.scope = Scope::of(&["No/such folder".to_owned()]);
    bench.options.backup.source.paths = vec![b"No/such folder".to_vec()];
    let nothing = bench.run();
    assert_eq!((nothing.fetched, nothing.missing), (0, vec!["No/such folder".to_owned()]));
    assert_eq!(nothing.backup.statistics.skipped, 1, "the folder is told");
    assert_no_violations(&bench.sim);
}
