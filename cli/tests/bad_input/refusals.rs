//! What is refused before anything is done: what is wrong, the exit code, and the next step.

use crate::common::Place;
use crate::damage::commit;
use crate::{fails, is_whole, rehash, snapshots};
use repo_format::log::{Action, FeatureScope};

#[test]
fn there_is_no_repository_there() {
    let place = Place::new();
    place.write("folder/file", b"x");
    for path in ["./nowhere", "./folder"] {
        let shown = fails(&place, &["repo", "status", "--repo", path], 10);
        assert!(shown.contains("hint: "), "{shown}");
    }
    fails(&place, &["snapshot", "list"], 2);
    fails(&place, &["snapshot", "list", "--repo", "unknown"], 2);
}

#[test]
fn a_wrong_secret_has_a_code_of_its_own() {
    let place = Place::with_repository();
    place.write("wrong", &[1; 32]);
    fails(&place, &["snapshot", "list", "--key-file", "wrong"], 12);
    place.write("short", &[1; 31]);
    fails(&place, &["snapshot", "list", "--key-file", "short"], 2);
}

#[test]
fn a_repository_is_not_made_twice() {
    let place = Place::with_repository();
    let shown = fails(&place, &["repo", "init", "filesystem", "--path", "repository"], 1);
    assert!(shown.contains("corso repo connect"), "{shown}");
}

#[test]
fn a_place_of_kopias_is_left_alone() {
    let place = Place::new();
    place.write("old/kopia.repository.f", b"{}");
    for arguments in [
        &["repo", "init", "filesystem", "--path", "old"][..],
        &["repo", "connect", "filesystem", "--path", "old"],
        &["snapshot", "list", "--repo", "./old"],
    ] {
        let shown = fails(&place, arguments, 10);
        assert!(shown.contains("kopia") && shown.contains("migrating.md"), "{shown}");
    }
    assert_eq!(std::fs::read_dir(place.path("old")).unwrap().count(), 1, "nothing is added");
}

#[test]
fn two_secrets_are_one_too_many() {
    let place = Place::with_repository();
    let mut command = place.corso(&["repo", "status"]);
    command.env("CORSO_PASSPHRASE", "hidden words").assert().code(2);
    let output = command.output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("hidden"));
    fails(&place, &["repo", "status", "--key-file", "key", "--passphrase-file", "key"], 2);
}

#[test]
fn without_a_secret_or_a_terminal_nobody_is_asked() {
    let place = Place::with_repository();
    place.corso(&["repo", "status"]).env_remove("CORSO_KEY_FILE").assert().code(2);
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let place = Place::with_repository();
    fails(&place, &["snapshot", "restore", "latest"], 2);
    let often = ["snapshot", "create", "source", "--checkpoint-interval", "2s"];
    fails(&place, &often, 2);
    place.write("source/file", b"x");
    place.corso(&often).env("CORSO_TESTING", "1").assert().code(0);
    fails(&place, &["snapshot", "create", "source", "--pack-size", "1GiB"], 2);
    fails(&place, &["snapshot", "show", "not-an-id"], 2);
    fails(&place, &["repo", "status", "--log-level", "="], 2);
    place.corso(&["--help"]).assert().code(0);
    place.corso(&["--version"]).assert().code(0);
}

#[test]
fn what_is_not_in_a_snapshot_does_not_match() {
    let place = Place::with_repository();
    fails(&place, &["snapshot", "show", "latest"], 22);
    place.write("source/file", b"x");
    place.back_up(&["source"]);
    fails(&place, &["snapshot", "cat", "latest:other"], 22);
    fails(&place, &["snapshot", "restore", "latest:other", "--target", "back"], 22);
    fails(&place, &["snapshot", "cat", "latest"], 2);
    fails(&place, &["snapshot", "ls", "abcdef"], 22);
}

#[test]
fn a_mistake_in_the_configuration_is_named() {
    let place = Place::with_repository();
    let mistakes: [(&[u8], &str); 4] = [
        (b"[settings]\ncolour = 'red'\n", "colour"),
        (b"[settings\n", "line 1"),
        (b"[repositories.x]\nplace = 'y'\n", "place"),
        (&[0xff, 0xfe, 0x00], "UTF-8"),
    ];
    for (text, wanted) in mistakes {
        place.write("config.toml", text);
        let shown = fails(&place, &["repo", "status", "--config", "config.toml"], 2);
        assert!(shown.contains(wanted) && shown.contains("config.toml"), "{shown}");
    }
}

#[test]
fn a_newer_format_is_refused_and_named() {
    let place = Place::with_repository();
    let format = place.path("repository/corso.format");
    rehash(&format, 8, 9);
    for arguments in [&["snapshot", "list"][..], &["repo", "init", "filesystem", "--path", "repository"]] {
        let shown = fails(&place, arguments, 1);
        assert!(shown.contains("format version 9") && shown.contains("newer release"), "{shown}");
    }
    rehash(&format, 8, 0);
    is_whole(&place);
}

#[test]
fn an_unknown_feature_is_refused_and_named() {
    let feature = |scope| Action::RequireFeature { name: "teleport".into(), scope };
    let place = Place::with_repository();
    place.write("source/file", b"x");
    commit(&place, feature(FeatureScope::Writers));
    let shown = fails(&place, &["snapshot", "create", "source"], 1);
    assert!(shown.contains("\"teleport\" of its writers"), "{shown}");
    is_whole(&place);

    let place = Place::with_repository();
    commit(&place, feature(FeatureScope::Readers));
    let shown = fails(&place, &["snapshot", "list"], 1);
    assert!(shown.contains("teleport") && shown.contains("newer release"), "{shown}");
}

#[test]
fn an_id_must_mean_one_snapshot() {
    let place = Place::with_repository();
    // More than there are digits, so that two begin alike.
    for n in 0..17 {
        place.write("source/file", &[n]);
        place.back_up(&["source"]);
    }
    let ids = snapshots(&place, &[], 0);
    let mut digits: Vec<_> = ids.iter().map(|id| &id["id"].as_str().unwrap()[..1]).collect();
    digits.sort();
    let twice = digits.windows(2).find(|pair| pair[0] == pair[1]).unwrap()[0];
    let shown = fails(&place, &["snapshot", "show", twice], 2);
    assert!(shown.contains("could be") && shown.contains("more digits"), "{shown}");
    for nonsense in ["", "xyz", "latest1"] {
        assert!(fails(&place, &["snapshot", "show", nonsense], 2).contains("is no snapshot ID"));
    }
}

#[test]
fn a_revision_that_is_not_there_does_not_match() {
    let place = Place::with_repository();
    for revision in ["0", "99"] {
        let shown = fails(&place, &["snapshot", "list", "--at", revision], 22);
        assert!(shown.contains(&format!("revision {revision} is not kept")), "{shown}");
    }
    place.write("source/file", b"x");
    fails(&place, &["snapshot", "create", "source", "--at", "1"], 2);
}

#[test]
fn every_command_says_in_json_what_is_wrong() {
    let place = Place::new();
    let commands: [&[&str]; 25] = [
        &["repo", "connect", "filesystem", "--path", "nowhere"],
        &["repo", "status"],
        &["repo", "key", "list"],
        &["repo", "key", "add", "--new-key-file", "key"],
        &["repo", "key", "remove", "ab"],
        &["repo", "key", "change-passphrase", "--new-key-file", "key"],
        &["repo", "recovery-kit"],
        &["repo", "verify"],
        &["repo", "sync", "--to", "./copy"],
        &["repo", "promote"],
        &["snapshot", "create", "."],
        &["snapshot", "list"],
        &["snapshot", "show", "latest"],
        &["snapshot", "ls", "latest"],
        &["snapshot", "cat", "latest:file"],
        &["snapshot", "diff", "latest", "latest"],
        &["snapshot", "find", "x"],
        &["snapshot", "restore", "latest", "--target", "back"],
        &["snapshot", "forget", "latest"],
        &["snapshot", "forget", "--policy"],
        &["snapshot", "recall", "ab"],
        &["policy", "set", "--global", "--keep-last", "3"],
        &["policy", "show"],
        &["policy", "list"],
        &["policy", "remove", "--global"],
    ];
    for command in commands {
        fails(&place, &[command, &["--repo", "./nowhere"]].concat(), 10);
    }
    fails(&place, &["repo", "disconnect", "--repo", "unknown"], 2);
}
