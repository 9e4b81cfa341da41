//! `corso backup create onedrive --folder`

use std::collections::BTreeSet;

use graph_sim::Faults;
use graph_sim::model::truth::{TrueItem, TrueKind};
use serde_json::Value;

use super::cloud::{Cloud, tenant};

/// A folder in a folder of the drive, with files of its own.
fn some_folder(items: &[TrueItem]) -> String {
    let depth = |path: &str| path.matches('/').count();
    let has_files = |folder: &TrueItem| {
        items
            .iter()
            .any(|item| item.kind == TrueKind::File && item.parent_id.as_deref() == Some(folder.id.as_str()))
    };
    let mut folders = items.iter().filter(|item| item.kind == TrueKind::Folder && depth(&item.path) == 2);
    folders.find(|folder| has_files(folder)).unwrap().path.trim_start_matches('/').to_owned()
}

fn paths_of(lines: &[Value]) -> BTreeSet<String> {
    lines.iter().filter_map(|line| Some(line["path"].as_str()?.to_owned())).collect()
}

#[test]
fn a_folder_of_each_drive_is_a_backup_of_its_own() {
    let cloud = Cloud::new(tenant(2, 250), Faults::default());
    let items = cloud.state().true_state(0);
    let (folder, user) = (some_folder(&items), cloud.user(0));
    let part = ["--user", &user, "--folder", &format!("/{folder}/")];
    let summary = cloud.back_up(&part, 0);
    let below = |path: &str| path.starts_with(&format!("/{folder}/"));
    let files: Vec<&TrueItem> =
        items.iter().filter(|item| item.kind == TrueKind::File && below(&item.path)).collect();
    assert_eq!(summary["fetched"], files.len());
    assert_eq!(cloud.back_up(&part, 0)["fetched"], 0);
    let (lines, _) = cloud.place.json(&["backup", "details", "onedrive", "--backup", "latest"], 0);
    let found = paths_of(&lines);
    for item in &items {
        let path = item.path.trim_start_matches('/');
        let leads = folder == path || folder.starts_with(&format!("{path}/"));
        let wanted = below(&item.path) || (leads && item.kind == TrueKind::Folder);
        assert_eq!(found.contains(path), wanted, "{path}");
    }

    // The whole drive is another backup: it goes on by itself, and finds what is stored.
    let whole = cloud.back_up(&["--user", &user], 0);
    assert!(whole["fetched"].as_u64().unwrap() > files.len() as u64);
    let (lines, _) = cloud.place.json(&["backup", "list", "onedrive"], 0);
    let folders: Vec<usize> =
        lines.iter().filter_map(|line| Some(line["source"]["paths"].as_array()?.len())).collect();
    assert_eq!(folders, [1, 1, 0]);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let cloud = Cloud::new(tenant(1, 30), Faults::default());
    let arguments = ["backup", "create", "onedrive", "--user", "*", "--folder", "Documents/Nowhere"];
    let (lines, _) = cloud.json(&arguments, 0);
    let user = lines.iter().find(|line| line["message_type"] == "user").unwrap();
    assert_eq!(user["message"], "the drive has no folder Documents/Nowhere");
    let told = lines.iter().find(|line| line["message_type"] == "failure").unwrap();
    assert_eq!((&told["path"], &told["cause"]), (&"Documents/Nowhere".into(), &"vanished".into()));
    let root =
        cloud.corso(&["backup", "create", "onedrive", "--user", "*", "--folder", "/"]).output().unwrap();
    assert_eq!(root.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&root.stderr).contains("Documents/Work"));
}
