//! A step of a backup, so often, for an instrument that counts instructions: `counted STEP TIMES`.
//!
//! What two numbers of times differ by is what the step takes; bench/counts.sh asks for both.

#![forbid(unsafe_code)]

use std::hint::black_box;
use std::process::ExitCode;

use corso_micro::{Maps, REPO, content_id, index, keys, noise, pack, splitter};
use repo_format::codec::Cut;
use repo_format::format::names::PackKind;
use repo_format::pack::read_footer;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [step, times] = words.as_slice() else { return usage() };
    let Ok(times) = times.parse() else { return usage() };
    match step.as_str() {
        // 4 MiB are cut.
        "splitter" => {
            let (splitter, bytes) = (splitter(&keys()), noise(1, 4 << 20));
            repeat(times, || {
                let mut rest = black_box(&bytes[..]);
                while !rest.is_empty() {
                    rest = &rest[splitter.cut(rest)..];
                }
            });
        }
        // A thousand contents are looked for among 20,000, and as many that are not there.
        "index" => {
            let (index, ids) = (index(20_000), (0..40_000).step_by(20).map(content_id).collect::<Vec<_>>());
            repeat(times, || ids.iter().for_each(|id| drop(black_box(index.locate(id)))));
        }
        // A hundred of 2,000 entries get another value.
        "map" => {
            let maps = Maps::new(2_000);
            repeat(times, || {
                black_box(maps.edited(2_000, 20));
            });
        }
        // The footer of a pack is read.
        "footer" => {
            let keys = keys();
            let pack = pack(&keys, 1);
            repeat(times, || {
                drop(black_box(read_footer(&keys, &REPO, PackKind::Data, &pack.contents.id, &pack.bytes)));
            });
        }
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn repeat(times: u32, mut step: impl FnMut()) {
    (0..times).for_each(|_| step());
}

fn usage() -> ExitCode {
    eprintln!("counted splitter|index|map|footer TIMES");
    ExitCode::from(2)
}
