//! The log: records damaged, missing, swapped, rolled back, forked; an init that ended half-way.

use std::path::{Path, PathBuf};

use crate::common::Place;
use crate::{fails, files, flip, is_whole, name, rehash, snapshots};

/// A repository with records 2 and 3: a snapshot each.
fn two_snapshots() -> Place {
    let place = Place::with_repository();
    for text in ["first", "second"] {
        place.write("source/file", text.as_bytes());
        place.back_up(&["source"]);
    }
    place
}

fn record(place: &Place, revision: u64) -> PathBuf {
    place.path("repository/log").join(format!("{revision:020}"))
}

fn copy(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

#[test]
fn behind_a_damaged_record_nothing_is_read_and_nothing_written() {
    for revision in [2, 3] {
        let place = two_snapshots();
        let record = record(&place, revision);
        let bytes = flip(&record);
        let blob = name(&place, &record);
        // What stands before it is shown, but nobody takes it for the whole.
        assert_eq!(snapshots(&place, &[], 30).len() as u64, revision - 2);
        let (_, warnings) = place.json(&["snapshot", "list"], 30);
        let warning = warnings[0]["message"].as_str().unwrap();
        assert!(warning.contains("the log is broken") && warning.contains(&blob), "{warning}");
        let before = files(&place.path("repository"));
        let shown = fails(&place, &["snapshot", "create", "source"], 30);
        assert!(shown.contains(&blob) && shown.contains("copy of the repository"), "{shown}");
        assert_eq!(files(&place.path("repository")), before, "nothing is uploaded in vain");
        let (findings, _) = place.json(&["repo", "verify"], 30);
        assert_eq!(findings[0]["blob"], blob.as_str());
        std::fs::write(&record, bytes).unwrap();
        place.back_up(&["source"]);
        is_whole(&place);
    }
}

#[test]
fn without_its_first_record_a_repository_is_damaged_and_not_new() {
    let place = two_snapshots();
    let first = record(&place, 1);
    let bytes = flip(&first);
    for arguments in [&["snapshot", "list"][..], &["repo", "verify"], &["snapshot", "create", "source"]] {
        assert!(fails(&place, arguments, 30).contains(&name(&place, &first)));
    }
    std::fs::remove_file(&first).unwrap();
    assert!(fails(&place, &["snapshot", "list"], 30).contains("record 1 is missing"));
    std::fs::write(&first, bytes).unwrap();
    is_whole(&place);
}

#[test]
fn a_missing_or_swapped_record_breaks_the_chain() {
    let place = two_snapshots();
    let (second, third) = (record(&place, 2), record(&place, 3));
    let aside = place.path("aside");
    std::fs::rename(&second, &aside).unwrap();
    let (_, warnings) = place.json(&["snapshot", "list"], 30);
    assert!(warnings[0]["message"].as_str().unwrap().contains("record 2 is missing"));
    std::fs::rename(&third, &second).unwrap();
    std::fs::rename(&aside, &third).unwrap();
    let (_, warnings) = place.json(&["snapshot", "list"], 30);
    assert!(warnings[0]["message"].as_str().unwrap().contains(&name(&place, &second)));
    std::fs::rename(&third, &aside).unwrap();
    std::fs::rename(&second, &third).unwrap();
    std::fs::rename(&aside, &second).unwrap();
    is_whole(&place);
}

#[test]
fn an_older_history_is_noticed() {
    let place = two_snapshots();
    std::fs::remove_file(record(&place, 3)).unwrap();
    for arguments in [&["snapshot", "list"][..], &["repo", "verify"], &["snapshot", "create", "source"]] {
        let shown = fails(&place, arguments, 31);
        assert!(shown.contains("revision 3") && shown.contains("--accept-rollback"), "{shown}");
    }
    place.json(&["snapshot", "list", "--accept-rollback"], 0);
    // From here on it is the history to go on with.
    place.back_up(&["source"]);
    is_whole(&place);
}

#[test]
fn another_history_is_noticed() {
    let place = two_snapshots();
    let (repository, copied) = (place.path("repository"), place.path("copy"));
    copy(&repository, &copied);
    place.back_up(&["source"]);
    // Another client goes on with the copy.
    let elsewhere = ["snapshot", "create", "source", "--repo", "./copy", "--state-dir", "other"];
    place.json(&elsewhere, 0);
    std::fs::rename(&repository, place.path("original")).unwrap();
    std::fs::rename(&copied, &repository).unwrap();
    let shown = fails(&place, &["snapshot", "list"], 31);
    assert!(shown.contains("record 4 is"), "{shown}");
    fails(&place, &["snapshot", "create", "source"], 31);
    place.json(&["snapshot", "list", "--accept-rollback"], 0);
    place.back_up(&["source"]);
    is_whole(&place);
}

#[test]
fn a_damaged_memory_is_told_and_made_anew() {
    let place = two_snapshots();
    let seen =
        files(&place.path(".local/state/corso")).into_iter().find(|file| file.extension().unwrap() == "seen");
    std::fs::write(seen.unwrap(), "nonsense").unwrap();
    let (_, warnings) = place.json(&["snapshot", "list"], 0);
    assert!(warnings[0]["message"].as_str().unwrap().contains(".seen"), "{warnings:?}");
    assert_eq!(place.json(&["snapshot", "list"], 0).1.len(), 0);
}

#[test]
fn a_record_of_a_newer_release_is_no_damage() {
    let place = two_snapshots();
    let record = record(&place, 3);
    rehash(&record, 8, 9);
    let shown = fails(&place, &["snapshot", "list"], 1);
    assert!(shown.contains("format version 9") && shown.contains("newer release"), "{shown}");
    rehash(&record, 8, 0);
    is_whole(&place);
}

#[test]
fn an_init_that_ended_before_its_first_record_is_completed() {
    for completed_by in [&["snapshot", "list"][..], &["repo", "init", "filesystem", "--path", "repository"]] {
        let place = Place::with_repository();
        std::fs::remove_file(record(&place, 1)).unwrap();
        // Whoever saw its first record knows better.
        fails(&place, &["snapshot", "list"], 31);
        std::fs::remove_dir_all(place.path(".local")).unwrap();
        place.json(completed_by, 0);
        place.write("source/file", b"x");
        place.back_up(&["source"]);
        is_whole(&place);
    }
}

#[test]
fn an_init_that_ended_with_a_slot_can_be_begun_again() {
    let place = Place::with_repository();
    let repository = place.path("repository");
    std::fs::remove_file(record(&place, 1)).unwrap();
    std::fs::remove_file(repository.join("corso.format")).unwrap();
    std::fs::remove_dir_all(place.path(".local")).unwrap();
    place.json(&["repo", "init", "--name", "anew", "filesystem", "--path", "repository"], 0);
    place.write("source/file", b"x");
    place.back_up(&["source"]);
    is_whole(&place);
}
