//! Bad input: what is wrong, the exit code, and the next step.

mod common;

use common::Place;

/// Runs a command that fails, and checks that text and JSON say so alike.
fn fails(place: &Place, arguments: &[&str], code: i32) -> String {
    let (lines, errors) = place.json(arguments, code);
    assert!(lines.is_empty(), "{lines:?}");
    let error = errors.last().unwrap();
    assert_eq!((&error["message_type"], &error["code"]), (&"exit_error".into(), &code.into()));
    assert!(!error["hint"].as_str().unwrap().is_empty());
    let text = place.corso(arguments).output().unwrap();
    assert_eq!(text.status.code(), Some(code));
    String::from_utf8(text.stderr).unwrap()
}

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
    fails(&place, &["snapshot", "create", "source", "--checkpoint-interval", "2s"], 2);
    fails(&place, &["snapshot", "create", "source", "--pack-size", "1GiB"], 2);
    fails(&place, &["snapshot", "show", "not-an-id"], 2);
    fails(&place, &["repo", "status", "--log-level", "="], 2);
    place.corso(&["--help"]).assert().code(0);
    place.corso(&["--version"]).assert().code(0);
}

#[test]
fn a_source_that_is_not_there_fails() {
    let place = Place::with_repository();
    fails(&place, &["snapshot", "create", "./nowhere"], 1);
    // One of several: the others are saved.
    place.write("here", b"x");
    place.json(&["snapshot", "create", "./here", "./nowhere"], 3);
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
fn an_older_history_is_noticed() {
    let place = Place::with_repository();
    place.write("source/file", b"x");
    place.back_up(&["source"]);
    std::fs::remove_file(place.path("repository/log/00000000000000000002")).unwrap();
    fails(&place, &["snapshot", "list"], 31);
    place.json(&["snapshot", "list", "--accept-rollback"], 0);
}

#[test]
fn a_mistake_in_the_configuration_is_named() {
    let place = Place::with_repository();
    place.write("config.toml", b"[settings]\ncolour = 'red'\n");
    let shown = fails(&place, &["repo", "status", "--config", "config.toml"], 2);
    assert!(shown.contains("colour"), "{shown}");
}

#[test]
fn a_damaged_record_is_damage() {
    let place = Place::with_repository();
    let record = place.path("repository/log/00000000000000000001");
    let mut bytes = std::fs::read(&record).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&record, bytes).unwrap();
    fails(&place, &["snapshot", "list"], 30);
}

#[test]
fn damage_is_found_and_named_with_the_snapshot() {
    let place = Place::with_repository();
    // Noise, so that compression leaves enough to damage.
    let noise: Vec<u8> =
        (0..10_000u32).map(|n| (n.wrapping_mul(n).wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    place.write("source/letters/may.txt", &noise);
    let id = place.back_up(&["source"]);
    for level in ["log", "blobs", "data"] {
        let (lines, _) = place.json(&["repo", "verify", "--level", level], 0);
        assert_eq!(lines.last().unwrap()["damage"], 0);
    }
    let pack = find_file(&place.path("repository/packs/data"));
    let mut bytes = std::fs::read(&pack).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(&pack, bytes).unwrap();
    for arguments in [&["--level", "blobs"][..], &["--level", "data"], &["--read-data", "100%"]] {
        let (lines, _) = place.json(&[&["repo", "verify"], arguments].concat(), 30);
        let finding = &lines[0];
        let name = pack.file_name().unwrap().to_str().unwrap();
        assert!(finding["blob"].as_str().unwrap().ends_with(name), "{finding}");
        assert_eq!(finding["snapshots"][0], id.as_str(), "{finding}");
        assert_eq!(finding["paths"][0]["path"], "letters/may.txt", "{finding}");
    }
}

/// The one file in a folder of folders.
fn find_file(folder: &std::path::Path) -> std::path::PathBuf {
    let mut path = folder.to_owned();
    while path.is_dir() {
        path = std::fs::read_dir(&path).unwrap().next().unwrap().unwrap().path();
    }
    path
}
