//! `corso export onedrive … DIR --archive`

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::common::Place;
use super::drive::{back_up, file, folder};
use super::{data_pack, noise, summary, text};
use zip::ZipArchive;

const EXPORT: [&str; 6] = ["export", "onedrive", "--backup", "latest", "out", "--archive"];

fn read(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut zip = ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    (0..zip.len())
        .map(|number| {
            let mut entry = zip.by_index(number).unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

fn entries(path: &Path) -> Vec<String> {
    read(path).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn an_archive_has_all_and_every_reader_opens_it() {
    let place = Place::with_repository();
    let large = noise(9_000_000);
    let many: Vec<_> =
        (0..300).map(|n| file(format!("f{n:03}"), &format!("m{n}"), vec![n as u8; 500])).collect();
    let drive = vec![
        folder("many", "1", many),
        file("große Datei", "2", large.clone()),
        file("a:b", "3", "colon"),
        folder("empty", "4", vec![]),
        file("nothing", "5", ""),
    ];
    let id = back_up(&place, "adele@example.com", drive);
    let done = summary(&place, &EXPORT, 0);
    assert_eq!((&done["files"], &done["folders"]), (&303.into(), &2.into()));
    let path = PathBuf::from(text(&done["target"]));
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(
        name.starts_with("onedrive-adele@example.com-20") && name.ends_with(&format!("-{}.zip", &id[..8]))
    );
    let path = place.path("out").join(name);
    let all = read(&path);
    let bytes = |wanted: &str| &all.iter().find(|(name, _)| name == wanted).unwrap().1;
    assert_eq!(bytes("große Datei"), &large);
    assert_eq!(bytes("a%3Ab"), b"colon");
    assert_eq!(bytes("many/f299"), &vec![43; 500]);
    assert!(all.iter().any(|(name, _)| name == "empty/"));
    // Python's own reader checks every sum.
    let check = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; \
                 print(len(z.infolist()))";
    if let Ok(output) = std::process::Command::new("python3").args(["-c", check]).arg(&path).output() {
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "305", "{output:?}");
    }
}

#[test]
fn an_archive_is_not_replaced_unless_told() {
    let place = Place::with_repository();
    back_up(&place, "a@b", vec![file("file", "1", "x"), file("other", "2", "y")]);
    assert_eq!(summary(&place, &[&EXPORT[..], &["--dry-run"]].concat(), 0)["files"], 2);
    assert!(!place.path("out").exists());
    let target = text(&summary(&place, &EXPORT, 0)["target"]).to_owned();
    let (_, errors) = place.json(&EXPORT, 1);
    assert!(text(&errors[0]["message"]).contains("already there"));
    place.json(&[&EXPORT[..], &["--overwrite", "if-newer"]].concat(), 1);
    place.json(&[&EXPORT[..], &["--overwrite", "always", "--file", "other"]].concat(), 0);
    assert_eq!(entries(&place.path(&target)), ["other"]);
    assert_eq!(fs::read_dir(place.path("out")).unwrap().count(), 1);
}

#[test]
fn a_damaged_item_is_left_out_and_named() {
    let place = Place::with_repository();
    let drive =
        vec![file("a", "1", "small"), file("noise", "2", noise(2_000_000)), file("z", "3", "small too")];
    back_up(&place, "a@b", drive);
    let pack = data_pack(&place);
    let mut bytes = fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&pack, bytes).unwrap();
    let (lines, errors) = place.json(&EXPORT, 30);
    let done = lines.last().unwrap();
    assert_eq!((&done["files"], &done["failed"]), (&2.into(), &1.into()));
    assert!(errors.iter().any(|line| line["message_type"] == "error" && line["path"] == "noise"));
    let path = place.path(text(&done["target"]));
    assert_eq!(entries(&path), ["a", "z"]);
    assert!(path.metadata().unwrap().len() < 10_000, "nothing of the broken item stays");
}
