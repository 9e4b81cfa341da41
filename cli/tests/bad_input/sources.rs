//! What is to be backed up cannot be read, goes away, changes, or is the repository itself.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::Place;
use crate::storage::unprivileged;
use crate::{fails, is_whole, noise, snapshots};

#[test]
fn what_may_not_be_read_fails_alone_and_is_fetched_when_it_may() {
    let place = Place::with_repository();
    let hidden = place.write("source/hidden", b"secret");
    let closed = place.path("source/closed");
    place.write("source/closed/inside", b"x");
    place.write("source/open", b"y");
    std::fs::set_permissions(&hidden, Permissions::from_mode(0o000)).unwrap();
    std::fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
    let output = unprivileged(&place, &["snapshot", "create", "source"]);
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{shown}");
    for path in ["failed: hidden: ", "failed: closed: "] {
        assert!(shown.contains(path), "{shown}");
    }
    std::fs::set_permissions(&hidden, Permissions::from_mode(0o600)).unwrap();
    std::fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    let output = unprivileged(&place, &["snapshot", "create", "source"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    is_whole(&place);
    place.json(&["snapshot", "restore", "latest", "--target", "back"], 0);
    assert_eq!(std::fs::read(place.path("back/hidden")).unwrap(), b"secret");
    assert_eq!(std::fs::read(place.path("back/closed/inside")).unwrap(), b"x");
}

#[test]
fn what_changes_and_vanishes_meanwhile_spoils_nothing_else() {
    let place = Place::with_repository();
    let steady = noise(1 << 20);
    place.write("source/steady", &steady);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                place.write(&format!("source/{}/comes and goes", n % 50), &steady[n % 1000..]);
                let gone = place.path(&format!("source/{}", (n + 25) % 50));
                std::fs::remove_dir_all(gone).ok();
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        for _ in 0..5 {
            let output = place.corso(&["snapshot", "create", "source"]).output().unwrap();
            let shown = String::from_utf8_lossy(&output.stderr);
            assert!(matches!(output.status.code(), Some(0 | 3)), "{shown}");
        }
        is_over.store(true, Ordering::Relaxed);
    });
    place.json(&["snapshot", "create", "source"], 0);
    is_whole(&place);
    place.json(&["snapshot", "restore", "latest:steady", "--target", "back"], 0);
    assert_eq!(std::fs::read(place.path("back/steady")).unwrap(), steady);
}

#[test]
fn the_repository_is_left_out_of_what_is_around_it() {
    let place = Place::with_repository();
    place.write("file", b"x");
    place.back_up(&["."]);
    let (lines, _) = place.json(&["snapshot", "ls", "latest", "--recursive"], 0);
    let has = |path: &str| lines.iter().any(|line| line["path"] == path);
    assert!(has("file") && !has("repository") && !has(".cache/corso"), "{lines:?}");
    for inside in ["repository", "repository/packs"] {
        let shown = fails(&place, &["snapshot", "create", inside], 2);
        assert!(shown.contains("belongs to the repository"), "{shown}");
    }
}

#[test]
fn a_source_that_is_not_there_fails() {
    let place = Place::with_repository();
    assert!(fails(&place, &["snapshot", "create", "./nowhere"], 1).contains("nowhere"));
    assert!(snapshots(&place, &["--all"], 0).is_empty());
    // One of several: the others are saved.
    place.write("here", b"x");
    place.json(&["snapshot", "create", "./here", "./nowhere"], 3);
    is_whole(&place);
}
