//! Changes that are set aside in parts, compressed, so that one pass over a ledger serves many parts.

use bytes::{Buf, BufMut, Bytes};

use super::LedgerEntry;
use super::entry::decode;
use super::merge::{Change, Value};
use crate::cbor;
use crate::codec::{Codec, ContentId, compress, decompress};
use crate::content::{ContentError, ReadContent};

/// A block is compressed when it has so many bytes.
const BLOCK_BYTES: usize = 128 << 10;
/// Whoever sets aside waits for it, and it is read once.
const LEVEL: i32 = 1;
/// Stands for a layer where an entry is not of one.
const HELD: u8 = u8::MAX;

/// Changes by parts, in memory that is bounded: once they take more, the last parts are given up, to be
/// set aside by another pass. The first part stays, whatever it takes.
pub struct Aside {
    parts: Vec<AsidePart>,
    /// Roots of the layers that entries are from, for messages.
    roots: Vec<ContentId>,
    bytes: usize,
    bytes_max: usize,
}

/// The changes of one part, in the order in which they came.
#[derive(Default)]
pub struct AsidePart {
    blocks: Vec<Block>,
    /// Bytes of the blocks.
    stored: usize,
    open: Vec<u8>,
    roots: Vec<ContentId>,
}

struct Block {
    codec: Codec,
    stored: Vec<u8>,
    raw_len: u64,
}

impl Aside {
    /// Room for so many parts, in about so many bytes.
    pub fn new(parts: usize, bytes_max: usize) -> Aside {
        let parts = (0..parts).map(|_| AsidePart::default()).collect();
        Aside { parts, roots: Vec::new(), bytes: 0, bytes_max }
    }

    /// Sets a change aside, unless its part was given up.
    pub fn put(&mut self, part: usize, change: &Change<'_>) {
        let (layer, value) = match &change.value {
            Value::Stored(root, value) => (self.layer(root), value.clone()),
            Value::Held(entry) => (HELD, Bytes::from(cbor::encode(*entry))),
        };
        let Some(part) = self.parts.get_mut(part) else { return };
        let before = part.bytes();
        part.append(layer, &change.key, &value);
        self.bytes = self.bytes + part.bytes() - before;
        while self.bytes > self.bytes_max && self.parts.len() > 1 {
            self.bytes -= self.parts.pop().map_or(0, |part| part.bytes());
        }
    }

    /// The first parts, as many as there was room for, and all that was set aside for them.
    pub fn into_parts(self) -> Vec<AsidePart> {
        let roots = self.roots;
        self.parts.into_iter().map(|part| AsidePart { roots: roots.clone(), ..part }).collect()
    }

    /// The number of a layer: there are at most 16.
    fn layer(&mut self, root: &ContentId) -> u8 {
        let known = self.roots.iter().position(|known| known == root);
        let number = known.unwrap_or_else(|| {
            self.roots.push(*root);
            self.roots.len() - 1
        });
        number as u8
    }
}

impl AsidePart {
    fn bytes(&self) -> usize {
        self.open.capacity() + self.stored
    }

    fn append(&mut self, layer: u8, key: &[u8], value: &[u8]) {
        self.open.put_u8(layer);
        self.open.put_u32_le(key.len() as u32);
        self.open.put_u32_le(value.len() as u32);
        self.open.put_slice(key);
        self.open.put_slice(value);
        if self.open.len() >= BLOCK_BYTES {
            let raw = std::mem::take(&mut self.open);
            let raw_len = raw.len() as u64;
            let (codec, mut stored) = match compress(&raw, LEVEL) {
                Some(stored) => (Codec::Zstd, stored),
                None => (Codec::Raw, raw),
            };
            stored.shrink_to_fit();
            self.stored += stored.len();
            self.blocks.push(Block { codec, stored, raw_len });
        }
    }

    /// The changes; `None`: the key was removed. Ends after the first error.
    pub fn into_changes<'a>(
        self,
        contents: &'a dyn ReadContent,
    ) -> impl Iterator<Item = Result<(Bytes, Option<LedgerEntry>), ContentError>> + 'a {
        let AsidePart { blocks, open, roots, .. } = self;
        let raw_len = open.len() as u64;
        let blocks = blocks.into_iter().chain([Block { codec: Codec::Raw, stored: open, raw_len }]);
        let mut raws = blocks.map(|block| {
            let raw = decompress(block.codec, block.stored, block.raw_len);
            raw.map(Bytes::from).map_err(|_| refuse())
        });
        let (mut rest, mut failed) = (Bytes::new(), false);
        std::iter::from_fn(move || {
            while rest.is_empty() && !failed {
                match raws.next()? {
                    Ok(raw) => rest = raw,
                    Err(error) => {
                        failed = true;
                        return Some(Err(error));
                    }
                }
            }
            if failed {
                return None;
            }
            let change = take(&mut rest, &roots, contents);
            failed = change.is_err();
            Some(change)
        })
    }
}

/// The change at the front of a block.
fn take(
    block: &mut Bytes,
    roots: &[ContentId],
    contents: &dyn ReadContent,
) -> Result<(Bytes, Option<LedgerEntry>), ContentError> {
    let head = (block.try_get_u8(), block.try_get_u32_le(), block.try_get_u32_le());
    let (Ok(layer), Ok(key_len), Ok(value_len)) = head else { return Err(refuse()) };
    let (key_len, value_len) = (key_len as usize, value_len as usize);
    if block.len() < key_len.saturating_add(value_len) {
        return Err(refuse());
    }
    let (key, value) = (block.split_to(key_len), block.split_to(value_len));
    let entry = match roots.get(usize::from(layer)) {
        Some(root) => decode(contents, root, &value)?,
        None => cbor::decode(&value).map_err(|source| ContentError::MalformedCbor {
            id: ContentId::ZERO,
            clause: "SNAP-8",
            source,
        })?,
    };
    Ok((key, (!entry.is_removal()).then_some(entry)))
}

/// This process wrote the block: its memory is bad.
fn refuse() -> ContentError {
    ContentError::Malformed { id: ContentId::ZERO, clause: "changes set aside in memory do not read back" }
}
