//! Into a healthy drive: what is there afterwards is what the source had.

use std::collections::BTreeSet;

use graph_client::ingest::restore::{Choice, RestoreTarget};
use graph_sim::TenantProfile;
use graph_sim::model::truth::TrueKind;
use repo_format::engine::progress::Stop;

use crate::bench::{Bench, SOURCE, TARGET, assert_same, profile};

#[test]
fn a_new_folder_gets_all_that_the_source_had() {
    let bench = Bench::new(profile(250));
    let report = bench.run(&bench.target());
    assert!(report.folder.starts_with("Corso_Restore_2026-"), "{}", report.folder);
    let source = bench.state(SOURCE, "");
    assert_same(&bench.state(TARGET, &report.folder), &source);
    let files = source.values().filter(|item| item.kind == TrueKind::File);
    assert_eq!(
        (report.files, report.bytes),
        (files.clone().count() as u64, files.map(|file| file.size).sum())
    );
    assert_eq!(report.folders, source.values().filter(|item| item.kind == TrueKind::Folder).count() as u64);
    assert_eq!((report.skipped, report.failed, report.warned, report.earlier), (0, 0, 0, 0), "{report:?}");
    assert!(!report.resumed && !report.interrupted);
    assert_eq!(bench.journals(), 0, "nothing is left to be done");
    bench.assert_good_behaviour();

    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["files"], report.files);
    assert!(json["failed_items"].as_array().unwrap().is_empty());
}

#[test]
fn permissions_come_back_without_mail() {
    let bench = Bench::new(TenantProfile { shared: 0.2, ..profile(120) });
    let report = bench.run(&RestoreTarget { path: Some("/".into()), ..bench.target() });
    assert_eq!(report.failed, 0, "{report:?}");
    let shared = |drive| -> BTreeSet<String> {
        let items = bench.sim.state().true_state(drive).into_iter();
        items.filter(|item| item.shared && item.kind != TrueKind::Root).map(|item| item.path).collect()
    };
    assert!(shared(SOURCE).len() > 5);
    assert_eq!(shared(TARGET), shared(SOURCE));
    bench.assert_good_behaviour();

    let without = RestoreTarget { path: Some("plain".into()), permissions: false, ..bench.target() };
    bench.run(&without);
    assert!(shared(TARGET).iter().all(|path| !path.starts_with("/plain/")));
}

#[test]
fn large_files_go_in_fragments() {
    let tenant =
        TenantProfile { size_median: 9_000_000, size_max: 30_000_000, size_sigma: 1.0, ..profile(14) };
    let bench = Bench::new(tenant);
    let source = bench.state(SOURCE, "");
    assert!(source.values().any(|item| item.size > 21 << 20), "some file needs three fragments");
    let report = bench.run(&bench.target());
    assert_same(&bench.state(TARGET, &report.folder), &source);
    bench.assert_good_behaviour();
}

#[test]
fn only_what_is_selected_comes_back_with_the_folders_above_it() {
    let bench = Bench::new(profile(120));
    let source = bench.state(SOURCE, "");
    let deepest = source.iter().filter(|(_, item)| item.kind == TrueKind::File);
    let deepest = deepest.max_by_key(|(path, _)| path.matches('/').count()).unwrap().0.clone();
    let names: Vec<String> = deepest.split('/').map(str::to_owned).collect();
    let report = bench.run_selected(&bench.target(), &Stop::default(), &|candidate| match candidate.path {
        path if path == names => Choice::Take,
        path if names.starts_with(path) => Choice::Pass,
        _ => Choice::Prune,
    });
    let report = report.unwrap();
    assert_eq!((report.files, report.folders), (1, names.len() as u64 - 1));
    let wanted = source.into_iter().filter(|(path, _)| deepest.starts_with(path.as_str()));
    let wanted = wanted.filter(|(path, item)| item.kind == TrueKind::Folder || *path == deepest).collect();
    assert_same(&bench.state(TARGET, &report.folder), &wanted);
}

#[test]
fn notebooks_shortcuts_and_malware_are_skipped_with_their_cause() {
    let tenant = TenantProfile { packages: 0.03, shortcuts: 0.03, malware: 0.05, ..profile(200) };
    let bench = Bench::new(tenant);
    let report = bench.run(&bench.target());
    assert_eq!(report.failed, 0, "{report:?}");
    let truth = bench.sim.state().true_state(SOURCE);
    let odd = |item: &graph_sim::model::truth::TrueItem| {
        matches!(item.kind, TrueKind::Package | TrueKind::Shortcut) || item.malware
    };
    let packages: Vec<String> = truth
        .iter()
        .filter(|item| item.kind == TrueKind::Package)
        .map(|item| format!("{}/", item.path))
        .collect();
    let inside = |path: &str| packages.iter().any(|package| path.starts_with(package.as_str()));
    let wanted: BTreeSet<String> = truth
        .iter()
        .filter(|item| odd(item) && !inside(&item.path))
        .map(|item| item.path.trim_start_matches('/').to_owned())
        .collect();
    assert!(wanted.len() > 5);
    let skipped: BTreeSet<String> = report.skipped_items.iter().map(|item| item.path.clone()).collect();
    assert_eq!(skipped, wanted);
    assert!(report.skipped_items.iter().all(|item| item.cause == "refused"));
    let rest = truth.iter().filter(|item| item.kind == TrueKind::File && !odd(item) && !inside(&item.path));
    assert_eq!(report.files, rest.count() as u64);
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let bench = Bench::new(profile(80));
    let before = bench.sim.state().seq(TARGET);
    let dry = bench.run(&RestoreTarget { dry_run: true, ..bench.target() });
    assert_eq!(bench.sim.state().seq(TARGET), before);
    assert_eq!(bench.journals(), 0);
    let real = bench.run(&bench.target());
    assert_eq!((dry.files, dry.folders, dry.bytes), (real.files, real.folders, real.bytes));
}
