//! Throttled out, refused, failed for everybody: the codes that say that nobody could go on.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use graph_sim::{AppConfig, BodyForm, Call, Fault, Faults, RetryAfter, Rule, SimConfig, TenantProfile};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::cloud::{Cloud, tenant};
use super::truth::differences;

/// Longer than the two hours that one call waits in all.
const TOO_LONG_S: u64 = 3 * 60 * 60;
/// Far less than any of the waits.
const PROMPTLY: Duration = Duration::from_secs(30);
const EVERYBODY: [&str; 5] = ["backup", "create", "onedrive", "--user", "*"];

/// Calls of these kinds are told to wait so long, each time.
fn wait_for(seconds: u64, on: &[Call], drive: Option<u32>) -> Rule {
    let retry_after = RetryAfter::Seconds(seconds);
    let fault = Fault::Status { status: 429, code: None, retry_after, body: BodyForm::Json };
    Rule { drive, always: true, ..Rule::new("wait", 1.0, on, fault) }
}

fn slow() -> Rule {
    Rule::new("slow", 1.0, &[Call::Download], Fault::Delay { ms: 8 })
}

fn with_rules(rules: Vec<Rule>) -> Faults {
    Faults { rules, ..Faults::default() }
}

fn start(cloud: &Cloud, more: &[&str]) -> Child {
    let arguments = [&EVERYBODY[..], &["--json", "--no-progress"], more].concat();
    let mut command = cloud.place.process(&cargo_bin("corso"), &arguments);
    command.envs(cloud.environment()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits for something that the simulator sees.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn last_line(bytes: &[u8]) -> Value {
    serde_json::from_str(std::str::from_utf8(bytes).unwrap().lines().last().unwrap()).unwrap()
}

#[test]
fn a_wait_that_is_too_long_ends_with_21_at_once() {
    for call in [Call::Users, Call::Drive, Call::Delta, Call::Download] {
        let cloud = Cloud::new(tenant(2, 30), with_rules(vec![wait_for(TOO_LONG_S, &[call], None)]));
        let begun = Instant::now();
        let (_, errors) = cloud.json(&EVERYBODY, 21);
        assert!(begun.elapsed() < PROMPTLY, "{call:?} took {:?}", begun.elapsed());
        let error = errors.last().unwrap();
        assert_eq!((&error["message_type"], &error["code"]), (&"exit_error".into(), &21.into()));
        assert!(error["message"].as_str().unwrap().contains("throttled"), "{error}");
        assert!(error["hint"].as_str().unwrap().contains("later"), "{error}");
        // Nobody asks once more within the fence.
        assert!(cloud.state().violations().is_empty(), "{call:?}: {:?}", cloud.state().violations());
    }
}

#[test]
fn a_run_that_is_started_within_a_wait_asks_for_nothing() {
    let cloud = Cloud::new(tenant(1, 30), with_rules(vec![wait_for(TOO_LONG_S, &[Call::Delta], None)]));
    cloud.json(&EVERYBODY, 21);
    cloud.state().clear_books();
    cloud.state().set_faults(Faults::default());
    let begun = Instant::now();
    let (_, errors) = cloud.json(&EVERYBODY, 21);
    assert!(begun.elapsed() < PROMPTLY);
    assert!(errors.last().unwrap()["message"].as_str().unwrap().contains("throttled"), "{errors:?}");
    assert_eq!(cloud.state().totals().resource_units, 0, "no call of files");
    assert!(cloud.state().violations().is_empty(), "{:?}", cloud.state().violations());
    cloud.forget_waits();
    cloud.state().clock().advance(Duration::from_secs(TOO_LONG_S + 1));
    cloud.back_up(&["--user", "*"], 0);
}

#[test]
fn a_wait_of_an_hour_is_waited_for_and_can_be_interrupted() {
    let cloud = Cloud::new(tenant(1, 30), with_rules(vec![wait_for(3600, &[Call::Delta], None)]));
    let child = start(&cloud, &[]);
    let is_refused = || cloud.state().totals().faults.contains_key("wait");
    until("a page is refused", is_refused);
    std::thread::sleep(Duration::from_millis(500));
    let begun = Instant::now();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(begun.elapsed() < PROMPTLY);
    assert_eq!(cloud.state().totals().faults["wait"], 1, "it was still waiting");
}

#[test]
fn what_others_had_stored_is_kept_when_one_user_is_throttled_out() {
    let shape = TenantProfile { size_median: 60_000, ..tenant(2, 300) };
    let cloud = Cloud::new(shape, with_rules(vec![slow()]));
    let child = start(&cloud, &["--parallelism", "2", "--threads", "2"]);
    let of = |drive: u32| cloud.state().downloads().keys().filter(|(of, _)| *of == drive).count();
    until("both are under way", || of(0) > 40 && of(1) > 40);
    cloud.state().set_faults(with_rules(vec![wait_for(TOO_LONG_S, &[Call::Download], Some(1)), slow()]));
    let begun = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(21), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(begun.elapsed() < PROMPTLY);
    assert_eq!(last_line(&output.stderr)["code"], 21);
    assert!(cloud.state().violations().is_empty(), "{:?}", cloud.state().violations());

    let (lines, _) = cloud.place.json(&["backup", "list", "onedrive", "--all"], 0);
    let states = lines.iter().filter(|line| line["message_type"] == "backup").map(|line| &line["state"]);
    assert_eq!(states.collect::<Vec<_>>(), ["checkpoint", "checkpoint"], "of both users");

    cloud.state().set_faults(Faults::default());
    // Later, as the hint says: the fence is over, and what was kept of it.
    cloud.state().clock().advance(Duration::from_secs(TOO_LONG_S + 1));
    cloud.forget_waits();
    let before = cloud.downloads();
    let summary = cloud.back_up(&["--user", "*"], 0);
    let files = summary["statistics"]["files"].as_u64().unwrap();
    assert_eq!(summary["fetched"].as_u64().unwrap(), cloud.downloads() - before);
    // What was on its way when the run ended is fetched once more, and nothing else.
    assert!(cloud.downloads() <= files + 8, "{} downloads of {files} files", cloud.downloads());
    for drive in 0..2 {
        assert_eq!(differences(&cloud, drive), Vec::<String>::new());
    }
}

#[test]
fn nobodys_backup_is_a_failure_and_a_missing_permission_has_its_own_code() {
    let with = |app| Cloud::with(SimConfig { tenant: tenant(2, 5), app, ..SimConfig::default() });
    for role in ["Files.Read.All", "User.Read.All"] {
        let cloud = with(AppConfig { roles: vec![role.to_owned()], ..AppConfig::default() });
        let (_, errors) = cloud.json(&EVERYBODY, 20);
        assert!(errors.last().unwrap()["hint"].as_str().unwrap().contains("doctor graph"), "{errors:?}");
    }
    let cloud = with(AppConfig::default());
    let (lines, _) =
        cloud.json(&["backup", "create", "onedrive", "--user", "x@example.com,y@example.com"], 1);
    assert_eq!(lines.last().unwrap()["failed"], 2);
}
