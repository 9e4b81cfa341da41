//! What takes longer than a test may: a tenant with every fault on, and a backup that is killed a
//! hundred times. `cargo test -p corso --test onedrive -- --ignored --nocapture long::` runs both.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use graph_client::ingest::{Cursor, DriveLedger};
use graph_client::quickxor::QuickXorHash;
use graph_sim::model::truth::TrueKind;
use graph_sim::{Call, Fault, Faults, MutatorPace, PoisonKind, Rule, SimConfig, TenantProfile, preset};
use repo_format::content::WriterOptions;
use repo_format::format::slot::Secret;
use repo_format::log::SnapshotState;
use repo_format::repository::{OpenOptions, Repository};
use repo_format::storage::{Blobs, Location, Storage, StorageOptions};
use serde_json::Value;

use super::cloud::{Cloud, tenant};
use super::truth::{differences, safe};

fn number(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Files below a folder: path, quickXorHash in base64 (none for empty files).
fn exported(root: &Path) -> BTreeMap<String, Option<String>> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            }
            // Else it may be a shortcut into another drive.
            if !kind.is_file() {
                continue;
            }
            let content = fs::read(entry.path()).unwrap();
            let mut hash = QuickXorHash::new();
            hash.update(&content);
            let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.insert(path, (!content.is_empty()).then(|| hash.finish().to_string()));
        }
    }
    files
}

fn last_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Every file of a drive's latest backup is one that the drive held between two of its states, and
/// what it held all the time and is not there was told of. Gives how many files there are.
fn assert_true_within(cloud: &Cloud, drive: u32, from: u32, told: &HashSet<String>) -> usize {
    let target = cloud.place.path(&format!("first {drive}"));
    let user = cloud.user(drive);
    let export = ["export", "onedrive", "--backup", "latest", "--user", &user, target.to_str().unwrap()];
    let (_, _) = cloud.place.json_any(&export, &[0, 3]);
    let found = exported(&target);
    let (mut states, mut always) = (HashSet::new(), None::<HashSet<(String, String)>>);
    for seq in from..=cloud.state().seq(drive) {
        let files = cloud.state().true_state_at(drive, seq).into_iter();
        let files: Vec<_> = files.filter(|item| item.kind == TrueKind::File).collect();
        states.extend(files.iter().map(|item| (last_name(&safe(&item.path)), item.quick_xor_hash.clone())));
        let now: HashSet<(String, String)> = (files.iter())
            .filter(|item| !item.malware)
            .map(|item| (item.id.clone(), item.path.clone()))
            .collect();
        always = Some(always.map_or(now.clone(), |kept| kept.intersection(&now).cloned().collect()));
    }
    for (path, hash) in &found {
        let state = (last_name(path), hash.clone());
        assert!(states.contains(&state), "drive {drive}: {path} was never so");
    }
    let poisoned: HashSet<String> = cloud.state().poisoned(drive).into_iter().map(|one| one.id).collect();
    for (id, path) in always.unwrap_or_default() {
        let (is_there, is_told) =
            (found.contains_key(&safe(&path)), told.contains(path.trim_start_matches('/')));
        assert!(is_there || is_told, "drive {drive}: {path} is neither there nor told");
        assert!(!poisoned.contains(&id) || is_told, "drive {drive}: {path} cannot be had, and is not told");
    }
    found.len()
}

#[test]
#[ignore = "takes half an hour; CORSO_TEST_USERS and CORSO_TEST_ITEMS make it smaller"]
fn a_tenant_with_every_fault_on() {
    let (users, items) = (number("CORSO_TEST_USERS", 50), number("CORSO_TEST_ITEMS", 200));
    let shape = TenantProfile {
        users_without_drive: 2,
        users_without_license: 2,
        packages: 0.005,
        shortcuts: 0.005,
        malware: 0.01,
        ..tenant(users, items)
    };
    let mut faults = preset("all").unwrap();
    // Five minutes each, by the wall's clock, for everybody. And where no hash is told, nobody can know
    // that a byte was changed on the way.
    faults.rules.retain(|rule| !matches!(rule.name.as_str(), "429 long" | "no hash"));
    // What was held to be malware is not asked for again, so that it would be missing in the end.
    faults.poison.retain(|kind| *kind != PoisonKind::Malware);
    let mutator = Some(MutatorPace { interval_ms: 400, count: 1 });
    let cloud = Cloud::with(SimConfig { tenant: shape, faults, mutator, ..SimConfig::default() });
    let from: Vec<u32> = (0..users).map(|drive| cloud.state().seq(drive)).collect();
    let begun = Instant::now();
    let (lines, _) = cloud.json(&["backup", "create", "onedrive", "--user", "*"], 3);
    cloud.state().set_mutator(None);
    let summary = lines.last().unwrap();
    println!("first run, {:.0} s: {summary}", begun.elapsed().as_secs_f64());
    println!("counters: {:?}", cloud.state().totals());
    let told: HashSet<String> = (lines.iter())
        .filter(|line| line["message_type"] == "failure")
        .filter_map(|line| Some(line["path"].as_str()?.to_owned()))
        .collect();
    let files: usize =
        (0..users).map(|drive| assert_true_within(&cloud, drive, from[drive as usize], &told)).sum();
    let changes: u32 = (0..users).map(|drive| cloud.state().seq(drive) - from[drive as usize]).sum();
    println!("{files} files in {users} backups, {changes} changes meanwhile, {} told", told.len());

    cloud.state().set_faults(Faults::default());
    let before = cloud.downloads();
    let second = cloud.back_up(&["--user", "*"], 0);
    let fetched = cloud.downloads() - before;
    println!("second run: {second}");
    assert!(fetched <= u64::from(changes) + told.len() as u64, "{fetched} fetched");
    let malware = |item: &String| item.ends_with(" has other content") || item.ends_with(" is missing");
    for drive in 0..users {
        let flagged: HashSet<String> = (cloud.state().true_state(drive).into_iter())
            .filter(|item| item.malware)
            .flat_map(|item| [safe(&item.path), item.path])
            .collect();
        let mut differences = differences(&cloud, drive);
        differences
            .retain(|told| !(malware(told) && flagged.iter().any(|path| told.starts_with(path.as_str()))));
        assert_eq!(differences, Vec::<String>::new(), "drive {drive}");
    }
    assert!(cloud.state().violations().is_empty(), "{:?}", cloud.state().violations());
    cloud.place.json(&["repo", "verify", "--level", "data"], 0);
}

/// IDs that the newest snapshot's ledger marks as stored, and whether it is a checkpoint.
fn marked(cloud: &Cloud) -> (BTreeSet<String>, bool) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let location = Location::Folder { path: cloud.place.path("repository") };
    let storage = Storage::open(&location, &StorageOptions::default()).unwrap();
    let blobs = Blobs::new(storage, runtime.handle().clone());
    let repository =
        Repository::open(blobs, &Secret::key_file(&[7; 64]).unwrap(), OpenOptions::default()).unwrap();
    let Some(row) = repository.snapshots().unwrap().pop() else { return (BTreeSet::new(), true) };
    let manifest = repository.manifest(&row.id).unwrap();
    let writer = repository.writer(WriterOptions::default()).unwrap();
    let cursor = Cursor::decode(manifest.cursor.as_deref().unwrap()).unwrap();
    let (contents, store) = (repository.contents(), repository.map_store(&writer));
    let ledger =
        DriveLedger::open(contents, store, &manifest.ledger, usize::try_from(cursor.floor).unwrap()).unwrap();
    let ids = ledger.stored().unwrap().into_iter().map(|item| item.known.facts.id).collect();
    (ids, row.state == SnapshotState::Checkpoint)
}

#[test]
#[ignore = "takes minutes; CORSO_TEST_KILLS and CORSO_TEST_ITEMS make it smaller"]
fn a_backup_that_is_killed_a_hundred_times() {
    let (kills, items) = (number("CORSO_TEST_KILLS", 100), number("CORSO_TEST_ITEMS", 20_000));
    let shape = TenantProfile { size_median: 2_000, size_max: 60_000, ..tenant(1, items) };
    let slow = Rule::new("slow", 1.0, &[Call::Download], Fault::Delay { ms: 60 });
    let faults = Faults { rules: vec![slow], ..Faults::default() };
    let cloud = Cloud::new(shape, faults);
    let arguments = ["backup", "create", "onedrive", "--user", "*", "--checkpoint-interval", "2s"];
    let (mut known, mut downloads, mut lost, mut killed) = (BTreeSet::new(), 0_u64, 0_u64, 0);
    let mut wait_ms = 900;
    while killed < kills {
        let mut command = cloud.place.process(&cargo_bin("corso"), &arguments);
        command.envs(cloud.environment()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // Any moment: some before a run's first checkpoint, most after it.
        wait_ms = (wait_ms * 7919 + 104_729) % 5_000;
        std::thread::sleep(Duration::from_millis(600 + wait_ms));
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        let fetched: BTreeSet<String> = cloud.state().downloads().into_keys().map(|(_, id)| id).collect();
        let again: Vec<_> = fetched.intersection(&known).collect();
        assert!(again.is_empty(), "kill {killed}: {} marked items were fetched again", again.len());
        downloads += cloud.downloads();
        let (now, is_checkpoint) = marked(&cloud);
        assert!(now.is_superset(&known), "kill {killed}: a mark is gone");
        lost += fetched.difference(&now).count() as u64;
        known = now;
        cloud.state().clear_books();
        if !is_checkpoint {
            println!("the backup ended before kill {killed}");
            break;
        }
    }
    println!("{killed} kills, {} marked, {downloads} downloads, {lost} lost with a kill", known.len());
    cloud.state().set_faults(Faults::default());
    let summary: Value = cloud.back_up(&["--user", "*"], 0);
    let fetched: BTreeSet<String> = cloud.state().downloads().into_keys().map(|(_, id)| id).collect();
    assert!(fetched.is_disjoint(&known), "marked items were fetched again");
    downloads += cloud.downloads();
    let files = summary["statistics"]["files"].as_u64().unwrap();
    println!("{downloads} downloads of {files} files; {lost} were in flight or after the last checkpoint");
    assert!(downloads <= files + lost);
    assert_eq!(differences(&cloud, 0), Vec::<String>::new());
    assert!(cloud.state().violations().is_empty(), "{:?}", cloud.state().violations());
    cloud.place.json(&["repo", "verify", "--level", "data"], 0);
}
