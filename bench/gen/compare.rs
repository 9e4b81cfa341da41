//! Two trees compared, and one tree measured.
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How many differences are printed.
const SHOWN: u64 = 10;

#[derive(Default)]
struct Found {
    entries: u64,
    /// Names, types, bytes and targets of links that differ.
    differences: u64,
    /// Modes that differ, and times of files and folders.
    modes: u64,
    times: u64,
    lines: Vec<String>,
}

impl Found {
    fn differs(&mut self, path: &Path, how: &str) {
        self.differences += 1;
        if self.differences <= SHOWN {
            self.lines.push(format!("{}: {how}", path.display()));
        }
    }
}

/// Prints "ENTRIES DIFFERENCES MODES TIMES", then the first differences; returns the exit code, which modes and times
/// do not count for: not every tool keeps them.
pub fn compare(a: &Path, b: &Path) -> i32 {
    let mut found = Found::default();
    folders(a, b, &mut found);
    println!("{} {} {} {}", found.entries, found.differences, found.modes, found.times);
    for line in &found.lines {
        println!("{line}");
    }
    (found.differences > 0) as i32
}

fn names(dir: &Path) -> BTreeMap<OsString, Metadata> {
    fs::read_dir(dir).unwrap().map(|e| e.unwrap()).map(|e| (e.file_name(), e.metadata().unwrap())).collect()
}

fn folders(a: &Path, b: &Path, found: &mut Found) {
    let (here, mut there) = (names(a), names(b));
    for (name, left) in here {
        let path = a.join(&name);
        found.entries += 1;
        match there.remove(&name) {
            None => found.differs(&path, "is missing"),
            Some(right) => entries(&path, &b.join(&name), &left, &right, found),
        }
    }
    for name in there.keys() {
        found.differs(&b.join(name), "is not in the source");
    }
}

fn entries(a: &Path, b: &Path, left: &Metadata, right: &Metadata, found: &mut Found) {
    let kind = left.file_type();
    if kind != right.file_type() {
        return found.differs(a, "is of another type");
    }
    if kind.is_symlink() {
        if fs::read_link(a).unwrap() != fs::read_link(b).unwrap() {
            found.differs(a, "points elsewhere");
        }
        return;
    }
    found.modes += (left.mode() != right.mode()) as u64;
    found.times += ((left.mtime(), left.mtime_nsec()) != (right.mtime(), right.mtime_nsec())) as u64;
    if kind.is_dir() {
        folders(a, b, found);
    } else if left.len() != right.len() {
        found.differs(a, &format!("has {} bytes, restored are {}", left.len(), right.len()));
    } else if left.len() > 0 && !same_bytes(a, b) {
        found.differs(a, "has other bytes");
    }
}

fn same_bytes(a: &Path, b: &Path) -> bool {
    const STEP: usize = 256 << 10;
    let (mut a, mut b) = (File::open(a).unwrap(), File::open(b).unwrap());
    let (mut left, mut right) = (Vec::with_capacity(STEP), Vec::with_capacity(STEP));
    loop {
        left.clear();
        right.clear();
        a.by_ref().take(STEP as u64).read_to_end(&mut left).unwrap();
        b.by_ref().take(STEP as u64).read_to_end(&mut right).unwrap();
        if left != right {
            return false;
        }
        if left.is_empty() {
            return true;
        }
    }
}

/// Prints "FILES FOLDERS BYTES ALLOCATED" of a tree; links count as files, without bytes.
pub fn measure(dir: &Path) {
    let mut sums = [0; 4];
    let mut left = vec![dir.to_path_buf()];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let entry = entry.unwrap();
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                sums[1] += 1;
                left.push(entry.path());
                continue;
            }
            sums[0] += 1;
            sums[3] += meta.blocks() * 512;
            if meta.is_file() {
                sums[2] += meta.len();
            }
        }
    }
    println!("{} {} {} {}", sums[0], sums[1], sums[2], sums[3]);
}
