//! A change to a set, and its exact undoing. What the change moves away or overwrites is kept below SIDE, and what it
//! did is in SIDE/journal, a line each: E edited, T touched, R renamed, D deleted, A added, W written in place.
use crate::content::{content, Kind, Words};
use crate::random::Rng;
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

fn walk(d: &Path, out: &mut Vec<PathBuf>) {
    for e in fs::read_dir(d).unwrap() {
        let e = e.unwrap();
        let t = e.file_type().unwrap();
        if t.is_dir() {
            walk(&e.path(), out);
        } else if t.is_file()
            && e.path().to_str().is_some_and(|s| !s.contains(['\t', '\n']))
            && e.file_name() != ".bench-root"
        {
            out.push(e.path());
        }
    }
}

fn touch(path: &Path, seconds: u64, nanoseconds: u32, mode: u32) {
    let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds);
    File::open(path).unwrap().set_times(FileTimes::new().set_modified(time)).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// An image of a disk: about 1 % of its bytes rewritten in place, in runs of whole 4 KiB.
fn rewrite_blocks(p: &Path, side: &Path, j: &mut File, w: &Words, r: &mut Rng) {
    let f = OpenOptions::new().read(true).write(true).open(p).unwrap();
    let len = f.metadata().unwrap().len();
    let mut save = File::create(side.join("blocks")).unwrap();
    let (mut got, mut runs) = (0u64, 0);
    let mut text = vec![];
    while got < len / 100 {
        let n = 4096 * (1 + r.below(64));
        let at = r.below((len - n) / 4096) * 4096;
        let mut old = vec![0; n as usize];
        f.read_exact_at(&mut old, at).unwrap();
        save.write_all(&old).unwrap();
        writeln!(j, "W\t{}\t{at}\t{n}", p.display()).unwrap();
        if r.below(2) == 0 {
            r.fill(&mut old);
        } else {
            text.clear();
            w.prose(r, n as usize, &mut text);
            old.copy_from_slice(&text);
        }
        f.write_all_at(&old, at).unwrap();
        got += n;
        runs += 1;
    }
    println!("mutate: {runs} runs, {got} bytes rewritten in {}", p.file_name().unwrap().to_string_lossy());
}

/// Changes 1 % of the files each: edited, renamed into another folder, deleted, added.
pub fn mutate(dir: &Path, side: &Path, seed: u64) {
    let w = Words::new();
    let mut r = Rng::new(seed);
    fs::create_dir_all(side).unwrap();
    let mut j = File::create(side.join("journal")).unwrap();
    let mut all = vec![];
    walk(dir, &mut all);
    all.sort();
    let big = all.iter().any(|p| fs::metadata(p).unwrap().len() > 1 << 30);
    if big && all.len() < 16 {
        return rewrite_blocks(&all[0], side, &mut j, &w, &mut r);
    }
    let n = (all.len() / 100).max(1);
    for i in 0..4 * n {
        let k = i as u64 + r.below((all.len() - i) as u64);
        all.swap(i, k as usize);
    }
    let mut bytes = 0;
    for i in 0..n {
        // edited: 1 to 4096 bytes inserted at a random place; an empty file is touched
        let p = &all[i];
        let md = fs::metadata(p).unwrap();
        if md.len() == 0 {
            writeln!(j, "T\t{}\t{}\t{}\t{}", p.display(), md.mtime(), md.mtime_nsec(), md.mode()).unwrap();
            touch(p, 1_764_000_000 + r.below(1_000_000), r.below(1_000_000_000) as u32, 0o640);
            continue;
        }
        let mut b = fs::read(p).unwrap();
        let s = side.join(format!("e{i}"));
        fs::rename(p, &s).unwrap();
        let mut x = vec![0; 1 + r.below(4096) as usize];
        r.fill(&mut x);
        let at = r.below(b.len() as u64 + 1) as usize;
        b.splice(at..at, x);
        bytes += b.len();
        fs::write(p, b).unwrap();
        fs::set_permissions(p, fs::Permissions::from_mode(md.permissions().mode())).unwrap();
        writeln!(j, "E\t{}\t{}", p.display(), s.display()).unwrap();
    }
    for i in n..2 * n {
        // renamed into another file's folder
        let p = &all[i];
        let to = all[(i * 7 + 13) % all.len()].with_file_name(format!("renamed-{i}"));
        fs::rename(p, &to).unwrap();
        writeln!(j, "R\t{}\t{}", p.display(), to.display()).unwrap();
    }
    for i in 2 * n..3 * n {
        // deleted
        let p = &all[i];
        let s = side.join(format!("d{i}"));
        fs::rename(p, &s).unwrap();
        writeln!(j, "D\t{}\t{}", p.display(), s.display()).unwrap();
    }
    for i in 3 * n..4 * n {
        // added: as large as some existing file
        let size = fs::metadata(&all[i]).unwrap().len().min(8 << 20) as usize;
        let k = [Kind::Txt, Kind::Json, Kind::Docx, Kind::Jpg][r.below(4) as usize];
        let p = all[i].with_file_name(format!("added-{i}"));
        fs::write(&p, content(&w, k, size, r.next())).unwrap();
        bytes += size;
        writeln!(j, "A\t{}", p.display()).unwrap();
    }
    println!("mutate: {n} each edited, renamed, deleted, added; {bytes} bytes in edited and added files");
}

/// Undoes what [`mutate`] did, from the last to the first.
pub fn revert(side: &Path) {
    let j = fs::read_to_string(side.join("journal")).unwrap();
    let mut blocks = vec![];
    if let Ok(mut f) = File::open(side.join("blocks")) {
        f.read_to_end(&mut blocks).unwrap();
    }
    let mut end = blocks.len();
    for l in j.lines().rev() {
        let c: Vec<&str> = l.split('\t').collect();
        match c[0] {
            "E" | "D" => fs::rename(c[2], c[1]).unwrap(),
            "R" => fs::rename(c[2], c[1]).unwrap(),
            "A" => fs::remove_file(c[1]).unwrap(),
            "T" => {
                touch(Path::new(c[1]), c[2].parse().unwrap(), c[3].parse().unwrap(), c[4].parse().unwrap())
            }
            _ => {
                let (at, n): (u64, usize) = (c[2].parse().unwrap(), c[3].parse().unwrap());
                let f = OpenOptions::new().write(true).open(c[1]).unwrap();
                f.write_all_at(&blocks[end - n..end], at).unwrap();
                end -= n;
            }
        }
    }
    fs::remove_dir_all(side).unwrap();
}
