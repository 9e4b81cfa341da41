//! The repository's disk is full or read-only, or files may not grow; so are cache and state.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use rustix::process::getuid;

use crate::common::Place;
use crate::{fails, files, flip, is_whole, noise, snapshots};

const NOBODY: u32 = 65534;

/// Runs the program as somebody whom permissions hold back: root passes the place on to nobody.
pub fn unprivileged(place: &Place, arguments: &[&str]) -> Output {
    if !getuid().is_root() {
        return place.corso(arguments).output().unwrap();
    }
    // The build folder may be closed to others.
    let program = place.path("corso");
    if !program.exists() {
        std::fs::copy(cargo_bin("corso"), &program).unwrap();
    }
    hand_over(&place.path("."));
    place.process(&program, arguments).uid(NOBODY).gid(NOBODY).output().unwrap()
}

fn hand_over(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            if !entry.file_type().unwrap().is_symlink() {
                hand_over(&entry.path());
            }
        }
    }
}

/// A small file system of its own, gone at the end.
struct Small(PathBuf);

impl Small {
    /// `None`, said aloud, where this process may mount nothing.
    fn mount(place: &Place, size: &str) -> Option<Small> {
        let path = place.path("small");
        std::fs::create_dir(&path).unwrap();
        let small = Small(path);
        let mounted = small.run(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]);
        if !mounted {
            println!("SKIPPED: a full disk and a read-only one need the right to mount");
        }
        mounted.then_some(small)
    }

    fn remount(&self, options: &str) {
        assert!(self.run(&["-o", &format!("remount,{options}")]));
    }

    fn run(&self, arguments: &[&str]) -> bool {
        let run = Command::new("mount").args(arguments).arg(&self.0).output();
        run.is_ok_and(|output| output.status.success())
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Not mounted, if that was refused.
        Command::new("umount").arg(&self.0).output().ok();
    }
}

/// One that has its repository in a small file system.
fn in_small(place: &Place, size: &str) -> Option<Small> {
    let small = Small::mount(place, size)?;
    place.json(&["repo", "init", "filesystem", "--path", "small/repository"], 0);
    Some(small)
}

#[test]
fn a_full_disk_ends_the_run_and_with_space_the_next_one_goes_on() {
    let place = Place::new();
    let Some(small) = in_small(&place, "4m") else { return };
    place.write("source/before", b"x");
    place.back_up(&["source"]);
    place.write("source/large", &noise(8 << 20));
    let shown = fails(&place, &["snapshot", "create", "source"], 1);
    assert!(shown.contains("the storage is full") && shown.contains("make space"), "{shown}");
    is_whole(&place);
    assert_eq!(snapshots(&place, &[], 0).len(), 1);
    small.remount("size=64m");
    place.back_up(&["source"]);
    is_whole(&place);
}

#[test]
fn a_disk_that_turns_read_only_can_still_be_read() {
    let place = Place::new();
    let Some(small) = in_small(&place, "16m") else { return };
    place.write("source/file", &noise(1 << 20));
    place.back_up(&["source"]);
    small.remount("ro");
    place.write("source/more", &noise(1 << 20)[1..]);
    let shown = fails(&place, &["snapshot", "create", "source"], 1);
    assert!(shown.contains("the storage is read-only") && shown.contains("mount it writable"), "{shown}");
    is_whole(&place);
    place.json(&["snapshot", "restore", "latest", "--target", "back"], 0);
    small.remount("rw");
    place.back_up(&["source"]);
    is_whole(&place);
}

#[test]
fn a_repository_that_may_not_be_written_can_still_be_read() {
    let place = Place::with_repository();
    place.write("source/file", b"x");
    place.back_up(&["source"]);
    let change = |mode: &str| {
        let changed = Command::new("chmod").args(["-R", mode]).arg(place.path("repository")).status();
        assert!(changed.unwrap().success());
    };
    change("a-w");
    place.write("source/more", b"y");
    let output = unprivileged(&place, &["snapshot", "create", "source"]);
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("denies access") && shown.contains("hint: check the permissions"), "{shown}");
    assert!(unprivileged(&place, &["snapshot", "restore", "latest", "--target", "back"]).status.success());
    change("u+w");
    assert!(unprivileged(&place, &["snapshot", "create", "source"]).status.success());
    is_whole(&place);
}

#[test]
fn a_limit_of_file_sizes_is_an_error_and_no_death() {
    let place = Place::with_repository();
    place.write("source/large", &noise(4 << 20));
    // In blocks of 512 or 1024 bytes, after the shell.
    let script = "ulimit -f 2000; exec \"$0\" snapshot create source";
    let run = |script: &str| {
        place.process(Path::new("sh"), &["-c", script]).arg(cargo_bin("corso")).output().unwrap()
    };
    let output = run(script);
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("the storage is full"), "{shown}");
    is_whole(&place);
    place.back_up(&["source"]);
    is_whole(&place);
}

#[test]
fn a_rotten_cache_is_not_believed() {
    let place = Place::with_repository();
    let other = ["repo", "init", "--name", "other", "filesystem", "--path", "other"];
    place.json(&other, 0);
    place.write("source/file", &noise(300_000));
    place.json(&["snapshot", "create", "source", "--repo", "other"], 0);
    let tables = || -> Vec<PathBuf> {
        let all = files(&place.path(".cache"));
        all.into_iter().filter(|file| file.extension().is_some_and(|end| end == "idx")).collect()
    };
    let foreign = std::fs::read(tables().remove(0)).unwrap();
    let id = place.json(&["snapshot", "create", "source", "--repo", "repository"], 0);
    assert!(!id.0.is_empty());
    let rots: [&dyn Fn(&Path); 5] = [
        &|file| drop(flip(file)),
        &|file| std::fs::write(file, &foreign).unwrap(),
        &|file| std::fs::write(file, []).unwrap(),
        &|file| std::fs::remove_file(file).unwrap(),
        &|file| std::fs::write(file, [0; 5000]).unwrap(),
    ];
    for rot in rots {
        tables().iter().for_each(|file| rot(file));
        for repository in ["repository", "other"] {
            let (lines, _) = place.json(&["snapshot", "create", "source", "--repo", repository], 0);
            assert!(
                lines[0]["statistics"]["bytes_stored"].as_u64().unwrap() < 10_000,
                "nothing is stored again"
            );
            place.json(&["repo", "verify", "--level", "data", "--repo", repository], 0);
        }
    }
}

#[test]
fn without_a_place_for_cache_and_state_the_run_warns_and_goes_on() {
    let place = Place::with_repository();
    for folder in [".cache", ".local"] {
        std::fs::remove_dir_all(place.path(folder)).ok();
        place.write(folder, b"a file in the way");
    }
    place.write("source/file", &noise(300_000));
    let (_, warnings) = place.json(&["snapshot", "create", "source"], 0);
    let told = |part: &str| warnings.iter().any(|line| line["message"].as_str().unwrap().contains(part));
    assert!(told(".cache") && told(".local") && told("rollback"), "{warnings:?}");
    place.json(&["snapshot", "restore", "latest", "--target", "back"], 0);
    is_whole(&place);
}

#[test]
fn a_full_disk_for_cache_and_state_stops_nothing() {
    let place = Place::with_repository();
    let Some(small) = Small::mount(&place, "16k") else { return };
    std::fs::write(small.0.join("fill"), [1; 12 << 10]).unwrap();
    place.write("source/file", &noise(300_000));
    let places = ["--cache-dir", "small/cache", "--state-dir", "small/state"];
    let (_, warnings) = place.json(&[&["snapshot", "create", "source"], &places[..]].concat(), 0);
    assert!(!warnings.is_empty());
    place.json(&[&["snapshot", "restore", "latest", "--target", "back"], &places[..]].concat(), 0);
    is_whole(&place);
}

#[test]
fn a_secret_that_others_can_read_is_warned_of() {
    let place = Place::with_repository();
    std::fs::set_permissions(place.path("key"), Permissions::from_mode(0o644)).unwrap();
    let (_, warnings) = place.json(&["repo", "status"], 0);
    assert!(warnings[0]["message"].as_str().unwrap().contains("everybody on this machine can read"));
}
