//! `corso restore onedrive`

use std::collections::BTreeMap;

use graph_sim::model::truth::TrueKind;
use graph_sim::{Faults, PoisonKind};
use serde_json::Value;

use super::cloud::{Cloud, tenant};

const RESTORE: [&str; 4] = ["restore", "onedrive", "--backup", "latest"];

/// The files of a drive below a folder: path from there, and hash.
fn files(cloud: &Cloud, drive: u32, below: &str) -> BTreeMap<String, Option<String>> {
    let items = cloud.state().true_state(drive).into_iter().filter(|item| item.kind == TrueKind::File);
    let inside = |path: &str| path.strip_prefix(below).map(str::to_owned);
    items.filter_map(|item| Some((inside(&item.path)?, item.quick_xor_hash))).collect()
}

fn restore(cloud: &Cloud, more: &[&str], code: i32) -> Value {
    cloud.json(&[&RESTORE[..], more].concat(), code).0.pop().unwrap()
}

#[test]
fn a_drive_comes_back_into_a_new_folder_and_into_another_drive() {
    let cloud = Cloud::new(tenant(2, 60), Faults::default());
    let user = cloud.user(0);
    cloud.back_up(&["--user", &user], 0);
    let all = files(&cloud, 0, "");
    let planned = restore(&cloud, &["--dry-run"], 0);
    assert_eq!((number(&planned, "files"), files(&cloud, 0, "").len()), (all.len(), all.len()));
    let done = restore(&cloud, &[], 0);
    let folder = format!("/{}", done["folder"].as_str().unwrap());
    assert!(folder.starts_with("/Corso_Restore_"));
    assert_eq!((files(&cloud, 0, &folder), number(&done, "files")), (all.clone(), all.len()));
    let other = cloud.user(1);
    let there = ["--to-resource", &other, "--destination", "From Adele"];
    assert_eq!(restore(&cloud, &there, 0)["user"], other);
    assert_eq!(files(&cloud, 1, "/From Adele"), all);
    assert!(cloud.state().violations().is_empty(), "{:?}", cloud.state().violations());
}

fn number(summary: &Value, name: &str) -> usize {
    summary[name].as_u64().unwrap() as usize
}

#[test]
fn what_is_there_is_skipped_copied_or_replaced() {
    let cloud = Cloud::new(tenant(1, 40), Faults::default());
    cloud.back_up(&["--user", "*"], 0);
    let all = files(&cloud, 0, "");
    let (lines, _) = cloud.json(&[&RESTORE[..], &["--destination", "/"]].concat(), 0);
    let skipped = lines.iter().filter(|line| line["message_type"] == "failure").count();
    assert_eq!((skipped, files(&cloud, 0, "")), (all.len(), all.clone()));
    restore(&cloud, &["--destination", "/", "--collisions", "copy"], 0);
    assert!(files(&cloud, 0, "").len() > all.len());
}

#[test]
fn a_selection_is_restored_and_one_of_nothing_refused() {
    let cloud = Cloud::new(tenant(1, 60), Faults::default());
    cloud.back_up(&["--user", "*"], 0);
    let wanted: Vec<String> =
        files(&cloud, 0, "").into_keys().filter(|path| path.ends_with(".txt")).collect();
    assert!(!wanted.is_empty());
    restore(&cloud, &["--destination", "Texts", "--file", "*.txt"], 0);
    assert_eq!(files(&cloud, 0, "/Texts").into_keys().collect::<Vec<_>>(), wanted);
    cloud.json(&[&RESTORE[..], &["--destination", "None", "--file", "nothing at all"]].concat(), 22);
}

#[test]
fn what_the_backup_is_without_is_named() {
    let faults = Faults { poison_per_user: 1, poison: vec![PoisonKind::Forbidden], ..Faults::default() };
    let cloud = Cloud::new(tenant(1, 30), faults);
    cloud.back_up(&["--user", "*"], 3);
    let (lines, _) = cloud.json(&[&RESTORE[..], &["--destination", "Back"]].concat(), 3);
    let failures = lines.iter().filter(|line| line["message_type"] == "failure");
    assert_eq!(failures.filter(|line| line["is_failure"] == true).count(), 1);
}
