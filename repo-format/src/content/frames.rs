//! Decoded frames kept for a while: neighbours of a content are read with it.

use bytes::Bytes;
use lru::LruCache;

use crate::codec::PackId;

/// A frame's place: its pack and its number there.
pub(super) type FrameKey = (PackId, u32);

/// Raw frames, the least recently used thrown out first.
pub(super) struct FrameCache {
    frames: LruCache<FrameKey, Bytes>,
    bytes: usize,
    bytes_max: usize,
}

impl FrameCache {
    pub fn new(bytes_max: usize) -> FrameCache {
        FrameCache { frames: LruCache::unbounded(), bytes: 0, bytes_max }
    }

    pub fn get(&mut self, key: &FrameKey) -> Option<Bytes> {
        self.frames.get(key).cloned()
    }

    pub fn put(&mut self, key: FrameKey, raw: Bytes) {
        self.bytes += raw.len();
        if let Some(old) = self.frames.put(key, raw) {
            self.bytes -= old.len();
        }
        while self.bytes > self.bytes_max {
            match self.frames.pop_lru() {
                Some((_, old)) => self.bytes -= old.len(),
                None => break,
            }
        }
    }
}
