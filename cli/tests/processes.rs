//! Whole processes: killed at random moments, and several at once.
//!
//! `CORSO_TEST_KILLS` says how many kills (CI: few; the long run: 50).

mod common;

use std::collections::HashSet;
use std::process::{Child, Stdio};
use std::time::Duration;

use common::Place;
use folder::{CompareOptions, compare};
use repo_format::codec::ContentKind;
use repo_format::format::slot::Secret;
use repo_format::repository::{OpenOptions, Repository};
use repo_format::storage::{Blobs, Location, Storage, StorageOptions};

const FILES: usize = 600;

/// Random enough for moments, and the same each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Digits of noise: they compress, slowly, so that a run lives long enough to be killed.
fn digits(dice: &mut Dice, size: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(size + 16);
    while text.len() < size {
        text.extend_from_slice(format!("{:016x}", dice.next()).as_bytes());
    }
    text.truncate(size);
    text
}

/// How many records the log has.
fn records(place: &Place) -> usize {
    std::fs::read_dir(place.path("repository/log")).unwrap().count()
}

fn start_backup(place: &Place) -> Child {
    let program = assert_cmd::cargo::cargo_bin("corso");
    place
        .process(&program, &["snapshot", "create", "source", "--checkpoint-interval", "2s", "--json"])
        .args(["--compression", "max", "--threads", "1"])
        .env("CORSO_TESTING", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Data contents that committed packs hold: how many places, how many different ones, and their
/// plaintext bytes.
fn committed(place: &Place) -> (usize, usize, u64) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let location = Location::Folder { path: place.path("repository") };
    let storage = Storage::open(&location, &StorageOptions::default()).unwrap();
    let secret = Secret::key_file(&[7; 64]).unwrap();
    let blobs = Blobs::new(storage, runtime.handle().clone());
    let repository = Repository::open(blobs, &secret, OpenOptions::default()).unwrap();
    let rows = repository.index().rows().map(Result::unwrap);
    let data: Vec<_> = rows.filter(|row| row.at.kind == ContentKind::Data).collect();
    let different: HashSet<_> = data.iter().map(|row| row.id).collect();
    (data.len(), different.len(), data.iter().map(|row| u64::from(row.at.content_len)).sum())
}

/// Writes every `step`th file anew and gives the bytes written.
fn write_files(place: &Place, dice: &mut Dice, step: usize) -> u64 {
    let mut written = 0;
    for n in (0..FILES).step_by(step) {
        let length = (dice.next() % 500_000) as usize;
        written += length as u64;
        place.write(&format!("source/{}/file {n}", n % 40), &digits(dice, length));
    }
    written
}

#[test]
fn killed_backups_lose_at_most_what_followed_the_last_checkpoint() {
    let kills: usize = std::env::var("CORSO_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let place = Place::with_repository();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    // Much more than is stored between two checkpoints, so that kills hit every stage.
    let mut written = write_files(&place, &mut dice, 1);
    let (mut killed, mut ended_first, mut with_checkpoint) = (0, 0, 0);
    while killed < kills {
        let before = place.json(&["snapshot", "list", "--all"], 0).0;
        let mut run = start_backup(&place);
        // Moments count from the run's first checkpoint.
        let begun = records(&place);
        while records(&place) == begun && run.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(dice.next() % 2000));
        if run.try_wait().unwrap().is_some() {
            ended_first += 1;
            written += write_files(&place, &mut dice, 1);
            continue;
        }
        run.kill().unwrap();
        run.wait().unwrap();
        killed += 1;
        // Every reopen is clean.
        let after = place.json(&["snapshot", "list", "--all"], 0).0;
        with_checkpoint += usize::from(after != before);
        place.json(&["repo", "verify", "--level", "log"], 0);
    }
    place.back_up(&["source"]);
    let (places, different, bytes) = committed(&place);
    assert!(with_checkpoint > 0, "no run lived long enough for a checkpoint");
    assert!(places - different <= different / 100, "{places} places for {different} contents: stored twice");
    assert!(bytes <= written + written / 100, "{bytes} bytes are committed of {written} ever written");

    place.json(&["repo", "verify", "--level", "data"], 0);
    let target = place.path("restored");
    let target_text = target.to_str().unwrap();
    place.json(&["snapshot", "restore", "latest", "--target", target_text], 0);
    let differences = compare(&place.path("source"), &target, &CompareOptions::default()).unwrap();
    assert!(differences.is_empty(), "{:?}", &differences[..differences.len().min(5)]);
    println!(
        "{killed} kills, {with_checkpoint} of them after a checkpoint, {ended_first} runs ended first; \
         {different} contents in {places} places, {bytes} of {written} bytes ever written"
    );
}

#[test]
fn four_processes_at_once_leave_four_whole_snapshots_and_one_line_of_records() {
    let place = Place::with_repository();
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let program = assert_cmd::cargo::cargo_bin("corso");
    let folders = ["one", "two", "three", "four"];
    for folder in folders {
        for n in 0..50 {
            let length = (dice.next() % 200_000) as usize;
            place.write(&format!("{folder}/file {n}"), &digits(&mut dice, length));
        }
    }
    let mut runs: Vec<Child> = folders
        .iter()
        .map(|folder| place.process(&program, &["--quiet", "snapshot", "create", folder]).spawn().unwrap())
        .collect();
    for run in &mut runs {
        assert!(run.wait().unwrap().success());
    }
    let (rows, _) = place.json(&["snapshot", "list"], 0);
    assert_eq!(rows.iter().filter(|row| row["message_type"] == "snapshot").count(), 4);
    place.json(&["repo", "verify", "--level", "data"], 0);
}
