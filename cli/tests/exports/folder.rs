//! `corso export onedrive … DIR`

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;

use repo_format::engine::source::ItemCause;

use super::common::Place;
use super::drive::{NOON_NS, back_up, failing, file, folder};
use super::{data_pack, noise, summary, text};

const EXPORT: [&str; 4] = ["export", "onedrive", "--backup", "latest"];

fn names(path: std::path::PathBuf) -> BTreeSet<String> {
    fs::read_dir(path).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn an_export_has_contents_times_and_empty_folders() {
    let place = Place::with_repository();
    let large = noise(3_000_000);
    let inner =
        folder("Reports", "1", vec![file("Plan.docx", "2", "plan"), file("large", "3", large.clone())]);
    back_up(&place, "a@b", vec![inner, folder("empty", "4", vec![]), file("nothing", "5", "")]);
    let done = summary(&place, &[&EXPORT[..], &["out"]].concat(), 0);
    assert_eq!((&done["files"], &done["folders"], &done["failed"]), (&3.into(), &3.into(), &0.into()));
    assert_eq!(fs::read(place.path("out/Reports/large")).unwrap(), large);
    let facts = fs::metadata(place.path("out/Reports/Plan.docx")).unwrap();
    assert_eq!(facts.mtime() * 1_000_000_000 + facts.mtime_nsec(), NOON_NS);
    assert_eq!(fs::metadata(place.path("out/Reports")).unwrap().mtime(), NOON_NS / 1_000_000_000);
    assert_eq!(names(place.path("out")), ["Reports", "empty", "nothing"].map(str::to_owned).into());
}

#[test]
fn names_are_safe_and_told_apart() {
    let place = Place::with_repository();
    let long = format!("{}.txt", "é".repeat(200));
    let items = vec![
        file("same.txt", "1", "one"),
        file("same.txt", "2", "two"),
        file("SAME.TXT", "3", "three"),
        file("CON", "4", "device"),
        file("ends.", "5", "dot"),
        file("a:b", "6", "colon"),
        file(&long, "7", "long"),
        folder("nul.d", "8", vec![file("..%2F", "9", "inside")]),
        file(b"raw\xff", "10", "raw"),
    ];
    back_up(&place, "a@b", items);
    summary(&place, &[&EXPORT[..], &["out"]].concat(), 0);
    let found = names(place.path("out"));
    assert_eq!(found.len(), 9);
    for name in ["%43ON", "ends%2E", "a%3Ab", "raw%FF", "%6Eul.d"] {
        assert!(found.contains(name), "{name} {found:?}");
    }
    let folded: BTreeSet<String> = found.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(folded.len(), 9);
    let contents: BTreeSet<Vec<u8>> = found
        .iter()
        .filter(|name| name.to_lowercase().starts_with("same~"))
        .map(|name| fs::read(place.path("out").join(name)).unwrap())
        .collect();
    assert_eq!(contents, ["one", "two", "three"].map(|it| it.as_bytes().to_vec()).into());
    assert_eq!(names(place.path("out/%6Eul.d")), ["..%252F".to_owned()].into());
}

#[test]
fn a_selection_makes_only_the_folders_it_needs() {
    let place = Place::with_repository();
    let deep =
        folder("a", "1", vec![folder("b", "2", vec![file("c.txt", "3", "x")]), folder("d", "4", vec![])]);
    back_up(&place, "a@b", vec![deep, folder("e", "5", vec![file("f.md", "6", "y")])]);
    let done = summary(&place, &[&EXPORT[..], &["out", "--file", "*.txt"]].concat(), 0);
    assert_eq!(done["files"], 1);
    assert_eq!(names(place.path("out")), ["a".to_owned()].into());
    assert_eq!(names(place.path("out/a")), ["b".to_owned()].into());
    summary(&place, &[&EXPORT[..], &["whole", "--folder", "/a"]].concat(), 0);
    assert_eq!(names(place.path("whole/a")), ["b", "d"].map(str::to_owned).into());
    place.json(&[&EXPORT[..], &["none", "--file", "nothing"]].concat(), 22);
    assert!(!place.path("none").exists());
}

#[test]
fn what_is_there_stays_unless_told_otherwise() {
    let place = Place::with_repository();
    back_up(&place, "a@b", vec![file("file", "1", "stored"), file("other", "2", "x")]);
    place.write("out/file", b"kept");
    let export = |more: &[&str]| summary(&place, &[&EXPORT[..], &["out"], more].concat(), 0);
    let planned = export(&["--dry-run"]);
    assert_eq!((&planned["skipped"], &planned["files"]), (&1.into(), &1.into()));
    assert!(!place.path("out/other").exists());
    assert_eq!(export(&[])["skipped"], 1);
    assert_eq!(export(&["--overwrite", "if-newer"])["skipped"], 2);
    assert_eq!(fs::read(place.path("out/file")).unwrap(), b"kept");
    assert_eq!(export(&["--overwrite", "always"])["files"], 2);
    assert_eq!(fs::read(place.path("out/file")).unwrap(), b"stored");
}

#[test]
fn a_link_in_the_way_is_not_followed() {
    let place = Place::with_repository();
    back_up(&place, "a@b", vec![folder("out", "1", vec![file("x", "2", "x")])]);
    fs::create_dir_all(place.path("elsewhere")).unwrap();
    fs::create_dir_all(place.path("target")).unwrap();
    std::os::unix::fs::symlink(place.path("elsewhere"), place.path("target/out")).unwrap();
    summary(&place, &[&EXPORT[..], &["target"]].concat(), 0);
    assert_eq!(names(place.path("elsewhere")).len(), 0);
}

#[test]
fn what_was_not_stored_is_named_and_the_rest_comes() {
    let place = Place::with_repository();
    let virus = failing("virus", "3", ItemCause::Refused);
    back_up(&place, "a@b", vec![failing("bad", "1", ItemCause::Io), file("good", "2", "x"), virus]);
    for more in [&["out"][..], &["out", "--archive"], &["out", "--dry-run", "--overwrite", "always"]] {
        let (lines, errors) = place.json(&[&EXPORT[..], more].concat(), 3);
        let done = lines.last().unwrap();
        let counts = [&done["files"], &done["failed"], &done["skipped"]];
        assert!(counts.iter().all(|count| **count == 1), "{more:?} {done}");
        let failure = |path| errors.iter().find(|line| line["path"] == path).unwrap();
        assert!(text(&failure("bad")["message"]).contains("the service does not give it"));
        assert_eq!(
            (text(&failure("virus")["cause"]), &failure("virus")["is_failure"]),
            ("refused", &false.into())
        );
    }
    assert_eq!(names(place.path("out")).len(), 2, "the good one, and the archive");
    let good = [&EXPORT[..], &["good", "--file", "virus,good"]].concat();
    assert_eq!(summary(&place, &good, 0)["skipped"], 1);
}

#[test]
fn a_damaged_item_ends_nothing_else() {
    let place = Place::with_repository();
    let drive =
        vec![file("a", "1", "small"), file("noise", "2", noise(2_000_000)), file("z", "3", "small too")];
    back_up(&place, "a@b", drive);
    let pack = data_pack(&place);
    let mut bytes = fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&pack, bytes).unwrap();
    let (lines, errors) = place.json(&[&EXPORT[..], &["out"]].concat(), 30);
    let done = lines.last().unwrap();
    assert_eq!((&done["files"], &done["failed"]), (&2.into(), &1.into()));
    assert!(errors.iter().any(|line| line["message_type"] == "error" && line["path"] == "noise"));
    assert_eq!(names(place.path("out")), ["a", "z"].map(str::to_owned).into());
}
