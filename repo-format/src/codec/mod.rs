//! Pure codecs: identifiers, the splitter, compression, keys and sealing. No I/O.

mod ids;

pub use ids::{
    CommitId, ContentId, PackId, ParseIdError, RecordHash, RepoId, RunId, SegmentId, SlotId,
};
