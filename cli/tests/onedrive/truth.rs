//! An export compared with what the simulator knows to be true.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use folder::export::escape;
use graph_sim::SimState;
use graph_sim::model::truth::TrueKind;

use super::cloud::Cloud;

/// What differs between the latest backup of a drive and its true state; nothing if all is well.
pub fn differences(cloud: &Cloud, drive: u32) -> Vec<String> {
    let target = cloud.place.path(&format!("out {drive} {}", cloud.state().seq(drive)));
    let user = cloud.user(drive);
    let arguments = ["export", "onedrive", "--backup", "latest", "--user", &user, target.to_str().unwrap()];
    // An export needs nothing of Microsoft: this command knows of no simulator.
    cloud.place.json(&arguments, 0);
    let mut differences = Vec::new();
    let wanted = wanted(cloud.state(), drive);
    let found = found(&target);
    for (path, (size, modified)) in &wanted {
        match found.get(path) {
            None => differences.push(format!("{path} is missing")),
            Some(there) if there != &(*size, *modified) => {
                differences.push(format!("{path}: {there:?} for {:?}", (size, modified)));
            }
            Some(_) => {}
        }
    }
    differences.extend(
        found.keys().filter(|path| !wanted.contains_key(*path)).map(|path| format!("{path} is extra")),
    );
    for item in cloud.state().true_state(drive).iter().filter(|item| item.kind == TrueKind::File) {
        let content = cloud.state().content(drive, &item.id).unwrap_or_default();
        if fs::read(target.join(safe(&item.path))).ok() != Some(content) {
            differences.push(format!("{} has other content", item.path));
        }
    }
    differences
}

/// Size and time of every file, none of folders and of links to other drives.
type Listing = BTreeMap<String, (Option<u64>, Option<i64>)>;

fn wanted(state: &SimState, drive: u32) -> Listing {
    let items = state.true_state(drive).into_iter();
    // A notebook is exported as a folder, a shortcut as a link.
    let kept = items.filter(|item| item.kind != TrueKind::Root);
    kept.map(|item| {
        let is_file = item.kind == TrueKind::File;
        let facts = (is_file.then_some(item.size), is_file.then_some(i64::from(item.modified)));
        (safe(&item.path), facts)
    })
    .collect()
}

/// A path of a drive as an export writes it.
pub fn safe(path: &str) -> String {
    let names = path.split('/').filter(|name| !name.is_empty());
    names.map(|name| escape(name.as_bytes())).collect::<Vec<_>>().join("/")
}

fn found(root: &Path) -> Listing {
    let (mut found, mut folders) = (Listing::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let facts = entry.metadata().unwrap();
            let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let is_file = facts.is_file();
            found.insert(path, (is_file.then_some(facts.len()), is_file.then_some(facts.mtime())));
            if facts.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found
}
