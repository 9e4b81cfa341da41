//! An export beside the drive that it came from.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use folder::export::escape;
use graph_sim::SimState;
use graph_sim::model::truth::{TrueItem, TrueKind};

/// What differs: names, kinds, bytes and times. Items with an ID in `withheld` are not looked for.
pub fn differences(state: &SimState, drive: u32, withheld: &HashSet<String>, target: &Path) -> Vec<String> {
    let (mut differences, mut wanted) = (Vec::new(), BTreeSet::new());
    let items = state.true_state(drive).into_iter().filter(|item| !withheld.contains(&item.id));
    for item in items.filter(|item| matches!(item.kind, TrueKind::File | TrueKind::Folder)) {
        let place = place_of(&item, target);
        if let Err(what) = compare(state, drive, &item, &place) {
            differences.push(format!("{}: {what}", item.path));
        }
        wanted.insert(place);
    }
    match below(target) {
        Ok(found) => {
            let extra = found.into_iter().filter(|place| !wanted.contains(place));
            differences.extend(extra.map(|place| format!("{} is not in the drive", place.display())));
        }
        Err(error) => differences.push(format!("{}: {error}", target.display())),
    }
    differences
}

fn place_of(item: &TrueItem, target: &Path) -> PathBuf {
    let names = item.path.split('/').filter(|name| !name.is_empty());
    names.fold(target.to_owned(), |place, name| place.join(escape(name.as_bytes())))
}

fn compare(state: &SimState, drive: u32, item: &TrueItem, place: &Path) -> Result<(), String> {
    let facts = place.symlink_metadata().map_err(|error| error.to_string())?;
    match item.kind {
        TrueKind::Folder if facts.is_dir() => Ok(()),
        TrueKind::File if facts.is_file() => {
            let bytes = fs::read(place).map_err(|error| error.to_string())?;
            if state.content(drive, &item.id).unwrap_or_default() != bytes {
                return Err("its content differs".to_owned());
            }
            match facts.mtime() == i64::from(item.modified) {
                true => Ok(()),
                false => Err("its time differs".to_owned()),
            }
        }
        _ => Err("it is of another kind".to_owned()),
    }
}

fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    Ok(found)
}
