//! `corso repo sync` and `corso repo promote`, as a user meets them.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use common::Place;
use folder::{CompareOptions, compare};
use serde_json::Value;

/// A repository with two snapshots of some files.
fn two_snapshots() -> Place {
    let place = Place::with_repository();
    for round in 0..2 {
        for n in 0..20 {
            let text = format!("{round} {n} ").repeat(500 * (n + 1));
            place.write(&format!("source/folder {}/file {n}", n % 3), text.as_bytes());
        }
        place.back_up(&["source"]);
    }
    place
}

/// Copies without a secret, and gives the summary.
fn sync(place: &Place, arguments: &[&str], code: i32) -> Value {
    let arguments = [&["repo", "sync", "--to", "./copy"], arguments].concat();
    let output = place.corso(&arguments).arg("--json").env_remove("CORSO_KEY_FILE").output().unwrap();
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {shown}");
    let last = String::from_utf8_lossy(&output.stdout).lines().last().unwrap().to_owned();
    serde_json::from_str(&last).unwrap()
}

/// A command that fails with a code; gives what it says.
fn fails(place: &Place, arguments: &[&str], code: i32) -> String {
    let output = place.corso(arguments).output().unwrap();
    let shown = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {shown}");
    shown
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        match entry.path().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.path().strip_prefix(folder).unwrap().to_owned()),
        }
    }
    let mut found: Vec<PathBuf> = found.into_iter().map(|path| folder.join(path)).collect();
    found.sort();
    found
}

/// Names and hashes of what lies below a folder, without what is no blob of both.
fn blobs(folder: &Path) -> Vec<(PathBuf, blake3::Hash)> {
    let own = ["RESERVE", "corso.copy", "corso.promoted"];
    let names = files(folder).into_iter().filter(|path| own.iter().all(|own| !path.ends_with(own)));
    let hash = |path: &Path| blake3::hash(&std::fs::read(path).unwrap());
    names.map(|path| (path.strip_prefix(folder).unwrap().to_owned(), hash(&path))).collect()
}

#[test]
fn a_copy_made_without_a_secret_gives_everything_back() {
    let place = two_snapshots();
    let dry = sync(&place, &["--dry-run"], 0);
    assert!(!place.path("copy").exists(), "a dry run makes no folder");
    let made = sync(&place, &[], 0);
    assert_eq!((&dry["copied"], &dry["copied_bytes"]), (&made["copied"], &made["copied_bytes"]));
    assert_eq!(made["revision"], 3);
    assert_eq!(blobs(&place.path("repository")), blobs(&place.path("copy")));
    // The copy alone is enough, on a machine that has never seen either.
    std::fs::rename(place.path("repository"), place.path("gone")).unwrap();
    let copy = ["--repo", "./copy", "--state-dir", "other", "--no-cache"];
    place.json(&[&["repo", "verify", "--level", "data"][..], &copy].concat(), 0);
    let back = place.path("back");
    let restore = ["snapshot", "restore", "latest", "--target", back.to_str().unwrap(), "--verify"];
    place.json(&[&restore[..], &copy].concat(), 0);
    assert!(compare(&place.path("source"), &back, &CompareOptions::default()).unwrap().is_empty());
    let (status, _) = place.json(&[&["repo", "status"][..], &copy].concat(), 0);
    assert_eq!(status.last().unwrap()["read_only_copy"], true);
    // A second run finds nothing to do.
    std::fs::rename(place.path("gone"), place.path("repository")).unwrap();
    let again = sync(&place, &[], 0);
    assert_eq!((&again["copied"], &again["there"]), (&0.into(), &made["copied"]));
    let text = place.corso(&["repo", "sync", "--to", "copy/"]).output().unwrap().stdout;
    assert!(String::from_utf8(text).unwrap().contains("read-only until `corso repo promote`"));
}

#[test]
fn every_command_that_writes_is_told_to_promote_and_those_that_read_go_on() {
    let place = two_snapshots();
    sync(&place, &[], 0);
    let before = blobs(&place.path("copy"));
    let (lines, _) = place.json(&["snapshot", "list"], 0);
    let id = lines[0]["id"].as_str().unwrap();
    place.write("other", &[9; 64]);
    let writing: [&[&str]; 16] = [
        &["snapshot", "create", "source"],
        &["snapshot", "create", "source", "--dry-run"],
        &["snapshot", "forget", id],
        &["snapshot", "recall", id],
        &["policy", "set", "--global", "--keep-last", "3"],
        &["policy", "remove", "--global"],
        &["repo", "key", "add", "--new-key-file", "other"],
        &["repo", "key", "add", "--new-recovery-key"],
        &["repo", "repair", "index", "--yes"],
        &["repo", "repair", "packs", "--yes"],
        &["repo", "repair", "snapshots", "--yes"],
        &["maintenance", "run"],
        &["maintenance", "run", "--quick"],
        &["backup", "delete", "onedrive", "--backups", id],
        &["backup", "create", "onedrive", "--user", "*", "--tenant-id", "t", "--client-id", "c"],
        &["repo", "init", "filesystem", "--path", "copy"],
    ];
    for command in writing {
        let repo: &[&str] = if command[1] == "init" { &[] } else { &["--repo", "./copy"] };
        let output = place.corso(&[command, repo].concat()).env("AZURE_CLIENT_SECRET", "x").output().unwrap();
        let shown = String::from_utf8(output.stderr).unwrap();
        let is_nothing = command[1] == "recall" || command[0] == "backup" && command[1] == "delete";
        match output.status.code() {
            // There is nothing forgotten, and no backup of a drive; that is found first.
            Some(2 | 22) if is_nothing => {}
            code => {
                assert_eq!(code, Some(1), "{command:?}: {shown}");
                assert!(shown.contains("corso repo promote"), "{command:?}: {shown}");
            }
        }
        assert_eq!(blobs(&place.path("copy")), before, "{command:?}");
    }
    let reading: [&[&str]; 9] = [
        &["snapshot", "list"],
        &["snapshot", "show", id],
        &["snapshot", "ls", "latest"],
        &["repo", "status"],
        &["repo", "key", "list"],
        &["repo", "recovery-kit"],
        &["repo", "verify"],
        &["maintenance", "status"],
        &["maintenance", "run", "--dry-run"],
    ];
    for command in reading {
        place.json(&[command, &["--repo", "./copy"]].concat(), 0);
    }
    place.json(&["repo", "connect", "--name", "second", "filesystem", "--path", "copy"], 0);
    assert_eq!(blobs(&place.path("copy")), before, "reading has changed something");
    // By the name that it is connected by.
    place.json(&["repo", "sync", "--to", "second", "--repo", "repository"], 0);
    let shown = fails(&place, &["repo", "sync", "--to", "second", "--repo", "./copy"], 2);
    assert!(shown.contains("--to"), "{shown}");
}

#[test]
fn a_promoted_copy_takes_backups_and_no_copying() {
    let place = two_snapshots();
    sync(&place, &[], 0);
    assert!(fails(&place, &["repo", "promote"], 2).contains("--repo"));
    let (lines, _) = place.json(&["repo", "promote", "--repo", "./copy"], 0);
    assert_eq!(lines.last().unwrap()["missing"], 0);
    fails(&place, &["repo", "promote", "--repo", "./copy"], 2);
    place.write("source/new", b"new");
    place.back_up(&["source", "--repo", "./copy"]);
    place.json(&["repo", "verify", "--level", "data", "--no-record", "--repo", "./copy"], 0);
    let before = blobs(&place.path("copy"));
    let shown = fails(&place, &["repo", "sync", "--to", "./copy"], 1);
    assert!(shown.contains("no copy") && shown.contains("docs/sync.md"), "{shown}");
    // A marker that comes after that is void; without what says so, the log is another.
    place.back_up(&["source"]);
    sync_to(&place, "./other");
    std::fs::copy(place.path("other/corso.copy"), place.path("copy/corso.copy")).unwrap();
    let shown = fails(&place, &["repo", "sync", "--to", "./copy"], 1);
    assert!(shown.contains("no copy"), "{shown}");
    place.json(&["snapshot", "list", "--repo", "./copy"], 0);
    std::fs::remove_file(place.path("copy/corso.promoted")).unwrap();
    let shown = fails(&place, &["repo", "sync", "--to", "./copy"], 31);
    assert!(shown.contains("ends at revision 4"), "{shown}");
    assert_eq!(blobs(&place.path("copy")), before);
}

fn sync_to(place: &Place, to: &str) {
    place.json(&["repo", "sync", "--to", to], 0);
}

#[test]
fn a_copy_that_lacks_something_is_promoted_by_force_only() {
    let place = two_snapshots();
    sync(&place, &[], 0);
    let pack = files(&place.path("copy/packs/data")).remove(0);
    std::fs::remove_file(&pack).unwrap();
    let shown = fails(&place, &["repo", "promote", "--repo", "./copy"], 30);
    assert!(shown.contains("packs/data/") && shown.contains("--force"), "{shown}");
    let (lines, _) = place.json(&["repo", "promote", "--repo", "./copy", "--force"], 30);
    assert_eq!((&lines[0]["kind"], &lines[1]["missing"]), (&"missing".into(), &1.into()));
    // The next backup heals it: the source still has what was lost.
    place.back_up(&["source", "--repo", "./copy"]);
    let restore = ["snapshot", "restore", "latest", "--target", "back", "--repo", "./copy"];
    place.json(&restore, 0);
    let found = compare(&place.path("source"), &place.path("back"), &CompareOptions::default()).unwrap();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn damage_of_the_repository_is_named_and_not_carried_on() {
    let place = two_snapshots();
    let pack = files(&place.path("repository/packs/data")).remove(0);
    let bytes = std::fs::read(&pack).unwrap();
    let mut damaged = bytes.clone();
    damaged[100] ^= 1;
    std::fs::write(&pack, &damaged).unwrap();
    let (lines, _) = place.json(&["repo", "sync", "--to", "./copy"], 30);
    let name = pack.strip_prefix(place.path("repository")).unwrap();
    assert_eq!(lines[0]["blob"].as_str(), name.to_str());
    assert_eq!((&lines[1]["damaged"], &lines[1]["revision"]), (&1.into(), &3.into()));
    assert!(!place.path("copy").join(name).exists());
    std::fs::write(&pack, bytes).unwrap();
    let healed = sync(&place, &["--check"], 0);
    assert_eq!((&healed["copied"], &healed["replaced"]), (&1.into(), &0.into()));
    // What rots at the copy is put right by a check.
    std::fs::write(place.path("copy").join(name), damaged).unwrap();
    let checked = sync(&place, &["--check"], 0);
    assert_eq!((&checked["copied"], &checked["replaced"]), (&1.into(), &1.into()));
    place.json(&["repo", "verify", "--level", "data", "--repo", "./copy"], 0);
}

#[test]
fn leftovers_go_by_the_copys_own_state() {
    let place = two_snapshots();
    sync(&place, &[], 0);
    let (lines, _) = place.json(&["snapshot", "list"], 0);
    place.json(&["snapshot", "forget", lines[0]["id"].as_str().unwrap()], 0);
    place.json(&["maintenance", "run", "--grace", "0", "--grace-unknown", "0", "--max-unused", "0"], 0);
    let told = sync(&place, &[], 0);
    assert!(told["stale"].as_u64() > Some(0) && told["deleted"] == 0, "{told}");
    // The secret is asked for before anything is done.
    place
        .corso(&["repo", "sync", "--to", "./copy", "--delete"])
        .env_remove("CORSO_KEY_FILE")
        .assert()
        .code(2);
    let (lines, _) = place.json(&["repo", "sync", "--to", "./copy", "--delete"], 0);
    let told = lines.last().unwrap();
    assert_eq!((&told["deleted"], &told["lost"]), (&told["stale"], &0.into()), "{told}");
    assert_eq!(blobs(&place.path("repository")), blobs(&place.path("copy")));
    // What the repository loses stays in the copy, and is told.
    let pack = files(&place.path("repository/packs/data")).remove(0);
    std::fs::remove_file(&pack).unwrap();
    let (lines, _) = place.json(&["repo", "sync", "--to", "./copy", "--delete"], 30);
    assert_eq!((&lines[0]["deleted"], &lines[0]["lost"]), (&0.into(), &1.into()));
    place.json(&["repo", "verify", "--level", "data", "--repo", "./copy"], 0);
}

#[test]
fn places_that_are_no_place_for_a_copy_are_refused() {
    let place = two_snapshots();
    assert!(fails(&place, &["repo", "sync", "--to", "./repository"], 2).contains("--to"));
    std::os::unix::fs::symlink(place.path("repository"), place.path("alias")).unwrap();
    fails(&place, &["repo", "sync", "--to", "./alias"], 2);
    place.json(&["repo", "init", "--name", "own", "filesystem", "--path", "own"], 0);
    fails(&place, &["repo", "sync", "--to", "./own", "--repo", "repository"], 1);
    // Connected under a name, it is known to be another before it is asked.
    fails(&place, &["repo", "sync", "--to", "own", "--repo", "repository"], 31);
    fails(&place, &["repo", "sync", "--to", "./copy", "--repo", "./nowhere"], 10);
    fails(&place, &["repo", "sync", "--to", "./copy", "--repo", "repository", "--at", "1"], 2);
    place.json(&["repo", "sync", "--to", "./copy", "--repo", "own"], 0);
    fails(&place, &["repo", "sync", "--to", "./copy", "--repo", "repository"], 31);
    place.write("kopia/kopia.repository.f", b"{}");
    fails(&place, &["repo", "sync", "--to", "./kopia", "--repo", "repository"], 10);
    // A copy that was begun and has nothing to read yet.
    std::fs::remove_dir_all(place.path("copy/log")).unwrap();
    let shown = fails(&place, &["snapshot", "list", "--repo", "./copy"], 10);
    assert!(shown.contains("not finished") && shown.contains("corso repo sync"), "{shown}");
    assert!(!place.path("copy/log").exists(), "nobody completes an init there");
}

fn start_sync(place: &Place) -> Child {
    let program = assert_cmd::cargo::cargo_bin("corso");
    let mut command =
        place.process(&program, &["repo", "sync", "--to", "./copy", "--threads", "1", "--json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).env_remove("CORSO_KEY_FILE").spawn().unwrap()
}

fn packs(place: &Place) -> u64 {
    let packs = files(&place.path("copy/packs")).into_iter();
    packs.filter(|path| !path.to_str().unwrap().contains('#')).count() as u64
}

/// Waits until a copying has written more than `known` packs, or has ended.
fn wait_for_packs(place: &Place, run: &mut Child, known: u64) {
    let begun = Instant::now();
    while packs(place) <= known && run.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_killed_copying_is_gone_on_with_and_fetches_nothing_twice() {
    let place = Place::with_repository();
    let mut noise = vec![0; 60_000_000];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    place.write("source/noise", &noise);
    place.back_up(&["source", "--pack-size", "1MiB"]);
    let all = files(&place.path("repository/packs")).len() as u64;
    assert!(all > 40, "{all} packs");
    let (mut kills, mut stops) = (0, 0);
    // Killed, and asked to stop, in turns.
    while kills + stops < 6 {
        let known = packs(&place);
        let mut run = start_sync(&place);
        wait_for_packs(&place, &mut run, known + 1);
        if run.try_wait().unwrap().is_some() {
            break;
        }
        if kills <= stops {
            run.kill().unwrap();
            run.wait().unwrap();
            kills += 1;
        } else {
            let pid = rustix::process::Pid::from_child(&run);
            rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
            let ended = run.wait_with_output().unwrap();
            if ended.status.code() == Some(0) {
                break;
            }
            assert_eq!(ended.status.code(), Some(130));
            let told: Value =
                serde_json::from_slice(ended.stdout.split(|b| *b == b'\n').rev().nth(1).unwrap()).unwrap();
            assert_eq!(told["interrupted"], true);
            stops += 1;
        }
        let shown = fails(&place, &["snapshot", "list", "--repo", "./copy"], 10);
        assert!(shown.contains("not finished"), "{shown}");
    }
    assert!(kills > 1 && stops > 0, "{kills} kills, {stops} stops");
    let known = packs(&place);
    let there: Vec<_> = files(&place.path("copy/packs"))
        .into_iter()
        .filter(|path| !path.to_str().unwrap().contains('#'))
        .map(|path| (path.metadata().unwrap().modified().unwrap(), path))
        .collect();
    let rest = sync(&place, &[], 0);
    // Slot, segment, records: what is no pack is little, and some of it may be there, too.
    let copied = rest["copied"].as_u64().unwrap();
    assert!(
        known > 4 && copied >= all - known && copied < all - known + 10,
        "{copied} of {all}, {known} known"
    );
    for (written, path) in there {
        assert_eq!(path.metadata().unwrap().modified().unwrap(), written, "{path:?} was written anew");
    }
    assert!(files(&place.path("copy")).iter().all(|path| !path.to_str().unwrap().contains('#')));
    assert_eq!(blobs(&place.path("repository")), blobs(&place.path("copy")));
    place.json(&["repo", "verify", "--level", "data", "--repo", "./copy"], 0);
}
