//! `corso backup create onedrive`

use std::process::Stdio;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use graph_sim::model::truth::TrueKind;
use graph_sim::{Call, Fault, Faults, Mutation, PoisonKind, Rule, TenantProfile};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::cloud::{Cloud, tenant};
use super::truth::differences;

fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["message_type"] == kind).collect()
}

/// Content that takes its time, so that a backup is still running when it is to be killed.
fn slow() -> Faults {
    let rules = vec![Rule::new("slow", 1.0, &[Call::Download], Fault::Delay { ms: 8 })];
    Faults { rules, ..Faults::default() }
}

#[test]
fn everybody_is_backed_up_and_who_has_nothing_is_no_failure() {
    let shape = TenantProfile { users_without_drive: 1, users_without_license: 1, ..tenant(3, 60) };
    let cloud = Cloud::new(shape, Faults::default());
    let (lines, _) = cloud.json(&["backup", "create", "onedrive", "--user", "*"], 0);
    let users = of_type(&lines, "user");
    let count = |result: &str| users.iter().filter(|line| line["result"] == result).count();
    assert_eq!((users.len(), count("complete"), count("nothing")), (5, 3, 2));
    for drive in 0..3 {
        assert_eq!(differences(&cloud, drive), Vec::<String>::new());
    }
    let fetched = cloud.downloads();
    let second = cloud.back_up(&["--user", "*"], 0);
    assert_eq!((&second["fetched"], cloud.downloads()), (&Value::from(0), fetched));
    assert!(cloud.state().violations().is_empty(), "{:?}", cloud.state().violations());
    let excluded = cloud.back_up(&["--user", "*", "--exclude-user", &cloud.user(0)], 0);
    assert_eq!(excluded["users"], 4);
}

#[test]
fn notebooks_and_shortcuts_are_exported_as_folders_and_links() {
    let shape = TenantProfile { packages: 0.05, shortcuts: 0.05, ..tenant(1, 120) };
    let cloud = Cloud::new(shape, Faults::default());
    cloud.back_up(&["--user", "*"], 0);
    let items = cloud.state().true_state(0);
    let has = |kind| items.iter().any(|item| item.kind == kind);
    assert!(has(TrueKind::Package) && has(TrueKind::Shortcut));
    assert_eq!(differences(&cloud, 0), Vec::<String>::new());
}

#[test]
fn a_backup_costs_what_changed() {
    let cloud = Cloud::new(tenant(1, 150), Faults::default());
    let user = cloud.user(0);
    cloud.back_up(&["--user", &user], 0);
    cloud.place.write("source/file", b"another source in the same repository");
    cloud.place.back_up(&["source"]);
    cloud.state().mutate(&Mutation { seed: Some(7), count: 12, ..Mutation::default() });
    let (lines, _) = cloud.json(&["backup", "create", "onedrive", "--user", &user], 0);
    let line = of_type(&lines, "user")[0];
    assert_eq!(line["enumerated"], false);
    assert!(line["fetched"].as_u64().unwrap() <= 12, "{line}");
    assert_eq!(differences(&cloud, 0), Vec::<String>::new());
    // A backup is a snapshot like any other.
    let (lines, _) = cloud.place.json(&["snapshot", "list"], 0);
    assert_eq!(of_type(&lines, "snapshot").len(), 3);
    cloud.place.json(&["repo", "verify", "--level", "data"], 0);
}

#[test]
fn what_cannot_be_had_is_named_and_fetched_once_it_can() {
    let faults = Faults { poison_per_user: 2, poison: vec![PoisonKind::Forbidden], ..Faults::default() };
    let cloud = Cloud::new(tenant(2, 50), faults);
    let (lines, errors) = cloud.json(&["backup", "create", "onedrive", "--user", "*"], 3);
    let summary = lines.last().unwrap();
    let poisoned = cloud.state().poisoned(0).len() + cloud.state().poisoned(1).len();
    let failed = summary["statistics"]["failed"].as_u64().unwrap();
    assert_eq!((failed as usize, &summary["partial"]), (poisoned, &2.into()));
    assert_eq!(of_type(&lines, "failure").len(), poisoned, "each is named at the end");
    assert_eq!(of_type(&errors, "error").len(), poisoned, "and when it happens");
    cloud.state().set_faults(Faults::default());
    let before = cloud.downloads();
    let second = cloud.back_up(&["--user", "*"], 0);
    assert_eq!(cloud.downloads() - before, second["fetched"].as_u64().unwrap());
    for drive in 0..2 {
        assert_eq!(differences(&cloud, drive), Vec::<String>::new());
    }
    let (lines, _) = cloud.place.json(&["backup", "list", "onedrive", "--recovered-errors"], 0);
    assert_eq!(of_type(&lines, "recovered").len() as u64, failed);
}

#[test]
fn malware_is_skipped_for_cause_and_told() {
    let faults = Faults { poison_per_user: 1, poison: vec![PoisonKind::Malware], ..Faults::default() };
    let cloud = Cloud::new(tenant(1, 20), faults);
    let (lines, _) = cloud.json(&["backup", "create", "onedrive", "--user", "*"], 0);
    let skipped = of_type(&lines, "failure");
    assert_eq!((skipped.len(), &skipped[0]["cause"]), (1, &"refused".into()));
    assert_eq!(of_type(&lines, "user")[0]["result"], "complete");
    let (lines, errors) = cloud.place.json(&["export", "onedrive", "--backup", "latest", "out"], 0);
    assert_eq!(lines.last().unwrap()["skipped"], 1);
    assert_eq!(errors[0]["is_failure"], false);
}

#[test]
fn an_unknown_user_stops_nobody_else() {
    let cloud = Cloud::new(tenant(1, 20), Faults::default());
    let both = format!("{},nobody@example.com", cloud.user(0));
    let summary = cloud.back_up(&["--user", &both], 3);
    assert_eq!((&summary["complete"], &summary["failed"]), (&1.into(), &1.into()));
    cloud.back_up(&["--user", "nobody@example.com"], 1);
    cloud.json(&["backup", "create", "onedrive", "--user", "*", "--exclude-user", &cloud.user(0)], 22);
}

#[test]
fn fail_fast_stops_at_the_first_failure() {
    let faults = Faults { poison_per_user: 1, poison: vec![PoisonKind::Forbidden], ..Faults::default() };
    let cloud = Cloud::new(tenant(3, 40), faults);
    let arguments = ["--user", "*", "--fail-fast", "--parallelism", "1"];
    let summary = cloud.back_up(&arguments, 3);
    assert!(summary["users"].as_u64().unwrap() < 3, "{summary}");
    let (lines, _) = cloud.place.json(&["backup", "list", "onedrive", "--all"], 0);
    assert_eq!(lines[0]["state"], "checkpoint");
}

#[test]
fn a_wrong_secret_ends_with_20_and_does_not_show() {
    let cloud = Cloud::new(tenant(1, 5), Faults::default());
    let output = cloud
        .corso(&["backup", "create", "onedrive", "--user", "*"])
        .env("AZURE_CLIENT_SECRET", "canary-wrong-secret")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(20));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("AADSTS7000215") && !told.contains("canary"), "{told}");
}

#[test]
fn a_killed_backup_goes_on_where_it_was() {
    let cloud = Cloud::new(TenantProfile { size_median: 60_000, ..tenant(1, 600) }, slow());
    let arguments =
        ["backup", "create", "onedrive", "--user", "*", "--checkpoint-interval", "50ms", "--threads", "2"];
    let mut command = cloud.place.process(&cargo_bin("corso"), &arguments);
    command.envs(cloud.environment()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let log = cloud.place.path("repository/log");
    let begun = Instant::now();
    // The first record is the repository's own; the third of the others has what was fetched before it.
    let is_early = || std::fs::read_dir(&log).unwrap().count() < 4 || cloud.downloads() < 50;
    while is_early() && begun.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_child(&child), Signal::KILL).ok();
    child.wait().unwrap();
    let before = cloud.downloads();
    let (checkpoints, _) = cloud.place.json(&["backup", "list", "onedrive", "--all"], 0);
    let summary = cloud.back_up(&["--user", "*"], 0);
    let (files, fetched) = (&summary["statistics"]["files"], summary["fetched"].as_u64().unwrap());
    assert_eq!(checkpoints[0]["state"], "checkpoint");
    assert!(before > 0 && fetched < files.as_u64().unwrap(), "what was marked is not fetched again");
    assert_eq!(differences(&cloud, 0), Vec::<String>::new());
    let left = cloud.place.json(&["backup", "list", "onedrive", "--all"], 0).0;
    assert_eq!(left.last().unwrap()["count"], 1, "the checkpoints are gone");
}

#[test]
fn an_interrupted_backup_leaves_a_checkpoint() {
    let shape = TenantProfile { size_median: 60_000, ..tenant(2, 400) };
    let cloud = Cloud::new(shape, slow());
    let arguments = ["backup", "create", "onedrive", "--user", "*", "--threads", "1", "--json"];
    let mut command = cloud.place.process(&cargo_bin("corso"), &arguments);
    command.envs(cloud.environment()).stdout(Stdio::piped()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let begun = Instant::now();
    while cloud.downloads() < 20 && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(2));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let lines = String::from_utf8(output.stdout).unwrap();
    let summary: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(summary["interrupted"], true);
    cloud.back_up(&["--user", "*"], 0);
    assert_eq!(differences(&cloud, 1), Vec::<String>::new());
}

#[test]
fn a_policy_is_for_a_users_drive_and_says_how_to_compress() {
    let stored = |level: &str| {
        let cloud = Cloud::new(tenant(1, 60), Faults::default());
        let (place, user) = (&cloud.place, cloud.user(0));
        place.json(&["policy", "set", "--service", "onedrive", "--compression", level], 0);
        let (lines, _) = cloud.json(&["backup", "create", "onedrive", "--user", &user], 0);
        let stored = of_type(&lines, "user")[0]["statistics"]["bytes_stored"].as_u64().unwrap();
        (cloud, user, stored)
    };
    let (_, _, least) = stored("max");
    let (cloud, user, most) = stored("none");
    assert!(least < most, "{least} bytes compressed, {most} as they are");

    let place = &cloud.place;
    place.json(&["policy", "set", "--source", &user, "--keep-last", "1"], 0);
    let (lines, _) = place.json(&["policy", "list"], 0);
    assert_eq!(
        (&lines[1]["owner"], &lines[1]["scope"]),
        (&Value::from(user.as_str()), &Value::from("source"))
    );
    cloud.state().mutate(&Mutation { seed: Some(7), count: 12, ..Mutation::default() });
    cloud.back_up(&["--user", &user], 0);
    let (lines, _) = place.json(&["snapshot", "forget", "--policy"], 0);
    let kept: Vec<&Value> = of_type(&lines, "retention").iter().map(|line| &line["keep"]).collect();
    assert_eq!(kept, [false, true]);
    // What is deleted as a backup comes back as a snapshot does.
    let gone = of_type(&lines, "retention")[0]["id"].as_str().unwrap().to_owned();
    place.json(&["snapshot", "recall", &gone], 0);
    place.json(&["backup", "delete", "onedrive", "--backups", &gone], 0);
    place.json(&["snapshot", "recall", &gone], 0);
    assert_eq!(of_type(&place.json(&["backup", "list", "onedrive"], 0).0, "backup").len(), 2);
}
