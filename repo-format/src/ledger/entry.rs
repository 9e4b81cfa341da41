//! What a ledger holds under a key (SNAP-8).

use bytes::Bytes;

use crate::cbor::{self, Cbor, CborError, Reader, Writer};
use crate::codec::ContentId;
use crate::content::{ContentError, ReadContent};
use crate::map::unbox_value;
use crate::object::ObjectRef;

/// What is known of one item. The default, without either, removes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The item's stored content; whoever keeps the ledger keeps it too.
    pub object: Option<ObjectRef>,
    /// What the service knows; opaque here.
    pub data: Option<Vec<u8>>,
}

impl LedgerEntry {
    /// Whether the entry says that there is nothing under its key.
    pub fn is_removal(&self) -> bool {
        self.object.is_none() && self.data.is_none()
    }
}

impl Cbor for LedgerEntry {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.put_some(0, &self.object);
            m.put_some(1, &self.data);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.map(|m| Ok(LedgerEntry { object: m.get_some(0)?, data: m.get_some(1)? }))
    }
}

/// A removal as it stands in a map: boxed in place, an empty CBOR map.
pub(super) const REMOVAL: &[u8] = &[0, 0xa0];

/// The entry that a value of the layer at `root` stands for.
///
/// # Errors
/// [`ContentError`] if the value is malformed, or its object cannot be read.
pub(super) fn decode(
    contents: &dyn ReadContent,
    root: &ContentId,
    value: &Bytes,
) -> Result<LedgerEntry, ContentError> {
    let body = unbox_value(contents, root, value)?;
    cbor::decode(&body).map_err(|source| ContentError::MalformedCbor { id: *root, clause: "SNAP-8", source })
}
