//! Packs: blobs of many contents, gathered in sealed frames (PACK-1 to PACK-6).
//!
//! Owns the bytes of a pack and what its footer says. Knows neither the index nor the storage:
//! [`PackBuilder`] gives a blob to put, [`read_footer`] and [`open_frame`] take bytes that were
//! fetched.

mod builder;
mod footer;
mod frame;

pub use builder::{PackBlob, PackBuilder};
pub use footer::{PackContents, read_footer, read_footer_of, read_pack};
pub use frame::{Frame, FrameSeal, RawFrame, open_frame, split_frame};

use crate::codec::{BlobKind, Codec, ContentId, ContentKind, HeaderError};

use crate::format::TrailerError;
use crate::format::names::PackKind;

/// Greatest raw size of a content and of a frame, in bytes (CID-1, PACK-3).
pub const FRAME_SIZE_MAX: usize = 1 << 20;

impl PackKind {
    /// The blob kind of its packs (CONV-8).
    pub fn blob_kind(self) -> BlobKind {
        match self {
            PackKind::Data => BlobKind::DataPack,
            PackKind::Meta => BlobKind::MetaPack,
        }
    }

    /// Which packs hold contents of `kind`.
    pub fn of(kind: ContentKind) -> PackKind {
        match kind {
            ContentKind::Data => PackKind::Data,
            ContentKind::List | ContentKind::Node | ContentKind::Manifest => PackKind::Meta,
        }
    }
}

/// One content in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRow {
    pub id: ContentId,
    pub kind: ContentKind,
    /// Plaintext bytes.
    pub len: u32,
}

/// Where a frame is in its pack, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameRow {
    /// Byte offset of the sealed frame in the pack.
    pub offset: u32,
    /// Bytes stored, without what sealing adds.
    pub stored_len: u32,
    /// Bytes before compression.
    pub raw_len: u32,
    pub codec: Codec,
    /// In the order of their bytes in the raw frame.
    pub contents: Vec<ContentRow>,
}

/// Why a pack, or a frame of it, was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// Damage: the bytes are not those that the name promises.
    #[error("its bytes are damaged: their hash is not its name (CONV-10)")]
    WrongHash,
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error(transparent)]
    Trailer(#[from] TrailerError),
    #[error("its footer breaks {clause}")]
    Footer { clause: &'static str },
    #[error("the seal of frame {frame} does not open (SEAL-4)")]
    FrameSeal { frame: u32 },
    #[error("frame {frame} does not decompress to its promised size (PACK-4)")]
    FrameCodec { frame: u32 },
    #[error("content {id} in frame {frame} is not what its ID says (CID-1)")]
    WrongContent { frame: u32, id: ContentId },
}
