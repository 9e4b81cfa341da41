//! A tree without content: what a backup costs for names, modes and times alone.
use crate::content::Words;
use crate::random::Rng;
use std::fs::{self, File, FileTimes, OpenOptions};
use std::os::unix::fs::{symlink, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const DEPTH_MAX: usize = 14;

/// Folders with a handful of entries mostly, and with thousands seldom; 1 entry in 100 is a link.
pub fn metadata(dir: &Path, seed: u64, entries: u64) {
    let words = Words::new();
    let mut r = Rng::new(seed);
    let mut folders: Vec<(PathBuf, usize)> = vec![(dir.to_path_buf(), 0)];
    let (mut made, mut links) = (0, 0);
    while made < entries {
        // Below one of the youngest, so that the tree is deep, or below any, so that it is wide.
        let of = if r.below(3) > 0 { 40.min(folders.len() as u64) } else { folders.len() as u64 };
        let (parent, depth) = folders[folders.len() - 1 - r.below(of) as usize].clone();
        if depth == DEPTH_MAX {
            continue;
        }
        let folder = parent.join(name(&words, &mut r, folders.len() as u64, ""));
        fs::create_dir(&folder).unwrap();
        made += 1;
        let files = (r.lognormal(5.0, 1.2) as u64).min(8000).min(entries - made);
        for i in 0..files {
            const EXT: [&str; 8] = [".txt", ".rs", ".json", ".docx", ".jpg", ".html", "", ".o"];
            let ext = EXT[r.below(8) as usize];
            let path = folder.join(name(&words, &mut r, i, ext));
            if r.below(100) == 0 {
                symlink(format!("../{}", r.below(1 << 20)), &path).unwrap();
                links += 1;
            } else {
                let mode = [0o644, 0o644, 0o644, 0o644, 0o644, 0o755, 0o600, 0o444][r.below(8) as usize];
                let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path).unwrap();
                file.set_times(FileTimes::new().set_modified(time(&mut r))).unwrap();
            }
        }
        made += files;
        folders.push((folder, depth + 1));
    }
    // Last, since whatever is made in a folder changes its time.
    for (folder, _) in &folders[1..] {
        File::open(folder).unwrap().set_times(FileTimes::new().set_modified(time(&mut r))).unwrap();
    }
    println!("metadata: {made} entries, {} folders, {links} links", folders.len() - 1);
}

/// One to three words, a number that makes it unique, and sometimes letters that take two bytes.
fn name(words: &Words, r: &mut Rng, number: u64, ext: &str) -> String {
    let mut name = vec![];
    for _ in 0..1 + r.below(3) {
        words.word(r, &mut name);
        name.push(b'-');
    }
    let umlaut = if r.below(20) == 0 { "für-" } else { "" };
    format!("{}{umlaut}{number}{ext}", String::from_utf8(name).unwrap())
}

/// Some time from 2015 to 2025, to the nanosecond.
fn time(r: &mut Rng) -> SystemTime {
    SystemTime::UNIX_EPOCH
        + Duration::new(1_420_070_400 + r.below(315_360_000), r.below(1_000_000_000) as u32)
}
