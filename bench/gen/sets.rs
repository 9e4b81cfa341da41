//! The sets of files with content: office documents, many small files, one image of a disk.
use crate::content::{content, edit, Kind, Words, KINDS};
use crate::random::Rng;
use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

/// Documents, pictures, text and data of 20 users, with 15 % duplicates and 15 % near duplicates.
pub fn office(dir: &Path, seed: u64, mib: u64) {
    let w = Words::new();
    let mut r = Rng::new(seed);
    let mut bases: Vec<(Kind, &str, usize, u64)> = vec![];
    let (mut total, mut n, mut dup, mut near) = (0u64, 0u64, 0u64, 0u64);
    while total < mib << 20 {
        let p = r.f();
        let (k, ext, size, cseed, copy) = if p < 0.30 && bases.len() > 50 {
            let b = bases[r.below(bases.len() as u64) as usize];
            (b.0, b.1, b.2, b.3, if p < 0.15 { 1 } else { 2 })
        } else {
            let mut x = r.f();
            let mut i = 0;
            while i < 11 && x >= KINDS[i].2 {
                x -= KINDS[i].2;
                i += 1;
            }
            let q = KINDS[i];
            let size = (r.lognormal(q.3, q.4) as usize).clamp(64, 64 << 20);
            (q.0, q.1, size, r.next(), 0)
        };
        let mut b = content(&w, k, size, cseed);
        if copy == 0 {
            bases.push((k, ext, size, cseed));
        } else if copy == 1 {
            dup += 1;
        } else {
            near += 1;
            edit(&mut b, &mut r);
        }
        let user = r.below(20);
        let proj = r.below(40);
        let mut p = dir.join(format!(
            "user{user:02}/{}/Project {proj:02}",
            ["Documents", "Pictures", "Desktop", "Shared Libraries"][r.below(4) as usize]
        ));
        if r.below(3) == 0 {
            p = p.join(format!("Jahr {}/Entwürfe", 2015 + r.below(10)));
        }
        fs::create_dir_all(&p).unwrap();
        let mut name = vec![];
        w.word(&mut r, &mut name);
        p.push(format!("{} {n:05}.{ext}", String::from_utf8(name).unwrap()));
        fs::write(&p, &b).unwrap();
        total += b.len() as u64;
        n += 1;
    }
    println!("office: {n} files, {total} bytes, {dup} duplicates, {near} near duplicates");
}

/// Files of 1 to 8 KiB in folders of 200.
pub fn small(dir: &Path, seed: u64, files: u64) {
    let w = Words::new();
    let mut r = Rng::new(seed);
    let mut total = 0;
    for i in 0..files {
        let d = dir.join(format!("d{:02}/s{:03}", i / 20000, (i / 200) % 100));
        if i % 200 == 0 {
            fs::create_dir_all(&d).unwrap();
        }
        let size = 1024 + r.below(7168 + 1) as usize;
        let k = [Kind::Txt, Kind::Json, Kind::Log, Kind::Csv, Kind::Png][r.below(5) as usize];
        let b = content(&w, k, size, r.next());
        fs::write(d.join(format!("f{i:06}.dat")), &b).unwrap();
        total += size;
    }
    println!("small: {files} files, {total} bytes");
}

/// Files of 100 bytes in folders of 100, for the curves of growth.
pub fn grown(dir: &Path, seed: u64, files: u64) {
    let w = Words::new();
    let mut r = Rng::new(seed);
    for i in 0..files {
        let d = dir.join(format!("{:03}/{:02}", i / 10000, i / 100 % 100));
        if i % 100 == 0 {
            fs::create_dir_all(&d).unwrap();
        }
        fs::write(d.join(format!("{i:07}.txt")), content(&w, Kind::Txt, 100, r.next())).unwrap();
    }
    println!("grown: {files} files of 100 bytes");
}

/// One image: holes, text and rows, noise, and parts that repeat.
pub fn big(dir: &Path, seed: u64, mib: u64) {
    let w = Words::new();
    let mut r = Rng::new(seed);
    let path = dir.join("disk.img");
    let f = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    let len = mib << 20;
    f.set_len(len).unwrap();
    let mut o = BufWriter::with_capacity(4 << 20, &f);
    let (mut at, mut holes, mut comp, mut rnd, mut rep) = (0u64, 0u64, 0u64, 0u64, 0u64);
    let mut done: Vec<(u64, Vec<u64>)> = vec![]; // regions of 64 KiB units, by the seeds they were made from
    let mut buf = vec![];
    while at < len {
        let units = 1 + r.below(128);
        let n = (units * 65536).min(len - at);
        match r.below(100) {
            0..=29 => {
                // zeros: a hole
                o.flush().unwrap();
                (&f).seek(SeekFrom::Start(at + n)).unwrap();
                holes += n;
            }
            p => {
                let seeds: Vec<u64> = if p >= 88 && !done.is_empty() {
                    rep += n;
                    done[r.below(done.len() as u64) as usize].1.clone()
                } else {
                    let kind = if p < 62 { 0 } else { 1 };
                    if kind == 0 {
                        comp += n
                    } else {
                        rnd += n
                    }
                    (0..(n / 65536).max(1)).map(|_| (r.next() & !1) | kind).collect()
                };
                let mut left = n as usize;
                for s in &seeds {
                    if left == 0 {
                        break;
                    }
                    buf.clear();
                    let mut q = Rng::new(*s);
                    if s & 1 == 0 {
                        // database- or file-system-like pages: text, rows, and some binary per page
                        w.rows(Kind::Json, &mut q, 24000, &mut buf);
                        w.prose(&mut q, 28000, &mut buf);
                        let a = buf.len();
                        buf.resize(60000, 0);
                        q.fill(&mut buf[a..]);
                        buf.resize(65536, 0);
                    } else {
                        buf.resize(65536, 0);
                        q.fill(&mut buf);
                    }
                    let m = left.min(65536);
                    o.write_all(&buf[..m]).unwrap();
                    left -= m;
                }
                if left > 0 {
                    o.flush().unwrap();
                    (&f).seek(SeekFrom::Start(at + n)).unwrap();
                }
                if done.len() < 4000 {
                    done.push((n, seeds));
                }
            }
        }
        at += n;
    }
    o.flush().unwrap();
    println!("big: {len} bytes, holes {holes}, compressible {comp}, incompressible {rnd}, repeated {rep}");
}
