//! Restores that are killed: run again, they make nothing twice and leave nothing out.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use graph_client::ingest::restore::{Choice, Collisions, RestoreFrom, RestoreTarget, restore_drive};
use graph_sim::{Call, Fault, Faults, Rule, TenantProfile};
use repo_format::engine::progress::{Progress, Stop};
use repo_format::storage::{Storage, StorageOptions};

use crate::bench::{Bench, SOURCE, TARGET, assert_same, graph, open, profile, repository_at};

/// What a process is told that is started to be killed, in one variable.
const ORDERS: &str = "CORSO_TEST_RESTORE";

/// Not a test by itself: what the process does that [`killed_and_run_again`] starts.
#[test]
fn restore_as_ordered() {
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let orders: serde_json::Value = serde_json::from_str(&orders).unwrap();
    let text = |key: &str| orders[key].as_str().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = PathBuf::from(text("folder"));
    let storage = Storage::open(&repository_at(&folder), &StorageOptions::default()).unwrap();
    let repository = open(&storage, runtime.handle());
    let graph = graph(&text("url").parse().unwrap(), &text("url").parse().unwrap());
    let snapshot = text("snapshot").parse().unwrap();
    let from = RestoreFrom { repository: &repository, snapshot: &snapshot, select: &|_| Choice::Take };
    let target = target(text("drive"), text("collisions"));
    let (progress, stop) = (Progress::default(), Stop::default());
    let report =
        restore_drive(&graph, from, &target, &folder.join("journals"), runtime.handle(), &progress, &stop);
    assert_eq!(report.unwrap().failed, 0);
}

fn target(drive: &str, collisions: &str) -> RestoreTarget {
    let collisions = match collisions {
        "replace" => Collisions::Replace,
        "copy" => Collisions::Copy,
        _ => Collisions::Skip,
    };
    RestoreTarget { path: Some("back".into()), collisions, ..RestoreTarget::new(drive.into()) }
}

/// Starts a restore in a process of its own, and kills it after so many calls; true if it ended first.
fn killed_after(bench: &Bench, collisions: &str, calls: u64) -> bool {
    let orders = serde_json::json!({
        "folder": bench.folder.path(),
        "url": bench.sim.api_url().as_str(),
        "snapshot": bench.snapshot.to_string(),
        "drive": bench.drive(TARGET).as_str(),
        "collisions": collisions,
    });
    let made = || bench.sim.state().totals().calls.values().sum::<u64>();
    let until = made() + calls;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::restore_as_ordered"])
        .env(ORDERS, orders.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let give_up = Instant::now() + Duration::from_secs(120);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "a restore that is let alone ends well");
            return true;
        }
        if made() >= until {
            child.kill().unwrap();
            child.wait().unwrap();
            return false;
        }
        assert!(Instant::now() < give_up, "calls come");
        thread::sleep(Duration::from_micros(300));
    }
}

/// Kills a restore, again and again, a little further on each time, and lets the last one end.
fn killed_and_run_again(bench: &Bench, collisions: &str, kills: u32, step: u64) {
    // Answers take a while, so that kills meet calls that are done and not yet answered.
    let writes = [Call::Write, Call::Upload, Call::UploadRange];
    let rules = vec![Rule::new("slow answer", 0.5, &writes, Fault::Delay { ms: 1_000 })];
    bench.sim.state().set_faults(Faults { rules, ..Faults::default() });
    let mut killed = 0;
    for round in 0..kills {
        let calls = 3 + step * u64::from(round % 5) + u64::from(round) % 7;
        if killed_after(bench, collisions, calls) {
            break;
        }
        killed += 1;
    }
    assert!(killed >= kills.min(10), "only {killed} kills came before the end");
    bench.sim.state().set_faults(Faults::default());
    assert!(killed_after(bench, collisions, u64::MAX / 2));
}

#[test]
fn killed_twenty_times_a_restore_has_no_duplicate_and_no_miss() {
    let tenant = TenantProfile { shared: 0.05, ..profile(220) };
    let bench = Bench::on_disk(tenant);
    killed_and_run_again(&bench, "copy", 20, 6);
    assert_same(&bench.state(TARGET, "back"), &bench.state(SOURCE, ""));
    assert_eq!(bench.journals(), 0);
    bench.assert_granted_once("back");
    bench.assert_good_behaviour();
}

#[test]
fn killed_while_it_replaces_it_leaves_no_temporary_name() {
    let bench = Bench::on_disk(profile(60));
    let source = bench.state(SOURCE, "");
    assert!(killed_after(&bench, "skip", u64::MAX / 2));
    // Other contents in all places.
    let ids = bench.ids(TARGET);
    bench.sim.state().change_drive(TARGET, |drive| {
        let files = ids.values().filter_map(|id| drive.find(id));
        let files: Vec<u32> =
            files.filter(|index| drive.item(*index).is_some_and(|item| item.is_file())).collect();
        let contents: Vec<_> = files.iter().map(|index| drive.content(drive.item(*index).unwrap())).collect();
        let largest = contents.iter().max_by_key(|content| content.size()).copied().unwrap();
        for index in files {
            drive.edit(index, largest, 1_786_000_000_000).unwrap();
        }
    });
    killed_and_run_again(&bench, "replace", 12, 5);
    assert_same(&bench.state(TARGET, "back"), &source);
    bench.assert_good_behaviour();
}

#[test]
fn killed_between_fragments_an_upload_goes_on_from_the_last_one() {
    let tenant = TenantProfile {
        size_median: 24_000_000,
        size_max: 40_000_000,
        size_sigma: 0.2,
        folders: 0.0,
        chain: 0,
        wide: 0,
        empty: 0.0,
        ..profile(4)
    };
    let bench = Bench::on_disk(tenant);
    let source = bench.state(SOURCE, "");
    let bytes: u64 = source.values().map(|item| item.size).sum();
    bench.sim.state().clear_books();
    let mut kills = 0_u32;
    while kills < 6 && !killed_after(&bench, "copy", 9 + u64::from(kills)) {
        kills += 1;
    }
    assert!(kills >= 1);
    assert!(kills < 6 || killed_after(&bench, "copy", u64::MAX / 2));
    assert_same(&bench.state(TARGET, "back"), &source);
    // Per kill, one fragment of each thread is sent again at most.
    let sent = bench.sim.state().totals().uploaded_bytes;
    assert!(sent <= bytes + u64::from(kills) * 4 * (10 << 20), "{sent} bytes for {bytes}");
    bench.assert_good_behaviour();
}

#[test]
fn told_to_stop_it_ends_where_it_is_and_goes_on_later() {
    let bench = Bench::new(profile(150));
    let target = RestoreTarget { threads: 2, ..bench.target() };
    let stop = Stop::default();
    let first = thread::scope(|scope| {
        let run = scope.spawn(|| bench.run_until(&target, &stop));
        while bench.sim.state().totals().calls.get(&Call::UploadRange).copied().unwrap_or(0) < 20
            && !run.is_finished()
        {
            thread::sleep(Duration::from_millis(1));
        }
        stop.request();
        run.join().unwrap().unwrap()
    });
    assert!(first.interrupted && first.files > 0, "{first:?}");
    let second = bench.run(&target);
    assert!(second.resumed && !second.interrupted);
    assert_eq!(second.folder, first.folder);
    assert_same(&bench.state(TARGET, &second.folder), &bench.state(SOURCE, ""));
}
