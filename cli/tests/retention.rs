//! Policies, what they keep, and what comes back.

mod common;

use std::convert::Infallible;
use std::os::unix::ffi::OsStrExt;

use common::Place;
use repo_format::codec::ManifestId;
use repo_format::format::slot::Secret;
use repo_format::log::{Action, ManifestRow, SnapshotState};
use repo_format::repository::{OpenOptions, Repository};
use repo_format::storage::{Blobs, Location, Storage, StorageOptions};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const HOUR: i64 = 3600 * 1_000_000_000;
/// 2026-03-02.
const MONDAY: i64 = 20_514 * 24 * HOUR;

/// Runs a command that fails; gives what it says.
fn fails(place: &Place, arguments: &[&str], code: i32) -> String {
    let (_, errors) = place.json(arguments, code);
    assert_eq!(errors.last().unwrap()["message_type"], "exit_error");
    let output = place.corso(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(code));
    String::from_utf8(output.stderr).unwrap()
}

fn last(place: &Place, arguments: &[&str]) -> Value {
    place.json(arguments, 0).0.pop().unwrap()
}

/// The IDs that `snapshot list` shows, with these options.
fn listed(place: &Place, more: &[&str]) -> Vec<String> {
    let (lines, _) = place.json(&[&["snapshot", "list"], more].concat(), 0);
    let snapshots = lines.iter().filter(|line| line["message_type"] == "snapshot");
    snapshots.map(|line| line["id"].as_str().unwrap().to_owned()).collect()
}

/// Verdicts of `snapshot forget`, by ID.
fn retention(place: &Place, arguments: &[&str], code: i32) -> Vec<(String, bool, Vec<Value>)> {
    let (lines, _) = place.json(&[&["snapshot", "forget"], arguments].concat(), code);
    let lines = lines.into_iter().filter(|line| line["message_type"] == "retention");
    let text = |line: &Value| line["id"].as_str().unwrap().to_owned();
    lines
        .map(|line| (text(&line), line["keep"] == true, line["reasons"].as_array().unwrap().clone()))
        .collect()
}

/// Snapshots of a folder, each with other content.
fn several(place: &Place, folder: &str, count: usize) -> Vec<String> {
    let one = |n: usize| {
        place.write(&format!("{folder}/file"), format!("content {n}").as_bytes());
        place.back_up(&[folder])
    };
    (0..count).map(one).collect()
}

/// Works with the repository itself.
fn within<T>(place: &Place, work: impl FnOnce(&Repository) -> T) -> T {
    let runtime = Runtime::new().unwrap();
    let location = Location::Folder { path: place.path("repository") };
    let storage = Storage::open(&location, &StorageOptions::default()).unwrap();
    let blobs = Blobs::new(storage, runtime.handle().clone());
    let secret = Secret::key_file(&[7; 64]).unwrap();
    work(&Repository::open(blobs, &secret, OpenOptions::default()).unwrap())
}

/// Makes rows like that of the newest snapshot, at other times; each as `change` has it.
fn rows_at(place: &Place, times: &[i64], change: impl Fn(usize, &mut ManifestRow)) -> Vec<String> {
    within(place, |repository| {
        let like = repository.snapshots().unwrap().pop().unwrap();
        let row = |(number, time): (usize, &i64)| {
            let id = ManifestId(*blake3::hash(&number.to_le_bytes()).as_bytes());
            // Not one that was found again, which would keep its place.
            let mut row = ManifestRow { id, revision: 0, start_ns: *time, end_ns: *time, ..like.clone() };
            change(number, &mut row);
            let put = Action::PutManifest { row: Box::new(row), relied: vec![], bases: vec![] };
            repository.log().commit(|_| Ok::<_, Infallible>(vec![put.clone()])).unwrap();
            id.to_string()
        };
        times.iter().enumerate().map(row).collect()
    })
}

#[test]
fn a_policy_says_which_snapshots_stay() {
    let place = Place::with_repository();
    let ids = several(&place, "source", 4);
    let other = several(&place, "other", 2);
    place.json(&["policy", "set", "--service", "folder", "--keep-last", "2"], 0);
    place.json(&["policy", "set", "--source", "other", "--keep-last", "none"], 0);

    let told = retention(&place, &["--policy", "--dry-run"], 0);
    assert_eq!(told.len(), 6);
    let of = |id: &str| told.iter().find(|line| line.0 == id).unwrap();
    assert_eq!((of(&ids[1]).1, &of(&ids[1]).2), (false, &vec![]));
    assert_eq!((of(&ids[2]).1, &of(&ids[2]).2), (true, &vec![json!("last 2 of 2")]));
    assert_eq!(of(&ids[3]).2, [json!("last 1 of 2"), json!("newest complete")]);
    assert_eq!(of(&other[0]).2, [json!("no keep rule")]);
    assert_eq!(listed(&place, &[]).len(), 6);
    let text = place.corso(&["snapshot", "forget", "--policy", "--dry-run"]).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("last 2 of 2") && text.contains("Would forget 2 snapshots; 4 stay."), "{text}");

    let summary = last(&place, &["snapshot", "forget", "--policy", "--source", "source"]);
    assert_eq!((&summary["forgotten"], &summary["kept"]), (&json!([ids[0], ids[1]]), &json!(2)));
    assert_eq!(listed(&place, &["--source", "source"]), ids[2..]);
    assert_eq!(listed(&place, &["--forgotten"]), ids[..2]);
    // Once more there is nothing to do, and nothing is committed.
    let summary = last(&place, &["snapshot", "forget", "--policy"]);
    assert_eq!((&summary["forgotten"], summary.get("revision")), (&json!([]), None));
    place.json(&["repo", "verify", "--level", "data"], 0);
}

#[test]
fn what_was_forgotten_comes_back() {
    let place = Place::with_repository();
    let ids = several(&place, "source", 3);
    place.json(&["snapshot", "forget", &ids[0], &ids[1]], 0);
    let (lines, _) = place.json(&["snapshot", "list", "--forgotten"], 0);
    assert!(lines[0]["forgotten_in"].as_u64().unwrap() > lines[0]["revision"].as_u64().unwrap());
    // All or none.
    fails(&place, &["snapshot", "recall", &ids[0], &ids[2]], 2);
    assert_eq!(listed(&place, &[]), ids[2..]);
    let summary = last(&place, &["snapshot", "recall", &ids[0][..9], &ids[1], &ids[1]]);
    assert_eq!((&summary["recalled"], &summary["walked"]), (&json!([ids[0], ids[1]]), &json!(0)));
    assert_eq!(listed(&place, &[]), ids);
    assert!(listed(&place, &["--forgotten"]).is_empty());
    place.json(&["snapshot", "restore", &ids[0], "--target", "back"], 0);
    assert_eq!(std::fs::read(place.path("back/file")).unwrap(), b"content 0");
    place.json(&["repo", "verify", "--level", "data"], 0);

    assert!(fails(&place, &["snapshot", "recall", &ids[0]], 2).contains("is not forgotten"));
    assert!(fails(&place, &["snapshot", "recall", "ffffffffff"], 22).contains("no snapshot"));
    fails(&place, &["snapshot", "recall", "latest"], 2);
    fails(&place, &["snapshot", "recall"], 2);
    fails(&place, &["snapshot", "recall", &ids[0], "--at", "2"], 2);
}

#[test]
fn days_and_tags_count_and_a_wrong_clock_does_not() {
    let place = Place::with_repository();
    place.write("source/file", b"x");
    let first = place.back_up(&["source"]);
    let day = 24 * HOUR;
    let year_2050 = 29_220 * day;
    let times = [MONDAY, MONDAY + HOUR, MONDAY + day, year_2050, MONDAY + 2 * day, 0, MONDAY + 3 * day];
    let ids = rows_at(&place, &times, |number, row| {
        if number == 0 {
            row.tags.insert("legal".into(), "hold".into());
        }
        if number == 2 {
            row.state = SnapshotState::Partial;
        }
    });
    // The one that was really made is the oldest by revision, and has the latest time but 2050's.
    place.json(&["snapshot", "forget", &first], 0);
    let rules = ["--keep-daily", "3", "--keep-tag", "legal=hold", "--dry-run"];
    let told = retention(&place, &rules, 0);
    let stays: Vec<bool> = told.iter().map(|line| line.1).collect();
    assert_eq!(told.iter().map(|line| line.0.clone()).collect::<Vec<_>>(), ids);
    assert_eq!(stays, [true, false, true, true, true, true, true]);
    assert_eq!(told[0].2, [json!("tag legal=hold")]);
    assert_eq!(told[2].2, [json!("daily 2026-03-03")]);
    assert_eq!(told[3].2, [json!("daily 2050-01-01")]);
    assert_eq!(told[6].2, [json!("daily 2026-03-05"), json!("newest complete")]);
    let lines = place.json(&[&["snapshot", "forget"], &rules[..]].concat(), 0).0;
    let odd: Vec<bool> = lines[..7].iter().map(|line| line["odd_clock"] == true).collect();
    assert_eq!(odd, [false, false, false, true, false, true, false]);

    let told = retention(&place, &["--keep-within", "1d", "--dry-run"], 0);
    let within: Vec<bool> = told.iter().map(|line| line.2.contains(&json!("within 1d"))).collect();
    assert_eq!(within, [false, false, false, true, true, true, true]);
    place.json(&["snapshot", "forget", "--keep-daily", "3", "--keep-tag", "legal"], 0);
    assert_eq!(listed(&place, &["--forgotten"]), [first, ids[1].clone()]);
}

#[test]
fn a_source_is_given_up_only_when_that_is_meant() {
    let place = Place::with_repository();
    let ids = several(&place, "source", 2);
    let other = several(&place, "other", 1);
    let give_up = ["snapshot", "forget", "--source", "source", "--keep-none"];
    let (lines, errors) = place.json(&give_up, 2);
    assert_eq!(lines.iter().map(|line| &line["keep"]).collect::<Vec<_>>(), [false, false]);
    assert!(errors[0]["message"].as_str().unwrap().contains("every snapshot of"), "{errors:?}");
    assert!(errors[0]["hint"].as_str().unwrap().contains("--yes-really"));
    assert_eq!(listed(&place, &[]).len(), 3);
    assert!(fails(&place, &["snapshot", "forget", "--keep-none"], 2).contains("and 1 other source"));
    place.json(&[&give_up[..], &["--dry-run"]].concat(), 0);
    assert_eq!(listed(&place, &[]).len(), 3);
    let summary = last(&place, &[&give_up[..], &["--yes-really"]].concat());
    assert_eq!((&summary["forgotten"], &summary["kept"]), (&json!(ids), &json!(0)));
    assert_eq!(listed(&place, &[]), other);
}

#[test]
fn policies_are_inherited_shown_listed_and_removed() {
    let place = Place::with_repository();
    place.write("source/file", b"x");
    assert_eq!(last(&place, &["policy", "list"])["count"], 0);
    assert_eq!(last(&place, &["policy", "show"])["keeps_all"], true);
    place.json(&["policy", "set", "--global", "--keep-daily", "7", "--keep-within", "30d"], 0);
    let service = ["policy", "set", "--service", "folder", "--keep-daily", "none", "--compression", "max"];
    place.json(&service, 0);
    // A folder that was never backed up is a source as well.
    let source = ["policy", "set", "--source", "source", "--keep-last", "9", "--exclude", "*.tmp"];
    let set = last(&place, &source);
    assert_eq!(set["policy"], json!({"keep_last": 9, "exclude": ["*.tmp"]}));
    place.back_up(&["source"]);
    let shown = last(&place, &["policy", "show", "source"]);
    let wanted = json!({"keep_last": 9, "keep_daily": 0, "keep_within_seconds": 2_592_000, "compression": "max",
        "exclude": ["*.tmp"]});
    assert_eq!(shown["policy"], wanted);
    let from = json!({"keep_last": "source", "keep_daily": "service", "keep_within_seconds": "global",
        "compression": "service", "exclude": "source"});
    assert_eq!(shown["from"], from);
    let path = place.path("source");
    assert_eq!(
        shown["source"]["paths"][0]["path"],
        String::from_utf8_lossy(path.as_os_str().as_bytes()).as_ref()
    );
    assert_eq!(last(&place, &["policy", "show", "--service", "onedrive"])["policy"]["keep_daily"], 7);

    // Of what is set again the rest stays; what is inherited is gone here.
    place.json(
        &[
            "policy",
            "set",
            "--source",
            "source",
            "--keep-last",
            "inherit",
            "--keep-tag",
            "b=1",
            "--keep-tag",
            "a",
        ],
        0,
    );
    let (lines, _) = place.json(&["policy", "list"], 0);
    let scopes: Vec<&Value> = lines[..3].iter().map(|line| &line["scope"]).collect();
    assert_eq!(scopes, ["global", "service", "source"]);
    let tags = json!([{"name": "a"}, {"name": "b", "value": "1"}]);
    assert_eq!(lines[2]["policy"], json!({"keep_tags": tags, "exclude": ["*.tmp"]}));
    let text = place.corso(&["policy", "show", "source"]).output().unwrap().stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("keep-within   30d  (from global)") && text.contains("keep-daily    none"),
        "{text}"
    );

    // A policy that says nothing any more is none.
    let all = ["--keep-tag", "inherit", "--exclude", "inherit"];
    assert!(
        last(&place, &[&["policy", "set", "--source", "source"], &all[..]].concat()).get("policy").is_none()
    );
    fails(&place, &["policy", "remove", "--source", "source"], 22);
    place.json(&["policy", "remove", "--service", "folder"], 0);
    place.json(&["policy", "remove", "--global"], 0);
    assert_eq!(last(&place, &["policy", "list"])["count"], 0);
}

#[test]
fn a_folder_is_not_taken_for_that_of_another_machine() {
    let place = Place::with_repository();
    place.write("source/file", b"x");
    place.back_up(&["source", "--host", "elsewhere"]);
    place.back_up(&["source", "."]);
    let set = |source: &str| {
        let (lines, _) = place.json(&["policy", "set", "--source", source, "--keep-last", "2"], 0);
        let source = &lines[0]["source"];
        (source["host"] == "elsewhere", source["paths"].as_array().unwrap().len())
    };
    assert_eq!(set("source"), (false, 1));
    let path = place.path("source");
    assert_eq!(set(&format!("elsewhere:{}", path.display())), (true, 1));
    let latest = place.json(&["snapshot", "list"], 0).0[1]["id"].as_str().unwrap().to_owned();
    assert_eq!(set(&format!("id:{}", &latest[..12])), (false, 2));
    assert_eq!(last(&place, &["policy", "list"])["count"], 3);
}

#[test]
fn a_backup_goes_by_the_policy_unless_it_is_told_otherwise() {
    let place = Place::with_repository();
    place.write("source/keep", &b"long and always the same ".repeat(40_000));
    place.write("source/left.tmp", b"x");
    let files = |place: &Place| {
        let (lines, _) = place.json(&["snapshot", "ls", "latest"], 0);
        lines.iter().filter_map(|line| Some(line.get("path")?.as_str()?.to_owned())).collect::<Vec<_>>()
    };
    let policy = ["policy", "set", "--global", "--exclude", "*.tmp", "--compression", "none"];
    place.json(&policy, 0);
    let stored = |place: &Place, more: &[&str]| {
        let (lines, _) = place.json(&[&["snapshot", "create", "source", "--force"], more].concat(), 0);
        lines.last().unwrap()["statistics"]["bytes_stored"].as_u64().unwrap()
    };
    assert!(stored(&place, &[]) > 100_000, "nothing is compressed");
    assert_eq!(files(&place), ["keep"]);
    place.write("source/keep", &b"long, always the same, another ".repeat(40_000));
    assert!(stored(&place, &["--compression", "max"]) < 100_000, "a flag is stronger");
    // What is left out is what the flag says, and the policy's no more.
    stored(&place, &["--exclude", "keep"]);
    assert_eq!(files(&place), ["left.tmp"]);
    // The environment is stronger, too, and writes no policy.
    place.write("source/keep", &b"long, always the same, a third ".repeat(40_000));
    let create = ["snapshot", "create", "source", "--json"];
    let output = place.corso(&create).env("CORSO_COMPRESSION", "max").output().unwrap();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(summary["statistics"]["bytes_stored"].as_u64().unwrap() < 100_000);
    let keep = ["policy", "set", "--global", "--keep-last", "3"];
    place.corso(&keep).env("CORSO_COMPRESSION", "max").assert().success();
    assert_eq!(last(&place, &["policy", "show"])["policy"]["compression"], "none");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let place = Place::with_repository();
    let ids = several(&place, "source", 1);
    let set = |more: &[&str], code| fails(&place, &[&["policy", "set"], more].concat(), code);
    // Scopes.
    set(&["--keep-last", "3"], 2);
    set(&["--global", "--service", "folder", "--keep-last", "3"], 2);
    assert!(set(&["--service", "exchange", "--keep-last", "3"], 2).contains("onedrive"));
    assert!(set(&["--source", "nowhere", "--keep-last", "3"], 22).contains("nowhere"));
    set(&["--source", "id:ffffffffff", "--keep-last", "3"], 22);
    set(&["--source", "otherhost:/source", "--keep-last", "3"], 22);
    // Fields.
    set(&["--global"], 2);
    set(&["--global", "--keep-daily", ""], 2);
    for wrong in ["0", "-1", "x", "1.5", "4294967296"] {
        assert!(set(&["--global", "--keep-daily", wrong], 2).contains("inherit"), "{wrong}");
    }
    for wrong in ["0d", "30", "d", "-1d", "30 days", "1m", "99999999999999999999d"] {
        assert!(set(&["--global", "--keep-within", wrong], 2).contains("30d"), "{wrong}");
    }
    set(&["--global", "--keep-tag", "=hold"], 2);
    set(&["--global", "--keep-tag", "inherit", "--keep-tag", "x"], 2);
    set(&["--global", "--compression", "most"], 2);
    set(&["--global", "--exclude", ""], 2);
    assert!(set(&["--global", "--exclude", "{a"], 2).contains("{a"));
    assert!(set(&["--service", "onedrive", "--exclude", "*.tmp"], 2).contains("for folders"));
    set(&["--global", "--keep-last", "3", "--at", "1"], 2);
    assert_eq!(last(&place, &["policy", "list"])["count"], 0);
    fails(&place, &["policy", "remove", "--global"], 22);
    fails(&place, &["policy", "show", "nowhere"], 22);

    let forget = |more: &[&str], code| fails(&place, &[&["snapshot", "forget"], more].concat(), code);
    forget(&[], 2);
    forget(&[&ids[0], "--policy"], 2);
    forget(&[&ids[0], "--keep-last", "1"], 2);
    forget(&[&ids[0], "--source", "source"], 2);
    forget(&["--policy", "--keep-last", "1"], 2);
    forget(&["--source", "source"], 2);
    forget(&["--keep-last", "0"], 2);
    forget(&["--keep-last", "1", "--keep-none"], 2);
    forget(&["--policy", "--source", "nowhere"], 22);
    forget(&["--keep-last", "1", "--source", "source", "--source", "nowhere"], 22);
    forget(&["--policy", "--at", "2"], 2);
    assert_eq!(listed(&place, &[]), ids);
}

#[test]
fn nothing_is_forgotten_while_a_policy_is_not_understood() {
    let place = Place::with_repository();
    let ids = several(&place, "source", 2);
    within(&place, |repository| {
        let later = Action::PutPolicy { name: "global".into(), value: Some(vec![0xa1, 0x0a, 0x00]) };
        repository.log().commit(|_| Ok::<_, Infallible>(vec![later.clone()])).unwrap();
    });
    let shown = fails(&place, &["snapshot", "forget", "--policy"], 1);
    assert!(shown.contains("the policy global") && shown.contains("corso policy remove"), "{shown}");
    fails(&place, &["snapshot", "forget", "--policy", "--dry-run"], 1);
    fails(&place, &["snapshot", "create", "source"], 1);
    fails(&place, &["policy", "list"], 1);
    assert_eq!(listed(&place, &[]), ids);
    // Rules for this once are as they are, and the policy can be removed.
    place.json(&["snapshot", "forget", "--keep-last", "1"], 0);
    assert_eq!(listed(&place, &[]), ids[1..]);
    place.json(&["policy", "remove", "--global"], 0);
    place.json(&["snapshot", "create", "source"], 0);
}
