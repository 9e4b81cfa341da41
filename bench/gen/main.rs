//! The benchmark's data, made and changed. The same seed gives the same bytes, names, modes and times.
//!
//! Built by `rustc -O -o gen bench/gen/main.rs`; it needs nothing but the standard library.
//!
//! ```text
//! gen office DIR SEED MIB       documents as offices have them, with duplicates and near duplicates
//! gen small DIR SEED FILES      files of 1 to 8 KiB
//! gen big DIR SEED MIB          one image of a disk
//! gen mail DIR SEED FILES       messages of 1 to 50 KiB, JSON and MIME
//! gen metadata DIR SEED ENTRIES folders, empty files and links
//! gen grown DIR SEED FILES      files of 100 bytes, for the curves of growth
//! gen mutate DIR SIDE SEED      1 % of the files each edited, renamed, deleted, added
//! gen revert DIR SIDE           the same undone, byte for byte
//! gen measure DIR               "FILES FOLDERS BYTES ALLOCATED"
//! gen compare DIR DIR           differences of two trees; ends with 1 if there are any
//! ```
mod change;
mod compare;
mod content;
mod mail;
mod message;
mod metadata;
mod random;
mod sets;

use std::fs;
use std::path::Path;

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let num = |i: usize| a[i].parse::<u64>().expect("a number");
    let dir = Path::new(&a[2]);
    let make = |set: fn(&Path, u64, u64)| {
        fs::create_dir_all(dir).unwrap();
        set(dir, num(3), num(4));
        fs::write(dir.join(".bench-root"), b"bench\n").unwrap();
    };
    match a[1].as_str() {
        "office" => make(sets::office),
        "small" => make(sets::small),
        "big" => make(sets::big),
        "mail" => make(mail::mail),
        "metadata" => make(metadata::metadata),
        "grown" => make(sets::grown),
        "mutate" => change::mutate(dir, Path::new(&a[3]), num(4)),
        "revert" => change::revert(Path::new(&a[3])),
        "measure" => compare::measure(dir),
        "compare" => std::process::exit(compare::compare(dir, Path::new(&a[3]))),
        x => panic!("unknown verb {x}"),
    }
}
