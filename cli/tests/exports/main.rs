//! Backups of OneDrive in the repository: listed, looked into, exported and deleted, without a service.

mod archive;
mod backups;
#[path = "../common/mod.rs"]
mod common;
mod drive;
mod folder;

use common::Place;
use serde_json::Value;

/// A text in JSON.
fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The last line of a command that ends with `code`.
fn summary(place: &Place, arguments: &[&str], code: i32) -> Value {
    place.json(arguments, code).0.pop().unwrap()
}

/// Bytes that do not compress.
fn noise(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

/// The largest pack of data, which holds the files.
fn data_pack(place: &Place) -> std::path::PathBuf {
    let packs = std::fs::read_dir(place.path("repository/packs/data")).unwrap();
    let packs = packs.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    packs.map(|file| file.unwrap().path()).max_by_key(|path| path.metadata().unwrap().len()).unwrap()
}
