//! What names an object.

use crate::cbor::{Cbor, CborError, Reader, Writer};
use crate::codec::ContentId;
use crate::content::CONTENT_SIZE_MAX;

/// Deepest list of lists (OBJ-3).
pub const DEPTH_MAX: u8 = 4;

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

    /// Which clause the reference breaks, if any: those that its own fields can break.
    pub(super) fn broken_clause(&self) -> Option<&'static str> {
        if self.size == 0 {
            (*self != ObjectRef::EMPTY).then_some("OBJ-2: an empty stream has no content")
        } else if self.content.is_zero() {
            Some("OBJ-2: a stream with bytes has a content")
        } else if self.depth == 0 && self.size > CONTENT_SIZE_MAX as u64 {
            Some("OBJ-2: a content has at most 1 MiB")
        } else if self.depth > DEPTH_MAX {
            Some("OBJ-3: lists nest at most 4 deep")
        } else {
            None
        }
    }
}

impl Cbor for ObjectRef {
    fn write(&self, w: &mut Writer) {
        w.array(3).u64(u64::from(self.depth)).put(&self.content).u64(self.size);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let here = r.offset();
        let refuse = |what| CborError { offset: here, what };
        let (depth, content, size) = r.get::<(u64, ContentId, u64)>()?;
        let depth = u8::try_from(depth).map_err(|_| refuse("number out of range"))?;
        let reference = ObjectRef { depth, content, size };
        match reference.broken_clause() {
            None => Ok(reference),
            Some(clause) => Err(refuse(clause)),
        }
    }
}
