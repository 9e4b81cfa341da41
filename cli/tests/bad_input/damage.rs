//! One blob of each kind damaged or gone: what still works, what is named, and how it comes back.

use std::convert::Infallible;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use repo_format::format::slot::Secret;
use repo_format::repository::{OpenOptions, Repository};
use repo_format::storage::{Blobs, Location, Storage, StorageOptions};
use serde_json::Value;

use crate::common::Place;
use crate::{fails, files, find_file, flip, is_whole, name, noise, snapshots};

/// A repository with a snapshot of one large and one small file.
fn saved() -> (Place, String) {
    let place = Place::with_repository();
    place.write("source/letters/may.txt", &noise(300_000));
    place.write("source/note", b"short");
    let id = place.back_up(&["source"]);
    (place, id)
}

/// What `repo verify` finds when it finds damage.
fn found(place: &Place) -> Vec<Value> {
    let (lines, _) = place.json(&["repo", "verify", "--level", "data"], 30);
    lines.into_iter().filter(|line| line["is_damage"] == true).collect()
}

/// The finding about a blob.
fn about(place: &Place, blob: &str) -> Value {
    let findings = found(place);
    let finding = findings.iter().find(|finding| finding["blob"] == blob);
    finding.unwrap_or_else(|| panic!("{blob} is not among {findings:?}")).clone()
}

/// On another machine, where no cache hides what is missing.
fn forget_cache(place: &Place) {
    std::fs::remove_dir_all(place.path(".cache")).unwrap();
}

#[test]
fn a_lost_format_blob_comes_back_from_a_slot() {
    let (place, _) = saved();
    let blob = place.path("repository/corso.format");
    let bytes = flip(&blob);
    let output = place.corso(&["snapshot", "list"]).output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("corso.format is damaged"));
    about(&place, "corso.format");
    std::fs::remove_file(&blob).unwrap();
    is_whole(&place);
    assert_eq!(std::fs::read(&blob).unwrap(), bytes);
}

#[test]
fn a_format_blob_of_another_repository_is_not_the_secrets_fault() {
    let (place, _) = saved();
    let other = Place::with_repository();
    let blob = place.path("repository/corso.format");
    let bytes = std::fs::read(&blob).unwrap();
    std::fs::write(&blob, std::fs::read(other.path("repository/corso.format")).unwrap()).unwrap();
    let shown = fails(&place, &["snapshot", "list"], 30);
    assert!(shown.contains("corso.format is that of repository") && shown.contains("delete"), "{shown}");
    std::fs::remove_file(&blob).unwrap();
    is_whole(&place);
    assert_eq!(std::fs::read(&blob).unwrap(), bytes);
}

#[test]
fn a_damaged_slot_leaves_the_other_secrets() {
    let place = Place::new();
    let (lines, _) = place.json(&["repo", "init", "filesystem", "--path", "repository"], 0);
    let recovery = place.write("recovery", lines[0]["recovery_key"].as_str().unwrap().as_bytes());
    std::fs::set_permissions(&recovery, std::fs::Permissions::from_mode(0o600)).unwrap();
    let slots = place.json(&["repo", "key", "list"], 0).0;
    let first = slots.iter().find(|slot| slot["label"] == "first").unwrap();
    let blob = format!("keys/{}", first["id"].as_str().unwrap());
    let slot = place.path("repository").join(&blob);
    let bytes = flip(&slot);
    let shown = fails(&place, &["snapshot", "list"], 30);
    assert!(shown.contains(&blob) && shown.contains("--recovery-key-file"), "{shown}");
    let with_recovery = ["repo", "verify", "--recovery-key-file", "recovery"];
    assert_eq!(place.json(&with_recovery, 30).0[0]["blob"], blob.as_str());
    std::fs::write(&slot, bytes).unwrap();
    is_whole(&place);
}

#[test]
fn a_repository_without_slots_is_still_one() {
    let (place, _) = saved();
    let keys = place.path("repository/keys");
    std::fs::rename(&keys, place.path("keys")).unwrap();
    let shown = fails(&place, &["snapshot", "list"], 30);
    assert!(shown.contains("below keys/") && shown.contains("copy"), "{shown}");
    fails(&place, &["repo", "init", "filesystem", "--path", "repository"], 1);
    std::fs::remove_dir(&keys).ok();
    std::fs::rename(place.path("keys"), &keys).unwrap();
    is_whole(&place);
}

#[test]
fn a_damaged_index_segment_is_named() {
    let (place, _) = saved();
    let segment = find_file(&place, "segments");
    for how in [flip as fn(&Path) -> Vec<u8>, remove] {
        let bytes = how(&segment);
        let blob = name(&place, &segment);
        about(&place, &blob);
        forget_cache(&place);
        let id = segment.file_name().unwrap().to_str().unwrap();
        let shown = fails(&place, &["snapshot", "restore", "latest", "--target", "back"], 30);
        assert!(shown.contains(id), "{shown}");
        assert!(fails(&place, &["snapshot", "create", "source"], 30).contains(id));
        // Nothing in the index is needed to list.
        assert_eq!(snapshots(&place, &[], 0).len(), 1);
        std::fs::write(&segment, bytes).unwrap();
        is_whole(&place);
    }
}

#[test]
fn what_a_damaged_pack_held_fails_alone() {
    let (place, id) = saved();
    for folder in ["packs/data", "packs/meta"] {
        let pack = find_file(&place, folder);
        for how in [flip as fn(&Path) -> Vec<u8>, remove] {
            let bytes = how(&pack);
            let finding = about(&place, &name(&place, &pack));
            assert_eq!(finding["snapshots"][0], id.as_str(), "{finding}");
            // Metadata may be damaged where no path is below.
            assert!(folder == "packs/meta" || finding["paths"][0]["path"] == "letters/may.txt", "{finding}");
            let target = place.path("back").join(pack.file_name().unwrap());
            let target = target.to_str().unwrap();
            let (_, errors) = place.json(&["snapshot", "restore", "latest", "--target", target], 30);
            // One item, or all below a folder that cannot be read.
            let pack_id = pack.file_name().unwrap().to_str().unwrap();
            let names = |line: &Value| line["message"].as_str().is_some_and(|text| text.contains(pack_id));
            assert!(errors.iter().any(names), "{errors:?}");
            std::fs::write(&pack, bytes).unwrap();
            std::fs::remove_dir_all(target).ok();
        }
    }
    is_whole(&place);
}

#[test]
fn the_next_backup_stores_again_what_a_lost_pack_held() {
    let (place, _) = saved();
    remove(&find_file(&place, "packs/data"));
    let (_, warnings) = place.json(&["snapshot", "create", "source"], 0);
    let told = |line: &Value| line["message"].as_str().is_some_and(|text| text.contains("missing"));
    assert!(warnings.iter().any(told), "{warnings:?}");
    place.json(&["snapshot", "restore", "latest", "--target", "back"], 0);
    let back = std::fs::read(place.path("back/letters/may.txt")).unwrap();
    assert_eq!(back, std::fs::read(place.path("source/letters/may.txt")).unwrap());
}

#[test]
fn catalogs_can_be_spared_and_manifest_segments_cannot() {
    let place = Place::with_repository();
    for n in 0..66 {
        place.write("source/file", &[n]);
        place.back_up(&["source"]);
    }
    opened(&place).log().write_catalog().unwrap();
    let catalog = files(&place.path("repository/catalog")).remove(0);
    let bytes = flip(&catalog);
    assert_eq!(snapshots(&place, &[], 0).len(), 66);
    let (_, warnings) = place.json(&["snapshot", "list"], 0);
    assert!(warnings[0]["message"].as_str().unwrap().contains("a catalog was passed over"));
    about(&place, &name(&place, &catalog));
    std::fs::write(&catalog, bytes).unwrap();

    let is_manifests = |file: &std::path::PathBuf| std::fs::read(file).unwrap()[10] == 6;
    let segment = files(&place.path("repository/segments")).into_iter().find(is_manifests).unwrap();
    for how in [flip as fn(&Path) -> Vec<u8>, remove] {
        let bytes = how(&segment);
        let shown = fails(&place, &["snapshot", "list"], 30);
        assert!(shown.contains(segment.file_name().unwrap().to_str().unwrap()), "{shown}");
        about(&place, &name(&place, &segment));
        // The state before the catalog does not need it.
        assert!(!snapshots(&place, &["--at", "60"], 0).is_empty());
        std::fs::write(&segment, bytes).unwrap();
    }
    is_whole(&place);
}

fn remove(file: &Path) -> Vec<u8> {
    let bytes = std::fs::read(file).unwrap();
    std::fs::remove_file(file).unwrap();
    bytes
}

/// The repository as the library opens it.
pub fn opened(place: &Place) -> Repository {
    // The repository outlives this function, and the runtime has to outlive the repository.
    let runtime: &'static _ = Box::leak(Box::new(tokio::runtime::Runtime::new().unwrap()));
    let location = Location::Folder { path: place.path("repository") };
    let storage = Storage::open(&location, &StorageOptions::default()).unwrap();
    let secret = Secret::key_file(&[7; 64]).unwrap();
    let blobs = Blobs::new(storage, runtime.handle().clone());
    Repository::open(blobs, &secret, OpenOptions::default()).unwrap()
}

/// Commits one action.
pub fn commit(place: &Place, action: repo_format::log::Action) {
    opened(place).log().commit(|_| Ok::<_, Infallible>(vec![action.clone()])).unwrap();
}
