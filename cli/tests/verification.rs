//! `repo verify` with its record, without keys, and `health`.

mod common;

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use common::Place;
use repo_format::codec::PackId;
use repo_format::format::slot::Secret;
use repo_format::log::Action;
use repo_format::repository::{OpenOptions, Repository};
use repo_format::storage::{Blobs, Location, Storage, StorageOptions};
use serde_json::Value;

fn saved() -> Place {
    let place = Place::with_repository();
    place.write("source/letters/may.txt", &vec![7; 300_000]);
    place.write("source/note", b"short");
    place.back_up(&["source"]);
    place
}

fn last(place: &Place, arguments: &[&str], code: i32) -> Value {
    place.json(arguments, code).0.pop().unwrap()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The program without the key file that the place has otherwise.
fn without_key(place: &Place, arguments: &[&str]) -> (i32, Vec<Value>, String) {
    let mut command = place.corso(arguments);
    let output = command.env_remove("CORSO_KEY_FILE").arg("--json").output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code().unwrap(), lines, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_share_is_recorded_and_the_next_run_takes_the_rest() {
    let place = saved();
    let first = last(&place, &["repo", "verify", "--read-data", "1"], 0);
    assert_eq!(first["packs_decoded"], 1);
    let coverage = &first["coverage"];
    assert_eq!(coverage["decoded_packs"], 1);
    let second = last(&place, &["repo", "verify", "--read-data", "1"], 0);
    assert_eq!((&second["packs_decoded"], &second["coverage"]["decoded_packs"]), (&1.into(), &2.into()));

    let unrecorded = last(&place, &["repo", "verify", "--level", "data", "--no-record"], 0);
    assert!(unrecorded.get("coverage").is_none());
    let past = last(&place, &["repo", "verify", "--level", "data", "--at", "2"], 0);
    assert!(past.get("coverage").is_none());
    let before = last(&place, &["repo", "status"], 0)["revision"].clone();
    let log = last(&place, &["repo", "verify", "--level", "log"], 0);
    assert!(log.get("coverage").is_none());
    assert_eq!(last(&place, &["repo", "status"], 0)["revision"], before);

    let text = place.corso(&["repo", "verify", "--level", "data"]).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("Covered ") && text.contains("decoded by now"), "{text}");
}

#[test]
fn hashes_are_compared_without_a_passphrase_and_the_error_names_the_way() {
    let place = saved();
    let (code, _, errors) = without_key(&place, &["repo", "verify"]);
    assert!(code == 2 && errors.contains("--keyless"), "{errors}");

    // The connected repository, and one named by its path alone.
    let path = place.path("repository");
    for more in [vec![], vec!["--repo", path.to_str().unwrap()]] {
        let arguments = [&["repo", "verify", "--keyless"][..], &more].concat();
        let (code, lines, _) = without_key(&place, &arguments);
        let summary = lines.last().unwrap();
        assert_eq!((code, &summary["keyless"], &summary["damage"]), (0, &true.into(), &0.into()));
        assert!(summary.get("revision").is_none() && summary["blobs_read"].as_u64().unwrap() >= 6);
    }
    let shown = place.corso(&["repo", "verify", "--keyless"]).env_remove("CORSO_KEY_FILE").output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("no key was used"), "{shown}");

    for refused in [&["--level", "data"][..], &["--read-data", "5%"], &["--at", "1"]] {
        let (code, _, _) = without_key(&place, &[&["repo", "verify", "--keyless"][..], refused].concat());
        assert_eq!(code, 2, "{refused:?}");
    }
    let pack = files_below(&place.path("repository/packs/data")).remove(0);
    flip(&pack);
    let (code, lines, _) = without_key(&place, &["repo", "verify", "--keyless"]);
    assert_eq!(code, 30);
    let name = pack.file_name().unwrap().to_str().unwrap();
    assert!(lines[0]["blob"].as_str().unwrap().ends_with(name) && lines[0]["kind"] == "damaged", "{lines:?}");
    let (code, _, _) = without_key(&place, &["repo", "verify", "--keyless", "--repo", "./nowhere"]);
    assert_eq!(code, 10);
}

#[test]
fn a_finding_names_the_contents_that_are_lost() {
    let place = saved();
    flip(&files_below(&place.path("repository/packs/data")).remove(0));
    let (lines, _) = place.json(&["repo", "verify"], 30);
    let finding = lines.iter().find(|line| line["is_damage"] == true).unwrap();
    let (count, ids) = (finding["contents"].as_u64().unwrap(), finding["content_ids"].as_array().unwrap());
    assert!(count >= 2 && ids.len() as u64 == count.min(20), "{finding}");
    assert!(ids.iter().all(|id| id.as_str().unwrap().len() == 64));
    assert_eq!(finding["snapshots"].as_array().unwrap().len(), 1);
    assert!(finding["paths"].to_string().contains("letters/may.txt"), "{finding}");
}

#[test]
fn health_ends_with_0_3_or_30() {
    let place = Place::with_repository();
    let nothing = last(&place, &["health"], 3);
    assert_eq!((&nothing["verdict"], &nothing["sources"]), (&"overdue".into(), &0.into()));

    place.write("source/note", b"short");
    place.back_up(&["source"]);
    let (lines, _) = place.json(&["health"], 0);
    let matters: Vec<&str> = lines.iter().filter_map(|line| line["matter"].as_str()).collect();
    assert_eq!(matters, ["source", "verification", "damage", "keys", "log"]);
    assert!(lines[0]["last_complete"].is_string() && lines[0]["newest_state"] == "complete");
    let summary = lines.last().unwrap();
    assert!(summary["verdict"] == "ok" && summary.get("verified_percent").is_none(), "{summary}");

    last(&place, &["repo", "verify", "--level", "data"], 0);
    let verified = last(&place, &["health", "--min-verified", "90%", "--max-unverified-age", "1h"], 0);
    assert_eq!(verified["verified_percent"], 100.0);
    let late = last(&place, &["health", "--max-unverified-age", "0"], 3);
    assert_eq!(late["overdue"], 1);
    let text = place.corso(&["health", "--max-age", "0"]).output().unwrap();
    assert_eq!(text.status.code(), Some(3));
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.starts_with("overdue  source") && text.ends_with("Not well: 1 matter overdue\n"), "{text}");

    quarantine(&place);
    let damaged = last(&place, &["health"], 30);
    assert_eq!((&damaged["verdict"], &damaged["quarantined"]), (&"damaged".into(), &1.into()));
}

#[test]
fn health_warns_where_there_is_no_recovery_key_and_asks_little() {
    let place = Place::new();
    let repository = place.path("repository");
    place
        .corso(&["repo", "init", "filesystem", "--no-recovery-key", "--path"])
        .arg(repository)
        .assert()
        .success();
    place.write("source/note", b"short");
    place.back_up(&["source"]);
    let summary = last(&place, &["health"], 0);
    assert_eq!((&summary["verdict"], &summary["recovery_keys"]), (&"warning".into(), &0.into()));
    let text = place.corso(&["health"]).output().unwrap();
    assert!(String::from_utf8(text.stdout).unwrap().contains("repo key add --new-recovery-key"));
}

fn quarantine(place: &Place) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let location = Location::Folder { path: place.path("repository") };
    let storage = Storage::open(&location, &StorageOptions::default()).unwrap();
    let blobs = Blobs::new(storage, runtime.handle().clone());
    let secret = Secret::key_file(&[7; 64]).unwrap();
    let repository = Repository::open(blobs, &secret, OpenOptions::default()).unwrap();
    let packs = vec![PackId([1; 32])];
    let quarantine =
        |_: &_| Ok::<_, Infallible>(vec![Action::Quarantine { packs: packs.clone(), set: true }]);
    repository.log().commit(quarantine).unwrap();
}
