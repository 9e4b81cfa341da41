//! Pure codecs: identifiers, the splitter, compression, keys and sealing. No I/O.

mod aead;
mod compress;
mod content_kind;
mod header;
mod ids;
mod keys;
mod padme;
mod seal;
mod splitter;

pub use compress::{Codec, CodecError, compress, decompress, decompress_padded};
pub use content_kind::ContentKind;
pub use header::{BlobKind, FORMAT_VERSION, HEADER_SIZE, Header, HeaderError, PLAIN_SIZE};
pub use ids::{
    CommitId, ContentId, CopyId, ManifestId, PackId, ParseIdError, RecordHash, RepoId, RunId, SegmentId,
    SlotId, TimeNs,
};
pub use keys::{MasterKey, NoRandomness, Subkeys, random_bytes};
pub use padme::{padme, padme_step};
pub use seal::{FOOTER_PART, PartContext, SEAL_OVERHEAD, SealBroken, seal, unseal};
pub use splitter::{Cut, Splitter, SplitterSizes};
