//! Signals, and two runs at once.

use std::process::{Child, Stdio};
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use rustix::process::{Pid, Signal, kill_process};

use crate::common::Place;
use crate::{files, is_whole, noise, snapshots};

const CREATE: &[&str] = &["snapshot", "create", "source", "--pack-size", "1MiB", "--no-progress"];

fn start(place: &Place) -> Child {
    let mut process = place.process(&cargo_bin("corso"), CREATE);
    process.arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until a run is in the midst of storing.
fn wait_for_more(place: &Place, before: usize) {
    for _ in 0..6000 {
        if files(&place.path("repository")).len() > before {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the run stores nothing");
}

#[test]
fn a_signal_saves_a_checkpoint_and_the_next_run_finishes() {
    let place = Place::with_repository();
    // Many files, so that a checkpoint has something to show.
    for (n, bytes) in noise(64 << 20).chunks(256 << 10).enumerate() {
        place.write(&format!("source/{n}"), bytes);
    }
    for signal in [Signal::INT, Signal::TERM] {
        let before = files(&place.path("repository")).len();
        let run = start(&place);
        wait_for_more(&place, before);
        kill_process(Pid::from_child(&run), signal).unwrap();
        let output = run.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&summary["state"], &summary["interrupted"]), (&"checkpoint".into(), &true.into()));
        is_whole(&place);
    }
    let (lines, _) = place.json(CREATE, 0);
    assert_eq!(lines.last().unwrap()["state"], "complete");
    assert_eq!(snapshots(&place, &["--all"], 0).len(), 1, "the checkpoints are gone");
    is_whole(&place);
}

#[test]
fn two_runs_of_one_source_are_two_snapshots() {
    let place = Place::with_repository();
    place.write("source/file", &noise(4 << 20));
    let runs = [start(&place), start(&place)];
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(snapshots(&place, &[], 0).len(), 2);
    is_whole(&place);
}
