//! A log that lost records is repaired: what is told, and what every command says until all was verified.

use crate::common::Place;
use crate::{fails, files, flip, is_whole, noise, snapshots};

fn three_snapshots() -> Place {
    let place = Place::with_repository();
    for text in ["first", "second", "third"] {
        place.write("source/file", text.as_bytes());
        place.write("source/noise", &noise(40_000));
        place.back_up(&["source"]);
    }
    place
}

/// What `repo repair log` comes to, with further options.
fn repair(place: &Place, arguments: &[&str], code: i32) -> serde_json::Value {
    let (lines, _) = place.json(&[&["repo", "repair", "log"], arguments].concat(), code);
    lines.into_iter().next_back().unwrap()
}

/// Maintenance waits for a verification, which every command says, and goes on after it.
fn is_held_and_verified(place: &Place) {
    let (_, warnings) = place.json(&["snapshot", "list"], 0);
    assert!(
        warnings[0]["message"].as_str().unwrap().contains("until all of it was verified"),
        "{warnings:?}"
    );
    assert!(fails(place, &["maintenance", "run"], 30).contains("repo verify --level data"));
    place.json(&["maintenance", "run", "--quick"], 0);
    let status = place.json(&["maintenance", "status"], 0).0.remove(0);
    assert!(status["held_since"].is_u64(), "{status}");
    place.json(&["repo", "verify"], 0);
    fails(place, &["maintenance", "run"], 30);
    let (lines, _) = place.json(&["repo", "verify", "--level", "data"], 0);
    assert!(lines.last().unwrap()["settled_in"].is_u64(), "{lines:?}");
    assert_eq!(place.json(&["snapshot", "list"], 0).1.len(), 0);
    place.json(&["maintenance", "run", "--grace", "0", "--grace-unknown", "0"], 0);
    is_whole(place);
}

#[test]
fn a_lost_record_is_passed_over_and_its_snapshot_comes_back() {
    for (revision, is_deleted) in [(3u64, false), (3, true), (4, false), (4, true)] {
        let place = three_snapshots();
        let listed = snapshots(&place, &[], 0);
        let record = place.path("repository/log").join(format!("{revision:020}"));
        match is_deleted {
            true => std::fs::remove_file(&record).unwrap(),
            false => drop(flip(&record)),
        }
        let before = files(&place.path("repository"));
        let told = repair(&place, &[], 30);
        assert_eq!((&told["dry_run"], &told["lost"][0]["revision"]), (&true.into(), &revision.into()));
        assert_eq!(told["revived"][0]["snapshot_id"], listed[revision as usize - 2]["id"]);
        assert_eq!(files(&place.path("repository")), before);
        let text = place.corso(&["repo", "repair", "log"]).output().unwrap();
        let text = String::from_utf8(text.stdout).unwrap();
        assert!(text.contains("Come back    1 snapshot") && text.contains("--yes"), "{text}");

        let done = repair(&place, &["--yes"], 0);
        assert_eq!((&done["dry_run"], &done["revived"]), (&false.into(), &told["revived"]));
        let now = snapshots(&place, &[], 0);
        let ids =
            |lines: &[serde_json::Value]| -> Vec<_> { lines.iter().map(|line| line["id"].clone()).collect() };
        assert_eq!(ids(&now), ids(&listed));
        let tag = &now[revision as usize - 2]["tags"][0];
        assert_eq!((&tag["name"], &tag["value"]), (&"corso.revived".into(), &"5".into()));
        assert_eq!(repair(&place, &[], 0)["lost"].as_array().map(Vec::len), Some(0));
        is_held_and_verified(&place);
    }
}

#[test]
fn a_lost_log_begins_anew() {
    let place = three_snapshots();
    let listed = snapshots(&place, &[], 0);
    for folder in ["log", "catalog"] {
        std::fs::remove_dir_all(place.path("repository").join(folder)).ok();
    }
    let shown = fails(&place, &["snapshot", "list"], 30);
    assert!(shown.contains("has lost its log") && shown.contains("corso repo repair log"), "{shown}");
    fails(&place, &["repo", "init", "filesystem", "--path", "repository"], 30);
    assert_eq!(repair(&place, &[], 30)["begins"], 1u64 << 32);
    let done = repair(&place, &["--yes"], 0);
    assert_eq!(done["revived"].as_array().map(Vec::len), Some(listed.len()));
    let now = snapshots(&place, &[], 0);
    assert_eq!(now.len(), listed.len());
    // Where they stood among each other has not changed.
    for (now, then) in now.iter().zip(&listed) {
        assert_eq!((&now["id"], &now["revision"]), (&then["id"], &then["revision"]));
    }
    is_held_and_verified(&place);
    place.json(&["snapshot", "restore", "latest", "--target", "back"], 0);
    assert_eq!(std::fs::read(place.path("back/file")).unwrap(), b"third");
    fails(&place, &["repo", "repair", "log", "--at", "1"], 2);
}
