//! Repositories that older drafts and releases wrote are still read: `tests/fixtures/format-*`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use corso_tests::runtime;
use folder::{FolderSink, SinkOptions};
use repo_format::engine::progress::{Progress, Stop};
use repo_format::engine::{RestoreOptions, restore};
use repo_format::format::slot::Secret;
use repo_format::log::ManifestRow;
use repo_format::repository::{OpenOptions, Repository};
use repo_format::storage::{Blobs, Location, Storage, StorageOptions};
use repo_format::verify::{Level, VerifyOptions, verify};
use serde_json::{Value, json};

/// One for each format; a folder more or fewer is a change of this list.
const FORMATS: [&str; 1] = ["format-0"];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// What is alike in a folder and in what was restored of it, as `listing.py` tells it.
fn listing(root: &Path) -> Vec<Value> {
    let mut paths = vec![PathBuf::new()];
    let mut next = 0;
    while let Some(path) = paths.get(next).cloned() {
        next += 1;
        let full = root.join(&path);
        if fs::symlink_metadata(&full).expect("is there").is_dir() {
            let names = fs::read_dir(&full).expect("lists").map(|entry| entry.expect("lists").file_name());
            paths.extend(names.map(|name| path.join(name)));
        }
    }
    paths.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    let mut groups = BTreeMap::new();
    paths.iter().map(|path| entry(root, path, &mut groups)).collect()
}

fn entry(root: &Path, path: &Path, groups: &mut BTreeMap<u64, usize>) -> Value {
    let full = if path.as_os_str().is_empty() { root.to_owned() } else { root.join(path) };
    let found = fs::symlink_metadata(&full).expect("is there");
    let mtime = found.mtime() * 1_000_000_000 + found.mtime_nsec();
    let mut told = json!({ "path": hex::encode(path.as_os_str().as_bytes()), "mtime": mtime });
    let kind = found.file_type();
    if kind.is_symlink() {
        told["type"] = "symlink".into();
        let target = fs::read_link(&full).expect("reads").into_os_string();
        told["target"] = hex::encode(target.into_vec()).into();
        return told;
    }
    told["mode"] = (found.mode() & 0o7777).into();
    if kind.is_file() {
        let bytes = fs::read(&full).expect("reads");
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        told["sha256"] = hex::encode(hash).into();
        told["size"] = bytes.len().into();
        if found.nlink() > 1 {
            let number = groups.len();
            told["link"] = (*groups.entry(found.ino()).or_insert(number)).into();
        }
        let xattrs = xattrs(&full);
        if !xattrs.is_empty() {
            told["xattrs"] = json!(xattrs);
        }
    }
    told["type"] = if kind.is_file() {
        "file"
    } else if kind.is_dir() {
        "folder"
    } else {
        "fifo"
    }
    .into();
    told
}

fn xattrs(path: &Path) -> BTreeMap<String, String> {
    let (mut names, mut value) = (vec![0; 65_536], vec![0; 65_536]);
    let length = rustix::fs::listxattr(path, &mut names).unwrap_or(0);
    let names = names[..length].split(|byte| *byte == 0).filter(|name| name.starts_with(b"user."));
    let read = names.map(|name| {
        let length = rustix::fs::getxattr(path, OsStr::from_bytes(name), &mut value).expect("reads");
        (String::from_utf8_lossy(name).into_owned(), hex::encode(&value[..length]))
    });
    read.collect()
}

/// The listing that was made of the source; without xattrs where `folder` can have none.
fn wanted(file: &Path, folder: &Path) -> Vec<Value> {
    let probe = folder.join("probe");
    fs::write(&probe, b"").expect("writes");
    let takes_xattrs =
        rustix::fs::setxattr(&probe, "user.probe", b"1", rustix::fs::XattrFlags::empty()).is_ok();
    let text = fs::read_to_string(file).expect("reads");
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    if !takes_xattrs {
        for line in lines.iter_mut().filter_map(Value::as_object_mut) {
            line.remove("xattrs");
        }
    }
    lines
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("makes");
    for entry in fs::read_dir(from).expect("lists") {
        let entry = entry.expect("lists");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("has one").is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), &target).expect("copies")),
        }
    }
}

/// Opens, verifies, lists and restores a fixture, of which a copy is made: opening may write.
fn is_read(fixture: &Path) {
    let (runtime, scratch) = (runtime(), tempfile::tempdir().expect("a folder"));
    copy(&fixture.join("repository"), &scratch.path().join("repository"));
    let location = Location::Folder { path: scratch.path().join("repository") };
    let storage = Storage::open(&location, &StorageOptions::default());
    let key = Secret::key_file(&fs::read(fixture.join("key")).expect("reads")).expect("a key file");
    let blobs = Blobs::new(storage.expect("is there"), runtime.handle().clone());
    let repository = Repository::open(blobs, &key, OpenOptions::default()).expect("opens");

    let options = VerifyOptions { level: Level::Data, ..VerifyOptions::default() };
    let report = verify(&repository, &options, &Progress::default(), &Stop::default()).expect("verifies");
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert!(report.covered.catalogs >= 1, "there are enough records for a catalog");

    let rows = repository.snapshots().expect("lists");
    let states: Vec<&str> = rows.iter().map(|row| row.tags["state"].as_str()).collect();
    assert_eq!(states, ["first", "last"]);
    for row in &rows {
        comes_back(&repository, row, fixture, scratch.path());
    }
}

fn comes_back(repository: &Repository, row: &ManifestRow, fixture: &Path, scratch: &Path) {
    let state = &row.tags["state"];
    let target = scratch.join(state);
    let sink = FolderSink::new(&target, SinkOptions::default()).expect("makes the target");
    let (progress, stop) = (Progress::default(), Stop::default());
    restore(repository, &row.id, &[], &sink, &RestoreOptions::default(), &progress, &stop).expect("restores");
    let (found, wanted) = (listing(&target), wanted(&fixture.join(format!("{state}.jsonl")), scratch));
    for (found, wanted) in found.iter().zip(&wanted) {
        assert_eq!(found, wanted);
    }
    assert_eq!(found.len(), wanted.len());
}

#[test]
fn every_fixture_opens_verifies_and_comes_back() {
    let names = fs::read_dir(fixtures()).expect("lists").map(|entry| entry.expect("lists").file_name());
    let mut found: Vec<String> =
        names.filter_map(|name| name.into_string().ok()).filter(|name| name.starts_with("format-")).collect();
    found.sort();
    assert_eq!(found, FORMATS);
    found.iter().for_each(|name| is_read(&fixtures().join(name)));
}
