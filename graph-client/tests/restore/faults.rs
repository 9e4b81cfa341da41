//! Into a drive whose service fails: all is restored, or told.

use std::collections::BTreeSet;

use graph_client::ingest::restore::{Collisions, DriveRestoreReport, RestoreTarget};
use graph_sim::{Call, Fault, Faults, Rule, TenantProfile, preset};

use crate::bench::{Bench, SOURCE, TARGET, assert_same, profile};

#[test]
fn with_every_fault_on_all_is_restored_or_told() {
    let bench = Bench::new(profile(150));
    let source = bench.state(SOURCE, "");
    // All families at modest rates, and those that strike uploads at full ones.
    let mut faults = preset("all").unwrap();
    let more = ["throttle", "errors", "reset", "token", "lies"];
    faults.rules.extend(more.iter().flat_map(|name| preset(name).unwrap().rules));
    faults.rules.extend(lost_answers(0.05).rules);
    bench.sim.state().set_faults(faults);
    let target = RestoreTarget { threads: 8, ..bench.target() };
    let report = bench.run(&target);
    let told: BTreeSet<&str> = report.failed_items.iter().map(|item| item.path.as_str()).collect();
    let found = bench.state(TARGET, &report.folder);
    for (path, item) in &source {
        let above = |told: &&str| path.starts_with(*told);
        assert!(found.get(path) == Some(item) || told.iter().any(above), "{path} is neither there nor told");
    }
    assert!(found.keys().all(|path| source.contains_key(path)));
    assert!(bench.sim.state().totals().faults.values().sum::<u64>() >= 50, "faults came");

    bench.sim.state().set_faults(Faults::default());
    // Something failed, or a permission could not be given: another run mends it.
    assert!(report.failed == 0 || bench.journals() == 1);
    if bench.journals() > 0 {
        let second = bench.run(&target);
        assert!(second.resumed && second.failed == 0, "{second:?}");
        assert_eq!(second.folder, report.folder);
        assert!(second.earlier >= report.files);
    }
    assert_same(&bench.state(TARGET, &report.folder), &source);
    assert_eq!(bench.journals(), 0);
    bench.assert_good_behaviour();
}

/// Calls that change something are done, and their answers are lost.
fn lost_answers(rate: f64) -> Faults {
    let writes = [Call::Write, Call::Upload, Call::UploadRange, Call::Permissions];
    let rules = vec![Rule::new("lost answer", rate, &writes, Fault::ResetInHeaders { bytes: 5 })];
    Faults { rules, ..Faults::default() }
}

#[test]
fn answers_that_are_lost_make_nothing_twice() {
    for collisions in [Collisions::Skip, Collisions::Copy, Collisions::Replace] {
        let bench = Bench::new(TenantProfile { shared: 0.2, ..profile(80) });
        let source = bench.state(SOURCE, "");
        bench.sim.state().set_faults(lost_answers(0.4));
        let report = bench.run(&RestoreTarget { collisions, ..bench.target() });
        assert_eq!(report.failed, 0, "{report:?}");
        assert_same(&bench.state(TARGET, &report.folder), &source);
        assert!(bench.sim.state().totals().faults["lost answer"] > 20);
        bench.assert_granted_once(&report.folder);
        bench.assert_good_behaviour();
    }
}

#[test]
fn one_file_that_cannot_be_uploaded_does_not_stop_the_rest() {
    let bench = Bench::new(profile(60));
    let source = bench.state(SOURCE, "");
    let first = half_failed(&bench);
    let second = bench.run(&bench.target());
    assert!(second.resumed);
    assert_eq!((second.failed, second.files, second.earlier), (0, first.failed, first.files));
    assert_same(&bench.state(TARGET, &second.folder), &source);
}

#[test]
fn what_somebody_removed_meanwhile_is_restored_again() {
    removed_and_restored_again(Faults::default());
}

#[test]
fn it_is_also_if_the_answer_is_lost_that_made_its_folder_anew() {
    let lost = Rule::new("lost answer", 1.0, &[Call::Write], Fault::ResetInHeaders { bytes: 5 });
    let rules = vec![Rule { attempts: Some(1), ..lost }];
    removed_and_restored_again(Faults { rules, ..Faults::default() });
}

fn removed_and_restored_again(faults: Faults) {
    let bench = Bench::new(profile(60));
    let first = half_failed(&bench);
    let id = bench.ids(TARGET)[&first.folder].clone();
    bench.sim.state().change_drive(TARGET, |drive| {
        let folder = drive.find(&id).unwrap();
        drive.delete(folder, true, 1_791_000_000_000).unwrap();
    });
    bench.sim.state().set_faults(faults);
    let second = bench.run(&bench.target());
    assert_eq!((second.resumed, second.earlier, second.failed), (false, 0, 0));
    assert_same(&bench.state(TARGET, &second.folder), &bench.state(SOURCE, ""));
}

/// A first run in which some files fail, and the service whole again.
fn half_failed(bench: &Bench) -> DriveRestoreReport {
    let broken =
        Fault::Status { status: 500, code: None, retry_after: Default::default(), body: Default::default() };
    // Some names, and those always: what fails hangs on the request.
    let rule = Rule { always: true, attempts: None, ..Rule::new("500", 0.75, &[Call::Upload], broken) };
    bench.sim.state().set_faults(Faults { rules: vec![rule], ..Faults::default() });
    let first = bench.run(&bench.target());
    assert!(first.failed > 0 && first.files > 0, "{first:?}");
    assert!(first.failed_items.iter().all(|item| item.attempts > 1 && item.cause == "io"), "{first:?}");
    assert_eq!(bench.journals(), 1, "another run is to go on");
    bench.sim.state().set_faults(Faults::default());
    first
}
