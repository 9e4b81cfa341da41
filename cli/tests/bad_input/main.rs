//! Bad input of every kind (docs/errors.md): each is told what, where and what to do next, has its
//! exit code, and loses nothing.

#[path = "../common/mod.rs"]
mod common;
mod damage;
mod history;
mod interrupts;
mod refusals;
mod repair;
mod sources;
mod storage;

use std::path::{Path, PathBuf};

use common::Place;
use serde_json::Value;

/// Runs a command that fails, and checks that text and JSON say so alike. Gives the text.
fn fails(place: &Place, arguments: &[&str], code: i32) -> String {
    let (lines, errors) = place.json(arguments, code);
    assert!(lines.is_empty(), "{lines:?}");
    let error = errors.last().unwrap();
    assert_eq!((&error["message_type"], &error["code"]), (&"exit_error".into(), &code.into()));
    assert!(!error["hint"].as_str().unwrap().is_empty());
    let text = place.corso(arguments).output().unwrap();
    assert_eq!(text.status.code(), Some(code));
    String::from_utf8(text.stderr).unwrap()
}

/// The repository is whole: nothing that was tried has harmed it.
fn is_whole(place: &Place) {
    let (lines, _) = place.json(&["repo", "verify", "--level", "data"], 0);
    assert_eq!(lines.last().unwrap()["damage"], 0);
}

/// The snapshots that `snapshot list` shows, with further options, if it ends with `code`.
fn snapshots(place: &Place, arguments: &[&str], code: i32) -> Vec<Value> {
    let (lines, _) = place.json(&[&["snapshot", "list"], arguments].concat(), code);
    lines.into_iter().filter(|line| line["message_type"] == "snapshot").collect()
}

/// The files below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.path().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found.sort();
    found
}

/// The largest file below a folder of the repository.
fn find_file(place: &Place, folder: &str) -> PathBuf {
    let found = files(&place.path("repository").join(folder));
    found.into_iter().max_by_key(|file| file.metadata().unwrap().len()).unwrap()
}

/// A blob's name, from where it lies.
fn name(place: &Place, blob: &Path) -> String {
    blob.strip_prefix(place.path("repository")).unwrap().to_str().unwrap().to_owned()
}

/// Flips a bit in the middle of a file, and gives the bytes it had.
fn flip(file: &Path) -> Vec<u8> {
    let bytes = std::fs::read(file).unwrap();
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    std::fs::write(file, changed).unwrap();
    bytes
}

/// Changes a byte of a blob that ends in its hash, and the hash with it.
fn rehash(file: &Path, offset: usize, byte: u8) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[offset] = byte;
    let (body, hash) = bytes.split_last_chunk_mut::<32>().unwrap();
    *hash = *blake3::hash(body).as_bytes();
    std::fs::write(file, bytes).unwrap();
}

/// Bytes that do not compress.
fn noise(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}
