//! The whole way through the program: made, backed up, listed, compared, restored, forgotten.

mod common;

use common::Place;
use serde_json::Value;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn what_is_backed_up_is_listed_and_restored() {
    let place = Place::with_repository();
    place.write("source/letters/may.txt", b"dear\n");
    place.write("source/noise", &[9; 100_000]);
    let id = place.back_up(&["source", "--tag", "kind=daily"]);

    let (lines, _) = place.json(&["snapshot", "list", "--source", "source", "--tag", "kind=daily"], 0);
    assert_eq!((text(&lines[0]["id"]), text(&lines[0]["state"])), (id.as_str(), "complete"));
    assert_eq!(lines[1]["count"], 1);
    assert_eq!(place.json(&["snapshot", "list", "--tag", "kind=other"], 0).0.len(), 1);

    let (lines, _) = place.json(&["snapshot", "ls", "latest", "--recursive"], 0);
    let paths: Vec<&str> = lines[..3].iter().map(|line| text(&line["path"])).collect();
    assert_eq!(paths, ["letters", "letters/may.txt", "noise"]);

    place.corso(&["snapshot", "cat", "latest:letters/may.txt"]).assert().success().stdout("dear\n");
    let (lines, _) = place.json(&["snapshot", "cat", "latest:letters/may.txt"], 0);
    assert_eq!(lines[0]["hex"], "646561720a");

    let restore = ["snapshot", "restore", &id[..8], "--target", "back", "--verify"];
    let (lines, _) = place.json(&restore, 0);
    let summary = lines.last().unwrap();
    assert_eq!((&summary["files"], &summary["differences"]), (&Value::from(2), &Value::from(0)));
    assert_eq!(std::fs::read(place.path("back/letters/may.txt")).unwrap(), b"dear\n");
}

#[test]
fn a_restore_leaves_what_is_there_unless_told_otherwise() {
    let place = Place::with_repository();
    place.write("source/file", b"stored");
    place.back_up(&["source"]);
    place.write("back/file", b"kept");
    let base = ["snapshot", "restore", "latest", "--target", "back"];
    let restore = |more: &[&str]| place.json(&[&base, more].concat(), 0).0.pop().unwrap();
    assert_eq!(restore(&["--verify"])["skipped"], 1);
    assert_eq!(std::fs::read(place.path("back/file")).unwrap(), b"kept");
    assert_eq!(restore(&["--dry-run", "--overwrite", "always"])["files"], 1);
    assert_eq!(std::fs::read(place.path("back/file")).unwrap(), b"kept");
    assert_eq!(restore(&["--overwrite", "always"])["files"], 1);
    assert_eq!(std::fs::read(place.path("back/file")).unwrap(), b"stored");
}

#[test]
fn two_snapshots_are_compared_and_searched() {
    let place = Place::with_repository();
    place.write("source/same", b"same");
    place.write("source/old/gone", b"gone");
    let before = place.back_up(&["source"]);
    std::fs::remove_dir_all(place.path("source/old")).unwrap();
    place.write("source/new", b"new");
    let after = place.back_up(&["source"]);

    let (lines, _) = place.json(&["snapshot", "diff", &before, &after], 0);
    let changes: Vec<(&str, &str)> =
        lines[..lines.len() - 1].iter().map(|it| (text(&it["path"]), text(&it["change"]))).collect();
    let expected = [("", "metadata"), ("new", "added"), ("old", "removed"), ("old/gone", "removed")];
    assert_eq!(changes, expected);

    let (lines, _) = place.json(&["snapshot", "find", "go?e"], 0);
    assert_eq!((lines.len(), text(&lines[0]["snapshot_id"])), (2, before.as_str()));
    let (_, errors) = place.json(&["snapshot", "find", "nothing"], 22);
    assert_eq!(errors[0]["message_type"], "exit_error");
}

#[test]
fn forgetting_is_all_or_nothing() {
    let place = Place::with_repository();
    place.write("source/file", b"x");
    let id = place.back_up(&["source"]);
    place.json(&["snapshot", "forget", &id, "ffffffffff"], 22);
    assert_eq!(place.json(&["snapshot", "forget", &id, "--dry-run"], 0).0[0]["dry_run"], true);
    assert_eq!(place.json(&["snapshot", "list"], 0).0.len(), 2);
    place.json(&["snapshot", "forget", &id], 0);
    assert_eq!(place.json(&["snapshot", "list"], 0).0.len(), 1);
    place.json(&["snapshot", "show", "latest"], 22);
}

#[test]
fn a_dry_run_writes_nothing() {
    let place = Place::with_repository();
    place.write("source/file", b"x");
    let (lines, _) = place.json(&["snapshot", "create", "source", "--dry-run"], 0);
    assert!(lines.last().unwrap().get("snapshot_id").is_none());
    assert_eq!(place.json(&["repo", "status"], 0).0[0]["revision"], 1);
}

#[test]
fn a_name_cannot_speak_to_the_terminal() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::with_repository();
    let odd = std::ffi::OsStr::from_bytes(b"a\x1b[31m\xff");
    place.write("source/x", b"x");
    std::fs::write(place.path("source").join(odd), "x").unwrap();
    place.back_up(&["source"]);
    place.corso(&["snapshot", "ls", "latest"]).assert().success().stdout("a\\u{1b}[31m\\xFF\nx\n");
    let (lines, _) = place.json(&["snapshot", "ls", "latest"], 0);
    assert_eq!(text(&lines[0]["path_hex"]), "611b5b33316dff");
}

#[test]
fn keys_are_added_used_and_removed() {
    let place = Place::with_repository();
    place.write("other", &[8; 40]);
    let added = place.json(&["repo", "key", "add", "--new-key-file", "other", "--label", "two"], 0).0;
    let id = text(&added[0]["added"]).to_owned();
    place.json(&["repo", "status", "--key-file", "other"], 0);
    assert_eq!(place.json(&["repo", "key", "list"], 0).0.len(), 4);
    place.json(&["repo", "key", "remove", &id[..10]], 0);
    place.json(&["repo", "status", "--key-file", "other"], 12);
}

#[test]
fn the_recovery_key_opens_what_the_first_secret_opened() {
    let place = Place::new();
    let made = place.json(&["repo", "init", "filesystem", "--path", "repository"], 0).0;
    place.write("recovery", text(&made[0]["recovery_key"]).to_lowercase().as_bytes());
    let status = ["repo", "status", "--recovery-key-file", "recovery"];
    assert_eq!(place.json(&status, 0).0[0]["repository_id"], made[0]["repository_id"]);
}

#[test]
fn the_demonstration_ends_with_an_equal_copy() {
    let place = Place::new();
    let (lines, _) = place.json(&["demo", "folder", "--size", "1MiB"], 0);
    let summary = lines.last().unwrap();
    assert_eq!(
        (&summary["differences"], &summary["command"]),
        (&Value::from(0), &Value::from("demo folder"))
    );
}

#[test]
fn settings_come_from_flag_environment_and_file_in_this_order() {
    let place = Place::with_repository();
    let config = "[settings]\njson = true\nverbose = 1\n";
    place.write("settings.toml", config.as_bytes());
    let list = |variable: &str| {
        let mut command = place.corso(&["snapshot", "list", "--repo", "./repository"]);
        command.args(["--config", "settings.toml"]).env("CORSO_JSON", variable);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(list("0").trim(), "No snapshots.");
    assert!(list("yes").starts_with('{'));
    let mut unset = place.corso(&["snapshot", "list", "--repo", "./repository", "--config", "settings.toml"]);
    assert!(unset.output().unwrap().stdout.starts_with(b"{"));
}

#[test]
fn several_repositories_have_names() {
    let place = Place::with_repository();
    let init = ["repo", "init", "--name", "second", "filesystem", "--path", "other"];
    let second = place.json(&init, 0).0[0]["repository_id"].clone();
    assert_eq!(place.json(&["repo", "status"], 0).0[0]["repository_id"], second);
    let first = place.json(&["repo", "status", "--repo", "repository"], 0).0[0]["repository_id"].clone();
    assert_ne!(first, second);
    place.json(&["repo", "disconnect"], 0);
    assert_eq!(place.json(&["repo", "status"], 0).0[0]["repository_id"], first);
    place.json(&["repo", "connect", "--name", "again", "filesystem", "--path", "other"], 0);
    assert_eq!(place.json(&["repo", "status"], 0).0[0]["name"], "again");
}

#[test]
fn a_backup_removes_what_a_crash_left_of_a_blob() {
    let place = Place::with_repository();
    let stale = place.write("repository/log/00000000000000000002#17", b"half");
    place.write("source/file", b"x");
    place.json(&["snapshot", "create", "source", "--dry-run"], 0);
    assert!(stale.exists());
    place.back_up(&["source"]);
    assert!(!stale.exists());
}
