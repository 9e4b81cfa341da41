//! Contents and packs that are numbers, for examples that need millions of them.

use std::fs;

use repo_format::codec::{Codec, ContentId, ContentKind, PackId};
use repo_format::format::names::PackKind;
use repo_format::pack::{ContentRow, FrameRow, PackContents};

/// As a large file's chunks of 256 KiB give them: 4 to a frame, 32 frames to a pack.
pub const CONTENT_SIZE: u32 = 256 << 10;
const FRAME_CONTENTS: u64 = 4;
const PACK_CONTENTS: u64 = 128;

/// Bytes that a number stands for.
pub fn hash(what: &[u8], n: u64) -> [u8; 32] {
    *blake3::Hasher::new().update(what).update(&n.to_le_bytes()).finalize().as_bytes()
}

/// The content of a number.
pub fn content_id(n: u64) -> ContentId {
    ContentId(hash(b"content", n))
}

/// The packs that hold these contents.
pub fn packs(contents: std::ops::Range<u64>) -> Vec<PackContents> {
    let starts = contents.clone().step_by(PACK_CONTENTS as usize);
    starts.map(|first| pack(first..contents.end.min(first + PACK_CONTENTS))).collect()
}

fn pack(contents: std::ops::Range<u64>) -> PackContents {
    let mut offset = 96;
    let starts = contents.clone().step_by(FRAME_CONTENTS as usize);
    let frames = starts.map(|first| {
        let row = |n| ContentRow { id: content_id(n), kind: ContentKind::Data, len: CONTENT_SIZE };
        let contents: Vec<ContentRow> = (first..contents.end.min(first + FRAME_CONTENTS)).map(row).collect();
        let raw_len = CONTENT_SIZE * contents.len() as u32;
        let frame = FrameRow { offset, stored_len: raw_len, raw_len, codec: Codec::Raw, contents };
        offset += raw_len + 32;
        frame
    });
    let frames = frames.collect();
    let (id, salt) = (PackId(hash(b"pack", contents.start)), hash(b"pack salt", contents.start));
    PackContents { id, kind: PackKind::Data, salt, frames }
}

/// What the system counts of this process, in KiB.
pub fn memory(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
