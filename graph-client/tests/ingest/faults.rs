//! Runs against a service with faults.

use std::time::Duration;

use graph_sim::model::drive::Grant;
use graph_sim::{Call, Fault, Faults, PoisonKind, Rule, TenantProfile, preset};
use repo_format::log::SnapshotState;

use crate::bench::{Bench, DRIVE, assert_same, profile};
use crate::tenant::assert_no_violations;

#[test]
fn poisoned_items_are_reported_and_tried_again() {
    let mut bench = Bench::new(profile(120));
    bench.options.backup.threads = 8;
    bench.sim.state().set_faults(Faults { poison_per_user: 4, ..Faults::default() });
    let poisoned = bench.sim.state().poisoned(DRIVE);
    let report = bench.run();
    assert_eq!(report.backup.state, SnapshotState::Partial);
    let mut truth = bench.truth();
    let found = bench.snapshot(&bench.storage, &report.backup.id.unwrap());
    for item in &poisoned {
        assert_eq!(found[&item.id].content, Some(None), "{:?} cannot be had", item.kind);
        truth.get_mut(&item.id).unwrap().content = Some(None);
    }
    assert_same(&found, &truth);
    assert_eq!(report.backup.failures.len(), poisoned.len(), "{:?}", report.backup.failures);

    // The link has gone on; the failed ones are on the list all the same.
    bench.sim.state().set_faults(Faults::default());
    bench.sim.state().clear_books();
    let again = bench.run();
    let ids = poisoned.iter().map(|item| item.id.clone());
    // What the service held to be malware is not asked for again until it changes.
    let kept: Vec<String> = ids.filter(|id| !bench.downloaded().contains(id)).collect();
    assert_eq!(kept.len() as u64, again.backup.statistics.skipped);
    assert_eq!(again.backup.statistics.failed, 0);
    assert_eq!(again.fetched as usize, poisoned.len() - kept.len());
}

#[test]
fn a_feed_that_starts_over_in_the_middle_fetches_nothing_twice() {
    let bench = Bench::new(profile(2500));
    let resync = Fault::Status {
        status: 410,
        code: Some("resyncRequired".into()),
        retry_after: Default::default(),
        body: Default::default(),
    };
    let rule =
        Rule { attempts: Some(1), from_position: 1500, ..Rule::new("410", 1.0, &[Call::DeltaNext], resync) };
    bench.sim.state().set_faults(Faults { rules: vec![rule], ..Faults::default() });
    let report = bench.run();
    assert_eq!(report.backup.state, SnapshotState::Complete);
    assert!(bench.sim.state().totals().faults.values().sum::<u64>() >= 1, "the fault came");
    assert_same(&bench.snapshot(&bench.storage, &report.backup.id.unwrap()), &bench.truth());
    let twice = bench.sim.state().downloads().values().filter(|count| count.starts > 1).count();
    assert_eq!(twice, 0, "the ledger remembers what the first enumeration stored");
}

#[test]
fn with_every_fault_on_the_next_run_at_rest_has_everything() {
    let mut bench = Bench::new(profile(150));
    bench.options.backup.threads = 8;
    bench.sim.state().set_faults(preset("all").unwrap());
    let first = bench.run();
    for (id, item) in bench.snapshot(&bench.storage, &first.backup.id.unwrap()) {
        let truth = bench.sim.state().content(DRIVE, &id);
        if let Some(Some(content)) = item.content {
            assert!(truth.as_ref() == Some(&content), "{id} is stored as it is");
        }
    }
    bench.sim.state().set_faults(Faults::default());
    let second = bench.run();
    let (found, mut truth) = (bench.snapshot(&bench.storage, &second.backup.id.unwrap()), bench.truth());
    for id in found.iter().filter(|(_, item)| item.content == Some(None)).map(|(id, _)| id) {
        truth.get_mut(id).unwrap().content = Some(None);
    }
    assert_same(&found, &truth);
    assert_eq!(second.backup.statistics.failed, 0, "{:?}", second.backup.failures);
    bench.verifies(&bench.storage);
}

#[test]
fn fail_fast_stops_at_the_first_failure_and_keeps_what_is_stored() {
    let mut bench = Bench::new(profile(120));
    bench.options.backup.fail_fast = true;
    bench.sim.state().set_faults(Faults { poison_per_user: 2, ..Faults::default() });
    let report = bench.run();
    assert!(report.backup.interrupted);
    assert_eq!(report.backup.state, SnapshotState::Checkpoint);
    let manifest = bench.newest(&bench.storage);
    let marked = bench.marked(&bench.storage, &manifest);
    assert!(!marked.is_empty(), "what was stored before the failure is marked");
    bench.sim.state().set_faults(Faults::default());
    bench.sim.state().clear_books();
    bench.options.backup.fail_fast = false;
    bench.run();
    assert!(bench.downloaded().is_disjoint(&marked));
}

#[test]
fn addresses_that_grew_old_in_the_line_are_renewed_by_the_page() {
    let mut bench = Bench::new(profile(150));
    bench.options.backup.threads = 2;
    bench.options.address_age_max = Duration::from_secs(15);
    // Two at a time, a second each by the service's time: most wait for longer than addresses may.
    let slow = Rule::new("slow", 1.0, &[Call::Download], Fault::Delay { ms: 1000 });
    bench.sim.state().set_faults(Faults { rules: vec![slow], ..Faults::default() });
    let report = bench.run();
    assert_eq!(report.backup.state, SnapshotState::Complete);
    assert_same(&bench.snapshot(&bench.storage, &report.backup.id.unwrap()), &bench.truth());
    let totals = bench.sim.state().totals();
    let pages = totals.calls[&Call::Delta] + totals.calls.get(&Call::DeltaNext).copied().unwrap_or(0);
    assert!(pages >= 4, "{pages} pages, and one told everything");
    assert_eq!(totals.calls.get(&Call::Item), None, "none is asked for by itself");
    assert!(totals.resource_units < report.fetched + 40, "{} units", totals.resource_units);
    let twice = bench.sim.state().downloads().values().filter(|count| count.starts > 1).count();
    assert_eq!(twice, 0);
    assert_no_violations(&bench.sim);
}

#[test]
fn permissions_that_could_not_be_read_are_read_by_the_next_run() {
    let bench = Bench::new(TenantProfile { shared: 0.2, ..profile(80) });
    let refused = Fault::Status {
        status: 403,
        code: Some("accessDenied".into()),
        retry_after: Default::default(),
        body: Default::default(),
    };
    let rule = Rule { always: true, ..Rule::new("403", 1.0, &[Call::Permissions], refused) };
    bench.sim.state().set_faults(Faults { rules: vec![rule], ..Faults::default() });
    let first = bench.run();
    let asked = bench.sim.state().totals().calls[&Call::Permissions];
    assert!(asked > 3 && first.unread == asked, "{asked} asked for, {} told", first.unread);

    bench.sim.state().set_faults(Faults::default());
    bench.sim.state().clear_books();
    let second = bench.run();
    assert_eq!((second.unread, second.fetched), (0, 0));
    assert_eq!(bench.sim.state().totals().calls[&Call::Permissions], asked);
    bench.sim.state().clear_books();
    bench.run();
    assert_eq!(bench.sim.state().totals().calls.get(&Call::Permissions), None, "what is read is read");
}

#[test]
fn what_is_shared_before_it_is_tried_again_has_its_permissions_read() {
    let bench = Bench::new(TenantProfile { shared: 0.0, malware: 0.0, ..profile(60) });
    bench.sim.state().set_faults(Faults { poison_per_user: 3, ..Faults::default() });
    bench.run();
    let mut poisoned = bench.sim.state().poisoned(DRIVE).into_iter();
    let failed = poisoned.find(|item| item.kind != PoisonKind::Malware).unwrap().id;

    // The feed has answered, and told nothing; it is the item itself that tells that it is shared.
    let late = Rule::new("late", 1.0, &[Call::Delta], Fault::Delay { ms: 10_000 });
    bench.sim.state().set_faults(Faults { rules: vec![late], ..Faults::default() });
    bench.sim.state().clear_books();
    let report = std::thread::scope(|scope| {
        let run = scope.spawn(|| bench.run());
        while !bench.sim.state().totals().calls.contains_key(&Call::Delta) {
            std::thread::sleep(Duration::from_millis(2));
        }
        let grant = Grant { email: Some("guest@fabrikam.example".into()), role: "read".into(), link: None };
        let at_ms = bench.sim.state().now_ms();
        let shared = bench.sim.state().change_drive(DRIVE, |drive| {
            let index = drive.find(&failed).unwrap();
            drive.share(index, grant, at_ms)
        });
        shared.unwrap().unwrap();
        run.join().unwrap()
    });
    assert!(bench.downloaded().contains(&failed) && report.unread == 0);
    let asked = |bench: &Bench| bench.sim.state().totals().calls.get(&Call::Permissions).copied();
    let now = asked(&bench);
    bench.sim.state().set_faults(Faults::default());
    bench.run();
    assert_eq!((now, asked(&bench)), (Some(1), Some(1)), "read once, when it was told first");
}

#[test]
fn bytes_that_come_for_an_empty_file_are_not_believed_at_once() {
    let bench = Bench::new(TenantProfile { empty: 0.3, ..profile(60) });
    let more = Fault::ExtraBytes { by: 10 };
    let rule = Rule { attempts: Some(1), ..Rule::new("more", 1.0, &[Call::Download], more) };
    bench.sim.state().set_faults(Faults { rules: vec![rule], ..Faults::default() });
    let report = bench.run();
    let truth = bench.truth();
    assert!(truth.values().filter(|item| item.content == Some(Some(Vec::new()))).count() > 5);
    assert_same(&bench.snapshot(&bench.storage, &report.backup.id.unwrap()), &truth);
    assert_eq!(report.odd_hashes, 0);
}
