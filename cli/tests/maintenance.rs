//! `maintenance explain`: why a pack is still there.

mod common;

use std::path::PathBuf;

use common::Place;
use serde_json::Value;

/// The packs that a command tells of.
fn packs(place: &Place, arguments: &[&str]) -> Vec<Value> {
    let lines = place.json(&[&["maintenance", "explain"], arguments].concat(), 0).0;
    assert_eq!(lines.last().unwrap()["command"], "maintenance explain");
    lines.into_iter().filter(|line| line["message_type"] == "pack").collect()
}

/// The ID of the one data pack that there is.
fn data_pack(place: &Place) -> String {
    let only = |folder: PathBuf| {
        let mut entries = std::fs::read_dir(folder).unwrap();
        let first = entries.next().unwrap().unwrap().path();
        assert!(entries.next().is_none());
        first
    };
    let pack = only(only(place.path("repository/packs/data")));
    pack.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn explain_names_who_keeps_a_pack_until_they_are_forgotten() {
    let place = Place::with_repository();
    place.write("source/letters/may.txt", &[7; 300_000]);
    place.write("source/letters/june.txt", b"another");
    place.write("source/letters/july.txt", b"and one more");
    let snapshots = [place.back_up(&["source"]), place.back_up(&["source"])];

    let id = &data_pack(&place);
    let told = &packs(&place, &[id])[0];
    assert_eq!((&told["fate"], &told["snapshot_count"]), (&"needed".into(), &2.into()));
    for (needing, snapshot) in told["needed_by"].as_array().unwrap().iter().zip(&snapshots) {
        assert_eq!(
            (&needing["snapshot_id"], &needing["path_count"]),
            (&Value::from(snapshot.as_str()), &3.into())
        );
        let paths: Vec<&str> =
            needing["paths"].as_array().unwrap().iter().map(|path| path["path"].as_str().unwrap()).collect();
        assert!(paths.len() == 2 && paths.iter().all(|path| path.contains("letters/")), "{paths:?}");
    }
    let text = place.corso(&["maintenance", "explain", id]).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    for snapshot in &snapshots {
        assert!(text.contains(&format!("  in snapshot {snapshot}: ")), "{text}");
    }
    assert!(text.contains(" and 1 more\n"), "{text}");

    place.json(&["snapshot", "forget", &snapshots[0], &snapshots[1]], 0);
    let told = &packs(&place, &[id])[0];
    assert_eq!(
        (&told["fate"], &told["snapshot_count"], &told["needed_by"]),
        (&"unneeded".into(), &0.into(), &Value::Array(vec![]))
    );
    place.json(&["maintenance", "run"], 0);
    let told = &packs(&place, &["1GiB"]).into_iter().find(|pack| pack["pack"] == **id).expect("it waits");
    assert_eq!((&told["fate"], told["due"].is_string()), (&"condemned".into(), true));
}
