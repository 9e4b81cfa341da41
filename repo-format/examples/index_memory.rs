//! Shows that the index's memory does not grow with the number of contents.
//!
//! Makes an index of so many contents (10,000,000 unless an argument says otherwise) in a temporary
//! folder, and asks it in a process of its own for a million contents that it has and a million
//! that it has not. Ten million take about 4 GB of disk for some minutes.
//!
//! ```text
//! cargo run --release -p repo-format --example index_memory [CONTENTS]
//! ```

mod generated;

use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use repo_format::codec::{MasterKey, RepoId, SegmentId, Subkeys};
use repo_format::format::segment::SegmentRef;
use repo_format::index::{FetchError, Index, IndexTable, SegmentFetch, TABLE_SIZE, build, merge};
use rustix::fs::{Advice, fadvise};

use self::generated::{content_id, hash, packs};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const REPO: RepoId = RepoId([1; 16]);
const LOOK_UPS: u64 = 1_000_000;
/// Contents that one commit adds; each commit makes its own segment.
const COMMIT_CONTENTS: u64 = 100 * 1024;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => make(10_000_000),
        [count] => make(count.parse()?),
        ["fill", folder] => fill(Path::new(folder)),
        ["look-up", folder, count] => look_up(Path::new(folder), count.parse()?),
        _ => Err("usage: index_memory [CONTENTS]".into()),
    }
}

/// Makes the index as a repository comes by it, commit by commit and then compacted; has a process
/// of its own look things up in it.
fn make(count: u64) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let start = Instant::now();
    let parts = folder.path().join("parts");
    let made = index(&parts, folder.path());
    let mut commits = Vec::new();
    for first in (0..count).step_by(COMMIT_CONTENTS as usize) {
        let packs = packs(first..count.min(first + COMMIT_CONTENTS));
        for table in build(&packs, TABLE_SIZE)? {
            let segment = table.reference(SegmentId(hash(b"commit", commits.len() as u64)), 0);
            made.precache(&segment, table);
            commits.push(segment);
        }
    }
    println!("{count} contents in {} segments of commits, {:.0?}", commits.len(), start.elapsed());

    let start = Instant::now();
    let mut merged = Vec::new();
    let inputs = commits.iter().map(|segment| made.rows_of(segment));
    merge(
        inputs,
        |_| true,
        TABLE_SIZE,
        |table| {
            merged.push(put(folder.path(), &table, merged.len() as u64)?);
            Ok::<_, Box<dyn Error + Send + Sync>>(())
        },
    )?;
    let bytes: u64 = merged.iter().map(|segment| segment.size).sum();
    println!(
        "merged into {} segments of {} MB, {} B a content, {:.0?}; {}",
        merged.len(),
        bytes / 1_000_000,
        bytes / count,
        start.elapsed(),
        memory()
    );
    fs::remove_dir_all(parts)?;
    write_list(&folder.path().join("list"), &merged)?;
    child(&["fill".as_ref(), folder.path().as_os_str()])?;
    child(&["look-up".as_ref(), folder.path().as_os_str(), count.to_string().as_ref()])
}

/// Runs this example again, so that what was done before does not count.
fn child(arguments: &[&OsStr]) -> Outcome<()> {
    let status = Command::new(std::env::current_exe()?).args(arguments).status()?;
    if status.success() { Ok(()) } else { Err("the process failed".into()) }
}

/// Has every segment fetched, opened, checked and put into the cache.
fn fill(folder: &Path) -> Outcome<()> {
    let index = index(&folder.join("cache"), folder);
    index.set_segments(&read_list(&folder.join("list"))?);
    let start = Instant::now();
    index.load_all()?;
    println!("empty cache filled in {:.1?}; {}", start.elapsed(), memory());
    Ok(())
}

fn look_up(folder: &Path, count: u64) -> Outcome<()> {
    let segments = read_list(&folder.join("list"))?;
    let cache = folder.join("cache");
    println!("look-ups: at the start {}", memory());
    let files = forget_pages(&cache)?;

    let start = Instant::now();
    let index = index(&cache, folder);
    index.set_segments(&segments);
    index.load_all()?;
    println!("cold: {files} files opened in {:.1?}; {}", start.elapsed(), memory());
    for (what, first) in [("hits, cold", 0), ("misses", count), ("hits, warm", 0)] {
        let start = Instant::now();
        for n in 0..LOOK_UPS {
            // Hits in no order, so that no row is near the last one.
            let n = if first == 0 { n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % count } else { first + n };
            let found = index.find(&content_id(n), |_| true)?;
            assert_eq!(found.is_some(), n < count, "content {n}");
        }
        let rate = LOOK_UPS as f64 / start.elapsed().as_secs_f64();
        println!("{LOOK_UPS} {what}: {rate:.0} a second; {}", memory());
    }
    assert!(index.take_warning().is_none(), "the cache was used");
    Ok(())
}

fn keys() -> Arc<Subkeys> {
    Arc::new(MasterKey::from_bytes([7; 32]).subkeys())
}

fn index(cache: &Path, blobs: &Path) -> Index {
    Index::new(keys(), REPO, Some(cache.to_owned()), Arc::new(Blobs(blobs.to_owned())))
}

/// Segments as files.
struct Blobs(PathBuf);

impl SegmentFetch for Blobs {
    fn fetch(&self, id: &SegmentId) -> Result<Bytes, FetchError> {
        Ok(fs::read(self.0.join(id.to_string()))?.into())
    }
}

fn put(folder: &Path, table: &IndexTable, number: u64) -> Outcome<SegmentRef> {
    let (blob, segment) = table.seal(&keys(), &REPO, hash(b"salt", number));
    fs::write(folder.join(blob.id.to_string()), &blob.bytes)?;
    Ok(segment)
}

/// Between two processes of this example only; the log does this for a repository.
fn write_list(path: &Path, segments: &[SegmentRef]) -> Outcome<()> {
    let line = |s: &SegmentRef| format!("{} {} {} {} {}\n", s.id, s.count, s.first, s.last, s.size);
    Ok(fs::write(path, segments.iter().map(line).collect::<String>())?)
}

fn read_list(path: &Path) -> Outcome<Vec<SegmentRef>> {
    let text = fs::read_to_string(path)?;
    let segments = text.lines().map(|line| match line.split(' ').collect::<Vec<_>>()[..] {
        [id, count, first, last, size] => Ok(SegmentRef {
            id: id.parse()?,
            count: count.parse()?,
            first: first.parse()?,
            last: last.parse()?,
            size: size.parse()?,
        }),
        _ => Err("a line has five fields".into()),
    });
    segments.collect()
}

/// Has the system drop what it holds of the cache's files in memory.
fn forget_pages(folder: &Path) -> Outcome<usize> {
    let mut files = 0;
    for entry in fs::read_dir(folder)? {
        let file = fs::File::open(entry?.path())?;
        file.sync_all()?;
        fadvise(&file, 0, None, Advice::DontNeed)?;
        files += 1;
    }
    Ok(files)
}

/// What the process has in memory, as the system counts it.
fn memory() -> String {
    let mb = |name| generated::memory(name).map_or("?".to_owned(), |kb| format!("{:.1}", kb as f64 / 1024.0));
    format!("MiB: {} own, {} mapped, {} in all", mb("RssAnon"), mb("RssFile"), mb("VmRSS"))
}
