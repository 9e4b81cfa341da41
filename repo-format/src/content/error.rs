//! Why a content could not be read or stored.

use std::sync::Arc;

use crate::cbor::CborError;
use crate::codec::{ContentId, PackId};
use crate::content::ContentKind;
use crate::index::Location;
use crate::pack::PackError;

/// What a caller can do differs by variant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// No index entry names it: it was never stored, or its pack was reclaimed.
    #[error("content {id} is in no pack")]
    Missing { id: ContentId },
    /// Found, but of another kind than asked for.
    #[error("content {id} was asked for as {wanted:?} and is {found:?}")]
    WrongKind { id: ContentId, wanted: ContentKind, found: ContentKind },
    /// The pack that holds it is gone or its bytes are wrong.
    #[error("content {id} in pack {pack} is damaged: {what}")]
    Damaged { id: ContentId, pack: PackId, what: String },
    /// A content whose bytes break a rule of the spec although they are authentic.
    #[error("content {id} breaks {clause}")]
    Malformed { id: ContentId, clause: &'static str },
    /// A content whose CBOR is not what the clause says although it is authentic.
    #[error("content {id} breaks {clause}")]
    MalformedCbor { id: ContentId, clause: &'static str, source: CborError },
    /// The storage refused; trying again may help.
    #[error("cannot use the repository's storage")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A segment of the index could not be read.
    #[error("cannot look up contents in the index")]
    Index(#[source] Box<crate::index::IndexError>),
    /// A pack did not read back before it was put: memory or processor are not to be trusted.
    #[error("pack {pack} failed its self-check before it was written; check this machine's memory")]
    SelfCheck { pack: PackId, source: PackError },
    /// Damage: a blob stands in the storage under a name that its bytes do not have.
    #[error("{name} is in the storage with other bytes than its name promises; run `repo verify`")]
    WrongBytesUnderName { name: String },
    /// A thread ended by a fault of the program while it held what was to be stored.
    #[error("what was to be stored was given up; this is a fault of the program")]
    GivenUp,
    /// An earlier put of this writer failed; nothing more is stored.
    #[error(transparent)]
    WriterFailed(Arc<ContentError>),
}

impl ContentError {
    /// Whether a run that begins anew, from what the repository holds now, may succeed.
    pub fn is_outdated(&self) -> bool {
        match self {
            ContentError::Index(error) => error.is_gone(),
            ContentError::WriterFailed(error) => error.is_outdated(),
            _ => false,
        }
    }

    /// Whether what was asked for is lost, or not what it should be, rather than out of reach for now.
    pub fn is_loss(&self) -> bool {
        use ContentError::*;
        matches!(
            self,
            Missing { .. } | Damaged { .. } | WrongKind { .. } | Malformed { .. } | MalformedCbor { .. }
        )
    }

    pub(super) fn index(error: crate::index::IndexError) -> ContentError {
        ContentError::Index(Box::new(error))
    }

    pub(super) fn damaged(id: &ContentId, location: &Location, why: &dyn std::error::Error) -> ContentError {
        ContentError::Damaged { id: *id, pack: location.pack, what: why.to_string() }
    }
}
