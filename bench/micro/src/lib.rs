//! What the steps of a backup are measured on: bytes, an index and a map, the same each time.

#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use repo_format::codec::{
    Codec, ContentId, ContentKind, MasterKey, PackId, RepoId, SegmentId, Splitter, SplitterSizes, Subkeys,
};
use repo_format::content::{ContentError, ReadContent, WriteContent};
use repo_format::format::names::PackKind;
use repo_format::index::{FetchError, Index, SegmentFetch, TABLE_SIZE, build};
use repo_format::map::{MapBuilder, MapKey, MapStore};
use repo_format::pack::{ContentRow, FrameRow, PackBlob, PackBuilder, PackContents, RawFrame};

/// The repository that all of it belongs to.
pub const REPO: RepoId = RepoId([2; 16]);
/// Contents in a frame, and frames in a pack, of an index.
const CONTENTS_PER_FRAME: u32 = 64;
const FRAMES_PER_PACK: u32 = 40;

/// Keys that no repository has.
pub fn keys() -> Subkeys {
    MasterKey::from_bytes([1; 32]).subkeys()
}

/// The splitter of a new repository.
pub fn splitter(keys: &Subkeys) -> Splitter {
    Splitter::new(keys, SplitterSizes::DEFAULT)
}

/// Bytes that do not compress.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

/// Bytes that compress as text does: words from a list, in any order.
pub fn text(seed: u64, length: usize) -> Vec<u8> {
    let letters = noise(seed, 4096);
    let words: Vec<String> = letters
        .chunks(8)
        .map(|word| word[..2 + usize::from(word[7] % 6)].iter().map(|n| char::from(b'a' + n % 26)).collect())
        .collect();
    let mut text = Vec::with_capacity(length + 8);
    let order = noise(seed + 1, length);
    for pair in order.chunks_exact(2).cycle() {
        if text.len() >= length {
            break;
        }
        let word = usize::from(u16::from_le_bytes([pair[0], pair[1]])) % words.len();
        text.extend_from_slice(words[word].as_bytes());
        text.push(b' ');
    }
    text.truncate(length);
    text
}

/// A data pack of so many frames of 1 MiB of text.
pub fn pack(keys: &Subkeys, frames: u64) -> PackBlob {
    let mut builder = PackBuilder::new(keys, &REPO, PackKind::Data, [3; 32], 32 << 20, Vec::new());
    for number in 0..frames {
        let mut frame = RawFrame::default();
        for piece in text(number, 1 << 20).chunks(64 << 10) {
            let id = keys.content_id(ContentKind::Data as u8, piece);
            frame.push(ContentRow { id, kind: ContentKind::Data, len: piece.len() as u32 }, piece);
        }
        builder.push(keys, frame.compress(Some(3)));
    }
    builder.finish(keys)
}

/// The ID of content number `n`: as uniform as a real one's.
pub fn content_id(n: u32) -> ContentId {
    ContentId(*blake3::hash(&n.to_le_bytes()).as_bytes())
}

/// Segments in memory.
struct Shelf(HashMap<SegmentId, Bytes>);

impl SegmentFetch for Shelf {
    fn fetch(&self, id: &SegmentId) -> Result<Bytes, FetchError> {
        self.0.get(id).cloned().ok_or_else(|| "not there".into())
    }
}

/// An index of the contents 0 to `count`, loaded. It is made of parts of at most 2 million, so that making it
/// takes no more memory than having it.
///
/// # Panics
/// If the index refuses what was made for it.
pub fn index(count: u32) -> Index {
    let (mut shelf, mut segments) = (HashMap::new(), Vec::new());
    let per_pack = CONTENTS_PER_FRAME * FRAMES_PER_PACK;
    let packs: Vec<u32> = (0..count.div_ceil(per_pack)).collect();
    for part in packs.chunks(800) {
        let packs: Vec<PackContents> = part.iter().map(|n| pack_rows(*n, count)).collect();
        for table in build(&packs, TABLE_SIZE).expect("each pack is there once") {
            let (blob, segment) = table.seal(&keys(), &REPO, [7; 32]);
            shelf.insert(blob.id, blob.bytes);
            segments.push(segment);
        }
    }
    let index = Index::new(Arc::new(keys()), REPO, None, Arc::new(Shelf(shelf)));
    index.set_segments(&segments);
    index.load_all().expect("its segments are there");
    index
}

/// What pack number `n` of an index of `count` contents holds.
fn pack_rows(n: u32, count: u32) -> PackContents {
    let first = n * CONTENTS_PER_FRAME * FRAMES_PER_PACK;
    let mut frames = Vec::new();
    for frame in 0..FRAMES_PER_PACK {
        let first = first + frame * CONTENTS_PER_FRAME;
        let row = |n| ContentRow { id: content_id(n), kind: ContentKind::Data, len: 4096 };
        let contents: Vec<ContentRow> = (first..count.min(first + CONTENTS_PER_FRAME)).map(row).collect();
        let raw_len = 4096 * contents.len() as u32;
        if raw_len > 0 {
            let offset = 96 + frame * (4096 * CONTENTS_PER_FRAME + 32);
            frames.push(FrameRow { offset, stored_len: raw_len, raw_len, codec: Codec::Raw, contents });
        }
    }
    let id = PackId(*blake3::hash(format!("pack {n}").as_bytes()).as_bytes());
    PackContents { id, kind: PackKind::Data, salt: [n as u8; 32], frames }
}

/// Contents in memory.
pub struct Held {
    keys: Subkeys,
    contents: Mutex<HashMap<ContentId, Bytes>>,
}

impl ReadContent for Held {
    fn get(&self, _kind: ContentKind, id: &ContentId) -> Result<Bytes, ContentError> {
        self.contents.lock().get(id).cloned().ok_or(ContentError::Missing { id: *id })
    }
}

impl WriteContent for Held {
    fn put(&self, kind: ContentKind, plaintext: &[u8]) -> Result<ContentId, ContentError> {
        let id = self.keys.content_id(kind as u8, plaintext);
        self.contents.lock().entry(id).or_insert_with(|| Bytes::copy_from_slice(plaintext));
        Ok(id)
    }
}

/// A map, and what it is kept in.
pub struct Maps {
    held: Held,
    splitter: Splitter,
    key: MapKey,
    /// The root of a map with the entries 0 to the number that was asked for.
    pub root: ContentId,
}

impl Maps {
    /// A map of `count` entries with 40 bytes of key and 154 of value, as a ledger's are.
    ///
    /// # Panics
    /// If the map refuses what was made for it.
    pub fn new(count: u32) -> Maps {
        let (keys, key) = (keys(), MapKey::new([5; 32]));
        let splitter = splitter(&keys);
        let mut maps =
            Maps { held: Held { keys, contents: Mutex::default() }, splitter, key, root: ContentId([0; 32]) };
        let mut builder = MapBuilder::new(maps.store());
        for n in 0..count {
            builder.push(&map_key(n), &[n as u8; 154]).expect("in order");
        }
        let root = builder.finish().expect("memory takes it");
        maps.root = root;
        maps
    }

    /// What the maps' nodes are read from.
    pub fn contents(&self) -> &Held {
        &self.held
    }

    /// What they are written with.
    pub fn store(&self) -> MapStore<'_> {
        MapStore { contents: &self.held, splitter: &self.splitter, key: &self.key }
    }

    /// The root after every `one_in`-th of `count` entries got another value.
    ///
    /// # Panics
    /// If the map refuses the edits.
    pub fn edited(&self, count: u32, one_in: usize) -> ContentId {
        let edits = (0..count).step_by(one_in).map(|n| (map_key(n), Some(vec![!(n as u8); 154])));
        repo_format::map::edit(&self.held, &self.root, edits, self.store()).expect("in order")
    }
}

fn map_key(n: u32) -> Vec<u8> {
    format!("{n:040}").into_bytes()
}
