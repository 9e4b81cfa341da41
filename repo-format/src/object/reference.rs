//! What names an object.

use crate::codec::ContentId;

/// Names a stream of bytes (OBJ-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// 0: `content` is the stream; d: `content` is a piece of list of depth d.
    pub depth: u8,
    /// Zero for the empty stream.
    pub content: ContentId,
    /// Bytes in the stream.
    pub size: u64,
}

impl ObjectRef {
    /// The stream without bytes; no content stands behind it (OBJ-2).
    pub const EMPTY: ObjectRef = ObjectRef { depth: 0, content: ContentId::ZERO, size: 0 };
}
