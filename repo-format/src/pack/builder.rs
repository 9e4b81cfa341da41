//! Assembling a pack in memory.

use bytes::Bytes;

use super::{Frame, FrameRow, FrameSeal, PackContents, footer};
use crate::codec::{HEADER_SIZE, Header, PackId, RepoId, SEAL_OVERHEAD, Subkeys, seal};
use crate::format::names::PackKind;
use crate::format::trailer::push_footer;

/// A pack being filled. One per kind and process (DESIGN: a process fills one of each at a time).
pub struct PackBuilder {
    kind: PackKind,
    header: Header,
    blob: Vec<u8>,
    frames: Vec<FrameRow>,
}

/// A pack ready to be put.
#[derive(Debug, Clone)]
pub struct PackBlob {
    pub contents: PackContents,
    pub bytes: Bytes,
}

impl PackBuilder {
    /// An empty pack under a fresh `salt`, with room for `size` bytes in the memory of `blob`.
    pub fn new(
        keys: &Subkeys,
        repo: &RepoId,
        kind: PackKind,
        salt: [u8; 32],
        size: usize,
        mut blob: Vec<u8>,
    ) -> PackBuilder {
        let header = Header { kind: kind.blob_kind(), repo: *repo, salt };
        blob.clear();
        blob.reserve(size);
        blob.extend_from_slice(&header.encode(keys));
        PackBuilder { kind, header, blob, frames: Vec::new() }
    }

    /// Seals `frame` behind those that are there.
    pub fn push(&mut self, keys: &Subkeys, frame: Frame) {
        let index = self.frames.len() as u32;
        let Frame { stored, codec, raw_len, list_hash, contents } = frame;
        let row = FrameRow {
            offset: self.blob.len() as u32,
            stored_len: stored.len() as u32,
            raw_len,
            codec,
            contents,
        };
        let seal_of = FrameSeal { index, codec, raw_len, list_hash };
        seal(keys, &seal_of.context(&self.header), &stored, &mut self.blob);
        self.frames.push(row);
    }

    /// Bytes so far, without footer and trailer.
    pub fn size(&self) -> usize {
        self.blob.len()
    }

    /// Bytes that the pack would have with `frame` in it, footer and trailer about included.
    pub fn size_with(&self, frame: &Frame) -> usize {
        let contents: usize = self.frames.iter().map(|frame| frame.contents.len()).sum();
        self.blob.len()
            + frame.stored_len()
            + SEAL_OVERHEAD
            + 64
            + 16 * (self.frames.len() + 1)
            + 40 * (contents + frame.contents().len())
    }

    /// Whether no frame is in it yet.
    pub fn is_empty(&self) -> bool {
        debug_assert!(!self.frames.is_empty() || self.blob.len() == HEADER_SIZE);
        self.frames.is_empty()
    }

    /// Ends the pack with footer and trailer, padded, and names it.
    pub fn finish(mut self, keys: &Subkeys) -> PackBlob {
        push_footer(keys, &self.header, footer::encode(&self.frames), &mut self.blob);
        let id = PackId(*blake3::hash(&self.blob).as_bytes());
        let contents = PackContents { id, kind: self.kind, salt: self.header.salt, frames: self.frames };
        PackBlob { contents, bytes: self.blob.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ContentRow, PackError, RawFrame, read_pack};
    use super::*;
    use crate::codec::{ContentKind, MasterKey, padme};
    use crate::format::trailer::TRAILER_SIZE;

    fn keys() -> Subkeys {
        MasterKey::from_bytes([1; 32]).subkeys()
    }

    fn frame(keys: &Subkeys, texts: &[&[u8]]) -> Frame {
        let mut frame = RawFrame::default();
        for text in texts {
            let id = keys.content_id(ContentKind::Data as u8, text);
            frame.push(ContentRow { id, kind: ContentKind::Data, len: text.len() as u32 }, text);
        }
        frame.compress(Some(3))
    }

    fn pack(keys: &Subkeys) -> PackBlob {
        let mut builder = PackBuilder::new(keys, &RepoId([2; 16]), PackKind::Data, [3; 32], 4096, Vec::new());
        builder.push(keys, frame(keys, &[&[b'a'; 500], b"second"]));
        builder.push(keys, frame(keys, &[b"\x00\x9f\x13"]));
        builder.finish(keys)
    }

    #[test]
    fn a_pack_reads_back_as_it_was_built() {
        let (keys, repo) = (keys(), RepoId([2; 16]));
        let pack = pack(&keys);
        assert_eq!(padme(pack.bytes.len() as u64), pack.bytes.len() as u64);
        let read = read_pack(&keys, &repo, PackKind::Data, &pack.contents.id, &pack.bytes).expect("reads");
        assert_eq!(read, pack.contents);
        assert!(read.frames[0].stored_len < 100 && read.frames[1].stored_len == 3);
        let as_meta = read_pack(&keys, &repo, PackKind::Meta, &pack.contents.id, &pack.bytes);
        assert!(matches!(as_meta, Err(PackError::Header(_))));
    }

    #[test]
    fn the_size_that_is_told_beforehand_is_that_of_the_pack_before_its_padding() {
        let keys = keys();
        let mut builder =
            PackBuilder::new(&keys, &RepoId([2; 16]), PackKind::Data, [3; 32], 4096, Vec::new());
        let frames: [&[&[u8]]; 3] = [&[b"one", b"two", b"three"], &[b"four"], &[b"five", b"six"]];
        for contents in frames {
            let frame = frame(&keys, contents);
            let told = builder.size_with(&frame);
            builder.push(&keys, frame);
            let footer = footer::encode(&builder.frames).len() + SEAL_OVERHEAD + TRAILER_SIZE;
            let size = builder.size() + footer;
            assert!((size..size + 64).contains(&told), "{told} told, {size} it is");
        }
    }

    #[test]
    fn every_flipped_byte_of_a_pack_is_found_even_under_its_new_name() {
        let (keys, repo) = (keys(), RepoId([2; 16]));
        let pack = pack(&keys);
        for place in 0..pack.bytes.len() {
            let mut forged = pack.bytes.to_vec();
            forged[place] ^= 4;
            let old = read_pack(&keys, &repo, PackKind::Data, &pack.contents.id, &forged);
            assert_eq!(old, Err(PackError::WrongHash));
            let name = PackId(*blake3::hash(&forged).as_bytes());
            assert!(read_pack(&keys, &repo, PackKind::Data, &name, &forged).is_err(), "byte {place}");
        }
    }
}
