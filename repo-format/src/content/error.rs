//! Why a content could not be read or stored.

use crate::cbor::CborError;
use crate::codec::{ContentId, PackId};
use crate::content::ContentKind;

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
    #[error("cannot reach the repository's storage")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
}
