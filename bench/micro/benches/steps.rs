//! Each step of a backup alone: `cargo bench -p corso-micro`, or with the name of a step behind it.
//!
//! Times are for people, on a machine that does nothing else. What CI looks at is counted: bench/counts.sh.

use std::sync::LazyLock;

use corso_micro::{Maps, REPO, content_id, index, keys, noise, pack, splitter, text};
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use repo_format::codec::{
    BlobKind, Codec, ContentKind, Cut, Header, PartContext, compress, decompress, seal, unseal,
};
use repo_format::format::names::PackKind;
use repo_format::index::Index;
use repo_format::map::diff;
use repo_format::pack::read_pack;

/// Contents in the index that is looked into.
const CONTENTS: u32 = 10_000_000;
/// Entries of the map that is changed.
const ENTRIES: u32 = 100_000;

static INDEX: LazyLock<Index> = LazyLock::new(|| index(CONTENTS));
static MAPS: LazyLock<Maps> = LazyLock::new(|| Maps::new(ENTRIES));

fn main() {
    divan::main();
}

#[divan::bench]
fn splitter_cuts_16_mib(bencher: Bencher) {
    let (splitter, bytes) = (splitter(&keys()), noise(1, 16 << 20));
    bencher.counter(BytesCount::of_slice(&bytes)).bench(|| {
        let (mut rest, mut pieces) = (&bytes[..], 0);
        while !rest.is_empty() {
            rest = &rest[splitter.cut(black_box(rest))..];
            pieces += 1;
        }
        pieces
    });
}

#[divan::bench(args = [4 << 10, 64 << 10, 1 << 20])]
fn hash(bencher: Bencher, length: usize) {
    let (keys, bytes) = (keys(), noise(2, length));
    bencher
        .counter(BytesCount::of_slice(&bytes))
        .bench(|| keys.content_id(ContentKind::Data as u8, black_box(&bytes)));
}

#[divan::bench(args = [1, 3, 6])]
fn compress_1_mib_of_text(bencher: Bencher, level: i32) {
    let bytes = text(3, 1 << 20);
    bencher.counter(BytesCount::of_slice(&bytes)).bench(|| compress(black_box(&bytes), level));
}

#[divan::bench]
fn compress_1_mib_of_noise(bencher: Bencher) {
    let bytes = noise(4, 1 << 20);
    bencher.counter(BytesCount::of_slice(&bytes)).bench(|| compress(black_box(&bytes), 3));
}

#[divan::bench]
fn decompress_1_mib_of_text(bencher: Bencher) {
    let bytes = text(3, 1 << 20);
    let stored = compress(&bytes, 3).expect("text shrinks");
    bencher
        .counter(BytesCount::of_slice(&bytes))
        .with_inputs(|| stored.clone())
        .bench_values(|stored| decompress(Codec::Zstd, stored, 1 << 20));
}

fn header() -> Header {
    Header { kind: BlobKind::DataPack, repo: REPO, salt: [2; 32] }
}

#[divan::bench(args = [64 << 10, 1 << 20])]
fn seal_part(bencher: Bencher, length: usize) {
    let (keys, header, bytes) = (keys(), header(), noise(5, length));
    let context = PartContext::plain(&header, 0, 0, length as u64);
    bencher
        .counter(BytesCount::of_slice(&bytes))
        .with_inputs(|| Vec::with_capacity(length + 64))
        .bench_refs(|out| seal(&keys, &context, black_box(&bytes), out));
}

#[divan::bench(args = [64 << 10, 1 << 20])]
fn open_part(bencher: Bencher, length: usize) {
    let (keys, header) = (keys(), header());
    let context = PartContext::plain(&header, 0, 0, length as u64);
    let mut part = Vec::new();
    seal(&keys, &context, &noise(5, length), &mut part);
    bencher.counter(BytesCount::new(length)).bench(|| unseal(&keys, &context, black_box(&part)));
}

#[divan::bench]
fn index_finds_one_of_10_million(bencher: Bencher) {
    LazyLock::force(&INDEX);
    let mut n = 0_u32;
    bencher
        .with_inputs(|| {
            n = n.wrapping_add(7_919_777) % CONTENTS;
            content_id(n)
        })
        .bench_local_values(|id| INDEX.locate(&id));
}

#[divan::bench]
fn index_misses_among_10_million(bencher: Bencher) {
    LazyLock::force(&INDEX);
    let mut n = 0_u32;
    bencher
        .with_inputs(|| {
            n = n.wrapping_add(7_919_777) % CONTENTS;
            content_id(CONTENTS + n)
        })
        .bench_local_values(|id| INDEX.locate(&id));
}

#[divan::bench(args = [1, 100, 10_000])]
fn map_of_100_000_edited(edits: usize) {
    black_box(MAPS.edited(ENTRIES, ENTRIES as usize / edits));
}

#[divan::bench(args = [1, 100, 10_000])]
fn map_of_100_000_compared(bencher: Bencher, edits: usize) {
    let other = MAPS.edited(ENTRIES, ENTRIES as usize / edits);
    bencher.bench(|| diff(MAPS.contents(), &MAPS.root, &other).expect("both are there").count());
}

#[divan::bench]
fn pack_of_16_mib_read(bencher: Bencher) {
    let keys = keys();
    let pack = pack(&keys, 16);
    bencher
        .counter(BytesCount::new(16_usize << 20))
        .bench(|| read_pack(&keys, &REPO, PackKind::Data, &pack.contents.id, black_box(&pack.bytes)));
}
